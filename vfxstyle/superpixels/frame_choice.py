"""Which frames the network must see: the greedy choice of METHOD, section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import IntArray, LabelArray


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The chosen frames and what each is responsible for."""

    chosen: tuple[int, ...]
    """Indices of the chosen frames, in the order of choice."""
    labelled: tuple[LabelArray, ...]
    """For each chosen frame, int32 (N,): the superpixels whose features come from it, ascending."""


def choose_frames(
    present: Sequence[LabelArray], areas: Sequence[IntArray] | None = None, *, coverage: float = 1.0
) -> FrameChoice:
    """Choose frames until the temporal superpixels seen on them make up ``coverage`` of the clip's volume.

    All superpixels start unlabelled. The frame that shows most unlabelled ones is chosen, the earliest of
    equals, and labels them; this is repeated until enough are labelled.
    present: for each frame, int32 (N,), the distinct superpixels seen on it. areas: their sizes there, int (N,), px;
    needed for a coverage below 1. coverage: above 0, at most 1, the share of all pixels whose superpixels must be
    labelled.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage is {coverage}; it must be above 0, and at most 1.")
    if coverage < 1 and areas is None:
        raise ValueError("areas are needed for a coverage below 1.")
    superpixels = np.unique(np.concatenate(list(present))) if present else np.zeros(0, np.int32)
    members = [np.searchsorted(superpixels, frame) for frame in present]
    volumes = np.ones(len(superpixels), np.int64)
    if areas is not None:
        volumes[:] = 0
        for frame, sizes in zip(members, areas, strict=True):
            volumes[frame] += sizes
    enough = coverage * volumes.sum()
    unlabelled = np.ones(len(superpixels), np.bool_)
    chosen: list[int] = []
    labelled: list[LabelArray] = []
    while unlabelled.any() and (coverage == 1 or volumes[~unlabelled].sum() < enough):
        gains = [int(unlabelled[frame].sum()) for frame in members]
        best = int(np.argmax(gains))
        new = members[best][unlabelled[members[best]]]
        chosen.append(best)
        labelled.append(np.sort(superpixels[new]).astype(np.int32))
        unlabelled[new] = False
    return FrameChoice(tuple(chosen), tuple(labelled))
