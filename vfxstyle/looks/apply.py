"""Applying a field of transforms to a picture at its own resolution (docs/method.md, section 9).

One compiled pass over the pixels does it all: the grading encoding, Lab, the transforms blended for this pixel, and
back. The change is computed as a difference, so that the plate's own bits come out where the look changes nothing:

    out = plate + strength * alpha * gain * (above_black(light(Lab + change)) - light(Lab))

A transform that darkens shadows can take black below zero. ``above_black`` is the identity above TOE and tends to zero
below, without a kink: no channel that was positive becomes negative (but for rounding), none that was negative becomes
lower, and the order of tones stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.color.grading import floored, gain_of
from vfxstyle.color.lab import Scalar, lab_of_pixel, pixel_of_lab
from vfxstyle.compiled import kernel
from vfxstyle.looks.transform import LAB_SCALE, TERMS

GUIDE_SIGMA = 8.0
"""Standard deviation, in Lab units, of the colour distance over which a cell of the field loses weight in a pixel."""

TOE = 0.002
"""Linear light below which graded values tend towards zero instead of crossing it."""

_TOE = np.float32(TOE)
_LARGEST = np.float32(1e30)
_RANGE = np.float32(-0.5 / GUIDE_SIGMA**2 / np.log(2))
_E0, _E1, _E2, _E3, _E4, _E5 = (np.float32(v) for v in (1, 0.69314718, 0.24022651, 0.05550411, 0.00961813, 0.00133336))
_FAR = np.float32(1e-4)  # weight of a cell of any colour: a pixel unlike all four cells takes their plain mean
_L, _A, _B = (np.float32(scale) for scale in LAB_SCALE)


@dataclass(frozen=True, slots=True)
class TransformField:
    """A transform for every cell of a grid that covers a picture."""

    coefficients: FloatArray
    """float32 (h, w, 30), transforms as in :mod:`vfxstyle.looks.transform`."""
    guide: FloatArray
    """float32 (h, w, 3), the picture's colour in each cell, CIELab D65."""


@kernel(inline="always")
def _likeness(squared: Scalar) -> Scalar:
    """exp(-squared / (2 GUIDE_SIGMA^2)), within 3e-6 of it: a power of two by its bits, the rest by a series."""
    z = max(squared * _RANGE, np.float32(-30))
    whole = np.floor(z)
    x = z - whole
    rest = _E0 + x * (_E1 + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
    return np.uint32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32) * rest


@kernel(inline="always")
def _weight(guide: FloatArray, x: Scalar, lab: tuple[Scalar, Scalar, Scalar], near: Scalar) -> Scalar:
    """Weight of one cell in a pixel, by nearness and by likeness of colour. guide: one row of cells."""
    d0, d1, d2 = lab[0] - guide[x, 0], lab[1] - guide[x, 1], lab[2] - guide[x, 2]
    return near * (_likeness(d0 * d0 + d1 * d1 + d2 * d2) + _FAR)


