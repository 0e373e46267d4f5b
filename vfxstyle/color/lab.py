"""CIELab (D65) of linear Rec.709 light, both ways, over all real values.

Source: CIE 15:2004, with the exact rationals of the linear segment (B. Lindbloom). The segment continues below zero,
so that the conversion of negative light is monotonic and reversible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel

Scalar = Any
"""A float32 number inside compiled code, whose type the checker cannot follow."""

# Linear Rec.709 to XYZ (IEC 61966-2-1), rows X Y Z; divided by their sums, the white point, so that R = G = B gives
# a = b = 0 exactly.
_RGB_TO_XYZ = np.array(
    [
        [0.4123907992659595, 0.357584339383878, 0.1804807884018343],
        [0.2126390058715104, 0.715168678767756, 0.0721923153607337],
        [0.0193308187155918, 0.119194779794626, 0.9505321522496608],
    ]
)
_WHITE = _RGB_TO_XYZ.sum(axis=1)
FORWARD = _RGB_TO_XYZ / _WHITE[:, None]
INVERSE = np.linalg.inv(FORWARD)
_F00, _F01, _F02, _F10, _F11, _F12, _F20, _F21, _F22 = (np.float32(v) for v in FORWARD.ravel())
_I00, _I01, _I02, _I10, _I11, _I12, _I20, _I21, _I22 = (np.float32(v) for v in INVERSE.ravel())

EPSILON = np.float32(216 / 24389)
SLOPE = np.float32(24389 / 27 / 116)
OFFSET = np.float32(16 / 116)
KNEE = np.float32(6 / 29)
THIRD_OF_BIAS = np.uint32(709921077)  # two thirds of the exponent's bias of 127, where float32 keeps it


@kernel(inline="always")
def _cube_root(x: Scalar) -> Scalar:
    """Cube root of a positive number, within 3e-7 of it: a third of the exponent, then Halley's method twice.

    The mathematics library's takes ten times as long, which was a third of a grade pass.
    """
    y = np.uint32(np.float32(x).view(np.uint32) // np.uint32(3) + THIRD_OF_BIAS).view(np.float32)
    cube = y * y * y
    y = y * (cube + x + x) / (cube + cube + x)
    cube = y * y * y
    return y * (cube + x + x) / (cube + cube + x)


@kernel(inline="always")
def _f(t: Scalar) -> Scalar:
    return _cube_root(t) if t > EPSILON else SLOPE * t + OFFSET


@kernel(inline="always")
def _f_inverse(f: Scalar) -> Scalar:
    return f * f * f if f > KNEE else (f - OFFSET) / SLOPE


@kernel(inline="always")
def lab_of_pixel(r: Scalar, g: Scalar, b: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Lab of one pixel of linear Rec.709 light; for use inside compiled kernels."""
    fx = _f(_F00 * r + _F01 * g + _F02 * b)
    fy = _f(_F10 * r + _F11 * g + _F12 * b)
    fz = _f(_F20 * r + _F21 * g + _F22 * b)
    return np.float32(116) * fy - np.float32(16), np.float32(500) * (fx - fy), np.float32(200) * (fy - fz)


@kernel(inline="always")
def pixel_of_lab(L: Scalar, a: Scalar, b: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Linear Rec.709 light of one Lab pixel; for use inside compiled kernels."""
    fy = (L + np.float32(16)) / np.float32(116)
    x = _f_inverse(fy + a / np.float32(500))
    y = _f_inverse(fy)
    z = _f_inverse(fy - b / np.float32(200))
    return (
        _I00 * x + _I01 * y + _I02 * z,
        _I10 * x + _I11 * y + _I12 * z,
        _I20 * x + _I21 * y + _I22 * z,
    )


@kernel(parallel=True)
def _to_lab(rgb: FloatArray, out: FloatArray) -> None:
    for i in prange(rgb.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = lab_of_pixel(rgb[i, 0], rgb[i, 1], rgb[i, 2])


@kernel(parallel=True)
def _from_lab(lab: FloatArray, out: FloatArray) -> None:
    for i in prange(lab.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = pixel_of_lab(lab[i, 0], lab[i, 1], lab[i, 2])


def linear_to_lab(rgb: FloatArray) -> FloatArray:
    """CIELab of linear light.

    rgb: float32 (..., 3), linear Rec.709, 1.0 = diffuse white, any real value.
    Returns float32 (..., 3), CIELab D65, L 0..100 for light of 0..1.
    """
    flat = np.ascontiguousarray(rgb, np.float32).reshape(-1, 3)
    out = np.empty_like(flat)
    _to_lab(flat, out)
    return out.reshape(rgb.shape)


def lab_to_linear(lab: FloatArray) -> FloatArray:
    """Linear light of CIELab; the inverse of :func:`linear_to_lab`.

    lab: float32 (..., 3), CIELab D65, any real value.
    Returns float32 (..., 3), linear Rec.709, 1.0 = diffuse white.
    """
    flat = np.ascontiguousarray(lab, np.float32).reshape(-1, 3)
    out = np.empty_like(flat)
    _from_lab(flat, out)
    return out.reshape(lab.shape)
