"""Means over superpixels on a GPU: :mod:`.pooling` as a matrix product, and colours."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import FloatArray, HalfArray, LabelArray
from vfxstyle.features.backbones import CellGrid, CellMaps
from vfxstyle.features.pooling import between

_WHOLE = 2.0**20  # that a share of 1 is counted in: sums of whole numbers do not depend on the order of adding


class DeviceSegmentation:
    """The superpixels of a picture that means are requested of, on a device.

    rows, wanted: as in :func:`vfxstyle.features.pooling.pooled`.
    """

    def __init__(self, rows: LabelArray, wanted: LabelArray, device: str) -> None:
        self.shape = rows.shape
        """(H, W), of the picture."""
        self.count = len(wanted)
        """Superpixels that means are requested of."""
        own = torch.from_numpy(rows).to(device).long()
        place = torch.full((int(own.max()) + 1,), -1, dtype=torch.long, device=device)
        place[torch.from_numpy(wanted).to(device).long()] = torch.arange(self.count, device=device)
        owners = place[own]
        self.owners = torch.where(owners < 0, self.count, owners)
        """Which of them each pixel belongs to, int64 (H, W); their number for none of them."""
        self.areas = torch.bincount(self.owners.reshape(-1), minlength=self.count + 1)[: self.count].clamp(min=1)
        """Their px, int64 (N,); 1 for one without any."""

    def means(self, values: Tensor) -> Tensor:
        """Means of numbers of pixels, (H, W, C), exact to 1 / 2^21. Returns float64 (N, C)."""
        whole = (values.double() * _WHOLE).round().long().view(-1, values.shape[-1])
        sums = torch.zeros((self.count + 1, whole.shape[1]), dtype=torch.long, device=values.device)
        sums.index_add_(0, self.owners.reshape(-1), whole)
        return sums[: self.count].double() / _WHOLE / self.areas[:, None]


class DevicePooling:
    """Means over the superpixels of one picture. Arguments as of :func:`vfxstyle.features.pooling.pooled`."""

    def __init__(self, maps: CellMaps, rows: LabelArray, wanted: LabelArray) -> None:
        self._maps, self._superpixels = maps, (rows, wanted)
        self._segmentation: DeviceSegmentation | None = None
        self._weights: dict[CellGrid, Tensor] = {}

    def means(self, layer: Tensor, grid: CellGrid) -> FloatArray | HalfArray | None:
        """Means of a layer, (N, C), in its precision, made on its device; None where that lacks memory.

        layer: (C, h, w). grid: where its cells lie.
        """
        try:
            if grid not in self._weights:
                self._weights[grid] = self._weights_of(layer, grid)
            return (self._weights[grid] @ layer.flatten(1).T).cpu().numpy()
        except torch.OutOfMemoryError:
            self._weights.clear()
            torch.cuda.empty_cache()
            return None

    def _weights_of(self, layer: Tensor, grid: CellGrid) -> Tensor:
        """The weights of :class:`~vfxstyle.features.pooling.CellWeights`, zeros too, (N, cells).

        They have the layer's precision: features are stored in half precision too.
        """
        if self._segmentation is None:
            self._segmentation = DeviceSegmentation(*self._superpixels, str(layer.device))
        own, (_, height, width) = self._segmentation, layer.shape
        cells = height * width
        (cell_y, share_y), (cell_x, share_x) = (
            [torch.from_numpy(ends).to(layer.device) for ends in between(pixels, self._maps.upsample, grid, along)]
            for pixels, along in zip(own.shape, (height, width), strict=True)
        )
        sums = torch.zeros((own.count + 1) * cells, dtype=torch.int32, device=layer.device)
        for i in range(2):
            for j in range(2):
                at = own.owners * cells + cell_y[:, i, None] * width + cell_x[None, :, j]
                shares = (share_y[:, i, None] * share_x[None, :, j] * _WHOLE).round().int()
                sums.scatter_add_(0, at.view(-1), shares.view(-1))
        return (sums.view(-1, cells)[: own.count] / (own.areas[:, None] * _WHOLE)).to(layer.dtype)


def colours_on(
    device: str, lab: FloatArray, rows: LabelArray, wanted: LabelArray
) -> tuple[FloatArray, FloatArray, Tensor]:
    """Mean colours of superpixels and their standard deviations, float32 (N, 3), and the picture on the device.

    lab: float32 (H, W, 3), CIELab D65.
    """
    picture = torch.from_numpy(np.ascontiguousarray(lab)).to(device)
    both = DeviceSegmentation(rows, wanted, device).means(torch.cat([picture, picture * picture], dim=-1))
    mean = both[:, :3].float()
    spread = (both[:, 3:].float() - mean * mean).clamp(min=0).sqrt()
    return mean.cpu().numpy(), spread.cpu().numpy(), picture
