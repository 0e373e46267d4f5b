"""Where networks run. torch is loaded when a device is picked, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfxstyle.errors import ResourceError, UsageError

if TYPE_CHECKING:
    import torch


def check_device(name: str) -> None:
    """Check that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` can be had, without loading torch for the first two.

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
    """The torch device of a name that :func:`check_device` takes, and which raises what that does."""
    import torch

    check_device(name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def device_name(name: str) -> str:
    """``cpu``, ``cuda`` or ``cuda:N``: where a device that :func:`check_device` takes is; "auto" is resolved.

    Loads torch only for the sake of a GPU.
    """
    return name if name == "cpu" else str(pick_device(name))
