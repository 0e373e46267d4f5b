"""What a predictor consists of, as plain numbers (METHOD, section 4), for whom need not run it with torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vfxstyle.arrays import FloatArray
from vfxstyle.looks.detail import BANDS
from vfxstyle.looks.transform import COEFFICIENTS

if TYPE_CHECKING:
    from torch import Tensor


OUTPUTS = COEFFICIENTS + BANDS
"""Numbers predicted for a superpixel: its colour transform, then its gains of the bands of lightness."""
HIDDEN = 256
"""Neurons in each of the two hidden layers."""
LINEAR = (0, 3, 6)
"""Which of the predictor's layers are linear: dropout and its kind lie between."""
INPUT_LIMIT = 6.0
"""Standardised inputs are limited to this many standard deviations, against footage unlike the exemplars."""

Layers = tuple[tuple[FloatArray, FloatArray], ...]
"""Weights (outputs, inputs) and biases (outputs,) of each linear layer, float32, the first one first."""


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
        features = features.float()
        mean, std = features.new_tensor(self.mean), features.new_tensor(self.std)
        return ((features - mean) / std).clamp(-INPUT_LIMIT, INPUT_LIMIT)
