"""Applying a field of transforms to a picture at its own resolution.

One compiled pass over the pixels: the grading encoding, Lab, the transforms blended for this pixel, and
back. The change is computed as a difference, so that where the look does nothing the plate's own bits come
out:

    out = plate + strength * alpha * gain * (above_black(light(Lab + change)) - light(Lab))

A transform that darkens shadows can carry a black below zero. ``above_black`` is the identity above TOE and tends
to zero below, without a kink: no channel that was positive ends negative (but for rounding), none that was negative
ends lower than it was, and the order of tones stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from vfxstyle.color.grading import floored, gain_of
from vfxstyle.color.lab import Scalar, lab_of_pixel, pixel_of_lab
from vfxstyle.compiled import kernel
from vfxstyle.style.transform import COEFFICIENTS, LAB_SCALE, TERMS

FloatArray = npt.NDArray[np.float32]

GUIDE_SIGMA = 8.0
"""Colour distance, in Lab units, over which neighbouring field cells lose their say in a pixel."""

TOE = 0.002
"""Linear light under which graded values are led towards zero instead of through it."""

_TOE = np.float32(TOE)
_LARGEST = np.float32(1e30)
_RANGE = np.float32(-0.5 / GUIDE_SIGMA**2)
_FAR = np.float32(1e-4)  # a pixel unlike all four cells still takes their plain mean
_L, _A, _B = (np.float32(scale) for scale in LAB_SCALE)


@dataclass(frozen=True, slots=True)
class TransformField:
    """A transform for every cell of a grid laid over a picture."""

    coefficients: FloatArray
    """float32 (h, w, 30), transforms as in :mod:`vfxstyle.style.transform`."""
    guide: FloatArray
    """float32 (h, w, 3), CIELab D65, the picture's colour in each cell."""


@kernel(inline="always")
def _blended(
    x: Scalar, y: Scalar, lab: tuple[Scalar, Scalar, Scalar], field: FloatArray, guide: FloatArray, phi: FloatArray
) -> None:
    """Blend the four cells round (x, y) into ``phi``, by nearness and by likeness of colour."""
    rows, columns, _ = guide.shape
    x = min(max(x, np.float32(0)), np.float32(columns - 1))
    y = min(max(y, np.float32(0)), np.float32(rows - 1))
    x0, y0 = int(x), int(y)
    fx, fy = x - np.float32(x0), y - np.float32(y0)
    total = np.float32(0)
    phi[:] = np.float32(0)
    for j in range(2):
        for i in range(2):
            near = (fx if i else np.float32(1) - fx) * (fy if j else np.float32(1) - fy)
            if near <= 0:
                continue
            cy, cx = min(y0 + j, rows - 1), min(x0 + i, columns - 1)
            d0 = lab[0] - guide[cy, cx, 0]
            d1 = lab[1] - guide[cy, cx, 1]
            d2 = lab[2] - guide[cy, cx, 2]
            weight = near * (np.exp(_RANGE * (d0 * d0 + d1 * d1 + d2 * d2)) + _FAR)
            total += weight
            for t in range(COEFFICIENTS):
                phi[t] += weight * field[cy, cx, t]
    scale = np.float32(1) / total
    for t in range(COEFFICIENTS):
        phi[t] *= scale


@kernel(inline="always")
def _changed(lab: tuple[Scalar, Scalar, Scalar], phi: FloatArray) -> tuple[Scalar, Scalar, Scalar]:
    """Lab after the transform ``phi``."""
    L, a, b = lab[0] / _L, lab[1] / _A, lab[2] / _B
    change = np.empty(3, np.float32)
    for row in range(3):
        k = row * TERMS
        change[row] = (
            phi[k] * L * L
            + phi[k + 1] * a * a
            + phi[k + 2] * b * b
            + phi[k + 3] * L * a
            + phi[k + 4] * L * b
            + phi[k + 5] * a * b
            + phi[k + 6] * L
            + phi[k + 7] * a
            + phi[k + 8] * b
            + phi[k + 9]
        )
    return lab[0] + change[0] * _L, lab[1] + change[1] * _A, lab[2] + change[2] * _B


@kernel(inline="always")
def _above_black(new: Scalar, old: Scalar) -> Scalar:
    if old <= np.float32(0):
        return max(new, old)
    toe = min(_TOE, old)
    return new if new >= toe else toe * np.exp(new / toe - np.float32(1))


@kernel(inline="always")
def _moved(value: Scalar, change: Scalar) -> Scalar:
    return value + change if change != np.float32(0) else value  # minus zero stays what it is


