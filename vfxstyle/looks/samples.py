"""Superpixels with pixel samples of before and after, and the errors of a predictor on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, HalfArray, LabelArray
from vfxstyle.looks.network import Standardisation, predict
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.transform import COEFFICIENTS, fit_transform, transform_lab


@dataclass(frozen=True, slots=True)
class Samples:
    """Superpixels with features and pixel samples, which a predictor is fitted to or measured on."""

    features: HalfArray
    """float16 (N, D), feature vectors, not standardised."""
    before: FloatArray
    """float32 (N, P, 3), P pixels of each superpixel in the plate, CIELab D65, L 0..100."""
    after: FloatArray
    """float32 (N, P, 3), the same pixels in the graded picture, CIELab D65, L 0..100."""
    bands: FloatArray
    """float32 (N, P, 3), bands of lightness of these pixels in the plate, in L; see :mod:`vfxstyle.looks.detail`."""
    picture: LabelArray
    """int32 (N,), number of the pair that each superpixel is from."""
    semantic: int
    """Number of features, from the first on, that come from a network."""

    def only(self, chosen: BoolArray) -> Samples:
        """Samples of the chosen superpixels alone. chosen: bool (N,)."""
        return Samples(
            self.features[chosen],
            self.before[chosen],
            self.after[chosen],
            self.bands[chosen],
            self.picture[chosen],
            self.semantic,
        )


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean per-pixel L2 distances to the graded pictures in CIELab D65, the paper's measure."""

    distance: float
    """From the plates."""
    global_oracle: float
    """From the best single transform of each picture, fitted to the graded picture itself."""
    predicted: float
    """From the predictions."""


def predicted_lab(network: Predictor, standardisation: Standardisation, samples: Samples) -> FloatArray:
    """The sampled pixels as the predictor grades them. Returns float32 (N, P, 3), CIELab D65."""
    layers, graded = network.numbers(), np.empty_like(samples.before)
    for start in range(0, len(samples.features), 8192):
        part = slice(start, start + 8192)
        outputs = predict(layers, standardisation, samples.features[part])
        graded[part] = transform_lab(samples.before[part], outputs[:, None, :COEFFICIENTS])
        graded[part, :, 0] += np.einsum("nb,npb->np", outputs[:, COEFFICIENTS:], samples.bands[part])
    return graded


def measure(network: Predictor, standardisation: Standardisation, samples: Samples) -> Errors:
    """The error of a predictor on superpixels, with the two that it is compared to."""
    count = samples.before.shape[0] * samples.before.shape[1]
    distance = _summed_error(samples.before, samples.after)
    predicted = mean_error(network, standardisation, samples)
    return Errors(distance / count, global_oracle(samples), predicted)


def mean_error(network: Predictor, standardisation: Standardisation, samples: Samples) -> float:
    """Mean distance, in Lab units, from predictions to the graded pixels."""
    count = int(np.prod(samples.before.shape[:2]))
    return _summed_error(predicted_lab(network, standardisation, samples), samples.after) / count


def errors_by_picture(network: Predictor, standardisation: Standardisation, samples: Samples) -> DoubleArray:
    """Mean distance, in Lab units, from predictions to the graded pixels of each picture, float64 (pictures,)."""
    missed = np.linalg.norm(predicted_lab(network, standardisation, samples) - samples.after, axis=-1).mean(axis=1)
    _, picture, counts = np.unique(samples.picture, return_inverse=True, return_counts=True)
    return np.bincount(picture, missed.astype(np.float64)) / counts


def _summed_error(one: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(one - other, axis=-1).sum(dtype=np.float64))


def global_oracle(samples: Samples) -> float:
    """Mean distance, in Lab units, that the best single transform of each picture leaves."""
    total = 0.0
    for picture in np.unique(samples.picture):
        own = samples.picture == picture
        before, after = samples.before[own].reshape(-1, 3), samples.after[own].reshape(-1, 3)
        total += _summed_error(transform_lab(before, fit_transform(before, after)), after)
    return total / int(np.prod(samples.before.shape[:2]))
