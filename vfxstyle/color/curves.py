"""Curves that colour conversions put on each channel, out of tables that OpenColorIO has filled.

Powers and logarithms of every number of a picture take it longer than most of a grade takes. Here it is asked once, for
1024 numbers between each power of two and the next, and what lies between two of these is taken from the line that
joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import PyOpenColorIO as ocio
from numba import prange

from vfxstyle.arrays import AnyIntegers, FloatArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

_PER_CHANNEL = (
    ocio.ExponentTransform,
    ocio.ExponentWithLinearTransform,
    ocio.LogTransform,
    ocio.LogAffineTransform,
    ocio.LogCameraTransform,
    ocio.Lut1DTransform,
)
_PART = 4096  # numbers that are looked up in one go, in a processor's nearest cache
_U: Any = np.uint32
_DIGITS = _U(13)  # of a float's 23 that lie between two numbers of the table
_LEAST, _LARGEST = (_U(np.float32(2.0**power).view(np.uint32) >> _DIGITS) for power in (-40, 16))
_COUNT = _LARGEST - _LEAST + _U(2)  # zero, and from the least to the largest
_PER_STEP = np.float32(1 / (1 << int(_DIGITS)))
_OVER_LEAST = np.float32(2.0**40)


def is_per_channel(transform: Any) -> bool:
    """Whether a transform of OpenColorIO maps each channel by itself."""
    if isinstance(transform, ocio.Lut1DTransform) and transform.getHueAdjust() != ocio.HUE_NONE:
        return False
    return isinstance(transform, _PER_CHANNEL)


_NODES = np.concatenate(
    [np.zeros(1, np.float32), (np.arange(_LEAST, _LARGEST + 1, dtype=np.uint32) << _DIGITS).view(np.float32)]
)


class Curve:
    """One curve for all three channels.

    exact: what OpenColorIO makes of colours, float32 (N, 3), of which it returns as many.
    Raises ValueError where the channels have curves of their own.
    """

    def __init__(self, exact: Callable[[FloatArray], FloatArray]) -> None:
        at_nodes = exact(_in_all_channels(np.concatenate([_NODES, -_NODES])))
        if not np.array_equal(at_nodes, _in_all_channels(at_nodes[:, 0]), equal_nan=True):
            raise ValueError("the channels have curves of their own")
        sides = at_nodes[:, 0].reshape(2, -1)
        finite = np.logical_and.accumulate(np.isfinite(sides).all(axis=0))
        sides = np.where(finite, sides, np.float32(0))
        steps = np.diff(sides, axis=1, append=sides[:, -1:])
        self._exact = exact
        self._table = np.ascontiguousarray(np.stack([sides, steps], axis=-1), np.float32)
        self._most = _U(np.abs(_NODES[finite]).max(initial=0).view(np.uint32))

    def apply(self, values: FloatArray) -> FloatArray:
        """Put the curve on numbers. values: float32, contiguous, any real value. Returns as many."""
        flat = values.reshape(-1)
        out = np.empty_like(flat)
        if _look_up(flat, flat.view(np.uint32), self._table, self._most, out):
            beyond = (flat.view(np.uint32) & _U(0x7FFFFFFF)) > self._most
            out[beyond] = self._exact(_in_all_channels(flat[beyond]))[:, 0]
        return out.reshape(values.shape)


def _in_all_channels(values: FloatArray) -> FloatArray:
    return np.repeat(values[:, None], 3, axis=1)


@kernel(parallel=True)
def _look_up(values: FloatArray, bits: AnyIntegers, table: FloatArray, most: Scalar, out: FloatArray) -> bool:
    """Look numbers up, (N,). Returns whether some are not in the table: what they become is not found here.

    table: float32 (2, M, 2), of numbers from zero up and from zero down, the curve at each and the step to the next.
    most: bits of the largest number in it.
    """
    parts = (len(values) + _PART - 1) // _PART
    beyond = np.zeros(parts, np.bool_)
    flat = table.reshape(-1, 2)
    for part in prange(parts):
        first: Any = np.int64(part) * _PART
        last = first + _PART
        own, whole, found = values[first:last], bits[first:last], out[first:last]
        places, shares = np.empty(len(own), np.uint32), np.empty(len(own), np.float32)
        outside: Any = 0
        for i in range(len(own)):
            size = _U(whole[i] & _U(0x7FFFFFFF))
            node = _U(min(size, most) >> _DIGITS)
            share = np.float32(_U(size & _U((1 << 13) - 1))) * _PER_STEP
            small = node < _LEAST
            shares[i] = abs(own[i]) * _OVER_LEAST if small else share
            place = _U(0) if small else _U(_U(node - _LEAST) + _U(1))
            places[i] = _U(place + _U(_U(whole[i] >> _U(31)) * _COUNT))
            outside += np.int32(size > most)
        for i in range(len(own)):
            place = np.uintp(places[i])
            found[i] = flat[place, 0] + shares[i] * flat[place, 1]
        beyond[part] = outside > 0
    return bool(beyond.any())
