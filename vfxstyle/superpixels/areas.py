"""Smoothing that does not cross the edges of mattes (docs/method.md, section 15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.looks.detail import folded
from vfxstyle.looks.field import TransformField
from vfxstyle.superpixels.smoothing import blend_over_pixels, reach_of, smooth_over_neighbours
from vfxstyle.superpixels.tables import adjacency, table_of

_SLIVER = 0.1  # share of a superpixel below which a part of it on another side is none of its own


def spread_in_areas(
    labels: LabelArray, guide: FloatArray, areas: FloatArray, transforms_of: Callable[[LabelArray], FloatArray]
) -> TransformField:
    """The field of a frame in which superpixels reach only into others of the same area.

    A superpixel that an edge crosses counts as one on each side. A pixel takes from the superpixels round it by
    nearness and likeness, as without areas, and by how much of it is in their area; so a hard edge parts them, and a
    feathered one does not show.

    labels: int32 (h, w). guide: float32 (h, w, 3), CIELab. areas: float32 (h, w, A), how much of each area each pixel
    has, with a sum of 1. transforms_of: transforms, float32 (N, 33), of some labels.
    """
    count = areas.shape[-1]
    table, rows = table_of(labels * count + _owners(labels, areas), guide)
    sides = table.labels % count
    edges = adjacency(rows)
    smoothed = smooth_over_neighbours(
        transforms_of(table.labels // count), table, edges[sides[edges[:, 0]] == sides[edges[:, 1]]]
    )
    reach = reach_of(replace(table, labels=np.unique(table.labels // count)), rows)
    values = np.append(smoothed, np.ones((len(smoothed), 1), np.float32), axis=1)
    total = np.zeros((*labels.shape, values.shape[1]), np.float32)
    plain = np.zeros_like(total)
    for side in np.unique(sides):
        part = blend_over_pixels(rows, values * (sides == side)[:, None], table.colours, guide, reach)
        total += areas[..., side, None] * part
        plain += part
    alone = total[..., -1:] < 1e-4  # slivers, with nothing of their own side round them
    total = np.where(alone, plain, total)
    blended = total[..., :-1] / total[..., -1:]
    return TransformField(folded(np.ascontiguousarray(blended), np.ascontiguousarray(guide[..., 0])), guide)


def _owners(labels: LabelArray, areas: FloatArray) -> LabelArray:
    """The area that each pixel's superpixel counts to there, int32 (h, w); slivers count to that of the rest of it."""
    owners = areas.argmax(axis=-1).astype(np.int32)
    count = areas.shape[-1]
    keys = labels * count + owners
    sizes = np.bincount(keys.reshape(-1), minlength=(int(labels.max()) + 1) * count).reshape(-1, count)
    small = sizes < _SLIVER * sizes.sum(axis=1, keepdims=True)
    main = sizes.argmax(axis=1).astype(np.int32)
    return np.asarray(np.where(small[labels, owners], main[labels], owners), np.int32)
