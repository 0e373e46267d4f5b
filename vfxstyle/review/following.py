"""What was selected on one frame, followed through the shot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import BoolArray, LabelArray

_MOSTLY = 0.5  # share of a new superpixel that must lie where the selection was


def inside(labels: LabelArray, mask: BoolArray) -> tuple[int, ...]:
    """The superpixels that lie mostly in a mask, or else the one that has most of it; none for an empty mask.

    labels: int32 (h, w). mask: bool (h, w).
    """
    if not mask.any():
        return ()
    within = np.bincount(labels[mask], minlength=int(labels.max()) + 1)
    share = within / np.maximum(np.bincount(labels.reshape(-1), minlength=len(within)), 1)
    found = np.flatnonzero(share > _MOSTLY)
    return tuple(found.tolist()) if len(found) else (int(within.argmax()),)


def followed(analysis: AnalysisFolder, frames: Sequence[int], start: int, selected: Iterable[int]) -> tuple[int, ...]:
    """Selected superpixels with those that continue them where they end, forwards and backwards in time.

    A superpixel lives through time, and so does its selection. One that is born on a frame joins the selection if
    most of it lies where the selection was on the frame before; backwards in time the same holds for one that ends.
    frames: those that have label maps, in order. start: the frame of the selection.
    """
    found = set(selected)
    at = list(frames).index(start)
    for way in (frames[at:], frames[at::-1]):
        found |= _along(analysis, way, found)
    return tuple(sorted(found))


def _along(analysis: AnalysisFolder, frames: Sequence[int], selected: set[int]) -> set[int]:
    found = set(selected)
    before = analysis.read_labels(frames[0])
    known = set(np.unique(before).tolist())
    for number in frames[1:]:
        now = analysis.read_labels(number)
        there = set(np.unique(now).tolist())
        born = there - known
        if born:
            covered = np.isin(before, np.array(sorted(found), np.int64))
            hit = np.bincount(now[covered], minlength=int(now.max()) + 1)
            area = np.bincount(now.reshape(-1), minlength=len(hit))
            found |= {label for label in born if hit[label] > _MOSTLY * area[label]}
        known |= there
        before = now
    return found
