"""Scene cuts: how much of a frame is the frame before it, moved."""

from __future__ import annotations

import cv2
import numpy as np

from tsp.arrays import FloatArray

_STEP = 4  # px; every fourth pixel of a blurred picture is enough
_BLURS = 32  # widths of the blur in the frame's width: it removes grain and keeps what a cut changes
_GRAIN = 24.0  # CIELab units squared that two blurred frames of one flat, grainy wall may differ by


def explained_by_motion(before: FloatArray, now: FloatArray, flow: FloatArray) -> float:
    """Share of the variance of two frames that is the same in both once the flow is undone, at most 1.

    A change of exposure between the frames is forgiven, so that a flash is no cut. Within DAVIS shots it is
    0.95 and more (0.93 over gaps of six frames, 0.80 with the exposure halved), between two shots at most 0.65.

    before, now: float32 (H, W, 3), CIELab. flow: float32 (H, W, 2), (dx, dy) px from ``before`` to ``now``.
    """
    height, width = before.shape[:2]
    y, x = np.mgrid[0:height:_STEP, 0:width:_STEP].astype(np.float32)
    x = x + flow[::_STEP, ::_STEP, 0]
    y = y + flow[::_STEP, ::_STEP, 1]
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    if not seen.any():
        return 0.0
    size = (max(5, width // _BLURS),) * 2
    first = cv2.blur(before, size)[::_STEP, ::_STEP][seen]
    second = cv2.remap(cv2.blur(now, size), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[seen]
    for picture in (first, second):
        picture[:, 0] -= picture[:, 0].mean()
    # Chroma is compared as it is, but its variance is about a common mean.
    middle = (first.mean(axis=0) + second.mean(axis=0)) / 2
    difference = float(np.square(first - second).sum())
    variance = float(np.square(first - middle).sum() + np.square(second - middle).sum())
    return 1.0 - difference / (variance + _GRAIN * len(first))
