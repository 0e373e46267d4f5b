"""The frames that features are extracted on: the greedy choice of docs/method.md, section 5.2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import IntArray, LabelArray


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The chosen frames and the superpixels whose features each of them provides."""

    chosen: tuple[int, ...]
    """Indices of the chosen frames, in the order of choice."""
    labelled: tuple[LabelArray, ...]
    """For each chosen frame, int32 (N,): the superpixels whose features come from it, ascending."""


def choose_frames(
    present: Sequence[LabelArray], areas: Sequence[IntArray] | None = None, *, coverage: float = 1.0
) -> FrameChoice:
    """Choose frames until the temporal superpixels visible on them make up ``coverage`` of the clip's volume.

    All superpixels start unlabelled. The frame that shows most unlabelled superpixels is chosen, the earliest one
    where several show as many, and labels them; this is repeated until enough superpixels are labelled.

    present: for each frame, int32 (N,), the distinct superpixels visible on it.
    areas: for each frame, int (N,), the sizes of these superpixels there, in px; needed for a coverage below 1.
    coverage: share of all pixels of the clip whose superpixels must be labelled, above 0 and at most 1.
    Raises ValueError for another coverage, and for a coverage below 1 without areas.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage is {coverage}; it must be above 0, and at most 1.")
    if coverage < 1 and areas is None:
        raise ValueError("areas are needed for a coverage below 1.")
    clip = _Appearances(present, areas)
    enough = coverage * clip.volumes.sum()
    unlabelled = np.ones(len(clip.superpixels), np.bool_)
    remaining, covered = len(unlabelled), 0
    chosen: list[int] = []
    labelled: list[LabelArray] = []
    while remaining and (coverage == 1 or covered < enough):
        best = int(np.argmax(clip.gains))  # the earliest of equals
        visible = clip.visible_on(best)
        new = visible[unlabelled[visible]]
        chosen.append(best)
        labelled.append(np.sort(clip.superpixels[new]).astype(np.int32))
        unlabelled[new] = False
        remaining -= len(new)
        covered += int(clip.volumes[new].sum())
        clip.take_from_gains(new)
    return FrameChoice(tuple(chosen), tuple(labelled))


class _Appearances:
    """Which superpixels each frame shows and which frames show each superpixel, with the gain of every frame.

    The gain of a frame is the number of unlabelled superpixels on it. Counting it anew for every choice costs the
    square of the clip's length; here each appearance of a superpixel is subtracted once.
    """

    superpixels: LabelArray
    """int32 (S,), every superpixel of the clip, ascending; the other arrays count in its indices."""
    volumes: IntArray
    """int64 (S,), the area of each superpixel summed over the frames, in px; 1 for each without areas."""
    gains: IntArray
    """int64 (F,), the number of unlabelled superpixels on each frame."""

    def __init__(self, present: Sequence[LabelArray], areas: Sequence[IntArray] | None) -> None:
        self.gains = np.array([len(frame) for frame in present], np.int64)
        self._ends = np.cumsum(self.gains)  # of each frame's appearances
        every = np.concatenate(list(present)) if present else np.zeros(0, np.int32)
        self._visible: IntArray  # the superpixels on the first frame, then those on the second, and so on
        self.superpixels, self._visible = np.unique(every, return_inverse=True)
        count = len(self.superpixels)
        self.volumes = np.ones(count, np.int64)
        if areas is not None:
            self.volumes[:] = 0
            np.add.at(self.volumes, self._visible, np.concatenate(list(areas)) if areas else 0)
        frames = np.repeat(np.arange(len(present), dtype=np.int32), self.gains)
        self._frames = frames[np.argsort(self._visible, kind="stable")]
        self._lengths = np.bincount(self._visible, minlength=count)  # frames that show each superpixel
        self._starts = np.cumsum(self._lengths) - self._lengths

    def visible_on(self, frame: int) -> IntArray:
        """int64 (N,), the superpixels on a frame."""
        return self._visible[self._ends[frame - 1] if frame else 0 : self._ends[frame]]

    def take_from_gains(self, labelled: IntArray) -> None:
        """Subtract newly labelled superpixels, int64 (N,), from the gains of all frames that show them."""
        lengths = self._lengths[labelled]
        first = self._starts[labelled] - (np.cumsum(lengths) - lengths)
        places = np.repeat(first, lengths) + np.arange(lengths.sum())
        self.gains -= np.bincount(self._frames[places], minlength=len(self.gains))
