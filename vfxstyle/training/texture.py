"""What a look cannot learn and a pair may show: blur, sharpening and grain.

A transform of colours scales fine detail and the detail that is somewhat coarser by one factor, whatever that is. So a
graded picture whose finest detail was scaled by another factor was blurred or sharpened, and the part of its finest
detail that is not the plate's, scaled, is grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from vfxstyle.arrays import FloatArray

_WIDTHS = (0.0, 1.0, 2.5, 10.0)  # px, standard deviations of the blurs between which detail is fine, coarse and wide
_WINDOW = 33  # px a side, over which detail is compared
_VISIBLE = 0.4  # standard deviation of lightness from which on detail is compared
_FOLLOWS = 0.2  # factor from which on a band of the grade is that of the plate, scaled
_DARKEST, _LIGHTEST = 3.0, 97.0  # mean lightness between which a graded window is compared: others may be clipped
_SOFTER, _SHARPER = 0.8, 1.13
"""Factor of fine detail over that of coarser detail. On five clips of DAVIS 2016 grades without texture of their own,
local contrast and JPEG of quality 80 among them, lie within .91 to 1.09 on four fifths of the windows, an unsharp mask
of half strength, 1 px wide, at 1.14 to 1.23, a blur of 1 px below .6."""
_GRAIN = 1.0  # standard deviation of lightness that the plate does not explain


@dataclass(frozen=True, slots=True)
class Texture:
    """Shares, 0..1, of a graded picture's windows that are neither dark nor light enough to be clipped."""

    softer: float
    """Blurred."""
    sharper: float
    """Sharpened."""
    grainy: float
    """With grain, or other noise, that the plate has not."""


def texture_of(before: FloatArray, after: FloatArray) -> Texture:
    """Compare the finest detail of both pictures of a pair.

    before, after: float32 (H, W), L 0..100, at analysis resolution.
    """
    fine, coarse, wide = (_compared(own, other) for own, other in zip(_details(before), _details(after), strict=True))
    level = _mean(after)
    shown = (level > _DARKEST) & (level < _LIGHTEST)
    if not shown.any():
        return Texture(0.0, 0.0, 0.0)
    visible = (fine.strength > _VISIBLE) & (coarse.strength > _VISIBLE)
    follows = coarse.factor > _FOLLOWS
    ratio = np.divide(fine.factor, coarse.factor, out=np.ones_like(level), where=visible & follows)
    gone = visible & ~follows & (wide.strength > _VISIBLE) & (wide.factor > _FOLLOWS)  # by a blur that left wide detail
    return Texture(
        softer=float(((ratio < _SOFTER) | gone)[shown].mean()),
        sharper=float((ratio > _SHARPER)[shown].mean()),
        grainy=float((fine.unexplained > _GRAIN)[shown].mean()),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """Detail of a plate and of its grade in the window round every pixel; float32 (H, W) each."""

    strength: FloatArray
    """Standard deviation of the plate's detail, L."""
    factor: FloatArray
    """By which it comes nearest to the grade's, by least squares."""
    unexplained: FloatArray
    """Standard deviation of what the grade's differs from that by, L."""


def _compared(before: FloatArray, after: FloatArray) -> _Compared:
    own, both, other = (np.asarray(_mean(product), np.float64) for product in (before**2, before * after, after**2))
    factor = both / np.maximum(own, 1e-6)
    left = np.sqrt(np.maximum(other - factor * both, 0))
    strength = np.sqrt(np.maximum(own, 0))
    return _Compared(*(np.asarray(values, np.float32) for values in (strength, factor, left)))


def _details(lightness: FloatArray) -> list[FloatArray]:
    """Fine, coarse and wide detail: the differences between blurs of growing width."""
    blurred = [cv2.GaussianBlur(lightness, (0, 0), width) if width else lightness for width in _WIDTHS]
    return [np.asarray(sharp - soft, np.float32) for sharp, soft in pairwise(blurred)]


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.boxFilter(values, -1, (_WINDOW, _WINDOW)), np.float32)
