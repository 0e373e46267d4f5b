"""Dithered code values: an area between two codes becomes a mixture of both instead of a band.

The noise is a hash of seed, frame and place, so that it is the same in any run and any order of frames. It is uniform
over one code: a flat area keeps its mean, and a value that is exactly a code stays that code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from vfxstyle.arrays import CodeArray, FloatArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

_EDGE = 2.0**-22
"""Margin at both ends of the noise, as a share of the largest code, so that rounding moves no value off its code."""
_STEP = np.float32(2.0**-24)
_COLOURS = 3
_A, _B, _C = np.uint32(0x7FEB352D), np.uint32(0x846CA68B), np.uint32(0x9E3779B9)


@kernel(inline="always")
def _mixed(value: Scalar) -> Scalar:
    """A well-mixed 32-bit hash of a 32-bit number (C. Wellons, "lowbias32")."""
    value = np.uint32(value)
    value ^= value >> np.uint32(16)
    value = np.uint32(value * _A)
    value ^= value >> np.uint32(15)
    value = np.uint32(value * _B)
    return np.uint32(value ^ (value >> np.uint32(16)))


@kernel(inline="always")
def _noise(row: Scalar, x: Scalar) -> Scalar:
    """Noise in 0..1 of a place in a row. row: hash of seed, frame, channel and row."""
    return np.float32(_mixed(np.uint32(row + np.uint32(x) * _C)) >> np.uint32(8)) * _STEP


@kernel(parallel=True)
def _codes(values: FloatArray, top: Scalar, seed: Scalar, out: Any) -> None:
    height, width, channels = values.shape
    edge = np.float32(_EDGE) * top
    share = np.float32(1) - np.float32(2) * edge
    for y in prange(height):
        for c in range(channels):
            row = _mixed(np.uint32(seed + np.uint32(y * 4 + c)))
            for x in range(width):
                value = values[y, x, c]
                if not value > np.float32(0):  # NaN too
                    value = np.float32(0)
                value = min(value, np.float32(1)) * top
                offset = edge + share * _noise(row, x) if c < _COLOURS else np.float32(0.5)
                out[y, x, c] = np.uint16(min(value + offset, top))


def seed_of(seed: int, frame: int) -> int:
    """The seed of a frame's noise, 32 bits, from the seed of the run and the frame's number."""
    return (seed * 2654435761 + frame * 40503 + 12345) & 0xFFFFFFFF


def quantised(values: FloatArray, bits: int, *, seed: int) -> CodeArray:
    """Quantise a picture to code values; the first three channels are dithered, a fourth (alpha) is rounded.

    values: float32 (H, W, C), limited to 0..1; NaN becomes 0. bits: depth, 1 to 16. seed: that of :func:`seed_of`.
    Returns uint16 (H, W, C), 0 to 2^bits - 1.
    """
    out = np.empty(values.shape, np.uint16)
    top = np.float32((1 << bits) - 1)
    _codes(np.ascontiguousarray(values, np.float32), top, np.uint32(seed), out)
    return out
