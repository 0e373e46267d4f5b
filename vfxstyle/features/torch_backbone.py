"""Backbones that run in torch."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import WeightsError
from vfxstyle.features.backbones import SEMANTIC, Backbone, CellMaps, margins
from vfxstyle.features.torch_tiles import run_in_parts


class TorchBackbone(Backbone):
    """A frozen network whose two forms are written in torch."""

    def __init__(self, device: str) -> None:
        self.device = device
        on_gpu = device != "cpu"
        self.dtype = torch.float16 if on_gpu else torch.float32
        """Precision that the network runs in; features are float32 either way."""
        self.frames_at_once = 4 if on_gpu else 1
        self._last: tuple[FloatArray, Tensor] | None = None

    @abstractmethod
    def _normalised(self, batch: Tensor) -> Tensor:
        """A batch, (B, 3, H, W), sRGB-encoded, 0..1, normalised as in the network's training."""

    @abstractmethod
    def _coarse(self, batch: Tensor) -> Tensor:
        """Semantic map (B, C, H/32, W/32) of the undilated network."""

    @abstractmethod
    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        """Every layer of the dilated network on its grid of stride-8 cells, (B, C, h, w)."""

    def _cells(self, batch: Tensor, stride: int) -> dict[str, Tensor]:
        """Every layer of the dilated network of a stride; a backbone that has two forms of it has its own."""
        return self._dense(batch)

    def release(self) -> None:
        """See :class:`Backbone`."""
        self._last = None

    def _batch(self, pictures: FloatArray) -> Tensor:
        """Pictures as the network takes them, kept until others come: one batch is asked for three times."""
        if self._last is None or self._last[0] is not pictures:
            self._last = pictures, self._made_batch(pictures)
        return self._last[1]

    def _made_batch(self, pictures: FloatArray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(self.device)
        return self._normalised(tensor).to(self.dtype).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def global_features(self, pictures: FloatArray) -> FloatArray:
        """As :meth:`Backbone.global_features`, in parts where memory lacks."""
        tensor = _padded(self._batch(pictures), 0, self.smallest)
        cells = run_in_parts(
            lambda part: {SEMANTIC: self._coarse(part)}, tensor, reach=self.reach, strides={SEMANTIC: 32}
        )
        return np.asarray(cells[SEMANTIC].float().mean(dim=(2, 3)).cpu().numpy(), np.float32)

    @torch.inference_mode()
    def cell_maps(self, pictures: FloatArray, *, upsample: int, border: int) -> CellMaps:
        """As :meth:`Backbone.cell_maps`, in parts where memory lacks."""
        tensor = self._batch(pictures)
        if upsample > 1:
            tensor = functional.interpolate(tensor, scale_factor=upsample, mode="bilinear", align_corners=False)
        tensor = _padded(tensor, border, self.smallest)
        stride = self.stride if upsample == 1 else self.enlarged_stride
        grids = self.grids(stride, border)
        strides = {name: grid.stride for name, grid in grids.items()}
        layers = run_in_parts(lambda part: self._cells(part, stride), tensor, reach=self.reach, strides=strides)
        return CellMaps(layers, upsample, grids)


def _padded(tensor: Tensor, border: int, smallest: int) -> Tensor:
    """A batch extended by :func:`~vfxstyle.features.backbones.margins`."""
    right, bottom, reflected = margins(tensor.shape[2], tensor.shape[3], border, smallest)
    return functional.pad(tensor, (border, right, border, bottom), mode="reflect" if reflected else "replicate")


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
