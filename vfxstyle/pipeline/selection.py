"""Which frames the network must see: the greedy choice of METHOD, section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LabelArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The chosen frames and what each is responsible for."""

    chosen: tuple[int, ...]
    """Indices of the chosen frames, in the order of choice."""
    labelled: tuple[LabelArray, ...]
    """For each chosen frame, int32 (N,): the superpixels whose features come from it, ascending."""


def choose_frames(present: Sequence[LabelArray]) -> FrameChoice:
    """Choose frames until every temporal superpixel is seen on one of them.

    All superpixels start unlabelled. The frame that shows most unlabelled ones is chosen, the earliest of
    equals, and labels them; this is repeated until none is left.
    present: for each frame, int32 (N,), the distinct superpixels seen on it.
    """
    superpixels = np.unique(np.concatenate(list(present))) if present else np.zeros(0, np.int32)
    members = [np.searchsorted(superpixels, frame) for frame in present]
    unlabelled = np.ones(len(superpixels), np.bool_)
    chosen: list[int] = []
    labelled: list[LabelArray] = []
    while unlabelled.any():
        gains = [int(unlabelled[frame].sum()) for frame in members]
        best = int(np.argmax(gains))
        new = members[best][unlabelled[members[best]]]
        chosen.append(best)
        labelled.append(np.sort(superpixels[new]).astype(np.int32))
        unlabelled[new] = False
    return FrameChoice(tuple(chosen), tuple(labelled))
