"""Local contrast: gains on three bands of lightness, which a transform of single pixels cannot express.

Lightness is smoothed by three edge-aware filters of rising width. The bands are the differences between lightness and
the first of them, and between each and the next; with the smoothest they add up to lightness. A gain of zero leaves a
band as it is. Because a gain is linear in lightness, it folds into the coefficients of the colour transform where the
picture's smoothings are known: it costs nothing per pixel, and the finest band includes whatever a plate resolves
beyond the analysis picture.
Source: docs/method.md, section 10; He, Sun, Tang, "Guided Image Filtering", TPAMI 35(6), 2013.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS

BANDS = 3
"""Bands of lightness with a gain each, the finest first."""
REACHES = (0.004, 0.012, 0.035)
"""Radii of the smoothings, as shares of the picture's width."""
EDGE = 10.0
"""Contrast, in L, above which a step counts as an edge and stays out of the bands."""
WHITE, FADE = 97.0, 10.0
"""L at which the bands have faded to zero, and the range of L below it over which they fade."""
GAIN_LIMITS = (-1.0, 3.0)
"""Limits of predicted gains: a band can be removed (-1), and amplified to four times its strength (3)."""

_L_TERM, _ONE_TERM = 6, TERMS - 1  # places of L and of 1 in V, in the row of the transform that makes L
_WHITE, _FADE, _SCALE_OF_L = np.float32(WHITE), np.float32(FADE), np.float32(LAB_SCALE[0])


def smoothed(lightness: FloatArray) -> FloatArray:
    """Lightness after each smoothing.

    lightness: float32 (H, W), L 0..100. Returns float32 (H, W, 3), L, the least smooth first.
    """
    levels = [_guided(lightness, max(1, round(reach * lightness.shape[1]))) for reach in REACHES]
    return np.stack(levels, axis=-1)


def bands(lightness: FloatArray) -> FloatArray:
    """The bands of lightness, which fade towards white.

    lightness: float32 (H, W), L 0..100. Returns float32 (H, W, 3), in L, the finest band first.
    """
    levels = smoothed(lightness)
    apart = [lightness - levels[..., 0], *(levels[..., i] - levels[..., i + 1] for i in range(2))]
    return np.stack(apart, axis=-1) * _below_white(levels)


def folded(outputs: FloatArray, lightness: FloatArray) -> FloatArray:
    """Fold the gains of the bands into colour transforms.

    outputs: float32 (H, W, 30 + 3), a colour transform and gains for every pixel of the analysis picture; without gains
    (H, W, 30). lightness: float32 (H, W), its L, 0..100. Returns float32 (H, W, 30).
    """
    if outputs.shape[-1] == COEFFICIENTS:
        return outputs
    folded_ones = np.empty((*lightness.shape, COEFFICIENTS), np.float32)
    _fold(np.ascontiguousarray(outputs, np.float32), smoothed(lightness), folded_ones)
    return folded_ones


@kernel(inline="always")
def fold_gains(gains: FloatArray, levels: FloatArray, transform: FloatArray) -> None:
    """Fold the gains of a pixel's bands, (3,), into its transform, (30,). levels: (3,), its L after each smoothing."""
    fade = min(max((_WHITE - levels[0]) / _FADE, np.float32(0)), np.float32(1))
    transform[_L_TERM] += fade * gains[0]
    constant = -gains[0] * levels[0]
    for band in range(1, BANDS):
        constant += gains[band] * (levels[band - 1] - levels[band])
    transform[_ONE_TERM] += fade * constant / _SCALE_OF_L


@kernel(parallel=True)
def _fold(outputs: FloatArray, levels: FloatArray, out: FloatArray) -> None:
    """As :func:`folded`. levels: float32 (H, W, 3), lightness after each smoothing."""
    height, width, _ = outputs.shape
    for y in prange(height):
        for x in range(width):
            for k in range(COEFFICIENTS):
                out[y, x, k] = outputs[y, x, k]
            fold_gains(outputs[y, x, COEFFICIENTS:], levels[y, x], out[y, x])


def _below_white(levels: FloatArray) -> FloatArray:
    """A factor that falls from 1 to 0 towards white, (H, W, 1).

    The analysis picture ends at white and a plate does not: differences above white are exposure, not contrast.
    """
    return np.asarray(np.clip((WHITE - levels[..., :1]) / FADE, 0, 1), np.float32)


def _guided(lightness: FloatArray, radius: int) -> FloatArray:
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values: npt.NDArray[np.floating]) -> FloatArray:
        return np.asarray(cv2.blur(values, size, borderType=cv2.BORDER_REFLECT), np.float32)

    centre = mean(lightness)
    variance = np.maximum(mean(lightness * lightness) - centre * centre, np.float32(0))
    share = variance / (variance + np.float32(EDGE**2))
    return mean(share) * lightness + mean(centre * (np.float32(1) - share))
