"""The eight ways a picture can be stored turned or mirrored, by their EXIF codes.

Sources: the Exif standard (Orientation, 1 to 8); the QuickTime File Format (the matrix of a track).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from vfxstyle.arrays import AnyArray

Planes = TypeVar("Planes", bound=AnyArray)
UPRIGHT = 1
SIDEWAYS = (5, 6, 7, 8)
"""Orientations whose rows are the columns of the upright picture."""
IN_WORDS = {
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored along the diagonal from top left",
    6: "turned by 90 degrees clockwise",
    7: "mirrored along the diagonal from top right",
    8: "turned by 90 degrees counter-clockwise",
}
"""What is done to make a picture upright."""
_CODE_OF_MATRIX = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def upright(pixels: Planes, orientation: int) -> Planes:
    """A picture (H, W) or (H, W, C) as it is to be shown. orientation: its EXIF code, 1 to 8."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]  # type: ignore[assignment]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]  # type: ignore[assignment]
    return np.ascontiguousarray(pixels)  # type: ignore[return-value]


def orientation_of_matrix(data: bytes) -> int | None:
    """The EXIF code of a movie's display matrix, nine int32; None for one that turns by another angle.

    Its first, second, fourth and fifth numbers a, b, c, d put the stored pixel (x, y) at (ax + cy, bx + dy).
    """
    if len(data) < 36:
        return None
    numbers = np.frombuffer(data, "<i4", 9).astype(np.float64)[[0, 1, 3, 4]]
    a, b, c, d = (round(value / max(np.abs(numbers).max(), 1)) for value in numbers)
    return _CODE_OF_MATRIX.get((a, b, c, d))
