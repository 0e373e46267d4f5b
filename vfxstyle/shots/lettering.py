"""Words on pictures."""

from __future__ import annotations

import cv2
import numpy as np

from vfxstyle.arrays import ByteArray
from vfxstyle.files import printable

BAND = 28
"""Height of a band of words, in px."""
PAPER = 24
"""Code value of the ground between pictures."""
_INK = (225, 225, 225)


def band(text: str, width: int) -> ByteArray:
    """A dark band with a line of words, uint8 (BAND, width, 3); what does not fit is cut off."""
    picture = np.full((BAND, width, 3), PAPER, np.uint8)
    plain = printable(text).encode("ascii", "replace").decode()  # the letters that the font has
    cv2.putText(picture, plain, (8, BAND - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return picture


def beside(pictures: list[ByteArray], gap: int = 4) -> ByteArray:
    """Pictures of one height side by side, uint8 (H, W, 3)."""
    bar = np.full((pictures[0].shape[0], gap, 3), PAPER, np.uint8)
    parts = [part for picture in pictures for part in (picture, bar)][:-1]
    return np.concatenate(parts, axis=1)
