"""How steady a graded clip is in time, against its plate.

Warping error after Lai et al., Learning Blind Video Temporal Consistency (2018), on float pictures. Flow is that of
the plate, by DIS, so that a grade cannot move it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from tsp import DISFlow
from vfxstyle.arrays import BoolArray, FloatArray, LabelArray

STEADY = 2.0
"""Standard deviation of Lab that a superpixel's mean may have on the plate to count as static."""
LEAST_LIFE = 8
"""Frames that a superpixel must live to be watched for flicker."""
LEAST_AREA = 50
"""Px of the clip that a superpixel must have, of which half must be seen in both frames, to be watched for a pop."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What is known of a plate, once for all grades of it."""

    lab: list[FloatArray]
    """float32 (H, W, 3) each, CIELab of the plate."""
    labels: list[LabelArray]
    """int32 (H, W) each, temporal superpixels that grades are watched through."""
    back: list[FloatArray]
    """float32 (H, W, 2) each, from every frame but the first to the one before, px."""
    seen: list[BoolArray]
    """bool (H, W) each, of every frame but the first: whether a pixel is seen in the one before as well."""

    @classmethod
    def of(cls, pictures: list[FloatArray], lab: list[FloatArray], labels: list[LabelArray]) -> Clip:
        """pictures: float32 (H, W, 3), sRGB, 0..1. labels: maps of any size."""
        flow, back, seen = DISFlow(), [], []
        for before, now in pairwise(pictures):
            here, there = flow(now, before), flow(before, now)
            away = np.linalg.norm(here + _moved(there, here), axis=-1)
            reach = 0.01 * (np.linalg.norm(here, axis=-1) + np.linalg.norm(_moved(there, here), axis=-1)) + 0.5
            back.append(here)
            seen.append((away < reach) & _inside(here))
        height, width = pictures[0].shape[:2]
        large = [cv2.resize(one, (width, height), interpolation=cv2.INTER_NEAREST) for one in labels]
        return cls(lab, large, back, seen)


def _places(flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _moved(picture: FloatArray, flow: FloatArray) -> FloatArray:
    """``picture`` looked up where each pixel comes from."""
    return cv2.remap(picture, *_places(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _inside(flow: FloatArray) -> BoolArray:
    x, y = _places(flow)
    return (x >= 0) & (y >= 0) & (x <= flow.shape[1] - 1) & (y <= flow.shape[0] - 1)


def warping_error(clip: Clip, pictures: list[FloatArray]) -> float:
    """Mean squared difference of a frame and the one before, warped to it, where both see the same thing.

    pictures: float32 (H, W, 3) of a grade, sRGB, 0..1.
    """
    errors = []
    for (before, now), back, seen in zip(pairwise(pictures), clip.back, clip.seen, strict=True):
        errors.append(float(((now - _moved(before, back))[seen] ** 2).mean()))
    return float(np.mean(errors))


def flicker(clip: Clip, lab: list[FloatArray]) -> float:
    """Standard deviation in time of what a grade adds to static superpixels, Lab units, weighted by area.

    lab: float32 (H, W, 3) each, CIELab of the grade. What is added is the superpixel's mean after less that before, so
    the plate's own change is taken off.
    """
    count = 1 + max(int(labels.max()) for labels in clip.labels)
    plate = np.full((len(lab), count, 3), np.nan)
    added, areas = plate.copy(), np.zeros((len(lab), count))
    for t, (labels, before, after) in enumerate(zip(clip.labels, clip.lab, lab, strict=True)):
        flat = labels.reshape(-1)
        areas[t] = np.bincount(flat, minlength=count)
        own = areas[t] > 0
        for c in range(3):
            sums = (
                np.bincount(flat, before[..., c].reshape(-1), count),
                np.bincount(flat, after[..., c].reshape(-1), count),
            )
            plate[t, own, c] = sums[0][own] / areas[t, own]
            added[t, own, c] = (sums[1] - sums[0])[own] / areas[t, own]
    long = (areas > 0).sum(axis=0) >= LEAST_LIFE
    still = np.linalg.norm(np.nanstd(plate[:, long], axis=0), axis=-1) < STEADY
    moved = np.linalg.norm(np.nanstd(added[:, long][:, still], axis=0), axis=-1)
    return float(np.average(moved, weights=areas[:, long][:, still].sum(axis=0)))


def largest_pop(clip: Clip, lab: list[FloatArray], truth: list[FloatArray]) -> float:
    """The largest jump, in Lab units, where a superpixel is born or dies.

    Over the part of its pixels that both frames see: the mean change in time of what sets the grade apart from the
    truth, whose own jumps are the recipe's. lab, truth: float32 (H, W, 3) each, CIELab.
    """
    largest = 0.0
    for t, (back, seen) in enumerate(zip(clip.back, clip.seen, strict=True)):
        jump = lab[t + 1] - truth[t + 1] - _moved(lab[t] - truth[t], back)
        x, y = (np.clip(np.rint(p), 0, size - 1).astype(int) for p, size in zip(_places(back), seen.shape[::-1]))  # noqa: B905
        before, now = clip.labels[t], clip.labels[t + 1]
        for labels, others in ((now, before), (before[y, x], now)):  # born now; was there and is no more
            fresh = ~np.isin(labels, np.unique(others))
            count = int(labels.max()) + 1
            areas = np.bincount(labels[fresh], minlength=count)
            both = np.bincount(labels[fresh & seen], minlength=count)
            watched = (areas >= LEAST_AREA) & (both >= areas / 2)
            for label in np.flatnonzero(watched):
                largest = max(largest, float(np.linalg.norm(jump[(labels == label) & seen].mean(axis=0))))
    return largest
