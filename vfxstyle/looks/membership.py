"""Which of two layers of a grade a superpixel is in, by its features (docs/method.md, section 14)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray

_RIDGE = 300.0  # of the weights, for standardised features and samples that count 1 in the mean
_PASSES = 30
_STEEPEST = 30.0  # logit from which on a probability is 0 or 1
_FEWEST = 8  # superpixels of either layer below which nothing is learnt: a few can be told from any others
_NO_TRUST, _FULL_TRUST = 0.5, 0.8  # overlap of prediction and truth up to which, and from which on


@dataclass(frozen=True, slots=True)
class Membership:
    """A logistic regression that predicts the layer of a superpixel."""

    weights: DoubleArray
    """float64 (D,), of standardised features."""
    constant: float
    """Logit of a superpixel of mean features."""
    trust: float
    """How far to trust it, 0..1."""

    def logits(self, vectors: FloatArray) -> DoubleArray:
        """Logits of the second layer, float64 (N, 1). vectors: float32 (N, D), standardised features."""
        return np.asarray(vectors @ self.weights + self.constant, np.float64)[:, None]

    def probabilities(self, logits: DoubleArray) -> FloatArray:
        """The probability of the second layer for each of :meth:`logits`, and the trust, float32 (N, 2)."""
        predicted = probability(logits[:, 0])
        return np.stack([predicted, np.full(len(predicted), self.trust)], axis=-1).astype(np.float32)


def fit_membership(vectors: DoubleArray, share: DoubleArray) -> Membership:
    """Fit the regression, with both layers counted alike, however small one is, by Newton's method.

    vectors: float64 (M, D), standardised features of superpixels. share: float64 (M,), 0..1, how much of each is in the
    second layer. It is trusted by the overlap of what it predicts for them with what they are (intersection over
    union): layers that share their features, such as one of two like cars and all the rest, cannot be told apart so. It
    is not trusted at all where a layer has fewer than eight superpixels.
    """
    inside = share > 0.5
    if min(inside.sum(), (~inside).sum()) < _FEWEST:
        return Membership(np.zeros(vectors.shape[1]), 0.0, 0.0)
    count = np.where(inside, 0.5 / inside.sum(), 0.5 / (~inside).sum()) * len(share)
    inputs = np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1)
    ridge = np.full(inputs.shape[1], _RIDGE)
    ridge[-1] = 1e-6  # the constant is free
    weights = np.zeros(inputs.shape[1])
    for _ in range(_PASSES):
        predicted = probability(inputs @ weights)
        slope = inputs.T @ (count * (predicted - share)) + ridge * weights
        curvature = (inputs * (count * predicted * (1 - predicted))[:, None]).T @ inputs + np.diag(ridge)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    chosen = inputs @ weights > 0
    overlap = float((chosen & inside).sum() / (chosen | inside).sum())
    trust = min(max((overlap - _NO_TRUST) / (_FULL_TRUST - _NO_TRUST), 0.0), 1.0)
    return Membership(weights[:-1], float(weights[-1]), trust)


def probability(logits: DoubleArray) -> DoubleArray:
    """Probabilities, 0..1, of logits."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_STEEPEST, _STEEPEST))), np.float64)
