"""A backbone that takes milliseconds, for tests of everything but the backbones that users have.

``conftest.py`` puts this folder on the path of the tests and of the processes that they start. vfxstyle finds the
backbone by the entry point beside it, as it finds one of any package.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import SEMANTIC, Backbone, CellMaps, margins


class Tiny(Backbone):
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
        self.device = device
        random = np.random.default_rng(0)

        def weights(inputs: int, outputs: int, side: int) -> FloatArray:
            spread = (2 / (inputs * side * side)) ** 0.5
            return random.normal(0, spread, (side, side, inputs, outputs)).astype(np.float32)

        self._early, self._middle = weights(3, 8, 3), weights(8, 12, 3)
        self._late, self._semantic = weights(12, 12, 1), weights(12, 16, 1)

    def global_features(self, pictures: FloatArray) -> FloatArray:
        """As :meth:`Backbone.global_features`."""
        return np.stack([self._layers(picture, 0, 32)[SEMANTIC].mean(axis=(1, 2)) for picture in pictures])

    def cell_maps(self, pictures: FloatArray, *, upsample: int, border: int) -> CellMaps:
        """As :meth:`Backbone.cell_maps`."""
        maps = []
        for picture in pictures:
            rows, columns = (side * upsample for side in picture.shape[:2])
            maps.append(self._layers(cv2.resize(picture, (columns, rows)), border, self.stride))
        layers = {name: np.stack([own[name] for own in maps]) for name in self.layers}
        return CellMaps(layers, upsample, self.grids(self.stride, border))

    def _layers(self, picture: FloatArray, border: int, stride: int) -> dict[str, FloatArray]:
        """Every layer on cells of so many px, float32 (C, h, w)."""
        right, bottom, reflected = margins(*picture.shape[:2], border, self.smallest)
        kind = cv2.BORDER_REFLECT_101 if reflected else cv2.BORDER_REPLICATE
        picture = cv2.copyMakeBorder(picture, border, bottom, border, right, kind)
        rows, columns = (side // stride for side in picture.shape[:2])
        cells = picture.reshape(rows, stride, columns, stride, 3).mean(axis=(1, 3)) * 4 - 2
        early = _convolved(cells, self._early)
        middle = _convolved(early, self._middle)
        late = _convolved(middle, self._late)
        maps = {SEMANTIC: _convolved(late, self._semantic), "late": late, "middle": middle, "early": early}
        return {name: cells.transpose(2, 0, 1) for name, cells in maps.items()}


def _convolved(cells: FloatArray, weights: FloatArray) -> FloatArray:
    """Cells, float32 (h, w, C), through a convolution, and nothing below zero. No threads: the same on any machine."""
    margin = len(weights) // 2
    padded = np.pad(cells, ((margin, margin), (margin, margin), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[:2], axis=(0, 1))
    return np.maximum(np.einsum("yxcij,ijco->yxo", windows, weights), 0)
