"""A backbone that takes milliseconds, for tests of everything but the backbones that users have.

``conftest.py`` puts this folder on the path of the tests and of the processes that they start. vfxstyle finds the
backbone by the entry point beside it, as it finds one of any package.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import SEMANTIC
from vfxstyle.features.torch_backbone import TorchBackbone


class Tiny(TorchBackbone):
    """Averages of cells through four convolutions whose weights are random, and the same in every process."""

    name = "tiny"
    layers = {SEMANTIC: 16, "late": 12, "middle": 12, "early": 8}  # noqa: RUF012 - a fact of the class
    components = {"global": 4, SEMANTIC: 8, "late": 6, "middle": 6, "early": 4}  # noqa: RUF012
    cell_origins = {SEMANTIC: 3.5, "late": 3.5, "middle": 3.5, "early": 3.5}  # noqa: RUF012
    border = 32
    reach = 96

    @classmethod
    def find_weights(cls, named: str | None) -> None:
        """None: the weights are made on loading."""
        if named is not None:
            raise UsageError(f"The weights of {cls.name} are made on loading; leave --weights out.")

    @classmethod
    def load(cls, device: str, named: str | None = None) -> Tiny:
        """The network, always with the same weights."""
        cls.find_weights(named)
        return cls(device)

    def __init__(self, device: str) -> None:
        super().__init__(device)
        random = torch.Generator().manual_seed(0)

        def weights(inputs: int, outputs: int, size: int) -> Tensor:
            spread = (2 / (inputs * size * size)) ** 0.5
            drawn = torch.randn((outputs, inputs, size, size), generator=random) * spread
            return drawn.to(device, self.dtype)

        self._early, self._middle = weights(3, 8, 3), weights(8, 12, 3)
        self._late, self._semantic = weights(12, 12, 1), weights(12, 16, 1)

    def _normalised(self, batch: Tensor) -> Tensor:
        return batch * 4 - 2

    def _layers(self, batch: Tensor, stride: int) -> dict[str, Tensor]:
        early = functional.conv2d(functional.avg_pool2d(batch, stride), self._early, padding=1).relu_()
        middle = functional.conv2d(early, self._middle, padding=1).relu_()
        late = functional.conv2d(middle, self._late).relu_()
        return {
            SEMANTIC: functional.conv2d(late, self._semantic).relu_(),
            "late": late,
            "middle": middle,
            "early": early,
        }

    def _coarse(self, batch: Tensor) -> Tensor:
        return self._layers(batch, 32)[SEMANTIC]

    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        return self._layers(batch, self.stride)
