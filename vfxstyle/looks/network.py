"""Sizes, weights and input standardisation of the predictor (docs/method.md, section 4), without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfxstyle.arrays import FloatArray
from vfxstyle.looks.detail import BANDS, GAIN_LIMITS
from vfxstyle.looks.transform import COEFFICIENTS

OUTPUTS = COEFFICIENTS + BANDS
"""Numbers predicted for a superpixel: its colour transform, then the gains of its bands of lightness."""
HIDDEN = 256
"""Neurons in each of the two hidden layers."""
LINEAR = (0, 3, 6)
"""Indices of the linear ones among the predictor's layers; activations and dropout lie between."""
INPUT_LIMIT = 6.0
"""Standardised inputs are limited to this many standard deviations, against footage unlike the exemplars."""

Layers = tuple[tuple[FloatArray, FloatArray], ...]
"""Weights (outputs, inputs) and biases (outputs,) of each linear layer, float32, the first one first."""


def layer_tensors(layers: Layers, prefix: str) -> dict[str, FloatArray]:
    """Weights and biases by name, which begins with the prefix."""
    tensors = {}
    for index, (weight, bias) in enumerate(layers):
        tensors[f"{prefix}{index}.weight"], tensors[f"{prefix}{index}.bias"] = weight, bias
    return tensors


def taken_layers(tensors: dict[str, np.ndarray], prefix: str, inputs: int) -> Layers:
    """What :func:`layer_tensors` took apart, taken out of ``tensors``. inputs: length of the feature vector.

    Raises KeyError for a tensor that is not there, and ValueError for one of the wrong size.
    """
    widths, layers = (inputs, HIDDEN, HIDDEN, OUTPUTS), []
    for index in range(len(LINEAR)):
        weight, bias = tensors.pop(f"{prefix}{index}.weight"), tensors.pop(f"{prefix}{index}.bias")
        if weight.shape != (widths[index + 1], widths[index]) or bias.shape != (widths[index + 1],):
            raise ValueError(f"layer {index} of the network has the wrong size")
        layers.append((weight.astype(np.float32), bias.astype(np.float32)))
    return tuple(layers)


@dataclass(frozen=True, slots=True)
class Standardisation:
    """Mean and spread of each input of the network over the training superpixels."""

    mean: FloatArray
    """float32 (D,), mean of each input."""
    std: FloatArray
    """float32 (D,), standard deviation of each input, positive."""

    @classmethod
    def of(cls, features: npt.NDArray[np.floating]) -> Standardisation:
        """The standardisation of feature vectors; an input that never varies is not scaled.

        features: float (N, D).
        """
        mean = features.mean(axis=0, dtype=np.float64)
        std = features.std(axis=0, dtype=np.float64)
        std[std < 1e-4] = 1.0
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def apply(self, features: npt.NDArray[np.floating]) -> FloatArray:
        """Standardise feature vectors and limit them to :data:`INPUT_LIMIT`.

        features: float (N, D). Returns float32 (N, D).
        """
        scaled = (np.asarray(features, np.float32) - self.mean) / self.std
        return np.asarray(np.clip(scaled, -INPUT_LIMIT, INPUT_LIMIT), np.float32)


def predict(layers: Layers, standardisation: Standardisation, features: npt.NDArray[np.floating]) -> FloatArray:
    """Predict a transform, and gains within :data:`~vfxstyle.looks.detail.GAIN_LIMITS`, for each superpixel.

    features: float16 or float32 (N, D), feature vectors, not standardised. Returns float32 (N, 33).
    """
    values = standardisation.apply(features)
    for weight, bias in layers[:-1]:
        values = np.maximum(values @ weight.T + bias, 0)
    weight, bias = layers[-1]
    outputs = np.asarray(values @ weight.T + bias, np.float32)
    outputs[:, COEFFICIENTS:] = np.clip(outputs[:, COEFFICIENTS:], *GAIN_LIMITS)
    return outputs
