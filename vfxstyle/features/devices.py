"""The choice of the device that work is done on; nothing else makes one.

torch is asked where the driver finds a GPU, or one is named, and nowhere else.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec

from vfxstyle.errors import DeviceError, UsageError


def check_device(name: str) -> None:
    """Check that a device, ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, is present; loads no torch for the first two.

    Raises :class:`~vfxstyle.errors.UsageError` for anything else and
    :class:`~vfxstyle.errors.DeviceError` for a GPU that this machine does not have or cannot use.
    """
    kind, _, index = name.partition(":")
    if name not in ("auto", "cpu", "cuda") and not (kind == "cuda" and index.isdigit()):
        raise UsageError(f"'{name}' is not a device; choose auto, cpu, cuda or cuda:N.")
    if kind != "cuda":
        return
    if find_spec("torch") is None:
        raise DeviceError(_needs_torch(f"Device {name}"))
    fault = gpu_fault()
    if not fault and int(index or 0) >= len(gpu_names()):
        fault = f"it has {len(gpu_names())}"
    if fault:
        raise DeviceError(
            f"Device {name} is not present on this machine ({fault}); use another machine, or the processor."
        )


def check_torch(what: str) -> None:
    """Check that torch is installed. what: begins the sentence that says what needs it.

    Raises :class:`~vfxstyle.errors.DeviceError`.
    """
    if find_spec("torch") is None:
        raise DeviceError(_needs_torch(what))


def _needs_torch(what: str) -> str:
    return (
        f"{what} needs torch, which is not installed here; install vfxstyle with all that it depends on, or use "
        "another node."
    )


def pick_device(name: str) -> str:
    """The device of a name, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` is the first GPU, or the CPU where there is none.

    Networks are trained there. Raises what :func:`check_device` raises.
    """
    check_device(name)
    if name != "auto":
        return name
    return "cpu" if gpu_fault() else "cuda"


def shot_device(name: str) -> str:
    """Where shots are analysed and graded: on a GPU that is named, else on the CPU.

    A GPU finds other superpixels than a CPU, features in half precision, and now and then the neighbouring half float,
    so whether a machine has one must not decide by itself.
    """
    return "cpu" if name == "auto" else name


def gpu_fault() -> str:
    """Why no GPU can be used here; empty where one can.

    The driver is asked first, which takes milliseconds; asking torch takes seconds.
    """
    fault = _driver_fault()
    if fault:
        return fault
    if find_spec("torch") is None:
        return "torch is not installed"
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} for CUDA {torch.version.cuda} cannot use the driver"
    return "" if find_spec("triton") else "Triton is not installed"


def gpu_names() -> list[str]:
    """What the GPUs that torch sees are called, in the order of their numbers."""
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def _driver_fault() -> str:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no driver, libcuda.so.1"
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0:
        return "the driver cannot be started"
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "the driver finds no GPU"
    return ""
