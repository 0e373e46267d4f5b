"""Backbones: image classifiers used as fully convolutional networks at stride 32 and at stride 8.

A backbone is a class with the facts of :class:`Backbone` and three methods; adding one is that class and a line in
``BACKBONES`` of :mod:`vfxstyle.features.registry` (docs/look.md shows one).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import WeightsError
from vfxstyle.features.tiles import run_in_parts

SEMANTIC = "semantic"
"""The layer whose mean over the picture feeds the classifier, in every backbone."""


@dataclass(frozen=True, slots=True)
class CellMaps:
    """Features of a batch of pictures on the cells of the dilated network."""

    layers: Mapping[str, Tensor]
    """Features, (B, C, h, w), by name of the layer; all layers have the same number of cells."""
    upsample: int
    """Factor by which the pictures were enlarged."""
    origins: Mapping[str, float]
    """Column and row, in px of the enlarged picture without its border, of the centre of each layer's first cell."""
    stride: int
    """Px of the enlarged picture between cells."""


class Backbone(ABC):
    """A frozen network in two forms with the same weights."""

    name: ClassVar[str]
    """Name of the backbone in presets and analyses."""
    layers: ClassVar[Mapping[str, int]]
    """Channels of each layer that is sampled at stride 8; one of them is :data:`SEMANTIC`."""
    components: ClassVar[Mapping[str, int]]
    """PCA size of each layer, and of ``global``."""
    cell_origins: ClassVar[Mapping[str, float]]
    """Column and row, in px of the picture with its border, of the centre of each layer's first stride-8 cell."""
    border: ClassVar[int]
    """Px of reflection round a picture at its own size, so that receptive fields at its edge are filled."""
    reach: ClassVar[int]
    """Px from the column and row of a cell, its number times the stride, to the end of its receptive field; a
    multiple of 32."""
    smallest: ClassVar[int] = 32
    """Least side, in px, of a picture that the network can take in; smaller ones are reflected on."""
    stride: ClassVar[int] = 8
    """Px between the cells of the dilated form."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32
        """Precision that the network runs in; features are float32 either way."""
        self.frames_at_once = 4 if device.type == "cuda" else 1
        """Pictures that go through the network together; on the CPU one fills the cores."""

    @classmethod
    @abstractmethod
    def find_weights(cls, named: str | None) -> Path | None:
        """The weight file: the one named, else the backbone's usual one; None where a package carries the weights.

        Raises :class:`~vfxstyle.errors.UsageError` if a file is named for packaged weights, and
        :class:`~vfxstyle.errors.WeightsError` if the file does not exist.
        """

    @classmethod
    @abstractmethod
    def load(cls, device: torch.device, named: str | None = None) -> Backbone:
        """The network with the weights of :meth:`find_weights`.

        Raises what that does, and :class:`~vfxstyle.errors.WeightsError` for a file of other weights.
        """

    @abstractmethod
    def _normalised(self, batch: Tensor) -> Tensor:
        """A batch, (B, 3, H, W), sRGB-encoded, 0..1, normalised as in the network's training."""

    @abstractmethod
    def _coarse(self, batch: Tensor) -> Tensor:
        """Semantic map (B, C, H/32, W/32) of the undilated network."""

    @abstractmethod
    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        """Every layer of the dilated network on its grid of stride-8 cells, (B, C, h, w)."""

    def _batch(self, pictures: FloatArray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(self.device)
        return self._normalised(tensor).to(self.dtype).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def global_features(self, pictures: FloatArray) -> FloatArray:
        """Semantic features averaged over pictures.

        pictures: float32 (B, H, W, 3), sRGB-encoded, 0..1. Returns float32 (B, C).
        """
        tensor = _padded(self._batch(pictures), 0, self.smallest)
        cells = run_in_parts(lambda part: {SEMANTIC: self._coarse(part)}, tensor, reach=self.reach, stride=32)
        return np.asarray(cells[SEMANTIC].float().mean(dim=(2, 3)).cpu().numpy(), np.float32)

    @torch.inference_mode()
    def cell_maps(self, pictures: FloatArray, *, upsample: int, border: int) -> CellMaps:
        """Features of all layers on the grid of stride-8 cells.

        pictures: float32 (B, H, W, 3), sRGB-encoded, 0..1. upsample: factor by which they are enlarged first.
        border: px of reflection round the enlarged pictures.
        """
        tensor = self._batch(pictures)
        if upsample > 1:
            tensor = functional.interpolate(tensor, scale_factor=upsample, mode="bilinear", align_corners=False)
        tensor = _padded(tensor, border, self.smallest)
        layers = run_in_parts(self._dense, tensor, reach=self.reach, stride=self.stride)
        origins = {name: origin - border for name, origin in self.cell_origins.items()}
        return CellMaps(layers, upsample, origins, self.stride)


def _padded(tensor: Tensor, border: int, smallest: int) -> Tensor:
    """Reflect ``border`` px on every side, then extend right and below to a multiple of 32, at least ``smallest``."""
    height, width = tensor.shape[2] + 2 * border, tensor.shape[3] + 2 * border
    right = border + max(-width % 32, smallest - width)
    low = border + max(-height % 32, smallest - height)
    mode = "reflect" if right < tensor.shape[3] and low < tensor.shape[2] else "replicate"
    return functional.pad(tensor, (border, right, border, low), mode=mode)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dictionary in a weight file, read without running code from it.

    Raises :class:`~vfxstyle.errors.WeightsError` for a file that holds none.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive makes of the reader
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"Weights {path} cannot be read ({reason}); download the file again.") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise WeightsError(f"Weights {path} are not a dictionary of tensors; download the file again.")
    return weights
