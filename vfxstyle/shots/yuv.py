"""Y'CbCr planes to R'G'B' and back, at the full depth of the code values.

The conversion is done here because the library behind PyAV converts with the BT.601 matrix by default and scales 16-bit
RGB by 65535/65280, three ten-bit codes too bright at white.
Source: ITU-R BT.709, BT.601, BT.2020 (non-constant luminance). Chroma is co-sited with the left luma sample (MPEG-2
siting).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import prange

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel


@dataclass(frozen=True, slots=True)
class Matrix:
    """Luma weights of a Y'CbCr matrix."""

    name: str
    """Name of the standard."""
    k_r: float
    """Weight of red in luma."""
    k_b: float
    """Weight of blue in luma."""


BT601 = Matrix("BT.601", 0.299, 0.114)
BT709 = Matrix("BT.709", 0.2126, 0.0722)
BT2020 = Matrix("BT.2020", 0.2627, 0.0593)
MATRIX_OF_CODE = {1: BT709, 5: BT601, 6: BT601, 9: BT2020}
"""The matrix that each code point of ITU-T H.273 (matrix coefficients) names."""
_LARGEST, _BEYOND_WHITE = np.float32(3e38), np.float32(1.1)


@kernel(parallel=True)
def _upsampled(plane: AnyArray, height: int, width: int, half_x: bool, half_y: bool) -> FloatArray:
    """Chroma code values at luma positions, linearly interpolated."""
    out = np.empty((height, width), np.float32)
    rows, columns = plane.shape
    for row in prange(height):
        y = np.int64(row)  # prange counts in unsigned integers, and y - 1 below must not wrap
        y0, y1, t = y, y, np.float32(0)
        if half_y:  # chroma rows lie between two luma rows
            y0 = (y - 1) // 2
            t = np.float32(0.75) if y % 2 == 0 else np.float32(0.25)
            y1 = min(y0 + 1, rows - 1)
            y0 = max(y0, np.int64(0))
        for x in range(width):
            x0, x1 = x, x
            if half_x:
                x0 = min(x // 2, columns - 1)
                x1 = min((x + 1) // 2, columns - 1)
            top = (np.float32(plane[y0, x0]) + np.float32(plane[y0, x1])) * np.float32(0.5)
            low = (np.float32(plane[y1, x0]) + np.float32(plane[y1, x1])) * np.float32(0.5)
            out[y, x] = top + t * (low - top)
    return out


@kernel(parallel=True)
def _to_rgb(
    luma: AnyArray,
    cb: FloatArray,
    cr: FloatArray,
    black: Scalar,
    span: Scalar,
    mid: Scalar,
    swing: Scalar,
    k_r: Scalar,
    k_b: Scalar,
) -> FloatArray:
    height, width = luma.shape
    out = np.empty((height, width, 3), np.float32)
    k_g = np.float32(1) - k_r - k_b
    for y in prange(height):
        for x in range(width):
            light = (np.float32(luma[y, x]) - black) / span
            r = light + np.float32(2) * (np.float32(1) - k_r) * (cr[y, x] - mid) / swing
            b = light + np.float32(2) * (np.float32(1) - k_b) * (cb[y, x] - mid) / swing
            out[y, x, 0] = r
            out[y, x, 1] = (light - k_r * r - k_b * b) / k_g
            out[y, x, 2] = b
    return out


@kernel(inline="always")
def _number(value: Scalar) -> Scalar:
    """A value that has a code: none for NaN and minus infinity, more than white for infinity."""
    if abs(value) <= _LARGEST:
        return value
    return _BEYOND_WHITE if value > np.float32(0) else np.float32(0)


@kernel(parallel=True)
def _to_codes(rgb: FloatArray, k_r: Scalar, k_b: Scalar, half_x: bool) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Ten-bit limited-range planes of R'G'B'."""
    height, width, _ = rgb.shape
    chroma_width = (width + 1) // 2 if half_x else width
    planes_y = np.empty((height, width), np.uint16)
    planes_u = np.empty((height, chroma_width), np.uint16)
    planes_v = np.empty((height, chroma_width), np.uint16)
    k_g = np.float32(1) - k_r - k_b
    for y in prange(height):
        cb = np.empty(width, np.float32)
        cr = np.empty(width, np.float32)
        for x in range(width):
            r, g, b = _number(rgb[y, x, 0]), _number(rgb[y, x, 1]), _number(rgb[y, x, 2])
            light = k_r * r + k_g * g + k_b * b
            cb[x] = (b - light) / (np.float32(2) * (np.float32(1) - k_b))
            cr[x] = (r - light) / (np.float32(2) * (np.float32(1) - k_r))
            planes_y[y, x] = min(max(np.float32(64) + np.float32(876) * light + np.float32(0.5), 4), 1019)
        for i in range(chroma_width):
            u, v = cb[i], cr[i]
            if half_x:
                x = 2 * i
                left, right = max(x - 1, 0), min(x + 1, width - 1)
                u = np.float32(0.25) * (cb[left] + np.float32(2) * cb[x] + cb[right])
                v = np.float32(0.25) * (cr[left] + np.float32(2) * cr[x] + cr[right])
            planes_u[y, i] = min(max(np.float32(512) + np.float32(896) * u + np.float32(0.5), 4), 1019)
            planes_v[y, i] = min(max(np.float32(512) + np.float32(896) * v + np.float32(0.5), 4), 1019)
    return planes_y, planes_u, planes_v


def planes_to_rgb(
    luma: AnyArray, cb: AnyArray, cr: AnyArray, *, bits: int, full_range: bool, matrix: Matrix
) -> FloatArray:
    """Convert Y'CbCr code values to R'G'B'.

    luma: uint8 or uint16 (H, W). cb, cr: the same type, (H or H/2, W or W/2), rounded up.
    bits: depth of the code values, 8 to 16.
    full_range: whether black and white are the smallest and the largest code, rather than 16 and 235 (of 8 bits).
    Returns float32 (H, W, 3), 0..1 between black and white; super-white and sub-black codes are kept beyond that.
    """
    height, width = luma.shape
    half_x, half_y = cb.shape[1] != width, cb.shape[0] != height
    scale = 1 << (bits - 8)
    top = (1 << bits) - 1
    black, span = (0, top) if full_range else (16 * scale, 219 * scale)
    swing = top if full_range else 224 * scale
    values = (np.float32(v) for v in (black, span, 128 * scale, swing, matrix.k_r, matrix.k_b))
    rgb: FloatArray = _to_rgb(
        luma,
        _upsampled(cb, height, width, half_x, half_y),
        _upsampled(cr, height, width, half_x, half_y),
        *values,
    )
    return rgb


def rgb_to_planes_10bit(
    rgb: FloatArray, *, subsampled: bool, matrix: Matrix = BT709
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Convert R'G'B' to ten-bit limited-range Y'CbCr codes, rounded.

    Codes are not dithered: the encoder turns noise of less than a code into errors of up to 0.0025 of full scale on
    flat colours, twice those of rounding.

    rgb: float32 (H, W, 3), 0..1 between black and white; values beyond that are limited to codes 4..1019; NaN and
    minus infinity are black, and infinity is 1.1.
    subsampled: whether chroma is halved horizontally (4:2:2).
    Returns Y, Cb and Cr, uint16 (H, W), the chroma of 4:2:2 (H, W / 2), rounded up.
    """
    planes: tuple[AnyArray, AnyArray, AnyArray] = _to_codes(
        np.ascontiguousarray(rgb, np.float32),
        np.float32(matrix.k_r),
        np.float32(matrix.k_b),
        subsampled,
    )
    return planes
