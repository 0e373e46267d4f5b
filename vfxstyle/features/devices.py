"""Devices that networks run on. torch is loaded when a device is picked, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfxstyle.errors import ResourceError, UsageError

if TYPE_CHECKING:
    import torch


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
    import torch

    if not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count():
        raise ResourceError(f"Device {name} is not present on this machine; use --device cpu or another node.")


def pick_device(name: str) -> torch.device:
    """The torch device of a name; ``auto`` is the first GPU, or the CPU where there is none.

    Raises what :func:`check_device` raises.
    """
    import torch

    check_device(name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def superpixel_device(name: str) -> str:
    """Where temporal superpixels are found: on a GPU that is named, else on the CPU, as ``tsp`` takes it.

    A GPU finds other superpixels than a CPU, so whether a machine has one must not decide by itself.
    """
    return "cpu" if name == "auto" else name
