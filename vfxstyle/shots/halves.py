"""Half floats of a picture, as OpenEXR files hold them: channel by channel, in one pass over the picture."""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import AnyIntegers, CodeArray, FloatArray, HalfArray
from vfxstyle.compiled import kernel

_U = np.uint32  # put round every step below, for numba computes with integers in 64 bits unless told
_INFINITE = _U(0x7F800000)  # bits of a float; those of NaN are more
_NORMAL = _U(0x38800000)  # of 2^-14, from which on a half float has all its digits
_OFFSET = _U(0x38000000)  # between the exponents of floats and half floats
_ONE_HALF = _U(0x3F000000)  # of 0.5: the last digit of 0.5 to 1 is the last one of half floats below 2^-14
_LARGEST, _INFINITE_HALF = _U(0x7BFF), _U(0x7C00)  # 65504 is the largest


@kernel(parallel=True)
def _halves(picture: FloatArray, bits: AnyIntegers, out: CodeArray) -> None:
    rows, columns, channels = picture.shape
    for y in prange(rows):
        whole = np.empty(columns, np.uint32)
        shifted = np.empty(columns, np.float32)
        shifted_bits = shifted.view(np.uint32)
        for c in range(channels):
            for x in range(columns):
                whole[x] = bits[y, x, c]
                shifted[x] = abs(picture[y, x, c]) + np.float32(0.5)
            for x in range(columns):
                own = _U(whole[x] & _U(0x7FFFFFFF))
                rounded = _U(_U(own - _OFFSET + _U(0xFFF)) + _U(_U(own >> _U(13)) & _U(1)))
                normal = min(_U(rounded >> _U(13)), _LARGEST)
                small = _U(shifted_bits[x] - _ONE_HALF)
                rest = _U(_U(own & _U(0x7FFFFF)) >> _U(13))
                nan = _U(_INFINITE_HALF | max(rest, _U(1)))
                half = small if own < _NORMAL else normal
                half = half if own < _INFINITE else (_INFINITE_HALF if own == _INFINITE else nan)
                out[c, y, x] = np.uint16(_U(_U(whole[x] >> _U(16)) & _U(0x8000)) | half)


def half_planes(picture: FloatArray) -> HalfArray:
    """The channels of a picture in half floats, rounded to the nearest; finite values beyond the largest become it.

    picture: float32 (H, W, C), any value; infinities and NaN stay. Returns float16 (C, H, W).
    """
    picture = np.ascontiguousarray(picture, np.float32)
    out = np.empty((picture.shape[2], *picture.shape[:2]), np.uint16)
    _halves(picture, picture.view(np.uint32), out)
    return out.view(np.float16)
