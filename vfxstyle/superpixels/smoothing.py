"""Smoothing of transforms over a frame: between neighbouring superpixels, then across their borders per pixel."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.looks.detail import fold_gains, smoothed
from vfxstyle.looks.field import TransformField
from vfxstyle.looks.likeness import exponent_of, likeness
from vfxstyle.looks.transform import COEFFICIENTS
from vfxstyle.superpixels.tables import FrameTable

BORDER_SIGMA = 10.0
"""Standard deviation, in Lab units, of the colour distance over which a transform reaches into other superpixels."""
TAPS = 7
"""Samples of the label map round a pixel, in a row and in a column, over one superpixel to each side."""

OWN = np.float32(1e-4)
"""Weight added to a pixel's own superpixel, so that one unlike every mean colour keeps its transform."""

_RANGE = exponent_of(BORDER_SIGMA)
_MOST = TAPS * TAPS  # superpixels round a pixel
_NO_LEVELS = np.zeros((0, 0, 3), np.float32)
_UNITS = 2**20  # that a weight of 1 is counted in


def smooth_over_neighbours(transforms: FloatArray, table: FrameTable, edges: LabelArray) -> FloatArray:
    """Guided spatial smoothing (docs/method.md, section 5.4): a transform becomes a weighted mean over its neighbours.

    Weights are ``exp(-|c_i - c_1|^2 / s_c) exp(-|p_i - p_1|^2 / s_p)``, normalised, with mean colours c and centroids
    p on this frame, and s the mean squared difference over all adjacent pairs; a superpixel's own weight is 1.

    transforms: float32 (N, K), one for each row of the table. edges: int32 (E, 2), adjacent rows of the table.
    Returns float32 (N, K).
    """
    total, weights = transforms.astype(np.float64), np.ones(len(transforms))
    if len(edges):
        one, two = edges[:, 0], edges[:, 1]
        colour = ((table.colours[one] - table.colours[two]).astype(np.float64) ** 2).sum(axis=1)
        place = ((table.centroids[one] - table.centroids[two]).astype(np.float64) ** 2).sum(axis=1)
        weight = np.exp(-colour / max(colour.mean(), 1e-6) - place / max(place.mean(), 1e-6))
        _add_neighbours(transforms, edges, weight, total, weights)
    return (total / weights[:, None]).astype(np.float32)


@kernel()
def _add_neighbours(
    transforms: FloatArray, edges: LabelArray, weight: DoubleArray, total: DoubleArray, weights: DoubleArray
) -> None:
    """Add to each superpixel what those beside it have. weight: (E,), of each pair. weights: (N,), sums of them."""
    for edge in range(len(edges)):
        one, two = edges[edge]
        weights[one] += weight[edge]
        weights[two] += weight[edge]
        for k in range(transforms.shape[1]):
            total[one, k] += weight[edge] * transforms[two, k]
            total[two, k] += weight[edge] * transforms[one, k]


