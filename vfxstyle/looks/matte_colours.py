"""Which colours a matte has, and which lie round it (docs/method.md, section 14)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray

_CELL = 4.0  # side of a cell of colour, in Lab units
_LOWEST = np.array([0.0, -64.0, -64.0])  # Lab; what lies beyond the cells belongs to the outermost
_CELLS = (25, 32, 32)
_ROUND = 40.0  # px of the analysis picture from a matte up to which colours are round it
_FLOOR = 0.8  # share, of that of a cell if all were alike, that every cell is given
_MOST = 4.0  # logits by which a colour speaks at most, against the matte or for it


@dataclass(frozen=True, slots=True)
class MatteColours:
    """How much more often colours are found in a matte than round it."""

    ratio: DoubleArray
    """float64 (25, 32, 32), the natural logarithm of that ratio for cells of Lab."""

    @classmethod
    def of(cls, frames: Iterable[tuple[FloatArray, BoolArray]]) -> MatteColours:
        """The colours of a matte on some frames.

        frames: float32 (h, w, 3), the frame's CIELab, and bool (h, w), the matte. Where none of them has a pixel inside
        and one round it, no colour says anything.
        """
        inside, outside = np.zeros(np.prod(_CELLS)), np.zeros(np.prod(_CELLS))
        for lab, matte in frames:
            cells = _cells(lab)
            near = cv2.distanceTransform((~matte).astype(np.uint8), cv2.DIST_L2, 5) < _ROUND
            inside += np.bincount(cells[matte], minlength=len(inside))
            outside += np.bincount(cells[near & ~matte], minlength=len(outside))
        if not inside.any() or not outside.any():
            return cls(np.zeros(_CELLS))
        floor = _FLOOR / len(inside)
        own, other = (_smooth(count.reshape(_CELLS)) / count.sum() + floor for count in (inside, outside))
        return cls(np.log(own / other))

    def logits(self, lab: FloatArray) -> FloatArray:
        """What the colours of a frame say of the matte, float32 (h, w): above 0 for it, below 0 against it.

        lab: float32 (h, w, 3).
        """
        return np.clip(self.ratio.reshape(-1)[_cells(lab)], -_MOST, _MOST).astype(np.float32)


def _cells(lab: FloatArray) -> IntArray:
    """The cell that each colour is in."""
    place = np.clip((lab - _LOWEST) / _CELL, 0, np.array(_CELLS) - 1).astype(np.int64)
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(place, -1, 0)), _CELLS))


def _smooth(count: DoubleArray) -> DoubleArray:
    """Counts shared with the cells round each, with a standard deviation of one cell."""
    for axis in range(3):
        for _ in range(2):
            size = count.shape[axis]
            edged = np.pad(count, [(1, 1) if one == axis else (0, 0) for one in range(3)], mode="edge")
            left, own, right = (edged.take(range(start, start + size), axis) for start in range(3))
            count = (left + 2 * own + right) / 4
    return count
