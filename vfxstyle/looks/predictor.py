"""The predictor in torch, which is what training fits; :func:`.network.predict` predicts with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vfxstyle.looks.network import HIDDEN, LINEAR, OUTPUTS, Layers


class Predictor(nn.Module):
    """A network of two hidden layers of 256 and 33 outputs; a new one predicts the identity for every superpixel."""

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

    @classmethod
    def of(cls, layers: Layers) -> Predictor:
        """A predictor with these weights and biases, ready to predict."""
        network = cls(layers[0][0].shape[1])
        with torch.no_grad():
            for index, (weight, bias) in zip(LINEAR, layers, strict=True):
                linear: Any = network.layers[index]
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
        return network.eval()

    def numbers(self) -> Layers:
        """The weights and biases of its linear layers, as :meth:`of` takes them."""
        linear: list[Any] = [self.layers[index] for index in LINEAR]
        return tuple(
            (layer.weight.detach().cpu().numpy().copy(), layer.bias.detach().cpu().numpy().copy()) for layer in linear
        )

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
