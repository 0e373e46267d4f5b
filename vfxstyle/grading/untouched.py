"""Pixels whose numbers come out as they went in, whatever conversions lie between."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel


@kernel(parallel=True)
def _restore(rgb: FloatArray, plate: FloatArray, graded: FloatArray, lit: FloatArray, same_space: bool) -> None:
    height, width, _ = rgb.shape
    for y in prange(height):
        for x in range(width):
            finite, changed = True, False
            for c in range(3):
                finite = finite and np.isfinite(plate[y, x, c])
                changed = changed or graded[y, x, c] != lit[y, x, c]
            if not finite or (same_space and not changed):
                for c in range(3):
                    rgb[y, x, c] = plate[y, x, c]


def restore_untouched(
    rgb: FloatArray, plate: FloatArray, graded: FloatArray, lit: FloatArray, *, same_space: bool
) -> None:
    """Put the plate's own numbers into a result where a look has left them alone.

    That is, where one of them is NaN or infinity, which a matrix would spread over all three, and, in the plate's own
    space, where light is after the look what it was before. All are float32 (H, W, 3): ``rgb`` is the result, ``lit``
    and ``graded`` are light before and after the look.
    """
    _restore(rgb, np.ascontiguousarray(plate), graded, np.ascontiguousarray(lit), same_space)
