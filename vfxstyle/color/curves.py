"""Curves that colour conversions put on each channel, out of tables that OpenColorIO has filled.

Powers and logarithms of every number of a picture take it longer than most of a grade takes. Here it is asked once, for
1024 numbers between each power of two and the next, and what lies between two of these is taken from the line that
joins them, if it was asked half-way too and gave what the line gives. All other numbers are converted by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import PyOpenColorIO as ocio
from numba import prange

from vfxstyle.arrays import AnyIntegers, FloatArray
from vfxstyle.compiled import kernel

RELATIVE, ABSOLUTE = 3e-5, 4e-6
"""How far a line may be off the curve: a sixteenth of a step of half floats, or a quarter of a code of 16 bits."""

_PER_CHANNEL = (
    ocio.ExponentTransform,
    ocio.ExponentWithLinearTransform,
    ocio.LogTransform,
    ocio.LogAffineTransform,
    ocio.LogCameraTransform,
)
_PART = 4096  # numbers that are looked up in one go, in a processor's nearest cache
_U: Any = np.uint32
_DIGITS = 13  # of a float's 23 that lie between two numbers of the table
_LEAST, _LARGEST = (int(np.array(2.0**power, np.float32).view(np.uint32)) >> _DIGITS for power in (-40, 16))
_FIRST = 2  # place of the least; before it are zero, and what lies between that and the least
_NODES = (np.arange(_LEAST, _LARGEST + 1, dtype=np.uint32) << _U(_DIGITS)).view(np.float32)
_ON_A_SIDE = _FIRST + len(_NODES)  # places of numbers from zero up, as many as from zero down
_PER_STEP = np.float32(1 / (1 << _DIGITS))
_OVER_LEAST = np.float32(1 / _NODES[0])


def is_per_channel(transform: Any) -> bool:
    """Whether a transform of OpenColorIO is a curve on each channel that a table of ours is fine enough for."""
    if isinstance(transform, ocio.Lut1DTransform):  # one over half floats has no finer steps
        return bool(transform.getInputHalfDomain() and transform.getHueAdjust() == ocio.HUE_NONE)
    return isinstance(transform, _PER_CHANNEL)


class Curve:
    """One curve for all three channels.

    exact: what OpenColorIO makes of colours, float32 (N, 3), of which it returns as many.
    Raises ValueError where the channels have curves of their own.
    """

    def __init__(self, exact: Callable[[FloatArray], FloatArray]) -> None:
        self._exact = exact
        side = np.concatenate([np.zeros(_FIRST, np.float32), _NODES])
        halves = np.diff(side, append=np.float32(np.inf)) / np.float32(2)
        halves[0] = 0  # zero is a place of its own
        asked = np.stack([side, side + halves])
        at, between = self._of_one_channel(np.stack([asked, -asked], axis=1))
        to = np.concatenate([at[:, :1], at[:, _FIRST:], np.full((2, 1), np.nan, np.float32)], axis=1)
        with np.errstate(invalid="ignore"):
            steps = to - at
            off = np.abs(at + steps / np.float32(2) - between)
            fits = off <= np.float32(RELATIVE) * np.abs(between) + np.float32(ABSOLUTE)  # not where one is not finite
        table = np.where(fits[..., None], np.stack([at, steps], axis=-1), np.float32(np.nan))
        self._table = np.ascontiguousarray(table.reshape(-1, 2), np.float32)

    def _of_one_channel(self, values: FloatArray) -> FloatArray:
        colours = np.repeat(values.reshape(-1, 1), 3, axis=1)
        out = self._exact(colours)
        if not np.array_equal(out, np.repeat(out[:, :1], 3, axis=1), equal_nan=True):
            raise ValueError("the channels have curves of their own")
        return out[:, 0].reshape(values.shape)

    def apply(self, values: FloatArray) -> FloatArray:
        """Put the curve on numbers. values: float32, contiguous, any real value. Returns as many."""
        flat = values.reshape(-1)
        out = np.empty_like(flat)
        if _look_up(flat, flat.view(np.uint32), self._table, out):
            missing = np.flatnonzero(np.isnan(out))
            rest = np.zeros((-(-len(missing) // 3), 3), np.float32)
            rest.reshape(-1)[: len(missing)] = flat[missing]
            out[missing] = self._exact(rest).reshape(-1)[: len(missing)]
        return out.reshape(values.shape)


@kernel(parallel=True)
def _look_up(values: FloatArray, bits: AnyIntegers, table: FloatArray, out: FloatArray) -> bool:
    """Look numbers up, (N,). Returns whether some are not in the table; they become NaN.

    table: float32 (2 M, 2), the curve at each number from zero up and then from zero down, and the step to the next.
    """
    parts = (len(values) + _PART - 1) // _PART
    missing = np.zeros(parts, np.bool_)
    for part in prange(parts):
        first: Any = np.int64(part) * _PART
        last = first + _PART
        own, whole, found = values[first:last], bits[first:last], out[first:last]
        places, shares = np.empty(len(own), np.uint32), np.empty(len(own), np.float32)
        for i in range(len(own)):
            size = _U(whole[i] & _U(0x7FFFFFFF))
            node = _U(size >> _U(_DIGITS))
            share = np.float32(_U(size & _U((1 << _DIGITS) - 1))) * _PER_STEP
            is_small = node < _U(_LEAST)
            shares[i] = abs(own[i]) * _OVER_LEAST if is_small else share
            small = _U(1) if size > _U(0) else _U(0)
            large = _U(_U(min(node, _U(_LARGEST)) - _U(_LEAST)) + _U(_FIRST))
            place = small if is_small else large
            places[i] = _U(place + _U(_U(whole[i] >> _U(31)) * _U(_ON_A_SIDE)))
        nowhere: Any = 0
        for i in range(len(own)):
            place = np.uintp(places[i])
            found[i] = table[place, 0] + shares[i] * table[place, 1]
            nowhere += np.int32(found[i] != found[i])
        missing[part] = nowhere > 0
    return bool(missing.any())
