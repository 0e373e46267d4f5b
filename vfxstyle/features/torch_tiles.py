"""Running a fully convolutional network in parts where a GPU lacks the memory for the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

ALIGNED = 32
"""Px that the sides of a tile, and where it begins, are multiples of: the coarsest stride inside a network."""

Network = Callable[[Tensor], dict[str, Tensor]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a batch that can be computed by itself."""

    batch: Tensor
    """(B, 3, H, W)."""
    axis: int
    """Axis along which the parts lie side by side."""
    own: slice
    """Px, or pictures, along that axis of the part whose outputs are used; the rest is overlap with the other part."""


def run_in_parts(network: Network, batch: Tensor, *, reach: int, strides: Mapping[str, int]) -> dict[str, Tensor]:
    """Run a network on a batch or, where memory lacks, on parts of it, whose outputs are joined on the CPU.

    A batch is halved down to single pictures before a picture is cut into tiles. Tiles overlap by the receptive field
    of a cell, so that the outputs are those of the whole.

    batch: float (B, 3, H, W), sides multiples of :data:`ALIGNED`.
    reach: px from a cell's number times the stride to the end of its receptive field, a multiple of :data:`ALIGNED`.
    strides: px between cells, by name of the layer.
    Returns (B, C, h, w) by name of the layer. Raises :class:`torch.OutOfMemoryError` where no smaller part is left.
    """
    try:
        return network(batch)
    except torch.OutOfMemoryError:
        parts = _parts(batch, reach)
        if not parts:
            raise
    torch.cuda.empty_cache()  # what the failed attempt has reserved
    outputs: dict[str, list[Tensor]] = {}
    for part in parts:
        for name, cells in run_in_parts(network, part.batch, reach=reach, strides=strides).items():
            scale = strides[name] if part.axis > 1 else 1
            end = cells.shape[part.axis] if part.own.stop is None else part.own.stop // scale
            own = cells.narrow(part.axis, part.own.start // scale, end - part.own.start // scale)
            outputs.setdefault(name, []).append(own.cpu())
    return {name: torch.cat(own, dim=parts[0].axis) for name, own in outputs.items()}


def _parts(batch: Tensor, reach: int) -> list[_Part]:
    """Two halves of a batch; none where a half with its overlap would not be smaller than the whole."""
    if len(batch) > 1:
        half = len(batch) // 2
        return [_Part(batch[:half], 0, slice(0, half)), _Part(batch[half:], 0, slice(0, None))]
    axis = 3 if batch.shape[3] >= batch.shape[2] else 2
    size = batch.shape[axis]
    middle = size // 2 // ALIGNED * ALIGNED
    if middle + reach >= size:
        return []
    return [
        _Part(batch.narrow(axis, 0, middle + reach), axis, slice(0, middle)),
        _Part(batch.narrow(axis, middle - reach, size - middle + reach), axis, slice(reach, None)),
    ]
