"""Neighbours that speak for the temporal superpixels of which the network saw no frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.superpixels.tables import adjacency, table_of


def fill_from_neighbours(
    frames: Iterable[tuple[LabelArray, FloatArray]], known: LabelArray, unknown: LabelArray
) -> LabelArray:
    """For each unknown superpixel the known one that takes its place: a neighbour, the nearest in colour.

    frames: label map, int32 (H, W), and CIELab picture, float32 (H, W, 3), of every frame that shows an unknown one.
    known, unknown: int32, labels, ascending. Where no neighbour on any frame is known, a neighbour's stand-in is
    taken; where there is none either, the known superpixel of nearest colour on one of its frames. Returns int32,
    one for each of ``unknown``.
    """
    nearest: dict[int, dict[int, float]] = {int(label): {} for label in unknown}
    same_frame: dict[int, tuple[float, int]] = {}
    for labels, lab in frames:
        table, rows = table_of(labels, lab)
        pairs = adjacency(rows)
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        for here, there in pairs[np.isin(table.labels[pairs[:, 0]], unknown)]:
            gaps_of = nearest[int(table.labels[here])]
            gap = float(np.linalg.norm(table.colours[here] - table.colours[there]))
            other = int(table.labels[there])
            gaps_of[other] = min(gap, gaps_of.get(other, np.inf))
        described = np.flatnonzero(np.isin(table.labels, known))
        for row in np.flatnonzero(np.isin(table.labels, unknown)):
            if len(described):
                gaps = np.linalg.norm(table.colours[described] - table.colours[row], axis=1)
                best = (float(gaps.min()), int(table.labels[described[gaps.argmin()]]))
                same_frame[int(table.labels[row])] = min(best, same_frame.get(int(table.labels[row]), best))
    found = {int(label): int(label) for label in known}
    waiting = sorted(nearest)
    while waiting:
        settled: dict[int, int] = {}
        for label in waiting:
            answers = [(gap, other) for other, gap in nearest[label].items() if other in found]
            if answers:
                settled[label] = found[min(answers)[1]]
        if not settled:
            settled = {label: same_frame.get(label, (0.0, int(known[0])))[1] for label in waiting}
        found |= settled
        waiting = [label for label in waiting if label not in settled]
    return np.array([found[int(label)] for label in unknown], np.int32)