@kernel(inline="always")
def _rotated(matrix: FloatArray, r: Scalar, g: Scalar, b: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """A column of RGB times a matrix."""
    return (
        matrix[0, 0] * r + matrix[0, 1] * g + matrix[0, 2] * b,
        matrix[1, 0] * r + matrix[1, 1] * g + matrix[1, 2] * b,
        matrix[2, 0] * r + matrix[2, 1] * g + matrix[2, 2] * b,
    )


@kernel(parallel=True)
def _apply(
    rgb: FloatArray,
    alpha: FloatArray,
    field: FloatArray,
    guide: FloatArray,
    origin: FloatArray,
    cell: FloatArray,
    strength: Scalar,
    to_working: FloatArray,
    from_working: FloatArray,
    out: FloatArray,
) -> Any:
    height, width, _ = rgb.shape
    skipped = np.zeros(height, np.int64)
    has_alpha = alpha.shape[0] > 0
    for y in prange(height):
        phi = np.empty(COEFFICIENTS, np.float32)
        for x in range(width):
            r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
            cover = alpha[y, x] if has_alpha else np.float32(1)
            if not (np.isfinite(r) and np.isfinite(g) and np.isfinite(b) and np.isfinite(cover)):
                out[y, x] = rgb[y, x]
                skipped[y] += 1
                continue
            if cover == np.float32(0) and r == g == b == np.float32(0):
                out[y, x] = rgb[y, x]  # nothing is there: a lifted black must not become light
                continue
            peak = max(abs(r), abs(g), abs(b))
            if cover > np.float32(0) and cover < np.float32(1) and peak < _LARGEST * cover:
                r, g, b = r / cover, g / cover, b / cover
            else:  # opaque, or so little cover that the quotient would mean nothing
                cover = np.float32(1)
            r, g, b = _rotated(to_working, r, g, b)
            gain = gain_of(max(r, g, b))
            lab = lab_of_pixel(floored(r / gain), floored(g / gain), floored(b / gain))
            fx = (np.float32(x) + origin[0]) * cell[0] - np.float32(0.5)
            fy = (np.float32(y) + origin[1]) * cell[1] - np.float32(0.5)
            _blended(fx, fy, lab, field, guide, phi)
            graded = _changed(lab, phi)
            old_r, old_g, old_b = pixel_of_lab(lab[0], lab[1], lab[2])
            new_r, new_g, new_b = pixel_of_lab(graded[0], graded[1], graded[2])
            mix = strength * cover * gain
            change_r, change_g, change_b = _rotated(
                from_working,
                mix * (_above_black(new_r, old_r) - old_r),
                mix * (_above_black(new_g, old_g) - old_g),
                mix * (_above_black(new_b, old_b) - old_b),
            )
            out[y, x, 0] = _moved(rgb[y, x, 0], change_r)
            out[y, x, 1] = _moved(rgb[y, x, 1], change_g)
            out[y, x, 2] = _moved(rgb[y, x, 2], change_b)
    return skipped.sum()


def apply_field(
    rgb: FloatArray,
    field: TransformField,
    *,
    alpha: FloatArray | None = None,
    offset: tuple[int, int] = (0, 0),
    picture_size: tuple[int, int] | None = None,
    strength: float = 1.0,
    matrix: FloatArray | None = None,
) -> tuple[FloatArray, int]:
    """Grade a picture.

    rgb: float32 (H, W, 3), linear light, any real value; multiplied by ``alpha`` where one is given.
    field: transforms over the whole picture.
    alpha: float32 (H, W), coverage; colour is graded as if alpha were 1 and keeps its multiplication.
    offset: (x, y) in px of ``rgb`` in the picture that the field covers.
    picture_size: (width, height) in px of that picture; by default the size of ``rgb``.
    strength: 0..1, share of the change that is made, in linear light.
    matrix: float32 (3, 3), from the primaries of ``rgb`` to Rec.709, in which the look is defined; by default ``rgb``
        is linear Rec.709 itself. The change goes back the same way: what the look leaves alone keeps its bits.
    Returns float32 (H, W, 3) in the primaries of ``rgb``, and the number of pixels that were left alone because they
    hold NaN or infinity.
    """
    height, width = rgb.shape[:2]
    full_width, full_height = picture_size or (width, height)
    rows, columns = field.guide.shape[:2]
    out = np.empty((height, width, 3), np.float32)
    to_working = np.eye(3, dtype=np.float32) if matrix is None else np.ascontiguousarray(matrix, np.float32)
    skipped = _apply(
        np.ascontiguousarray(rgb, np.float32),
        np.empty((0, 0), np.float32) if alpha is None else np.ascontiguousarray(alpha, np.float32),
        field.coefficients,
        field.guide,
        np.array([offset[0] + 0.5, offset[1] + 0.5], np.float32),
        np.array([columns / full_width, rows / full_height], np.float32),
        np.float32(strength),
        to_working,
        np.ascontiguousarray(np.linalg.inv(to_working.astype(np.float64)), np.float32),
        out,
    )
    return out, int(skipped)
