"""How steady a graded clip is in time, against its plate.

Warping error after Lai et al., Learning Blind Video Temporal Consistency (2018), on float pictures. Optical flow is
measured on the plate, by DIS, so that a grade cannot change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from tsp import DISFlow
from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, LabelArray
from vfxstyle.review.figures import looked_up

STEADY = 2.0
"""Standard deviation of Lab that a superpixel's mean may have on the plate to count as static."""
MIN_LIFE = 8
"""Frames that a superpixel must live to be measured for flicker."""
MIN_AREA = 50
"""Px of the clip that a superpixel must have to be measured for a pop; half of them must be visible in both frames."""
SEEN = 2.3
"""Lab units: a difference that is just seen (Mahy et al., Evaluation of Uniform Color Spaces, 1994)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What stability is measured against: a plate of T frames, prepared once for all grades of it."""

    lab: list[FloatArray]
    """float32 (H, W, 3) each, CIELab of the plate."""
    labels: list[LabelArray]
    """int32 (H, W) each, temporal superpixels that colours are averaged over."""
    back: list[FloatArray]
    """float32 (H, W, 2) each, T - 1 of them: flow from each frame but the first to the one before, px."""
    visible: list[BoolArray]
    """bool (H, W) each, T - 1 of them: whether a pixel of each frame but the first is visible in the one before too."""

    @classmethod
    def of(cls, pictures: list[FloatArray], lab: list[FloatArray], labels: list[LabelArray]) -> Clip:
        """Prepare a plate.

        pictures: float32 (H, W, 3) each, sRGB, 0..1. lab: the same in CIELab. labels: int32 maps of any size. A pixel
        is visible in both frames if the flow back and forth returns to it within half a pixel and 1 % of the way.
        """
        flow, back, visible = DISFlow(), [], []
        for before, now in pairwise(pictures):
            backward, forward = flow(now, before), flow(before, now)
            returned = looked_up(forward, backward)
            distance = np.linalg.norm(backward + returned, axis=-1)
            tolerance = 0.01 * (np.linalg.norm(backward, axis=-1) + np.linalg.norm(returned, axis=-1)) + 0.5
            back.append(backward)
            visible.append((distance < tolerance) & _inside(backward))
        height, width = pictures[0].shape[:2]
        large = [cv2.resize(one, (width, height), interpolation=cv2.INTER_NEAREST) for one in labels]
        return cls(lab, [np.asarray(one, np.int32) for one in large], back, visible)


def _places(flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the columns and rows that the flow of each pixel leads to, float32 (H, W) each."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _inside(flow: FloatArray) -> BoolArray:
    x, y = _places(flow)
    inside: BoolArray = (x >= 0) & (y >= 0) & (x <= flow.shape[1] - 1) & (y <= flow.shape[0] - 1)
    return inside


def warping_error(clip: Clip, pictures: list[FloatArray]) -> float:
    """Return the mean squared difference of a frame and the one before, warped to it, where both show the same thing.

    pictures: float32 (H, W, 3) each, of a grade, sRGB, 0..1.
    """
    errors = []
    for (before, now), back, visible in zip(pairwise(pictures), clip.back, clip.visible, strict=True):
        errors.append(float(((now - looked_up(before, back))[visible] ** 2).mean()))
    return float(np.mean(errors))


def flicker(clip: Clip, lab: list[FloatArray]) -> float:
    """Return the standard deviation in time of what a grade adds to static superpixels, Lab units, weighted by area.

    lab: float32 (H, W, 3) each, CIELab of the grade. What a grade adds is the superpixel's mean after less its mean
    before, so that the plate's own change does not count.
    """
    count = 1 + max(int(labels.max()) for labels in clip.labels)
    plate = np.full((len(lab), count, 3), np.nan)
    added, areas = plate.copy(), np.zeros((len(lab), count))
    for t, (labels, before, after) in enumerate(zip(clip.labels, clip.lab, lab, strict=True)):
        areas[t] = np.bincount(labels.reshape(-1), minlength=count)
        present = areas[t] > 0
        sums = _sums_by_label(labels, before, count), _sums_by_label(labels, after, count)
        plate[t, present] = sums[0][present] / areas[t, present, None]
        added[t, present] = (sums[1] - sums[0])[present] / areas[t, present, None]
    long = (areas > 0).sum(axis=0) >= MIN_LIFE
    static = np.linalg.norm(np.nanstd(plate[:, long], axis=0), axis=-1) < STEADY
    deviation = np.linalg.norm(np.nanstd(added[:, long][:, static], axis=0), axis=-1)
    return float(np.average(deviation, weights=areas[:, long][:, static].sum(axis=0)))


def _sums_by_label(labels: LabelArray, lab: FloatArray, count: int) -> DoubleArray:
    """Return the sum of the colours of each label, float64 (count, 3)."""
    flat = labels.reshape(-1)
    return np.stack([np.bincount(flat, lab[..., channel].reshape(-1), count) for channel in range(3)], axis=1)


@dataclass(frozen=True, slots=True)
class Jumps:
    """Jumps where superpixels appear or disappear, against the truth, so that jumps of the recipe do not count."""

    largest: float
    """Lab units: the largest mean over the pixels of a superpixel that both frames show."""
    share: float
    """Pixels that jump by more than :data:`SEEN`, as a share of all that both frames show, 0..1."""


def jumps(clip: Clip, lab: list[FloatArray], truth: list[FloatArray]) -> Jumps:
    """Measure the change in time of the difference between a grade and the truth where superpixels come and go.

    lab, truth: float32 (H, W, 3) each, CIELab.
    """
    largest, seen, shown = 0.0, 0, 0
    for t, (back, visible) in enumerate(zip(clip.back, clip.visible, strict=True)):
        jump = lab[t + 1] - truth[t + 1] - looked_up(lab[t] - truth[t], back)
        columns, rows = _places(back)
        x = np.clip(np.rint(columns), 0, visible.shape[1] - 1).astype(int)
        y = np.clip(np.rint(rows), 0, visible.shape[0] - 1).astype(int)
        before, now = clip.labels[t], clip.labels[t + 1]
        changed = np.zeros(visible.shape, bool)
        for labels, others in ((now, before), (before[y, x], now)):  # appears now; was there and is no more
            new = ~np.isin(labels, np.unique(others))
            largest = max(largest, _largest_mean(jump, labels, new, visible))
            changed |= new
        seen += int((changed & visible & (np.linalg.norm(jump, axis=-1) > SEEN)).sum())
        shown += int(visible.sum())
    return Jumps(largest, seen / max(1, shown))


def _largest_mean(jump: FloatArray, labels: LabelArray, new: BoolArray, visible: BoolArray) -> float:
    """Return the largest mean jump of a superpixel that has new pixels enough and half of them visible."""
    count = int(labels.max()) + 1
    areas = np.bincount(labels[new], minlength=count)
    both = np.bincount(labels[new & visible], minlength=count)
    measured = np.flatnonzero((areas >= MIN_AREA) & (both >= areas / 2))
    means = [jump[(labels == label) & visible].mean(axis=0) for label in measured]
    return max((float(np.linalg.norm(mean)) for mean in means), default=0.0)
