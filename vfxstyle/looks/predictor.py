"""The predictor in torch, which is what training fits; :func:`.network.predict` predicts with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vfxstyle.looks.network import HIDDEN, LINEAR, OUTPUTS, Layers


class Dropout(nn.Module):
    """Leaves out each input with a probability, and makes up for it, while its network is trained.

    Its numbers are its own, so that networks can be trained side by side and come out the same; and they are drawn as
    16 bits each, which takes a tenth of the time of torch's.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._share, self._random = share, np.random.Generator(np.random.SFC64(seed))

    def forward(self, values: Tensor) -> Tensor:
        """The values with some set to zero, (...)."""
        if not (self.training and self._share):
            return values
        drawn = self._random.integers(0, 2**16, tuple(values.shape), np.uint16)
        kept = (drawn >= self._share * 2**16) * np.float32(1 / (1 - self._share))
        return values * torch.from_numpy(kept).to(values.device)


class Predictor(nn.Module):
    """A network of two hidden layers of 256 and 33 outputs; a new one predicts the identity for every superpixel."""

    def __init__(self, inputs: int, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(),
            Dropout(dropout, 2 * seed),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            Dropout(dropout, 2 * seed + 1),
            nn.Linear(HIDDEN, OUTPUTS),
        )
        self.inputs = inputs
        random = torch.Generator().manual_seed(seed)  # not torch's own, which is one for all threads
        with torch.no_grad():
            for linear in self._linear():
                for values in (linear.weight, linear.bias):
                    values.uniform_(-(linear.in_features**-0.5), linear.in_features**-0.5, generator=random)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    @classmethod
    def of(cls, layers: Layers) -> Predictor:
        """A predictor with these weights and biases, ready to predict."""
        network = cls(layers[0][0].shape[1])
        network.set_numbers(layers)
        return network.eval()

    def set_numbers(self, layers: Layers) -> None:
        """Give its linear layers these weights and biases."""
        with torch.no_grad():
            for linear, (weight, bias) in zip(self._linear(), layers, strict=True):
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))

    def numbers(self) -> Layers:
        """The weights and biases of its linear layers, as :meth:`set_numbers` takes them."""
        return tuple(
            (layer.weight.detach().cpu().numpy().copy(), layer.bias.detach().cpu().numpy().copy())
            for layer in self._linear()
        )

    def _linear(self) -> list[nn.Linear]:
        layers: list[Any] = [self.layers[index] for index in LINEAR]
        return layers

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
