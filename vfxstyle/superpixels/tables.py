"""Positions, colours and adjacency of the superpixels of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray


@dataclass(frozen=True, slots=True)
class FrameTable:
    """The superpixels of one frame, in ascending order of label."""

    labels: LabelArray
    """int32 (N,), the superpixels, ascending."""
    centroids: FloatArray
    """float32 (N, 2), (x, y) in px of the analysis picture."""
    colours: FloatArray
    """float32 (N, 3), mean colours, CIELab D65."""


def table_of(labels: LabelArray, lab: FloatArray) -> tuple[FrameTable, LabelArray]:
    """The table of a frame, and its label map with labels replaced by rows of the table.

    labels: int32 (H, W), >= 0. lab: float32 (H, W, 3), CIELab D65. Returns the table and int32 (H, W), 0 to N - 1.
    """
    present = np.flatnonzero(np.bincount(labels.reshape(-1)))
    places = np.empty(present[-1] + 1, np.int32)
    places[present] = np.arange(len(present), dtype=np.int32)
    rows = places[labels]
    flat = rows.reshape(-1)
    areas = np.bincount(flat)
    y, x = np.divmod(np.arange(labels.size), labels.shape[1])
    columns = [x, y, *(lab[..., c].reshape(-1) for c in range(3))]
    means = np.stack([np.bincount(flat, values) / areas for values in columns], axis=1).astype(np.float32)
    table = FrameTable(present.astype(np.int32), means[:, :2], means[:, 2:])
    return table, rows


def adjacency(rows: LabelArray) -> LabelArray:
    """Pairs of superpixels with a common side of a pixel.

    rows: int32 (H, W), >= 0. Returns int32 (E, 2), each pair once, the smaller number first, in ascending order.
    """
    across = np.stack([rows[:, :-1].reshape(-1), rows[:, 1:].reshape(-1)], axis=1)
    down = np.stack([rows[:-1].reshape(-1), rows[1:].reshape(-1)], axis=1)
    pairs = np.concatenate([across, down])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1).astype(np.int64)
    keys = np.unique(pairs[:, 0] * (int(rows.max()) + 1) + pairs[:, 1])
    return np.stack(np.divmod(keys, int(rows.max()) + 1), axis=1).astype(np.int32)
