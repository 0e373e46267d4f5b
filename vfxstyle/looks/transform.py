"""The quadratic colour transform (docs/method.md, section 1) as a residual on the identity.

A transform is 30 numbers, the matrix Phi of 3x10 in rows L, a, b. With the scaled colour s = [L/100, a/110, b/110] and
V(s) = [L^2, a^2, b^2, La, Lb, ab, L, a, b, 1], the graded colour is ``s + Phi V(s)``: 30 zeros are the identity.
Source: Zhu, Yan, Bu, Yu, section III, there without scaling and residual.
"""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray

LAB_SCALE = (100.0, 110.0, 110.0)
"""What L, a and b are divided by."""
TERMS = 10
"""Numbers in V."""
COEFFICIENTS = 3 * TERMS
"""Numbers in one transform."""


def basis(lab: FloatArray) -> FloatArray:
    """The quadratic basis V of colours.

    lab: float32 (..., 3), CIELab D65, L 0..100. Returns float32 (..., 10).
    """
    L, a, b = np.moveaxis(np.asarray(lab, np.float32) / np.array(LAB_SCALE, np.float32), -1, 0)
    return np.stack([L * L, a * a, b * b, L * a, L * b, a * b, L, a, b, np.ones_like(L)], axis=-1)


def transform_lab(lab: FloatArray, phi: FloatArray) -> FloatArray:
    """Apply transforms to colours.

    lab: float32 (..., 3), CIELab D65, L 0..100. phi: float32 (..., 30), one transform for each colour (broadcast).
    Returns float32 (..., 3), CIELab D65.
    """
    rows = phi.reshape(*phi.shape[:-1], 3, TERMS)
    change = np.einsum("...rt,...t->...r", rows, basis(lab))
    graded: FloatArray = lab + change * np.array(LAB_SCALE, np.float32)
    return graded


def fit_transform(before: FloatArray, after: FloatArray, ridge: float = 1e-4) -> FloatArray:
    """Fit one transform from ``before`` to ``after`` in the least-squares sense; the paper's per-image "global" oracle.

    before, after: float32 (N, 3), CIELab D65. ridge: weight of the pull towards the identity, relative to N.
    Returns float32 (30,).
    """
    return _solved(*_normal_equations(before, after), len(before), ridge)


def fit_transform_without_each(before: FloatArray, after: FloatArray, ridge: float = 1e-4) -> list[FloatArray]:
    """For each of several pictures, the transform that :func:`fit_transform` fits to all the others together.

    before, after: float32 (K, N, 3), CIELab D65, N pixels of each picture. ridge: as of :func:`fit_transform`.
    Returns K transforms, float32 (30,) each.
    """
    parts = [_normal_equations(*pair) for pair in zip(before, after, strict=True)]
    normal, target = sum(part[0] for part in parts), sum(part[1] for part in parts)
    count = before.shape[1] * (len(before) - 1)
    return [_solved(normal - own, target - right, count, ridge) for own, right in parts]


def _normal_equations(before: FloatArray, after: FloatArray) -> tuple[DoubleArray, DoubleArray]:
    values = basis(before).astype(np.float64)
    change = (after.astype(np.float64) - before) / np.array(LAB_SCALE)
    return values.T @ values, values.T @ change


def _solved(normal: DoubleArray, target: DoubleArray, count: int, ridge: float) -> FloatArray:
    solution = np.linalg.solve(normal + ridge * count * np.eye(TERMS), target)
    return np.ascontiguousarray(solution.T.reshape(-1), np.float32)
