"""The sRGB curve, both ways: the encoding of the analysis picture, as networks trained on photographs expect it.

Plates and results are converted by OpenColorIO (:mod:`vfxstyle.color.config`). Source: IEC 61966-2-1.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel


@kernel(parallel=True)
def _decode(values: FloatArray, out: FloatArray) -> None:
    for i in prange(values.size):
        v = abs(values[i])
        if v <= np.float32(0.04045):
            v = v / np.float32(12.92)
        else:
            v = ((v + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
        out[i] = np.copysign(v, values[i])


@kernel(parallel=True)
def _encode(values: FloatArray, out: FloatArray) -> None:
    for i in prange(values.size):
        v = abs(values[i])
        if v <= np.float32(0.04045 / 12.92):
            v = v * np.float32(12.92)
        else:
            v = np.float32(1.055) * v ** np.float32(1 / 2.4) - np.float32(0.055)
        out[i] = np.copysign(v, values[i])


def srgb_to_linear(values: FloatArray) -> FloatArray:
    """Linear light of sRGB-encoded values; the curve continues above 1 and is mirrored below 0.

    values: float32 (...), any real value. Returns float32 (...), linear light.
    """
    flat = np.ascontiguousarray(values, np.float32)
    out = np.empty_like(flat)
    _decode(flat.reshape(-1), out.reshape(-1))
    return out


def linear_to_srgb(values: FloatArray) -> FloatArray:
    """Encode linear light as sRGB; the inverse of :func:`srgb_to_linear`.

    values: float32 (...), linear light, any real value. Returns float32 (...), sRGB-encoded.
    """
    flat = np.ascontiguousarray(values, np.float32)
    out = np.empty_like(flat)
    _encode(flat.reshape(-1), out.reshape(-1))
    return out
