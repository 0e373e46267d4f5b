"""Bilateral-weighted colour histograms round superpixel centroids (docs/method.md, section 3).

Source: Zhu, Yan, Bu, Yu, section IV-B: a 3x3 grid of 7x7-px cells and its 21x21 bounding box, 32 bins for
each Lab channel, pixel weights ``exp(-|c_i - c_v|^2 / s_c) exp(-|p_i - p_v|^2 / s_p)`` with s the mean squared
distance in the window, normalised over the window. The box's histogram of a channel sums to 1, and so do its
nine cells together.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel

CELL = 7
"""Side of a cell, in px."""
GRID = 3
"""Cells in a row of the grid."""
BINS = 32
"""Bins of one channel's histogram."""
SIZE = (GRID * GRID + 1) * 3 * BINS
"""Numbers in the histogram feature of one superpixel."""

_REACH = CELL * GRID // 2
# Lab bins span the sRGB gamut: L 0..100, a and b -110..110
_LOW = np.array([0.0, -110.0, -110.0], np.float32)
_WIDTH = np.array([100.0, 220.0, 220.0], np.float32)


@kernel(inline="always")
def _bin(value: float, low: float, width: float) -> int:
    return min(max(int((value - low) / width * BINS), 0), BINS - 1)


@kernel(parallel=True)
def _histograms(lab: FloatArray, points: FloatArray, bilateral: bool, out: FloatArray) -> None:
    height, width, _ = lab.shape
    for v in prange(points.shape[0]):
        cx, cy = np.int64(np.rint(points[v, 0])), np.int64(np.rint(points[v, 1]))
        cx, cy = np.int64(min(max(int(cx), 0), width - 1)), np.int64(min(max(int(cy), 0), height - 1))
        colour_spread, place_spread, count = 0.0, 0.0, 0
        for dy in range(-_REACH, _REACH + 1):
            for dx in range(-_REACH, _REACH + 1):
                y, x = cy + dy, cx + dx
                if 0 <= y < height and 0 <= x < width:
                    for c in range(3):
                        colour_spread += (lab[y, x, c] - lab[cy, cx, c]) ** 2
                    place_spread += dx * dx + dy * dy
                    count += 1
        colour_spread = max(colour_spread / count, 1e-3)
        place_spread = max(place_spread / count, 1e-3)
        total = 0.0
        for dy in range(-_REACH, _REACH + 1):
            for dx in range(-_REACH, _REACH + 1):
                y, x = cy + dy, cx + dx
                if not (0 <= y < height and 0 <= x < width):
                    continue
                distance = 0.0
                for c in range(3):
                    distance += (lab[y, x, c] - lab[cy, cx, c]) ** 2
                weight = np.exp(-distance / colour_spread - (dx * dx + dy * dy) / place_spread) if bilateral else 1.0
                total += weight
                cell = (dy + _REACH) // CELL * GRID + (dx + _REACH) // CELL
                for c in range(3):
                    at = _bin(lab[y, x, c], _LOW[c], _WIDTH[c])
                    out[v, (cell * 3 + c) * BINS + at] += weight
                    out[v, (GRID * GRID * 3 + c) * BINS + at] += weight
        for i in range(SIZE):
            out[v, i] /= total


def colour_histograms(lab: FloatArray, points: FloatArray, *, bilateral: bool = True) -> FloatArray:
    """Histogram features of points of a picture.

    lab: float32 (H, W, 3), CIELab D65, L 0..100.
    points: float32 (N, 2), (x, y) in px.
    bilateral: whether pixels are weighted; benchmarks measure the effect of the weights by leaving them out.
    Returns float32 (N, 960): nine cells in reading order then the box; each 3 channels of 32 bins.
    """
    out = np.zeros((len(points), SIZE), np.float32)
    _histograms(np.ascontiguousarray(lab, np.float32), np.ascontiguousarray(points, np.float32), bilateral, out)
    return out
