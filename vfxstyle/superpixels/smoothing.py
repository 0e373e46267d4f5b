"""Smoothing of transforms over a frame: between neighbouring superpixels, then across their borders per pixel."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.looks.apply import TransformField
from vfxstyle.looks.detail import folded
from vfxstyle.superpixels.tables import FrameTable

BORDER_SIGMA = 10.0
"""Standard deviation, in Lab units, of the colour distance over which a transform reaches into other superpixels."""
TAPS = 7
"""Samples of the label map round a pixel, in a row and in a column, over one superpixel to each side."""

_RANGE = np.float32(-0.5 / BORDER_SIGMA**2)
_OWN = np.float32(1e-4)  # weight added to a pixel's own superpixel
_MOST = TAPS * TAPS  # superpixels round a pixel


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
        for here, there in ((one, two), (two, one)):
            np.add.at(total, here, weight[:, None] * transforms[there])
            np.add.at(weights, here, weight)
    return (total / weights[:, None]).astype(np.float32)


@kernel(parallel=True)
def _spread(  # noqa: C901 - one compiled loop
    rows: LabelArray,
    transforms: FloatArray,
    colours: FloatArray,
    guide: FloatArray,
    reach: float,
    out: FloatArray,
) -> None:
    height, width = rows.shape
    step = reach / (TAPS // 2)
    places = np.empty(TAPS, np.int64)
    fades = np.empty((TAPS, TAPS), np.float32)
    for j in range(TAPS):
        places[j] = np.int64(np.rint((j - TAPS // 2) * step))
    for j in range(TAPS):
        for i in range(TAPS):
            u, v = places[i] / (reach + step), places[j] / (reach + step)
            fade = max(0.0, 1.0 - u * u - v * v)
            fades[j, i] = fade * fade
    count = np.uintp(transforms.shape[1])
    for row in prange(height):
        y = np.int64(row)
        around = np.empty(_MOST, np.int32)
        near = np.empty(_MOST, np.float32)
        blend = np.empty(transforms.shape[1], np.float32)
        for x in range(width):
            count_around, at = 0, 0
            for j in range(TAPS):
                ty = y + places[j]
                if not 0 <= ty < height:
                    continue
                label_row = np.uintp(ty)
                for i in range(TAPS):
                    tx = x + places[i]
                    if not 0 <= tx < width:
                        continue
                    k = rows[label_row, np.uintp(tx)]
                    if at >= count_around or around[at] != k:  # mostly it is that of the sample before
                        at = 0
                        while at < count_around and around[at] != k:
                            at += 1
                    if at == count_around:
                        around[at] = k
                        near[at] = np.float32(0)
                        count_around += 1
                    near[at] += fades[j, i]
            total = np.float32(0)
            blend[:] = np.float32(0)
            for at in range(count_around):
                k = np.uintp(around[at])
                distance = np.float32(0)
                for c in range(3):
                    offset = guide[y, x, c] - colours[k, c]
                    distance += offset * offset
                like = np.exp(_RANGE * distance)
                if around[at] == rows[y, x]:
                    like += _OWN  # so that a pixel unlike every mean colour keeps its own superpixel's transform
                weight = near[at] * like
                total += weight
                for t in range(count):
                    blend[t] += weight * transforms[k, t]
            share = np.float32(1) / total
            for t in range(count):
                out[row, x, t] = blend[t] * share


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
    reach = max(1.0, float(np.sqrt(rows.size / len(table.labels))))
    out = np.empty((*rows.shape, transforms.shape[1]), np.float32)
    _spread(rows, np.ascontiguousarray(transforms), table.colours, guide, reach, out)
    return TransformField(folded(out, np.ascontiguousarray(guide[..., 0])), guide)
