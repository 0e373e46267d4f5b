"""How a plate is lit: how bright and how warm, measured on its frames (docs/method.md, section 9.1).

A look for any light takes the lighting out of a plate, acts, and puts it back. Brightness is taken out as a whole,
warmth only where it is beyond what photographs have that were balanced by their cameras; far from that, as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import AnyArray, BoolArray, FloatArray

ORDINARY = 0.2
"""Brightness of a plate that is lit as photographs are: what 140 of them have, in the mean of their logarithms."""
ORDINARY_WARMTH = 0.12
"""The median warmth of the same photographs, which their cameras have balanced."""
BALANCED = 0.5
"""Warmth that stays, either way from ordinary: four of five of these photographs have no more."""
OTHER_LIGHT = 1.0
"""Warmth, either way from ordinary, from which on all of it is taken out; between the two, less and less stays."""
MOST_STOPS, MOST_WARMTH = 12, 4
"""Most stops from ordinary light, and most warmth, that are measured: red light alone, or noise alone, is no lamp."""
MEASURED_COLUMNS = 240
"""Columns of the pixels that are measured, at most twice as many."""
_TINT = np.array([0.316, -0.088, -0.684])
"""Logarithms of the channels of linear Rec.709 for a warmth of 1, along the light of black bodies: 3200 K has 2.4."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_FEW = 0.001  # of the pixels, or of the edges: the strongest count as no more than the one after them
_BRIGHTEST = 6  # times the mean luminance: a lamp in the picture counts as no more
_DARKEST = 1e-3  # of the mean luminance: black bars and empty pixels do not count
_EDGES = 4  # exponent of the mean over edges


@dataclass(frozen=True, slots=True)
class Measured:
    """How one picture is lit."""

    brightness: float
    """Logarithm, base 2, of its brightness in linear light, as the eye takes the mean."""
    warmth: float
    """Logarithm, base 2, of red over blue on its edges."""


def measured(light: FloatArray, covered: BoolArray | None = None) -> Measured | None:
    """How a picture is lit; None for one without light.

    light: float32 (H, W, 3), linear Rec.709, finite, not multiplied by alpha. covered: bool (H, W), pixels that count,
    all where it is None. Brightness is the square of the mean root of luminance. Edges show the colour of the light
    better than areas do, which a sea or a forest can fill (van de Weijer, Gevers and Gijsenij, Edge-Based Color
    Constancy, 2007). A few pixels of a renderer's noise or of a broken sensor do not move either.
    """
    step = max(1, light.shape[1] // MEASURED_COLUMNS)
    pixels = light[::step, ::step].clip(0, None).astype(np.float64)
    counted = np.ones(pixels.shape[:2], bool) if covered is None else covered[::step, ::step]
    if not counted.any():
        return None
    limited = _limited(pixels, counted)
    if limited[counted].any():  # else nothing is lit but a few stars
        pixels = limited
    luminance = pixels @ _LUMINANCE
    mean = luminance[counted].mean()
    if not mean > 0:
        return None
    lit = counted & (luminance > _DARKEST * mean)
    brightness = 2 * np.log2(np.sqrt(np.minimum(luminance[lit], _BRIGHTEST * mean)).mean())
    return Measured(
        float(brightness), _warmth(pixels / np.maximum(luminance / (_BRIGHTEST * mean), 1)[..., None], counted)
    )


def _warmth(pixels: AnyArray, counted: BoolArray) -> float:
    """Logarithm, base 2, of red over blue on edges between pixels that count."""
    across, down = np.diff(pixels, axis=1)[:-1], np.diff(pixels, axis=0)[:, :-1]
    whole = counted[:-1, :-1] & counted[:-1, 1:] & counted[1:, :-1]
    if not whole.any():
        return 0.0
    edges = _limited(np.hypot(across, down), whole)
    red, _, blue = (edges[whole] ** _EDGES).sum(axis=0)
    return float(np.log2(red / blue) / _EDGES) if red > 0 and blue > 0 else 0.0


def _limited(values: AnyArray, counted: BoolArray) -> AnyArray:
    """Channels, (H, W, 3), that go no higher than the highest value that counts but for a few, at least one."""
    return np.asarray(np.minimum(values, np.quantile(values[counted], 1 - _FEW, axis=0, method="lower")))


def stops_and_warmth(frames: Iterable[Measured]) -> tuple[float, float]:
    """Stops above ordinary light, and warmth, of a shot by its frames, the medians; 0 of a shot without light."""
    values = np.array([(one.brightness, one.warmth) for one in frames]).reshape(-1, 2)
    if not len(values):
        return 0.0, 0.0
    brightness, warmth = np.median(values, axis=0)
    stops = np.clip(brightness - np.log2(ORDINARY), -MOST_STOPS, MOST_STOPS)
    return float(stops), float(np.clip(warmth, -MOST_WARMTH, MOST_WARMTH))


def lighting_of(stops: float, warmth: float) -> FloatArray:
    """The lighting of a shot that is some stops above ordinary light, and of some warmth.

    Returns float32 (3,), how bright each channel of linear Rec.709 is, over that of the shot in ordinary light.
    """
    own = warmth - ORDINARY_WARMTH
    stays = np.interp(abs(own), [0, BALANCED, OTHER_LIGHT], [0, BALANCED, 0])
    tint = 2 ** (_TINT * (own - np.sign(own) * stays))
    return np.asarray(2**stops * tint / (tint @ _LUMINANCE), np.float32)


def lighting_of_one(picture: Measured | None) -> FloatArray:
    """The lighting of a single picture, float32 (3,); 1 of one without light."""
    return lighting_of(*stops_and_warmth([] if picture is None else [picture]))
