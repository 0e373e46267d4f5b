"""The predictor: a small network from a feature vector to one transform (METHOD, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vfxstyle.style.detail import BANDS, GAIN_LIMITS
from vfxstyle.style.transform import COEFFICIENTS

FloatArray = npt.NDArray[np.float32]

OUTPUTS = COEFFICIENTS + BANDS
"""Numbers predicted for a superpixel: its colour transform, then its gains of the bands of lightness."""
HIDDEN = 256
"""Neurons in each of the two hidden layers."""
INPUT_LIMIT = 6.0
"""Standardised inputs are limited to this many standard deviations, against footage unlike the exemplars."""


@dataclass(frozen=True, slots=True)
class Standardisation:
    """Mean and spread of each input of the network over the training superpixels."""

    mean: FloatArray
    """float32 (D,)."""
    std: FloatArray
    """float32 (D,), positive."""

    @classmethod
    def of(cls, features: npt.NDArray[np.floating]) -> Standardisation:
        """Standardisation of feature vectors (N, D); inputs that never vary are left at their scale."""
        mean = features.mean(axis=0, dtype=np.float64)
        std = features.std(axis=0, dtype=np.float64)
        std[std < 1e-4] = 1.0
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def apply(self, features: Tensor) -> Tensor:
        """Standardised and limited feature vectors, float32 (N, D)."""
        mean = torch.from_numpy(self.mean).to(features.device)
        std = torch.from_numpy(self.std).to(features.device)
        return ((features.float() - mean) / std).clamp(-INPUT_LIMIT, INPUT_LIMIT)


class Predictor(nn.Module):
    """Two hidden layers of 256 and 33 outputs; a fresh one predicts the identity for everything."""

    def __init__(self, inputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, OUTPUTS),
        )
        self.inputs = inputs
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    @property
    def last(self) -> nn.Linear:
        """The layer that makes the outputs."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, standardised: Tensor) -> Tensor:
        """Transforms and gains (N, 33) of standardised feature vectors (N, D)."""
        transforms: Tensor = self.layers(standardised)
        return transforms


@torch.inference_mode()
def predict(
    network: Predictor, standardisation: Standardisation, features: npt.NDArray[np.floating], device: torch.device
) -> FloatArray:
    """One transform, with its gains held to :data:`~vfxstyle.style.detail.GAIN_LIMITS`, for each superpixel.

    features: float16 or float32 (N, D). Returns float32 (N, 33).
    """
    network = network.to(device).eval()
    inputs = standardisation.apply(torch.from_numpy(np.ascontiguousarray(features)).to(device))
    outputs: Tensor = network(inputs).float()
    outputs[:, COEFFICIENTS:].clamp_(*GAIN_LIMITS)
    return np.asarray(outputs.cpu().numpy(), np.float32)
