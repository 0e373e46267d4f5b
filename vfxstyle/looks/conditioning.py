"""Coordinates in which the outputs of a predictor are fitted."""

from __future__ import annotations

import numpy as np
import torch

from vfxstyle.arrays import FloatArray
from vfxstyle.looks.detail import BANDS
from vfxstyle.looks.network import OUTPUTS, Layers
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Samples
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS, basis, fit_transform

_RIDGE = 1e-5  # of the mean square of V: directions of V that the exemplars hardly show are not blown up


class Conditioning:
    """Coordinates in which the terms of V over the training pixels are uncorrelated and of unit size.

    The terms of V differ by orders of magnitude, and L, L^2 and 1 are almost collinear: gradient steps of one size for
    all terms converge slowly. In these coordinates they do not.
    """

    colour: FloatArray
    """float32 (10, 10), V times this matrix is V in these coordinates."""
    gains: FloatArray
    """float32 (3,), what each band of lightness, as a share of 100, is multiplied by."""
    to_outputs: FloatArray
    """float32 (33, 33), which takes outputs in these coordinates to outputs for V and the bands themselves."""

    def __init__(self, samples: Samples) -> None:
        values = basis(samples.before).reshape(-1, TERMS)
        scatter = values.T.astype(np.float64) @ values / len(values)
        size, directions = np.linalg.eigh(scatter)
        self.colour = (directions / np.sqrt(np.maximum(size, 0) + _RIDGE)).astype(np.float32)
        scaled = samples.bands.reshape(-1, BANDS) / LAB_SCALE[0]
        self.gains = (1 / np.sqrt((scaled.astype(np.float64) ** 2).mean(axis=0) + _RIDGE)).astype(np.float32)
        self.to_outputs = np.zeros((OUTPUTS, OUTPUTS), np.float32)
        for row in range(3):
            part = slice(row * TERMS, (row + 1) * TERMS)
            self.to_outputs[part, part] = self.colour
        self.to_outputs[COEFFICIENTS:, COEFFICIENTS:] = np.diag(self.gains)

    def values(self, before: FloatArray, bands: FloatArray) -> tuple[FloatArray, FloatArray]:
        """V of pixels, and their bands of lightness, in these coordinates.

        before: float32 (..., 3), CIELab D65. bands: float32 (..., 3), in L. Returns float32 (..., 10) and (..., 3).
        """
        return basis(before) @ self.colour, bands / np.float32(LAB_SCALE[0]) * self.gains

    def folded(self, network: Predictor) -> Predictor:
        """Copy to the CPU a predictor fitted in these coordinates, with outputs for V and the bands themselves."""
        out = Predictor(network.inputs)
        out.load_state_dict(network.state_dict())
        matrix = torch.from_numpy(self.to_outputs)
        with torch.no_grad():
            out.last.weight.copy_(matrix @ network.last.weight.cpu())
            out.last.bias.copy_(matrix @ network.last.bias.cpu())
        return out.eval()

    def start(self, samples: Samples) -> FloatArray:
        """The best single transform of all superpixels with gains of zero, as outputs in these coordinates.

        Returns float32 (33,).
        """
        phi = fit_transform(samples.before.reshape(-1, 3), samples.after.reshape(-1, 3)).reshape(3, TERMS)
        inside = np.linalg.solve(self.colour.astype(np.float64), phi.T).T
        return np.concatenate([inside.reshape(-1), np.zeros(BANDS)]).astype(np.float32)

    def unfolded(self, layers: Layers) -> Layers:
        """The layers of a predictor with outputs for V and the bands themselves, in these coordinates."""
        back = np.linalg.inv(self.to_outputs.astype(np.float64))
        weight, bias = ((back @ part).astype(np.float32) for part in layers[-1])
        return (*layers[:-1], (weight, bias))
