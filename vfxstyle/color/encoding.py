"""How a plate's numbers become light, and how light becomes gradable.

Two separate things live here:

* *transfer encodings*: sRGB, Rec.709 display (BT.1886) and scene-linear, with their exact inverses;
* the *grading encoding*: a reversible map of any scene-linear colour into the range that a look learnt
  from photographs is defined on. A colour x is written as ``x = gain * (display + foot)``:

      m       = max(R, G, B)
      gain    = 1                                    for m <= 1
              = m / (1 + d (1 - exp(-(m - 1) / d)))  above, d = HEADROOM
      display = x / gain                             per channel, soft floor at -FOOTROOM
      foot    = what the soft floor took off         zero for non-negative channels

  The look changes ``display`` only. ``gain`` scales all channels alike, so hue and order of highlights
  survive; both curves are continuous with their first derivative, and neither clamps. For display-referred
  plates within 0..1 the map is the identity.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt
from numba import prange

from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

FloatArray = npt.NDArray[np.float32]

HEADROOM = 0.25
"""How far above 1.0 a colour is shown to the look at most; everything brighter is carried by the gain."""

FOOTROOM = 0.01
"""How far below 0.0 a channel is shown to the look at most; the rest is added back untouched."""

_HEADROOM = np.float32(HEADROOM)
_FOOTROOM = np.float32(FOOTROOM)
_ONE = np.float32(1)
_ZERO = np.float32(0)


class Encoding(Enum):
    """The transfer encoding of a plate; primaries are Rec.709 in all of them."""

    LINEAR = "scene-linear Rec.709"
    SRGB = "sRGB"
    REC709 = "Rec.709 display (BT.1886)"

    @property
    def display_referred(self) -> bool:
        """Whether 1.0 is the display's white and nothing is meant to lie above it."""
        return self is not Encoding.LINEAR

    @property
    def interop_id(self) -> str:
        """The Color Interop Forum's name of the encoding, written into file headers."""
        return {
            Encoding.LINEAR: "lin_rec709_scene",
            Encoding.SRGB: "srgb_rec709_display",
            Encoding.REC709: "g24_rec709_display",
        }[self]


@kernel(parallel=True)
def _srgb_decode(values: FloatArray, out: FloatArray) -> None:
    for i in prange(values.size):
        v = abs(values[i])
        if v <= np.float32(0.04045):
            v = v / np.float32(12.92)
        else:
            v = ((v + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
        out[i] = np.copysign(v, values[i])


@kernel(parallel=True)
def _srgb_encode(values: FloatArray, out: FloatArray) -> None:
    for i in prange(values.size):
        v = abs(values[i])
        if v <= np.float32(0.04045 / 12.92):
            v = v * np.float32(12.92)
        else:
            v = np.float32(1.055) * v ** np.float32(1 / 2.4) - np.float32(0.055)
        out[i] = np.copysign(v, values[i])


@kernel(parallel=True)
def _power(values: FloatArray, exponent: Scalar, out: FloatArray) -> None:
    for i in prange(values.size):
        out[i] = np.copysign(abs(values[i]) ** exponent, values[i])


def _mapped(values: FloatArray, encoding: Encoding, *, to_light: bool) -> FloatArray:
    flat = np.ascontiguousarray(values, np.float32)
    if encoding is Encoding.LINEAR:
        return flat
    out = np.empty_like(flat)
    if encoding is Encoding.SRGB:
        (_srgb_decode if to_light else _srgb_encode)(flat.reshape(-1), out.reshape(-1))
    else:
        exponent = np.float32(2.4) if to_light else np.float32(1 / 2.4)
        _power(flat.reshape(-1), exponent, out.reshape(-1))
    return out


def decode(values: FloatArray, encoding: Encoding) -> FloatArray:
    """Linear light of encoded values.

    values: float32 (...), in ``encoding``; curves are carried on above 1 and mirrored below 0.
    Returns float32 (...), linear light, 1.0 = white. Sources: IEC 61966-2-1 (sRGB), ITU-R BT.1886 with
    zero black (Rec.709 display).
    """
    return _mapped(values, encoding, to_light=True)


def encode(values: FloatArray, encoding: Encoding) -> FloatArray:
    """Encoded values of linear light; the inverse of :func:`decode`, with the same shapes and sources."""
    return _mapped(values, encoding, to_light=False)


@kernel(inline="always")
def gain_of(peak: Scalar) -> Scalar:
    """Gain of the grading encoding for a colour whose largest channel is ``peak`` (see the module text)."""
    if peak <= _ONE:
        return _ONE
    shown = _ONE + _HEADROOM * (_ONE - np.exp((_ONE - peak) / _HEADROOM))
    return peak / shown


@kernel(inline="always")
def floored(value: Scalar) -> Scalar:
    """Soft floor of the grading encoding: identity above zero, tends to -FOOTROOM below."""
    return value if value >= _ZERO else _FOOTROOM * np.tanh(value / _FOOTROOM)


@kernel(parallel=True)
def _to_grading(rgb: FloatArray, display: FloatArray, gain: FloatArray, foot: FloatArray) -> None:
    for i in prange(rgb.shape[0]):
        g = gain_of(max(rgb[i, 0], rgb[i, 1], rgb[i, 2]))
        gain[i] = g
        for c in range(3):
            scaled = rgb[i, c] / g
            display[i, c] = floored(scaled)
            foot[i, c] = scaled - display[i, c]


def to_grading(rgb: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Split scene-linear light into what a look may change and what carries the rest.

    rgb: float32 (..., 3), linear Rec.709, finite.
    Returns ``display`` float32 (..., 3) in -FOOTROOM..1+HEADROOM, ``gain`` float32 (...) >= 1 and ``foot``
    float32 (..., 3) <= 0, with ``rgb = gain * (display + foot)``.
    """
    flat = np.ascontiguousarray(rgb, np.float32).reshape(-1, 3)
    display, foot = np.empty_like(flat), np.empty_like(flat)
    gain = np.empty(len(flat), np.float32)
    _to_grading(flat, display, gain, foot)
    return display.reshape(rgb.shape), gain.reshape(rgb.shape[:-1]), foot.reshape(rgb.shape)


def from_grading(display: FloatArray, gain: FloatArray, foot: FloatArray) -> FloatArray:
    """Scene-linear light back from :func:`to_grading`'s three parts; same shapes and ranges."""
    light: FloatArray = gain[..., None] * (display + foot)
    return light
