"""Devices that networks run on. torch is asked where the driver finds a GPU, or one is named, and nowhere else."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec

from vfxstyle.errors import ResourceError, UsageError


def check_device(name: str) -> None:
    """Check that a device, ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, is present; loads no torch for the first two.

    Raises :class:`~vfxstyle.errors.UsageError` for anything else and
    :class:`~vfxstyle.errors.ResourceError` for a GPU that this machine does not have.
    """
    kind, _, index = name.partition(":")
    if name not in ("auto", "cpu", "cuda") and not (kind == "cuda" and index.isdigit()):
        raise UsageError(f"'{name}' is not a device; choose auto, cpu, cuda or cuda:N.")
    if kind != "cuda":
        return
    check_torch(f"Device {name}")
    if not _torch_finds_gpu() or int(index or 0) >= _gpus():
        raise ResourceError(f"Device {name} is not present on this machine; use --device cpu or another node.")


def check_torch(what: str) -> None:
    """Check that torch is installed. what: begins the sentence that says what needs it.

    Raises :class:`~vfxstyle.errors.ResourceError`.
    """
    if find_spec("torch") is None:
        raise ResourceError(
            f"{what} needs torch, which is not installed here; install vfxstyle with all that it depends on, or use "
            "another node."
        )


def pick_device(name: str) -> str:
    """The device of a name, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` is the first GPU, or the CPU where there is none.

    Raises what :func:`check_device` raises.
    """
    check_device(name)
    if name != "auto":
        return name
    return "cuda" if _driver_finds_gpu() and _torch_finds_gpu() else "cpu"


def _driver_finds_gpu() -> bool:
    """Whether the driver of the GPUs is there and finds one; takes milliseconds, where asking torch takes seconds."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _torch_finds_gpu() -> bool:
    """Whether torch is installed and can use a GPU."""
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def analysis_device(name: str) -> str:
    """Where shots are analysed: on a GPU that is named, else on the CPU.

    A GPU finds other superpixels than a CPU, and features in half precision, so whether a machine has one must not
    decide by itself.
    """
    return "cpu" if name == "auto" else name
