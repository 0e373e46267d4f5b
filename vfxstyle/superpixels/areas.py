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

_FAR = np.float32(1e4)  # a colour that no superpixel resembles


def spread_in_areas(
    labels: LabelArray, guide: FloatArray, areas: FloatArray, transforms_of: Callable[[LabelArray], FloatArray]
) -> TransformField:
    """The field of a frame in which superpixels reach only into others of the same area.

    A superpixel that an edge crosses counts as one on each side. Where areas overlap softly the fields of both are
    mixed, so that a feathered edge has no line in it.

    labels: int32 (h, w). guide: float32 (h, w, 3), CIELab. areas: float32 (h, w, A), how much of each area each pixel
    has, with a sum of 1. transforms_of: transforms, float32 (N, 33), of some labels.
    """
    count = areas.shape[-1]
    owners = areas.argmax(axis=-1).astype(np.int32)
    table, rows = table_of(labels * count + owners, guide)
    sides = table.labels % count
    edges = adjacency(rows)
    smoothed = smooth_over_neighbours(
        transforms_of(table.labels // count), table, edges[sides[edges[:, 0]] == sides[edges[:, 1]]]
    )
    reach = reach_of(replace(table, labels=np.unique(table.labels // count)), rows)
    total = np.zeros((*labels.shape, smoothed.shape[1] + 1), np.float32)
    for side in np.unique(sides):
        own = sides == side
        places = np.where(own, np.cumsum(own) - 1, own.sum()).astype(np.int32)
        known = np.append(smoothed[own], np.ones((own.sum(), 1), np.float32), axis=1)
        values = np.append(known, np.zeros((1, known.shape[1]), np.float32), axis=0)
        colours = np.append(table.colours[own], np.full((1, 3), _FAR, np.float32), axis=0)
        total += areas[..., side, None] * blend_over_pixels(places[rows], values, colours, guide, reach)
    blended = total[..., :-1] / total[..., -1:]
    return TransformField(folded(np.ascontiguousarray(blended), np.ascontiguousarray(guide[..., 0])), guide)
