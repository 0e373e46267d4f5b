"""Long clips in sections that overlap, segmented apart and joined: labels mean the same through the whole clip.

A section begins :data:`SHARED` frames before its own first frame, with frames that the section before ends with. On the
last :data:`COMPARED` of these a superpixel of the later section is one of the earlier where the two share at least
:data:`LEAST_SHARED` of the pixels that either has there. Pairs are taken in the order of that share, each superpixel
once. All others are new.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsp.arrays import LabelArray

SHARED = 8
"""Frames that a section has in common with the one before: it starts from a grid, and needs a few to settle."""
COMPARED = 4
"""The last of these, on which superpixels are compared."""
LEAST_SHARED = 0.15
"""Pixels of both over pixels of either, from which on two superpixels are the same."""


class Joiner:
    """Gives the superpixels of one section after another labels that hold through the clip."""

    def __init__(self) -> None:
        self._offset, self._next = 0, 0
        self._own, self._joined = np.zeros(0, np.int32), np.zeros(0, np.int32)

    def begin(self, before: Sequence[LabelArray], own: Sequence[LabelArray]) -> None:
        """Begin a section. before: joined label maps, int32 (H, W), of the frames to compare. own: the section's.

        Both are empty for the first section, and for one that shares no frame.
        """
        self._offset = self._next
        self._own, self._joined = same_superpixels(before, own)

    def join(self, labels: LabelArray) -> LabelArray:
        """A label map of the section with the clip's labels, int32 (H, W). labels: int32 (H, W), >= 0."""
        table = np.arange(labels.max() + 1, dtype=np.int32) + np.int32(self._offset)
        there = self._own < len(table)
        table[self._own[there]] = self._joined[there]
        joined = table[labels]
        self._next = max(self._next, int(joined.max()) + 1)
        return joined


def same_superpixels(before: Sequence[LabelArray], after: Sequence[LabelArray]) -> tuple[LabelArray, LabelArray]:
    """The superpixels that two segmentations of the same frames have in common.

    before, after: label maps, int32 (H, W), >= 0, of as many frames. Returns labels of ``after`` and, for each, that of
    ``before``; int32 (N,), no label twice. Raises ValueError for other numbers of frames.
    """
    if not before and not after:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    count = 1 + max(int(labels.max()) for labels in after)
    keys = np.concatenate(
        [old.astype(np.int64).ravel() * count + new.ravel() for old, new in zip(before, after, strict=True)]
    )
    pairs, both = np.unique(keys, return_counts=True)
    old, new = pairs // count, pairs % count
    _, at_old = np.unique(old, return_inverse=True)
    either = np.bincount(at_old, both)[at_old] + np.bincount(new, both)[new] - both
    shares = both / either
    old_taken, new_taken = set[int](), set[int]()
    found: list[tuple[int, int]] = []
    for index in np.argsort(-shares, kind="stable").tolist():
        if shares[index] < LEAST_SHARED:
            break
        pair = int(new[index]), int(old[index])
        if pair[0] not in new_taken and pair[1] not in old_taken:
            found.append(pair)
            new_taken.add(pair[0])
            old_taken.add(pair[1])
    labels = np.array(found, np.int32).reshape(-1, 2)
    return labels[:, 0], labels[:, 1]
