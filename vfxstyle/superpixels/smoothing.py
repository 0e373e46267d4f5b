"""Smoothing of transforms over a frame: between neighbouring superpixels, then across their borders per pixel."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import DoubleArray, FloatArray, IntArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.looks.detail import fold_gains, smoothed
from vfxstyle.looks.field import TransformField
from vfxstyle.looks.likeness import exponent_of
from vfxstyle.looks.simd import LANES, weigh_eight
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
_ROOM = 2 * _MOST + LANES  # for those round a pixel, and those that have just gone
Around = tuple[LabelArray, LabelArray, FloatArray]
"""The superpixels round a pixel: rows of the table; weights by place; L, a, b and what is added to likeness, (4, N)."""
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
        _add_neighbours(transforms, table.colours, table.centroids, edges, total, weights)
    return (total / weights[:, None]).astype(np.float32)


@kernel()
def _add_neighbours(
    transforms: FloatArray,
    colours: FloatArray,
    centroids: FloatArray,
    edges: LabelArray,
    total: DoubleArray,
    weights: DoubleArray,
) -> None:
    """Add to each superpixel, weighted, what those beside it have. weights: (N,), sums of them."""
    apart = np.zeros((2, len(edges)))  # squared differences of colour, and of place
    colour, place = 0.0, 0.0  # their means; np.mean in a kernel would have SciPy loaded with it, for .15 s
    for edge in range(len(edges)):
        one, two = edges[edge, 0], edges[edge, 1]
        for i in range(3):
            apart[0, edge] += np.float64(colours[one, i] - colours[two, i]) ** 2
        for i in range(2):
            apart[1, edge] += np.float64(centroids[one, i] - centroids[two, i]) ** 2
        colour += apart[0, edge]
        place += apart[1, edge]
    colour, place = max(colour / len(edges), 1e-6), max(place / len(edges), 1e-6)
    for edge in range(len(edges)):
        one, two = edges[edge, 0], edges[edge, 1]
        weight = np.exp(-apart[0, edge] / colour - apart[1, edge] / place)
        weights[one] += weight
        weights[two] += weight
        for k in range(transforms.shape[1]):
            total[one, k] += weight * transforms[two, k]
            total[two, k] += weight * transforms[one, k]


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
    labels: LabelArray, places: IntArray, fades: IntArray, first: LabelArray, moves: LabelArray, count: int
) -> int:
    """List where samples of one row pass from one superpixel into another; returns how many moves there are by now.

    labels: of the row, -1 outside the picture. places: of the samples of pixel 0 in it. fades: of their weights.
    first: int32 (W,), the latest move of each pixel, or -1. moves: int32 (..., 4), what is left, what is entered, by
    what weight, and the move of the same pixel before this one.
    """
    width = len(first)
    for at in range(1, len(labels)):
        if labels[at] != labels[at - 1]:
            for i in range(TAPS):
                x = at - places[i]
                if 0 < x < width and fades[i] > 0:  # what has no weight is never listed, and so never leaves
                    moves[count, 0], moves[count, 1] = labels[at - 1], labels[at]
                    moves[count, 2], moves[count, 3] = fades[i], first[x]
                    first[x] = count
                    count += 1
    for i in range(TAPS):  # at the first pixel, all samples enter
        if fades[i] > 0:
            moves[count, 0], moves[count, 1] = -1, labels[places[i]]
            moves[count, 2], moves[count, 3] = fades[i], first[0]
            first[0] = count
            count += 1
    return count


@kernel(inline="always")
def _moved(
    move: int, moves: LabelArray, colours: FloatArray, places: LabelArray, found: int, around: Around
) -> tuple[int, bool]:
    """Carry out the moves of a pixel. Returns how many superpixels are listed now, and whether some may have gone.

    places: int32 (N,), where each superpixel is listed, or -1. found: how many are.
    """
    names, near, numbers = around
    emptied = False
    while move >= 0:
        one = np.uintp(move)
        left, k, fade, move = moves[one, 0], moves[one, 1], moves[one, 2], moves[one, 3]
        if left >= 0:
            at = np.uintp(places[np.uintp(left)])
            near[at] -= fade
            emptied |= near[at] == 0
        if k >= 0:
            if places[np.uintp(k)] < 0:
                places[np.uintp(k)] = found
                names[found], near[found], numbers[3, found] = k, 0, np.float32(0)
                numbers[0, found], numbers[1, found], numbers[2, found] = colours[k, 0], colours[k, 1], colours[k, 2]
                found += 1
            near[np.uintp(places[np.uintp(k)])] += fade
    return found, emptied


@kernel(inline="always")
def _left(places: LabelArray, found: int, around: Around) -> int:
    """Take superpixels that have gone off the list; returns how many are left."""
    names, near, numbers = around
    kept = 0
    for at in range(found):
        k = names[at]
        if near[at] == 0:
            places[k] = -1
            continue
        names[kept], near[kept] = k, near[at]
        for row in range(4):
            numbers[row, kept] = numbers[row, at]
        places[k] = kept
        kept += 1
    return kept


@kernel(inline="always")
def _blend(names: LabelArray, weights: FloatArray, found: int, transforms: FloatArray, blend: FloatArray) -> None:
    """Blend the transforms of ``found`` superpixels by their weights. Both lists have room for three more."""
    total = np.float32(0)
    for at in range(found):
        total += weights[at]
    for at in range(found, found + 3):
        names[at], weights[at] = names[0], np.float32(0)
    blend[:] = np.float32(0)
    for at in range(0, found, 4):  # by fours, so that the blend is read and written a quarter as often
        one, two = transforms[np.uintp(names[at])], transforms[np.uintp(names[at + 1])]
        three, four = transforms[np.uintp(names[at + 2])], transforms[np.uintp(names[at + 3])]
        w0, w1, w2, w3 = weights[at], weights[at + 1], weights[at + 2], weights[at + 3]
        for t in range(len(blend)):
            blend[t] = blend[t] + w0 * one[t] + w1 * two[t] + w2 * three[t] + w3 * four[t]
    share = np.float32(1) / total
    for t in range(len(blend)):
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
    taps = np.empty(TAPS, np.int64)
    for j in range(TAPS):
        taps[j] = np.int64(np.rint((j - TAPS // 2) * step))
    border = taps[-1] + 1  # the samples of the first pixel, and what lies left of them
    columns = taps + border
    for row in prange(height):
        y = np.int64(row)
        places = np.full(len(transforms), -1, np.int32)
        weights, blend = np.empty(_ROOM, np.float32), np.empty(transforms.shape[1], np.float32)
        names, near, numbers = np.zeros(_ROOM, np.int32), np.zeros(_ROOM, np.int32), np.zeros((4, _ROOM), np.float32)
        around = names, near, numbers
        framed = np.full(width + 2 * border, np.int32(-1), np.int32)
        first, moves = np.full(width, -1, np.int32), np.empty((_MOST * width, 4), np.int32)
        listed_moves = 0
        for j in range(TAPS):
            if 0 <= y + taps[j] < height:
                framed[border : border + width] = rows[y + taps[j]]
                listed_moves = _moves(framed, columns, fades[j], first, moves, listed_moves)
        found, own = 0, np.int32(-1)
        for x in range(width):
            found, emptied = _moved(first[x], moves, colours, places, found, around)
            if own != rows[y, x]:
                if own >= 0 and places[own] >= 0:
                    numbers[3, places[own]] = np.float32(0)
                own = rows[y, x]
                numbers[3, places[own]] = OWN
            if emptied:
                found = _left(places, found, around)
            colour = guide[y, x, 0], guide[y, x, 1], guide[y, x, 2]
            for at in range(0, found, LANES):
                weigh_eight(near, numbers, np.uintp(at), colour, _RANGE, weights)
            _blend(names, weights, found, transforms, blend)
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
