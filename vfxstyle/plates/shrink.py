"""A plate shrunk to the size of the analysis, as a photograph would show it, in one pass over its pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.color.grading import photograph_row
from vfxstyle.compiled import kernel


@lru_cache(maxsize=8)
def shares_of(size: int, cells: int) -> tuple[IntArray, FloatArray]:
    """The px that each cell along an axis is the mean of, as OpenCV's INTER_AREA weighs them.

    size: px along the axis, at least as many as cells. Returns the first px of each cell, int64 (cells,), and the share
    of it and of those that follow, float32 (cells, T).
    """
    scale = size / cells
    begin = np.arange(cells) * scale
    end = np.minimum(begin + scale, size)
    first = np.minimum(np.floor(begin + 1e-9).astype(np.int64), size - 1)
    count = int((np.ceil(end - 1e-9).astype(np.int64) - first).max())
    at = first[:, None] + np.arange(count)
    shares = np.clip(np.minimum(at + 1, end[:, None]) - np.maximum(at, begin[:, None]), 0, None)
    return first, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


@kernel(parallel=True)
def _shrink(
    rgb: FloatArray,
    alpha: FloatArray,
    matrix: FloatArray,
    along_x: tuple[IntArray, FloatArray],
    along_y: tuple[IntArray, FloatArray],
    out: FloatArray,
) -> None:
    """along_x, along_y: as :func:`shares_of` gives them."""
    first_x, shares_x = along_x
    first_y, shares_y = along_y
    height, width, _ = rgb.shape
    has_alpha = alpha.shape[0] > 0
    for row in prange(out.shape[0]):
        shown, total = np.empty((3, width), np.float32), np.zeros((3, width), np.float32)
        for v in range(shares_y.shape[1]):
            share, y = shares_y[row, v], first_y[row] + v
            if share > np.float32(0) and y < height:
                photograph_row(rgb[y], alpha[y] if has_alpha else alpha[:0, 0], matrix, shown)
                for channel in range(3):
                    for x in range(width):
                        total[channel, x] += share * shown[channel, x]
        for column in range(out.shape[1]):
            for channel in range(3):
                value = np.float32(0)
                for u in range(shares_x.shape[1]):
                    x = min(first_x[column] + u, width - 1)  # shares beyond the last pixel are zero
                    value += shares_x[column, u] * total[channel, x]
                out[row, column, channel] = value


def shrunk_photograph(
    rgb: FloatArray, matrix: FloatArray, size: tuple[int, int], alpha: FloatArray | None = None
) -> FloatArray:
    """What :func:`~vfxstyle.color.grading.shown_as_photograph` gives, averaged over the pixels of a smaller grid.

    rgb, matrix, alpha: as there. size: (width, height) of the grid, in px, at most those of ``rgb``.
    Returns float32 (h, w, 3), linear Rec.709, 0..1.
    """
    along_x, along_y = shares_of(rgb.shape[1], size[0]), shares_of(rgb.shape[0], size[1])
    out = np.empty((size[1], size[0], 3), np.float32)
    cover = np.empty((0, 0), np.float32) if alpha is None else np.ascontiguousarray(alpha, np.float32)
    rgb, matrix = np.ascontiguousarray(rgb, np.float32), np.ascontiguousarray(matrix, np.float32)
    _shrink(rgb, cover, matrix, along_x, along_y, out)
    return out
