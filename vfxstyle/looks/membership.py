"""Which of two layers of a grade a superpixel is in, told from its features (docs/method.md, section 14)."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import DoubleArray

_RIDGE = 300.0  # of the weights, for standardised features and samples that count 1 in the mean
_PASSES = 30
_STEEPEST = 30.0  # logit from which on a membership is 0 or 1
_NO_TRUST, _FULL_TRUST = 0.5, 0.8  # overlap of what is told with what is known, up to which, and from which on


def membership(known: DoubleArray, share: DoubleArray, vectors: DoubleArray) -> tuple[DoubleArray, float]:
    """How surely superpixels are in the second layer, by those for which it is known; and how far to trust it.

    A logistic regression in which both layers count alike, however small one is, by Newton's method.
    known: float64 (M, D), standardised feature vectors. share: float64 (M,), 0..1, how much of each is in the second
    layer. vectors: float64 (N, D), of the superpixels in question. Returns float64 (N,), 0..1, and 0..1 by the overlap
    of what is told of the known ones with what is known (intersection over union): layers that share their features,
    such as one of two like cars and all the rest, cannot be told apart so.
    """
    inside = share > 0.5
    if inside.all() or not inside.any():
        return np.full(len(vectors), 0.5), 0.0
    weight = np.where(inside, 0.5 / inside.sum(), 0.5 / (~inside).sum()) * len(share)
    inputs = _with_constant(known)
    ridge = np.full(inputs.shape[1], _RIDGE)
    ridge[-1] = 1e-6  # the constant is free
    numbers = np.zeros(inputs.shape[1])
    for _ in range(_PASSES):
        found = _logistic(inputs @ numbers)
        slope = inputs.T @ (weight * (found - share)) + ridge * numbers
        steep = (inputs * (weight * found * (1 - found))[:, None]).T @ inputs + np.diag(ridge)
        step = np.linalg.solve(steep, slope)
        numbers -= step
        if np.abs(step).max() < 1e-9:
            break
    told = _logistic(inputs @ numbers) > 0.5
    overlap = float((told & inside).sum() / (told | inside).sum())
    trust = min(max((overlap - _NO_TRUST) / (_FULL_TRUST - _NO_TRUST), 0.0), 1.0)
    return _logistic(_with_constant(vectors) @ numbers), trust


def _with_constant(vectors: DoubleArray) -> DoubleArray:
    return np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1)


def _logistic(values: DoubleArray) -> DoubleArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -_STEEPEST, _STEEPEST))), np.float64)