@kernel(inline="always")
def _change(field: FloatArray, x: Scalar, k: int, v: tuple[Scalar, ...]) -> Scalar:
    """One row of a cell's transform times V. field: one row of cells; k: where the row of the transform begins."""
    return (
        v[0] * field[x, k]
        + v[1] * field[x, k + 1]
        + v[2] * field[x, k + 2]
        + v[3] * field[x, k + 3]
        + v[4] * field[x, k + 4]
        + v[5] * field[x, k + 5]
        + v[6] * field[x, k + 6]
        + v[7] * field[x, k + 7]
        + v[8] * field[x, k + 8]
        + field[x, k + 9]
    )


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
    rows, columns, _ = guide.shape
    skipped = np.zeros(height, np.int64)
    has_alpha = alpha.shape[0] > 0
    half, one = np.float32(0.5), np.float32(1)
    for y in prange(height):
        # rows are taken once and columns are unsigned: indexing whole arrays in the inner loop takes half as long again
        fy = min(max((np.float32(y) + origin[1]) * cell[1] - half, np.float32(0)), np.float32(rows - 1))
        y0 = int(fy)
        ty = fy - np.float32(y0)
        y1 = min(y0 + 1, rows - 1)
        guide0, guide1, field0, field1 = guide[y0], guide[y1], field[y0], field[y1]
        plate, graded = rgb[y], out[y]
        for x in range(width):
            r, g, b = plate[x, 0], plate[x, 1], plate[x, 2]
            cover = alpha[y, x] if has_alpha else np.float32(1)
            if not (np.isfinite(r) and np.isfinite(g) and np.isfinite(b) and np.isfinite(cover)):
                out[y, x] = rgb[y, x]
                skipped[y] += 1
                continue
            if cover == np.float32(0) and r == g == b == np.float32(0):
                out[y, x] = rgb[y, x]  # an empty pixel: lifting its black would add light
                continue
            peak = max(abs(r), abs(g), abs(b))
            if cover > np.float32(0) and cover < np.float32(1) and peak < _LARGEST * cover:
                r, g, b = r / cover, g / cover, b / cover
            else:  # opaque, or so little cover that the quotient would mean nothing
                cover = np.float32(1)
            r, g, b = _rotated(to_working, r, g, b)
            gain = gain_of(max(r, g, b))
            lab = lab_of_pixel(floored(r / gain), floored(g / gain), floored(b / gain))
            L, a, b = lab[0] / _L, lab[1] / _A, lab[2] / _B
            v = (L * L, a * a, b * b, L * a, L * b, a * b, L, a, b)
            fx = min(max((np.float32(x) + origin[0]) * cell[0] - half, np.float32(0)), np.float32(columns - 1))
            x0 = np.uintp(fx)
            tx = fx - np.float32(x0)
            x1 = np.uintp(min(x0 + np.uintp(1), np.uintp(columns - 1)))
            w00, w01 = _weight(guide0, x0, lab, (one - ty) * (one - tx)), _weight(guide0, x1, lab, (one - ty) * tx)
            w10, w11 = _weight(guide1, x0, lab, ty * (one - tx)), _weight(guide1, x1, lab, ty * tx)
            share = one / (w00 + w01 + w10 + w11)
            w00, w01, w10, w11 = w00 * share, w01 * share, w10 * share, w11 * share
            change_L = w00 * _change(field0, x0, 0, v) + w01 * _change(field0, x1, 0, v)
            change_L += w10 * _change(field1, x0, 0, v) + w11 * _change(field1, x1, 0, v)
            change_a = w00 * _change(field0, x0, TERMS, v) + w01 * _change(field0, x1, TERMS, v)
            change_a += w10 * _change(field1, x0, TERMS, v) + w11 * _change(field1, x1, TERMS, v)
            change_b = w00 * _change(field0, x0, 2 * TERMS, v) + w01 * _change(field0, x1, 2 * TERMS, v)
            change_b += w10 * _change(field1, x0, 2 * TERMS, v) + w11 * _change(field1, x1, 2 * TERMS, v)
            old_r, old_g, old_b = pixel_of_lab(lab[0], lab[1], lab[2])
            new_r, new_g, new_b = pixel_of_lab(lab[0] + change_L * _L, lab[1] + change_a * _A, lab[2] + change_b * _B)
            mix = strength * cover * gain
            change_r, change_g, change_b = _rotated(
                from_working,
                mix * (_above_black(new_r, old_r) - old_r),
                mix * (_above_black(new_g, old_g) - old_g),
                mix * (_above_black(new_b, old_b) - old_b),
            )
            graded[x, 0] = _moved(plate[x, 0], change_r)
            graded[x, 1] = _moved(plate[x, 1], change_g)
            graded[x, 2] = _moved(plate[x, 2], change_b)
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

    rgb: float32 (H, W, 3), linear light, any real value; premultiplied by ``alpha`` where one is given.
    field: transforms over the whole picture.
    alpha: float32 (H, W), coverage, 0..1; colours are graded as if alpha were 1 and stay premultiplied.
    offset: position (x, y), in px, of ``rgb`` in the picture that the field covers.
    picture_size: (width, height), in px, of that picture; by default the size of ``rgb``.
    strength: share of the change that is made, in linear light, 0..1.
    matrix: float32 (3, 3), from the primaries of ``rgb`` to Rec.709, in which the look is defined; by default ``rgb``
        is linear Rec.709 itself. Only the change is converted back, so unchanged pixels keep their bits.
    Returns float32 (H, W, 3) in the primaries of ``rgb``, and the number of pixels that were not graded because they
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
