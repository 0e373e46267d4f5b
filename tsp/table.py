"""Table of superpixels: on which frames each is seen, how large it is, where, and of what colour."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

import cv2
import numpy as np

from tsp.arrays import DoubleArray, FloatArray, LabelArray

COLUMNS = ("label", "frame", "birth", "death", "area_px", "centroid_x", "centroid_y", "mean_L", "mean_a", "mean_b")
"""Headings of the table."""


class TspTable:
    """One row for each superpixel on each frame, collected frame by frame: some 60 bytes a row, no pixels.

    Columns: ``label``; ``frame`` number; ``birth`` and ``death``, the first and the last frame on which the
    superpixel is seen; ``area_px``; ``centroid_x`` and ``centroid_y`` in px, 0 at the centre of the top left pixel, y
    downwards; ``mean_L``, ``mean_a``, ``mean_b``, CIELab (D65) of the sRGB-encoded picture, L 0..100.
    """

    def __init__(self) -> None:
        self._labels: list[LabelArray] = []
        self._frames: list[int] = []
        self._means: list[DoubleArray] = []

    def add(self, number: int, rgb: FloatArray, labels: LabelArray) -> None:
        """Add the next frame. rgb: float32 (H, W, 3), sRGB-encoded, 0..1; labels: int32 (H, W), >= 0."""
        names, rows = np.unique(labels, return_inverse=True)
        rows = rows.reshape(-1)
        areas = np.bincount(rows)
        y, x = np.indices(labels.shape)
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
        sums = [np.bincount(rows, plane.reshape(-1)) for plane in (x, y, *np.moveaxis(lab, 2, 0))]
        self._labels.append(names.astype(np.int32))
        self._frames.append(number)
        self._means.append(np.stack([areas, *(total / areas for total in sums)], axis=1))

    @property
    def frames(self) -> int:
        """Number of frames in the table."""
        return len(self._frames)

    @property
    def superpixels(self) -> int:
        """Number of superpixels in the table, each counted once."""
        return len(np.unique(self._all_labels()))

    def write(self, file: BinaryIO) -> None:
        """Write the table as CSV in UTF-8, ordered by label, then frame. Raises OSError."""
        labels = self._all_labels()
        frames = np.repeat(np.array(self._frames, np.int64), [len(names) for names in self._labels])
        means = np.concatenate([np.zeros((0, 6)), *self._means])
        order = np.argsort(labels, kind="stable")  # frames came in order, so the rows of a superpixel stay in theirs
        births = frames[order][np.searchsorted(labels[order], labels, side="left")]
        deaths = frames[order][np.searchsorted(labels[order], labels, side="right") - 1]
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        for i in order:
            whole = (labels[i], frames[i], births[i], deaths[i], int(means[i, 0]))
            rows.writerow([*whole, *(f"{value:.3f}" for value in means[i, 1:])])
        text.detach()  # which writes what it still holds, and leaves the file open

    def _all_labels(self) -> LabelArray:
        """Labels of all rows in the order of the frames, int32 (N,)."""
        return np.concatenate([np.zeros(0, np.int32), *self._labels])
