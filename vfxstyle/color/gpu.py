"""Lab and the grading encoding for kernels that run on a GPU: :mod:`.lab` and :mod:`.grading`, pixel for pixel.

A GPU rounds some operations otherwise than a processor does (its exponentials are within 2e-6 of the right ones), so
results differ in the last bits of a float32, never in the half float that a frame is written as, but for one pixel in
ten thousand.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vfxstyle.color.grading import FOOTROOM, HEADROOM
from vfxstyle.color.lab import EPSILON, FORWARD, INVERSE, KNEE, OFFSET, SLOPE, THIRD_OF_BIAS

_F00, _F01, _F02, _F10, _F11, _F12, _F20, _F21, _F22 = (tl.constexpr(float(v)) for v in FORWARD.ravel())
_I00, _I01, _I02, _I10, _I11, _I12, _I20, _I21, _I22 = (tl.constexpr(float(v)) for v in INVERSE.ravel())
_EPSILON, _SLOPE, _OFFSET, _KNEE = (tl.constexpr(float(v)) for v in (EPSILON, SLOPE, OFFSET, KNEE))
_THIRD_OF_BIAS = tl.constexpr(int(THIRD_OF_BIAS))
_HEADROOM, _FOOTROOM = tl.constexpr(HEADROOM), tl.constexpr(FOOTROOM)
_LARGEST = tl.constexpr(3.4028234e38)


@triton.jit
def finite(value: tl.tensor) -> tl.tensor:
    """Whether numbers are neither NaN nor infinite."""
    return tl.abs(value) <= _LARGEST


@triton.jit
def gain_of(peak: tl.tensor) -> tl.tensor:
    """As :func:`vfxstyle.color.grading.gain_of`."""
    above = tl.maximum(peak, 1.0)
    shown = 1.0 + (1.0 - tl.exp((1.0 - above) / _HEADROOM)) * _HEADROOM
    return tl.where(peak <= 1.0, 1.0, above / shown)


@triton.jit
def floored(value: tl.tensor) -> tl.tensor:
    """As :func:`vfxstyle.color.grading.floored`."""
    fallen = tl.exp(2.0 * tl.minimum(value, 0.0) / _FOOTROOM)
    return tl.where(value >= 0.0, value, (fallen - 1.0) / (fallen + 1.0) * _FOOTROOM)


@triton.jit
def _cube_root(x: tl.tensor) -> tl.tensor:
    y = (x.to(tl.uint32, bitcast=True) // 3 + _THIRD_OF_BIAS).to(tl.float32, bitcast=True)
    cube = y * y * y
    y = y * (cube + x + x) / (cube + cube + x)
    cube = y * y * y
    return y * (cube + x + x) / (cube + cube + x)


@triton.jit
def _f(t: tl.tensor) -> tl.tensor:
    return tl.where(t > _EPSILON, _cube_root(tl.maximum(t, _EPSILON)), t * _SLOPE + _OFFSET)


@triton.jit
def _f_inverse(f: tl.tensor) -> tl.tensor:
    return tl.where(f > _KNEE, f * f * f, (f - _OFFSET) / _SLOPE)


@triton.jit
def lab_of(r: tl.tensor, g: tl.tensor, b: tl.tensor) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """As :func:`vfxstyle.color.lab.lab_of_pixel`."""
    fx = _f(r * _F00 + g * _F01 + b * _F02)
    fy = _f(r * _F10 + g * _F11 + b * _F12)
    fz = _f(r * _F20 + g * _F21 + b * _F22)
    return 116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)


@triton.jit
def light_of(L: tl.tensor, a: tl.tensor, b: tl.tensor) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """As :func:`vfxstyle.color.lab.pixel_of_lab`."""
    fy = (L + 16.0) / 116.0
    x = _f_inverse(fy + a / 500.0)
    y = _f_inverse(fy)
    z = _f_inverse(fy - b / 200.0)
    return x * _I00 + y * _I01 + z * _I02, x * _I10 + y * _I11 + z * _I12, x * _I20 + y * _I21 + z * _I22


@triton.jit
def rotated(matrix: tl.tensor, r: tl.tensor, g: tl.tensor, b: tl.tensor) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Columns of RGB times a matrix, (3, 3)."""
    return (
        tl.load(matrix) * r + tl.load(matrix + 1) * g + tl.load(matrix + 2) * b,
        tl.load(matrix + 3) * r + tl.load(matrix + 4) * g + tl.load(matrix + 5) * b,
        tl.load(matrix + 6) * r + tl.load(matrix + 7) * g + tl.load(matrix + 8) * b,
    )
