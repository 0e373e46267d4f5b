"""Where the pixels of a frame lie on another frame of the shot, however far (docs/method.md, section 14).

Flows of consecutive frames are chained; what the chain arrives at is the start of a search between the two frames
themselves, which takes back the drift, and finds again what was hidden meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tsp.flow import DISFlow
from vfxstyle.arrays import FloatArray

SAME_COLOUR = 12.0
"""Distance in Lab over which two pixels lose confidence in being the same, by a Gaussian."""
_UNCHAINED = 0.3  # confidence, as a factor, of a pixel that only the search between the two frames speaks for
_LOST = 0.02  # mean confidence of a chain at which it ends


@dataclass(frozen=True, slots=True)
class Track:
    """Where the pixels of a frame lie on a graded frame."""

    place: FloatArray
    """float32 (h, w, 2), x and y in px of the graded frame's analysis picture."""
    confidence: FloatArray
    """float32 (h, w), 0..1."""


class Chain:
    """Tracks to one frame from the frames before or after it, one after the other.

    picture: float32 (h, w, 3), sRGB-encoded, 0..1, of the frame that is tracked to. lab: its CIELab.
    """

    def __init__(self, picture: FloatArray, lab: FloatArray) -> None:
        self._target, self._target_lab = picture, lab
        self._last = picture
        rows, columns = picture.shape[:2]
        self._grid = own_places(rows, columns)
        self._place = self._grid
        self._confidence = np.ones((rows, columns), np.float32)
        self._flow, self._search = DISFlow(), DISFlow(finest=True)

    @property
    def is_lost(self) -> bool:
        """Whether hardly a pixel can be followed any farther."""
        return bool(self._confidence.mean() < _LOST)

    def nothing(self) -> Track:
        """The track of a frame of which nothing is known."""
        return Track(self._grid, np.zeros(self._confidence.shape, np.float32))

    def add(self, picture: FloatArray, lab: FloatArray) -> Track:
        """The track of the next frame away from the target. picture, lab: as of the target."""
        here, there = self._flow(picture, self._last), self._flow(self._last, picture)
        step = self._grid + here
        around = ((here + sampled(there, step)) ** 2).sum(axis=-1)
        sure = np.exp(-around / (1 + np.float32(0.05) * (here**2).sum(axis=-1))) * self._inside(step)
        self._confidence = sampled(self._confidence, step) * sure
        self._place = sampled(self._place, step)
        self._last = picture
        place = self._grid + self._search(picture, self._target, self._place - self._grid)
        unlike = ((sampled(self._target_lab, place) - lab) ** 2).sum(axis=-1) / np.float32(SAME_COLOUR**2)
        chained = np.float32(_UNCHAINED) + np.float32(1 - _UNCHAINED) * self._confidence
        return Track(place, np.exp(-unlike) * chained * self._inside(place))

    def _inside(self, place: FloatArray) -> FloatArray:
        rows, columns = self._confidence.shape
        x, y = place[..., 0], place[..., 1]
        inside = (x >= -0.5) & (x <= columns - 0.5) & (y >= -0.5) & (y <= rows - 0.5)
        return inside.astype(np.float32)


def own_places(rows: int, columns: int) -> FloatArray:
    """Where every pixel lies on its own frame, float32 (rows, columns, 2), x and y in px."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return np.stack([x, y], axis=-1)


def sampled(picture: FloatArray, place: FloatArray) -> FloatArray:
    """A picture, (h, w) or (h, w, C), at other places, bilinearly. place: float32 (h, w, 2), x and y in px."""
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
