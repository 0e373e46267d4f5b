"""Features taken over from neighbours, for temporal superpixels that no chosen frame shows.

Source: docs/method.md, section 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.superpixels.tables import FrameTable, adjacency, table_of


def fill_from_neighbours(
    frames: Iterable[tuple[LabelArray, FloatArray]], known: LabelArray, unknown: LabelArray
) -> LabelArray:
    """The source superpixel of each superpixel without features: the neighbour with features nearest in colour.

    A superpixel without such a neighbour on any frame takes the source of its nearest neighbour that has one. Where
    there is none either, its source is the superpixel with features that is nearest in colour on one of its frames,
    and the first of ``known`` if its frames show none.

    frames: label map, int32 (H, W), and picture, float32 (H, W, 3), CIELab D65, of every frame that shows a superpixel
    without features.
    known: int32 (K,), labels of the superpixels with features, ascending.
    unknown: int32 (U,), labels of the superpixels without features, ascending.
    Returns int32 (U,), for each of ``unknown`` the label of its source, one of ``known``.
    """
    neighbours: dict[int, dict[int, float]] = {int(label): {} for label in unknown}
    same_frame: dict[int, tuple[float, int]] = {}
    for labels, lab in frames:
        table, rows = table_of(labels, lab)
        _add_neighbours(neighbours, table, rows, unknown)
        _add_nearest_on_frame(same_frame, table, known, unknown)
    sources = {int(label): int(label) for label in known}
    waiting = sorted(neighbours)
    while waiting:
        settled: dict[int, int] = {}
        for label in waiting:
            nearest = [(distance, other) for other, distance in neighbours[label].items() if other in sources]
            if nearest:
                settled[label] = sources[min(nearest)[1]]
        if not settled:
            settled = {label: same_frame.get(label, (0.0, int(known[0])))[1] for label in waiting}
        sources |= settled
        waiting = [label for label in waiting if label not in settled]
    return np.array([sources[int(label)] for label in unknown], np.int32)


def _add_neighbours(
    neighbours: dict[int, dict[int, float]], table: FrameTable, rows: LabelArray, unknown: LabelArray
) -> None:
    """Add one frame's neighbours of superpixels without features, each with the smallest distance in colour yet."""
    pairs = adjacency(rows)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    for one, other in pairs[np.isin(table.labels[pairs[:, 0]], unknown)]:
        distances = neighbours[int(table.labels[one])]
        distance = float(np.linalg.norm(table.colours[one] - table.colours[other]))
        label = int(table.labels[other])
        distances[label] = min(distance, distances.get(label, np.inf))


def _add_nearest_on_frame(
    same_frame: dict[int, tuple[float, int]], table: FrameTable, known: LabelArray, unknown: LabelArray
) -> None:
    """Add, with its distance, the superpixel with features on one frame that is nearest in colour to each without."""
    with_features = np.flatnonzero(np.isin(table.labels, known))
    if not len(with_features):
        return
    for row in np.flatnonzero(np.isin(table.labels, unknown)):
        distances = np.linalg.norm(table.colours[with_features] - table.colours[row], axis=1)
        nearest = (float(distances.min()), int(table.labels[with_features[distances.argmin()]]))
        label = int(table.labels[row])
        same_frame[label] = min(nearest, same_frame.get(label, nearest))
