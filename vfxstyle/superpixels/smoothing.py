"""Smoothing transforms over a frame: between neighbours, then across borders pixel by pixel."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.looks import TransformField, folded
from vfxstyle.superpixels.tables import FrameTable

BORDER_SIGMA = 10.0
"""Colour distance, in Lab units, over which a superpixel's transform reaches into its neighbours."""
TAPS = 7
"""Places in a row that a pixel looks for superpixels at, over one superpixel to each side."""

_RANGE = np.float32(-0.5 / BORDER_SIGMA**2)
_OWN = np.float32(1e-4)
_MOST = TAPS * TAPS


def smooth_over_neighbours(transforms: FloatArray, table: FrameTable, edges: LabelArray) -> FloatArray:
    """Guided smoothing of METHOD, section 5.4: each transform becomes a weighted mean over its neighbours.

    Weights are ``exp(-|c_i - c_1|^2 / s_c) exp(-|p_i - p_1|^2 / s_p)`` with mean colours c and centroids p on
    this frame, s the mean squared difference over all adjacent pairs, normalised; a superpixel's own is 1.
    transforms: float32 (N, K). edges: int32 (E, 2), adjacent rows of the table. Returns float32 (N, K).
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
        seen = np.empty(_MOST, np.int32)
        near = np.empty(_MOST, np.float32)
        blend = np.empty(transforms.shape[1], np.float32)
        for x in range(width):
            found, at = 0, 0
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
                    if at >= found or seen[at] != k:  # mostly it is the one that the last place showed
                        at = 0
                        while at < found and seen[at] != k:
                            at += 1
                    if at == found:
                        seen[at] = k
                        near[at] = np.float32(0)
                        found += 1
                    near[at] += fades[j, i]
            total = np.float32(0)
            blend[:] = np.float32(0)
            for at in range(found):
                k = np.uintp(seen[at])
                distance = np.float32(0)
                for c in range(3):
                    offset = guide[y, x, c] - colours[k, c]
                    distance += offset * offset
                like = np.exp(_RANGE * distance)
                if seen[at] == rows[y, x]:
                    like += _OWN  # a pixel unlike every mean keeps its own superpixel's transform
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
    """A transform for each analysis pixel, blended from the superpixels near it that are like it in colour.

    rows: int32 (H, W), rows of the table. transforms: float32 (N, 33),
    with gains of the bands of lightness, which become part of the transforms here; (N, 30) has none.
    guide: float32 (H, W, 3), CIELab of the analysis picture.
    """
    reach = max(1.0, float(np.sqrt(rows.size / len(table.labels))))
    out = np.empty((*rows.shape, transforms.shape[1]), np.float32)
    _spread(rows, np.ascontiguousarray(transforms), table.colours, guide, reach, out)
    return TransformField(folded(out, np.ascontiguousarray(guide[..., 0])), guide)
