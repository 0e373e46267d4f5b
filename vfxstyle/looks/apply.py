"""Applying a field of transforms to a picture at its own resolution (docs/method.md, section 9).

One compiled kernel does it all: the grading encoding, Lab, the transforms blended for this pixel, and
back. The change is computed as a difference, so that the plate's own bits come out where the look changes nothing:

    out = plate + strength * alpha * gain * (above_black(light(Lab + change)) - light(Lab))

A transform that darkens shadows can take black below zero. ``above_black`` is the identity above TOE and tends to zero
below, without a kink: no channel that was positive becomes negative (but for rounding), none that was negative becomes
lower, and the order of tones stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.color.grading import flag_outside, flagged, floored, gain_of, room_for_flags, rotated
from vfxstyle.color.lab import Scalar, lab_of_pixel, pixel_of_lab
from vfxstyle.compiled import kernel
from vfxstyle.looks.field import Along, Placing, TransformField, cell_of, cells_along, look_up, weaken
from vfxstyle.looks.likeness import exponent_of, likeness
from vfxstyle.looks.simd import blended_change
from vfxstyle.looks.transform import LAB_SCALE

GUIDE_SIGMA = 8.0
"""Standard deviation, in Lab units, of the colour distance over which a cell of the field loses weight in a pixel."""

TOE = 0.002
"""Linear light below which graded values tend towards zero instead of crossing it."""

_TOE = np.float32(TOE)
LARGEST = np.float32(1e30)
"""Brightness over coverage, above which a colour is not divided by its coverage."""
_RANGE = exponent_of(GUIDE_SIGMA)
FAR = np.float32(1e-4)
"""Weight of a cell of any colour: a pixel unlike all four cells takes their plain mean."""
_L, _A, _B = (np.float32(scale) for scale in LAB_SCALE)


@kernel(inline="always")
def _above_black(new: Scalar, old: Scalar) -> Scalar:
    if old <= np.float32(0):
        return max(new, old)
    toe = min(_TOE, old)
    return new if new >= toe else toe * np.exp(new / toe - np.float32(1))


@kernel(inline="always")
def _keep_above_black(new: FloatArray, old: FloatArray) -> None:
    """Lead the new light of a row, (3, W), towards black without crossing it. old: what it was."""
    flags, places = room_for_flags(new.shape[1])
    for channel in range(3):
        for x in range(new.shape[1]):
            flags[x] = np.uint8(new[channel, x] < _TOE)
        for x in places[: flagged(flags, places)]:
            new[channel, x] = _above_black(new[channel, x], old[channel, x])


@kernel(inline="always")
def _moved(value: Scalar, change: Scalar) -> Scalar:
    return value + change if change != np.float32(0) else value  # minus zero stays what it is


@kernel(inline="always")
def _prepare(
    plate: FloatArray, alpha: FloatArray, matrix: FloatArray, strength: Scalar, row: FloatArray, mix: FloatArray
) -> int:
    """Of a row of pixels what a look may change, in Rec.709, and the factor of the change; returns pixels left alone.

    alpha: (W,), or empty. row: (3, W). mix: (W,), zero for pixels that are left alone.
    """
    alone = 0
    zero, one = np.float32(0), np.float32(1)
    for x in range(len(plate)):
        row[0, x], row[1, x], row[2, x] = rotated(matrix, plate[x, 0], plate[x, 1], plate[x, 2])
        mix[x] = strength
    has_alpha = len(alpha) > 0
    flags, places = room_for_flags(len(plate))
    flag_outside(row, flags)
    for x in range(min(len(alpha), len(plate))):
        flags[x] |= np.uint8(alpha[x] != one)
    for x in places[: flagged(flags, places)]:
        r, g, b = plate[x, 0], plate[x, 1], plate[x, 2]
        cover = alpha[x] if has_alpha else one
        if not (np.isfinite(r) and np.isfinite(g) and np.isfinite(b) and np.isfinite(cover)):
            alone += 1
            mix[x] = zero
        elif cover == zero and r == g == b == zero:
            mix[x] = zero  # an empty pixel: lifting its black would add light
        if mix[x] == zero:
            row[0, x] = row[1, x] = row[2, x] = zero
            continue
        peak = max(abs(r), abs(g), abs(b))
        if cover > zero and cover < one and peak < LARGEST * cover:
            r, g, b = r / cover, g / cover, b / cover
        else:  # opaque, or so little cover that the quotient would mean nothing
            cover = one
        r, g, b = rotated(matrix, r, g, b)
        gain = gain_of(max(r, g, b))
        row[0, x], row[1, x], row[2, x] = floored(r / gain), floored(g / gain), floored(b / gain)
        mix[x] = strength * cover * gain
    return alone


@kernel(inline="always")
def _weigh(lab: FloatArray, guide: tuple[FloatArray, FloatArray], place: Scalar, along: Along, w: FloatArray) -> None:
    """Weights of the four cells round each pixel of a row, by nearness and by likeness of colour, (4, W), sum 1.

    guide: the rows of cells above and below. place: how far between them.
    along: see :func:`~vfxstyle.looks.field.cells_along`.
    """
    above, below = guide
    before, after, between = along
    one = np.float32(1)
    for x in range(lab.shape[1]):
        x0, x1 = np.uintp(before[x]), np.uintp(after[x])
        L, a, b = lab[0, x], lab[1, x], lab[2, x]
        d0, d1, d2 = L - above[x0, 0], a - above[x0, 1], b - above[x0, 2]
        w[0, x] = d0 * d0 + d1 * d1 + d2 * d2
        d0, d1, d2 = L - above[x1, 0], a - above[x1, 1], b - above[x1, 2]
        w[1, x] = d0 * d0 + d1 * d1 + d2 * d2
        d0, d1, d2 = L - below[x0, 0], a - below[x0, 1], b - below[x0, 2]
        w[2, x] = d0 * d0 + d1 * d1 + d2 * d2
        d0, d1, d2 = L - below[x1, 0], a - below[x1, 1], b - below[x1, 2]
        w[3, x] = d0 * d0 + d1 * d1 + d2 * d2
    for x in range(lab.shape[1]):
        right = between[x]
        w0 = (one - place) * (one - right) * (likeness(w[0, x] * _RANGE) + FAR)
        w1 = (one - place) * right * (likeness(w[1, x] * _RANGE) + FAR)
        w2 = place * (one - right) * (likeness(w[2, x] * _RANGE) + FAR)
        w3 = place * right * (likeness(w[3, x] * _RANGE) + FAR)
        share = one / (w0 + w1 + w2 + w3)
        w[0, x], w[1, x], w[2, x], w[3, x] = w0 * share, w1 * share, w2 * share, w3 * share


@kernel(inline="always")
def _change(
    lab: FloatArray, field: tuple[FloatArray, FloatArray], along: Along, w: FloatArray, change: FloatArray
) -> None:
    """The change of each pixel of a row in Lab, (3, W), by the transforms of its four cells. field: as ``guide``."""
    before, after, _ = along
    colour = np.empty_like(lab)
    for x in range(lab.shape[1]):
        colour[0, x], colour[1, x], colour[2, x] = lab[0, x] / _L, lab[1, x] / _A, lab[2, x] / _B
    for x in range(lab.shape[1]):
        cells, weights = (np.uintp(before[x]), np.uintp(after[x])), (w[0, x], w[1, x], w[2, x], w[3, x])
        L, a, b = blended_change(field, cells, weights, (colour[0, x], colour[1, x], colour[2, x]))
        change[0, x], change[1, x], change[2, x] = L * _L, a * _A, b * _B


@kernel()
def _apply_to_row(
    y: int,
    rgb: FloatArray,
    alpha: FloatArray,
    field: FloatArray,
    guide: FloatArray,
    cubes: FloatArray,
    shares: FloatArray,
    strengths: FloatArray,
    share: FloatArray,
    place: Scalar,
    along: Along,
    strength: Scalar,
    to_working: FloatArray,
    from_working: FloatArray,
    out: FloatArray,
) -> int:
    """One row of :func:`_apply`; returns pixels left alone.

    In passes that processors can do for many pixels at once; what few pixels need has loops of its own.
    place: of the row, in cells. along: those of its pixels.
    """
    width = rgb.shape[1]
    y0 = int(place)
    y1 = min(y0 + 1, len(guide) - 1)
    scratch = np.empty((17, width), np.float32)
    light, lab, change, weights, mix = scratch[:3], scratch[3:6], scratch[6:9], scratch[9:13], scratch[13]
    new = scratch[14:]
    alone = _prepare(rgb[y], alpha[y] if len(alpha) > 0 else alpha[:0, 0], to_working, strength, light, mix)
    for x in range(width):
        lab[0, x], lab[1, x], lab[2, x] = lab_of_pixel(light[0, x], light[1, x], light[2, x])
    _weigh(lab, (guide[y0], guide[y1]), place - np.float32(y0), along, weights)
    if strengths.shape[1] > 0:
        weaken((strengths[y0], strengths[y1]), along, weights, mix)
    if share.shape[0] > 0:
        for x in range(width):
            mix[x] *= share[y, x]
    _change(lab, (field[y0], field[y1]), along, weights, change)
    if len(cubes) > 0:
        look_up(light, cubes, (shares[y0], shares[y1]), along, weights, change)
    for x in range(width):
        light[0, x], light[1, x], light[2, x] = pixel_of_lab(lab[0, x], lab[1, x], lab[2, x])
        new[0, x], new[1, x], new[2, x] = pixel_of_lab(
            lab[0, x] + change[0, x], lab[1, x] + change[1, x], lab[2, x] + change[2, x]
        )
    _keep_above_black(new, light)
    for channel in range(3):
        for x in range(width):
            new[channel, x] = mix[x] * (new[channel, x] - light[channel, x])
    plate, graded = rgb[y], out[y]
    for x in range(width):
        r, g, b = rotated(from_working, new[0, x], new[1, x], new[2, x])
        graded[x, 0] = _moved(plate[x, 0], r)
        graded[x, 1] = _moved(plate[x, 1], g)
        graded[x, 2] = _moved(plate[x, 2], b)
    return alone


@kernel(parallel=True)
def _apply(
    rgb: FloatArray,
    alpha: FloatArray,
    field: FloatArray,
    guide: FloatArray,
    cubes: FloatArray,
    shares: FloatArray,
    strengths: FloatArray,
    share: FloatArray,
    origin: FloatArray,
    cell: FloatArray,
    strength: Scalar,
    to_working: FloatArray,
    from_working: FloatArray,
    out: FloatArray,
) -> Any:
    """All rows. A row is a kernel of its own, because numba takes a third longer to compile one that stands in here.

    field: (h, w, 30). cubes: (K, n, n, n, 3). shares: (h, w, K), or (h, 0, 1) for all of them.
    strengths: (h, w), or (h, 0). share: (H, W), or (0, 0).
    origin and cell: (x, y) of the first pixel, and cells per px.
    """
    height, width, _ = rgb.shape
    skipped = np.zeros(height, np.int64)
    along = cells_along(width, origin[0], cell[0], guide.shape[1])
    for y in prange(height):
        place = cell_of(y, origin[1], cell[1], len(guide))
        skipped[y] = _apply_to_row(
            y,
            rgb,
            alpha,
            field,
            guide,
            cubes,
            shares,
            strengths,
            share,
            place,
            along,
            strength,
            to_working,
            from_working,
            out,
        )
    return skipped.sum()


def apply_field(
    rgb: FloatArray,
    field: TransformField,
    placing: Placing | None = None,
    *,
    alpha: FloatArray | None = None,
    share: FloatArray | None = None,
) -> tuple[FloatArray, int]:
    """Grade a picture.

    rgb: float32 (H, W, 3), linear light, any real value; premultiplied by ``alpha`` where one is given.
    field: transforms over the whole picture. placing: how it is put on ``rgb``; by default it covers that.
    alpha: float32 (H, W), coverage, 0..1; colours are graded as if alpha were 1 and stay premultiplied.
    share: float32 (H, W), 0..1, share of the change that is made on each pixel; by default all of it.
    Returns float32 (H, W, 3) in the primaries of ``rgb``, and the number of pixels that were not graded because they
    hold NaN or infinity.
    """
    height, width = rgb.shape[:2]
    placing = Placing((width, height)) if placing is None else placing
    rows, columns = field.guide.shape[:2]
    out = np.empty((height, width, 3), np.float32)
    skipped = _apply(
        np.ascontiguousarray(rgb, np.float32),
        np.empty((0, 0), np.float32) if alpha is None else np.ascontiguousarray(alpha, np.float32),
        np.ascontiguousarray(field.coefficients, np.float32),
        np.ascontiguousarray(field.guide, np.float32),
        field.cubes,
        field.shares if field.shares.size else np.zeros((rows, 0, 1), np.float32),
        field.strengths if field.strengths.size else np.zeros((rows, 0), np.float32),
        np.empty((0, 0), np.float32) if share is None else np.ascontiguousarray(share, np.float32),
        np.array(placing.origin, np.float32),
        np.array(placing.cells(columns, rows), np.float32),
        np.float32(placing.strength),
        np.ascontiguousarray(placing.to_working, np.float32),
        placing.from_working,
        out,
    )
    return out, int(skipped)
