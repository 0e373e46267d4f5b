"""Half floats of a picture, as OpenEXR files hold them: channel by channel, to and fro in one pass over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numba import prange

from vfxstyle.arrays import AnyArray, AnyIntegers, CodeArray, FloatArray, HalfArray
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


@kernel(parallel=True)
def _floats(first: CodeArray, second: CodeArray, third: CodeArray, table: FloatArray, out: FloatArray) -> None:
    rows, columns = first.shape
    for y in prange(rows):
        for x in range(columns):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = table[first[y, x]], table[second[y, x]], table[third[y, x]]


@cache
def _table() -> FloatArray:
    """The float of every half float, float32 (65536,)."""
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def picture_of_planes(planes: Sequence[AnyArray]) -> FloatArray:
    """A picture of three channels, float32 (H, W, 3). planes: (H, W) each, half floats or floats."""
    out = np.empty((*planes[0].shape, 3), np.float32)
    if all(plane.dtype == np.float16 and plane.shape == out.shape[:2] for plane in planes):
        first, second, third = (np.ascontiguousarray(plane).view(np.uint16) for plane in planes)
        _floats(first, second, third, _table(), out)
    else:
        for index, plane in enumerate(planes):
            out[..., index] = plane
    return out


def half_planes(picture: FloatArray) -> HalfArray:
    """The channels of a picture in half floats, rounded to the nearest; finite values beyond the largest become it.

    picture: float32 (H, W, C), any value; infinities and NaN stay. Returns float16 (C, H, W).
    """
    picture = np.ascontiguousarray(picture, np.float32)
    out = np.empty((picture.shape[2], *picture.shape[:2]), np.uint16)
    _halves(picture, picture.view(np.uint32), out)
    return out.view(np.float16)
