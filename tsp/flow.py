"""Dense optical flow between two frames, behind one interface."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from tsp.arrays import ByteArray, FloatArray


class OpticalFlow(Protocol):
    """Anything that estimates where the pixels of one frame are in the next."""

    def __call__(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Forward flow.

        first, second: float32 (H, W, 3), sRGB-encoded RGB, 0..1.
        Returns float32 (H, W, 2), (dx, dy) in px from ``first`` to ``second``.
        """
        ...


class DISFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016) by OpenCV, medium preset.

    It works on 8-bit luma and gives the same bits for any number of threads.
    """

    _SMALLEST = 16  # px; the library needs a few patches in each direction

    def __init__(self, *, finest: bool = False) -> None:
        """finest: search at full size too, not at half size at most: sharper at edges, and three times the time."""
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        if finest:
            self._dis.setFinestScale(0)

    def __call__(self, first: FloatArray, second: FloatArray, start: FloatArray | None = None) -> FloatArray:
        """Forward flow; see :class:`OpticalFlow`. Frames under 16 px in a direction do not move.

        start: float32 (H, W, 2), flow to start from; by default none.
        """
        if start is None:
            start = np.zeros((*first.shape[:2], 2), np.float32)
        if min(first.shape[:2]) < self._SMALLEST:
            return start
        return np.asarray(self._dis.calc(_luma8(first), _luma8(second), start.copy()), np.float32)


def _luma8(rgb: FloatArray) -> ByteArray:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.clip(grey * 255 + 0.5, 0, 255), np.uint8)
