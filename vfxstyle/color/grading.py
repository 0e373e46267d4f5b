"""The grading encoding: a reversible map of scene-linear light into the range that a look is defined on.

A look is learnt from photographs, on display light of 0 to 1. A scene-linear colour x is written as
``x = gain * (display + foot)``:

      m       = max(R, G, B)
      gain    = 1                                    for m <= 1
              = m / (1 + d (1 - exp(-(m - 1) / d)))  above, d = HEADROOM
      display = x / gain                             per channel, soft floor at -FOOTROOM
      foot    = x / gain - display                   zero for non-negative channels

The look changes ``display`` only. ``gain`` scales all channels alike, so hue and order of highlights survive; both
curves are continuous with their first derivative, and neither clamps. For display-referred plates within 0..1 the map
is the identity. docs/method.md, section 9, has the formulas and docs/colour.md the curve.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import AnyIntegers, ByteArray, FloatArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

HEADROOM = 0.05
"""Limit of ``display`` above 1.0; everything brighter is carried by the gain."""

FOOTROOM = 0.01
"""Limit of ``display`` below 0.0; the rest is added back unchanged."""

_HEADROOM = np.float32(HEADROOM)
_FOOTROOM = np.float32(FOOTROOM)
_ONE = np.float32(1)
_ZERO = np.float32(0)


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
    """Encode scene-linear light: the part that a look may change, and the two that carry the rest.

    rgb: float32 (..., 3), linear Rec.709, finite, 1.0 = diffuse white.
    Returns ``display`` float32 (..., 3) in -FOOTROOM..1+HEADROOM, ``gain`` float32 (...) >= 1 and ``foot``
    float32 (..., 3) <= 0, with ``rgb = gain * (display + foot)``.
    """
    flat = np.ascontiguousarray(rgb, np.float32).reshape(-1, 3)
    display, foot = np.empty_like(flat), np.empty_like(flat)
    gain = np.empty(len(flat), np.float32)
    _to_grading(flat, display, gain, foot)
    return display.reshape(rgb.shape), gain.reshape(rgb.shape[:-1]), foot.reshape(rgb.shape)


def from_grading(display: FloatArray, gain: FloatArray, foot: FloatArray) -> FloatArray:
    """Decode the three parts of :func:`to_grading`, of the same shapes.

    Returns float32 (..., 3), linear Rec.709.
    """
    light: FloatArray = gain[..., None] * (display + foot)
    return light


_EIGHT = 8  # flags that are looked at in one go


@kernel(inline="always")
def room_for_flags(width: int) -> tuple[ByteArray, AnyIntegers]:
    """Room for a flag a pixel of a row, uint8, and for the places of those that are flagged; see :func:`flagged`."""
    return np.zeros((width + _EIGHT - 1) // _EIGHT * _EIGHT, np.uint8), np.empty(width, np.uintp)


@kernel(inline="always")
def flagged(flags: ByteArray, places: AnyIntegers) -> int:
    """Write down the places of flags that are set; returns how many they are. For use inside compiled kernels.

    Flags are set for many pixels at once, and looked at by eights. So where few pixels of a row need more than the
    others, finding them costs next to nothing. Both as :func:`room_for_flags` gives them.
    """
    eights = flags.view(np.uint64)
    count = 0
    for eight in range(len(eights)):
        if eights[eight] != 0:
            for x in range(eight * _EIGHT, min((eight + 1) * _EIGHT, len(places))):
                if flags[x] != 0:
                    places[count] = x
                    count += 1
    return count


@kernel(inline="always")
def flag_outside(row: FloatArray, flags: ByteArray) -> None:
    """Flag the colours of a row, (3, W), that do not lie within 0..1, among them those with NaN."""
    for x in range(row.shape[1]):
        r, g, b = row[0, x], row[1, x], row[2, x]
        inside = (r >= _ZERO) & (r <= _ONE) & (g >= _ZERO) & (g <= _ONE) & (b >= _ZERO) & (b <= _ONE)
        flags[x] = np.uint8(not inside)


@kernel(inline="always")
def rotated(matrix: FloatArray, r: Scalar, g: Scalar, b: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """A column of RGB times a matrix; for use inside compiled kernels."""
    return (
        matrix[0, 0] * r + matrix[0, 1] * g + matrix[0, 2] * b,
        matrix[1, 0] * r + matrix[1, 1] * g + matrix[1, 2] * b,
        matrix[2, 0] * r + matrix[2, 1] * g + matrix[2, 2] * b,
    )


@kernel(inline="always")
def photograph_row(rgb: FloatArray, alpha: FloatArray, matrix: FloatArray, row: FloatArray) -> None:
    """A row of light as a photograph shows it, for use inside compiled kernels; see :func:`shown_as_photograph`.

    rgb: float32 (W, 3). alpha: float32 (W,), or empty. row: (3, W), takes the result.
    """
    width = len(rgb)
    for x in range(width):
        row[0, x], row[1, x], row[2, x] = rotated(matrix, rgb[x, 0], rgb[x, 1], rgb[x, 2])
    flags, places = room_for_flags(width)
    flag_outside(row, flags)
    for x in range(min(len(alpha), width)):
        flags[x] |= np.uint8((alpha[x] > _ZERO) & (alpha[x] < _ONE))
    for x in places[: flagged(flags, places)]:
        r, g, b = row[0, x], row[1, x], row[2, x]
        if len(alpha) > 0 and _ZERO < alpha[x] < _ONE:
            r, g, b = r / alpha[x], g / alpha[x], b / alpha[x]
        if not (np.isfinite(r) and np.isfinite(g) and np.isfinite(b)):
            row[0, x] = row[1, x] = row[2, x] = _ZERO
            continue
        scale = _ONE / gain_of(max(r, g, b))
        row[0, x], row[1, x], row[2, x] = r * scale, g * scale, b * scale
    for channel in range(3):
        for x in range(width):
            row[channel, x] = min(max(row[channel, x], _ZERO), _ONE)


@kernel(parallel=True)
def _shown(rgb: FloatArray, alpha: FloatArray, matrix: FloatArray, out: FloatArray) -> None:
    height, width, _ = rgb.shape
    has_alpha = alpha.shape[0] > 0
    for y in prange(height):
        row = np.empty((3, width), np.float32)
        photograph_row(rgb[y], alpha[y] if has_alpha else alpha[:0, 0], matrix, row)
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = row[0, x], row[1, x], row[2, x]


def shown_as_photograph(rgb: FloatArray, matrix: FloatArray, alpha: FloatArray | None = None) -> FloatArray:
    """The light as a photograph shows it: the grading encoding, limited to 0..1.

    rgb: float32 (H, W, 3), linear light, any real value; pixels with NaN or infinity become black.
    matrix: float32 (3, 3), from the primaries of ``rgb`` to Rec.709.
    alpha: float32 (H, W), 0..1, if ``rgb`` is premultiplied by it.
    Returns float32 (H, W, 3), linear Rec.709, 0..1, not premultiplied.
    """
    out = np.empty(rgb.shape, np.float32)
    cover = np.empty((0, 0), np.float32) if alpha is None else np.ascontiguousarray(alpha, np.float32)
    _shown(np.ascontiguousarray(rgb, np.float32), cover, np.ascontiguousarray(matrix, np.float32), out)
    return out