@kernel(inline="always")
def fades_of(step: float, reach: float) -> IntArray:
    """Weight of each sample by its distance, (TAPS, TAPS), in whole :data:`_UNITS`, so that sums of it are exact."""
    fades = np.empty((TAPS, TAPS), np.int64)
    for j in range(TAPS):
        for i in range(TAPS):
            u = np.rint((i - TAPS // 2) * step) / (reach + step)
            v = np.rint((j - TAPS // 2) * step) / (reach + step)
            fade = max(0.0, 1.0 - u * u - v * v)
            fades[j, i] = np.int64(np.rint(fade * fade * _UNITS))
    return fades


@kernel(inline="always")
def _moves(
    labels: LabelArray, places: IntArray, first: IntArray, following: IntArray, moves: LabelArray, row: int, count: int
) -> int:
    """List where samples of one row pass from one superpixel into another; returns how many moves there are by now.

    labels: of the row, -1 outside the picture. places: of the samples of pixel 0 in it. first: int64 (W,), the latest
    move of each pixel, or -1; following: the move of the same pixel before each. moves: int32 (..., 4), what is left,
    what is entered, and row and column of the sample.
    """
    width = len(first)
    for at in range(1, len(labels)):
        if labels[at] != labels[at - 1]:
            for i in range(TAPS):
                x = at - places[i]
                if 0 < x < width:
                    moves[count, 0], moves[count, 1] = labels[at - 1], labels[at]
                    moves[count, 2], moves[count, 3] = row, i
                    following[count] = first[x]
                    first[x] = count
                    count += 1
    for i in range(TAPS):  # at the first pixel, all samples enter
        moves[count, 0], moves[count, 1] = -1, labels[places[i]]
        moves[count, 2], moves[count, 3] = row, i
        following[count] = first[0]
        first[0] = count
        count += 1
    return count


@kernel(inline="always")
def _moved(
    move: int,
    following: IntArray,
    moves: LabelArray,
    fades: IntArray,
    near: IntArray,
    around: LabelArray,
    listed: BoolArray,
) -> int:
    """Carry out the moves of a pixel; returns how many superpixels have come in.

    near: weight by distance of every superpixel. around: takes up those that were not ``listed``.
    """
    came = 0
    while move >= 0:
        left, k = moves[move, 0], moves[move, 1]
        fade = fades[moves[move, 2], moves[move, 3]]
        if left >= 0:
            near[left] -= fade
        if k >= 0:
            near[k] += fade
            if not listed[k]:
                listed[k] = True
                around[came] = k
                came += 1
        move = following[move]
    return came


@kernel(inline="always")
def _gone(near: IntArray, around: LabelArray, listed: BoolArray, found: int) -> int:
    """Take superpixels without weight off the list; returns how many are left."""
    kept = 0
    for at in range(found):
        k = around[at]
        if near[k] > 0:
            around[kept] = k
            kept += 1
        else:
            listed[k] = False
    return kept


@kernel(inline="always")
def _blended(
    near: IntArray,
    around: LabelArray,
    own: int,
    colour: FloatArray,
    colours: FloatArray,
    transforms: FloatArray,
    blend: FloatArray,
) -> None:
    """Blend the transforms of the superpixels round a pixel. own: the one that it belongs to. colour: of the pixel."""
    count = transforms.shape[1]
    total = np.float32(0)
    blend[:] = np.float32(0)
    for at in range(len(around)):
        k = np.uintp(around[at])
        d0, d1, d2 = colour[0] - colours[k, 0], colour[1] - colours[k, 1], colour[2] - colours[k, 2]
        like = likeness((d0 * d0 + d1 * d1 + d2 * d2) * _RANGE)
        if around[at] == own:
            like += OWN
        weight = np.float32(near[k]) * like
        total += weight
        for t in range(count):
            blend[t] += weight * transforms[k, t]
    share = np.float32(1) / total
    for t in range(count):
        blend[t] *= share


@kernel(parallel=True)
def _spread(
    rows: LabelArray,
    transforms: FloatArray,
    colours: FloatArray,
    guide: FloatArray,
    reach: float,
    levels: FloatArray,
    out: FloatArray,
) -> None:
    """Blend the transforms near each pixel, and fold their gains into them where ``levels``, (H, W, 3), are given.

    What the samples round a pixel show is that of the pixel to the left, but where one of them has moved into another
    superpixel. So the weight of each superpixel by distance is kept from pixel to pixel, and only such moves count.
    """
    height, width = rows.shape
    step = reach / (TAPS // 2)
    fades = fades_of(step, reach)
    places = np.empty(TAPS, np.int64)
    for j in range(TAPS):
        places[j] = np.int64(np.rint((j - TAPS // 2) * step))
    border = places[-1] + 1  # the samples of the first pixel, and what lies left of them
    columns = places + border
    for row in prange(height):
        y = np.int64(row)
        near = np.zeros(len(transforms), np.int64)
        listed = np.zeros(len(transforms), np.bool_)
        around = np.empty(2 * _MOST, np.int32)  # superpixels round this pixel, and those that have just gone
        blend = np.empty(transforms.shape[1], np.float32)
        framed = np.full(width + 2 * border, np.int32(-1), np.int32)
        first, following = np.full(width, -1, np.int64), np.empty(_MOST * width, np.int64)
        moves = np.empty((_MOST * width, 4), np.int32)
        listed_moves = 0
        for j in range(TAPS):
            if 0 <= y + places[j] < height:
                framed[border : border + width] = rows[y + places[j]]
                listed_moves = _moves(framed, columns, first, following, moves, j, listed_moves)
        found = 0
        for x in range(width):
            found += _moved(first[x], following, moves, fades, near, around[found:], listed)
            found = _gone(near, around, listed, found)
            _blended(near, around[:found], rows[y, x], guide[y, x], colours, transforms, blend)
            for t in range(out.shape[2]):
                out[row, x, t] = blend[t]
            if levels.shape[0] > 0:
                fold_gains(blend[COEFFICIENTS:], levels[row, x], out[row, x])


def spread_over_pixels(
    rows: LabelArray, transforms: FloatArray, table: FrameTable, guide: FloatArray
) -> TransformField:
    """Blend a transform for each analysis pixel from the superpixels near it, weighted by likeness in colour.

    Source: docs/method.md, section 5.5.

    rows: int32 (H, W), the row of the table that each pixel belongs to.
    transforms: float32 (N, 33), colour transforms and gains of the bands of lightness, which are folded into the
    transforms of the field; or (N, 30), without gains.
    table: the superpixels of the frame.
    guide: float32 (H, W, 3), CIELab D65 of the analysis picture.
    """
    reach = reach_of(table, rows)
    if transforms.shape[1] == COEFFICIENTS:
        return TransformField(blend_over_pixels(rows, transforms, table.colours, guide, reach), guide)
    out = np.empty((*rows.shape, COEFFICIENTS), np.float32)
    levels = smoothed(np.ascontiguousarray(guide[..., 0]))
    _spread(rows, np.ascontiguousarray(transforms, np.float32), table.colours, guide, reach, levels, out)
    return TransformField(out, guide)


def reach_of(table: FrameTable, rows: LabelArray) -> float:
    """How far, in px, a superpixel reaches into others: the side of one of mean size."""
    return max(1.0, float(np.sqrt(rows.size / len(table.labels))))


def blend_over_pixels(
    rows: LabelArray, values: FloatArray, colours: FloatArray, guide: FloatArray, reach: float
) -> FloatArray:
    """Blend some numbers of each superpixel over the pixels near it, weighted by likeness in colour.

    rows: int32 (H, W), the superpixel of each pixel. values: float32 (N, K). colours: float32 (N, 3), their mean
    colours, CIELab. guide: float32 (H, W, 3), CIELab. reach: see :func:`reach_of`. Returns float32 (H, W, K).
    """
    out = np.empty((*rows.shape, values.shape[1]), np.float32)
    _spread(rows, np.ascontiguousarray(values, np.float32), colours, guide, reach, _NO_LEVELS, out)
    return out
