"""Where pixels are worked on: one after the other on the CPU, or many at once on a GPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tsp.pixels import HostPixels, MakePixels

if TYPE_CHECKING:
    import torch


def pixels_for(device: str | torch.device) -> MakePixels:
    """The way to bring the pixels of a frame to a device.

    device: "cpu" for the compiled moves of one pixel after the other, "cuda" or "cuda:N" for the moves of many pixels
    at once on a GPU; a ``torch.device`` stands for its name. torch is loaded for a GPU only.
    Raises ValueError for any other value and RuntimeError for a GPU that this machine does not have.
    """
    name = str(device)
    if name == "cpu":
        return HostPixels
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise ValueError(f"device is {name!r}; it must be 'cpu', 'cuda' or 'cuda:N'.")
    from tsp.gpu.parallel import pixels_on  # loads torch

    return pixels_on(name)
