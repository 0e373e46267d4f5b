"""Means of cell features over superpixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from vfxstyle.arrays import FloatArray, HalfArray, IntArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.features.backbones import CellGrid, CellMaps

if TYPE_CHECKING:
    from torch import Tensor

_CHANNELS = 16  # averaged together: what they hold of all cells stays in the cache of a core


def pooled(maps: CellMaps, index: int, rows: LabelArray, wanted: LabelArray) -> dict[str, FloatArray | HalfArray]:
    """Mean features of superpixels; those of a pixel are interpolated bilinearly between its four nearest cells.

    maps: features of cells of a batch of pictures. index: number of the picture in the batch, from 0.
    rows: int32 (H, W), the superpixel that each pixel of the picture belongs to.
    wanted: int32 (N,), the superpixels that means are requested of, ascending.
    Returns float32 (N, C) by name of the layer. Layers on a GPU are averaged there, in their own precision, or on the
    CPU where it lacks memory.
    """
    weights: dict[CellGrid, CellWeights] = {}
    means: dict[str, FloatArray | HalfArray] = {}
    on_device = None
    for name, batch in maps.layers.items():
        layer, grid = batch[index], maps.grids[name]
        if not isinstance(layer, np.ndarray) and layer.device.type != "cpu":
            from vfxstyle.features.torch_pooling import DevicePooling

            on_device = on_device or DevicePooling(maps, rows, wanted)
            own = on_device.means(layer, grid)
            if own is not None:
                means[name] = own
                continue
        if grid not in weights:
            weights[grid] = CellWeights.of(maps.upsample, grid, rows, wanted, layer.shape[1], layer.shape[2])
        means[name] = weights[grid].means(layer)
    return means


@dataclass(frozen=True, slots=True)
class CellWeights:
    """Weight of each cell in the mean of each superpixel: a sparse matrix (N, cells) whose rows sum to 1."""

    ends: IntArray
    """int64 (N,), where the entries of each superpixel end."""
    cells: IntArray
    """int64 (E,), the cell of each entry, counted along the rows of the grid."""
    values: FloatArray
    """float32 (E,), its weight."""

    @classmethod
    def of(
        cls, upsample: int, grid: CellGrid, rows: LabelArray, wanted: LabelArray, height: int, width: int
    ) -> CellWeights:
        """The weights of a grid of cells, of which ``height`` rows and ``width`` columns are there.

        upsample: factor by which the picture was enlarged. rows, wanted: as in :func:`pooled`.
        """
        place = np.full(int(rows.max()) + 1, -1, np.int64)
        place[wanted] = np.arange(len(wanted))
        owners = place[rows].reshape(-1)
        order = np.argsort(owners, kind="stable")
        order = order[np.searchsorted(owners, 0, sorter=order) :]
        areas = np.bincount(owners[order], minlength=len(wanted))
        y, x = (between(size, upsample, grid, cells) for size, cells in zip(rows.shape, (height, width), strict=True))
        return cls(*_gathered(order, np.cumsum(areas), *y, *x, height, width))

    def means(self, layer: FloatArray | Tensor) -> FloatArray:
        """Means of the features of cells, (C, h, w). Returns float32 (N, C)."""
        if isinstance(layer, np.ndarray):
            return _averaged(self.ends, self.cells, self.values, layer.reshape(len(layer), -1))
        return self.means(layer.float().contiguous().cpu().numpy())


def between(pixels: int, upsample: int, grid: CellGrid, cells: int) -> tuple[IntArray, FloatArray]:
    """The cells before and after each pixel along one axis, int64 (P, 2), and their shares, float32 (P, 2)."""
    place = ((np.arange(pixels) + 0.5) * upsample - 0.5 - grid.origin) / grid.stride
    place = np.clip(place, 0, cells - 1)
    before = np.minimum(np.floor(place).astype(np.int64), max(cells - 2, 0))
    share = (place - before).astype(np.float32)
    return np.stack([before, np.minimum(before + 1, cells - 1)], axis=1), np.stack([1 - share, share], axis=1)


@kernel()
def _gathered(
    order: IntArray,
    ends: IntArray,
    rows: IntArray,
    row_shares: FloatArray,
    columns: IntArray,
    column_shares: FloatArray,
    height: int,
    width: int,
) -> tuple[IntArray, IntArray, FloatArray]:
    """The arrays of :class:`CellWeights`.

    order: int64 (P,), the pixels of each superpixel after those of the one before. ends: int64 (N,), where they end.
    rows, columns: of each row and column of pixels the two rows and columns of cells, with their shares, as
    :func:`between` gives them. height, width: of the grid of cells.
    """
    sums = np.zeros(height * width)
    entry_ends = np.empty_like(ends)
    cells, values = np.empty(4 * len(order), np.int64), np.empty(4 * len(order), np.float32)
    count = pixel = 0
    for superpixel in range(len(ends)):
        first, start = pixel, count
        while pixel < ends[superpixel]:
            row, column = divmod(order[pixel], len(columns))
            for i in range(2):
                for j in range(2):
                    share = row_shares[row, i] * column_shares[column, j]
                    if share > 0:
                        cell = rows[row, i] * width + columns[column, j]
                        if sums[cell] == 0:
                            cells[count] = cell
                            count += 1
                        sums[cell] += share
            pixel += 1
        for entry in range(start, count):
            values[entry] = sums[cells[entry]] / (pixel - first)
            sums[cells[entry]] = 0
        entry_ends[superpixel] = count
    return entry_ends, cells[:count].copy(), values[:count].copy()


@kernel(parallel=True)
def _averaged(ends: IntArray, cells: IntArray, values: FloatArray, layer: FloatArray) -> FloatArray:
    """Weighted sums of cells, float32 (N, C). layer: float32 (C, cells)."""
    channels = len(layer)
    means = np.empty((len(ends), channels), np.float32)
    for part in numba.prange(-(-channels // _CHANNELS)):
        first = part * _CHANNELS
        own = min(_CHANNELS, channels - first)
        turned = np.empty((layer.shape[1], _CHANNELS), np.float32)
        for channel in range(own):
            for cell in range(layer.shape[1]):
                turned[cell, channel] = layer[first + channel, cell]
        start = 0
        for superpixel in range(len(ends)):
            sums = np.zeros(_CHANNELS, np.float32)
            for entry in range(start, ends[superpixel]):
                for channel in range(_CHANNELS):
                    sums[channel] += values[entry] * turned[cells[entry], channel]
            start = ends[superpixel]
            means[superpixel, first : first + own] = sums[:own]
    return means
