"""Means of cell features over superpixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.features.backbones import CellMaps


@torch.inference_mode()
def pooled(maps: CellMaps, index: int, rows: LabelArray, wanted: LabelArray) -> dict[str, FloatArray]:
    """Mean features of superpixels; those of a pixel are interpolated bilinearly between its four nearest cells.

    maps: features of cells of a batch of pictures. index: number of the picture in the batch, from 0.
    rows: int32 (H, W), the superpixel that each pixel of the picture belongs to.
    wanted: int32 (N,), the superpixels that means are requested of, ascending.
    Returns float32 (N, C) by name of the layer. It is computed on the CPU where the device of the maps lacks memory.
    """
    try:
        return _pooled(maps, {name: layer[index] for name, layer in maps.layers.items()}, rows, wanted)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return _pooled(maps, {name: layer[index].cpu() for name, layer in maps.layers.items()}, rows, wanted)


def _pooled(maps: CellMaps, layers: dict[str, Tensor], rows: LabelArray, wanted: LabelArray) -> dict[str, FloatArray]:
    """The same from the layers of one picture, (C, h, w) each, computed on their device."""
    weights: dict[float, Tensor] = {}
    means: dict[str, FloatArray] = {}
    for name, layer in layers.items():
        origin = maps.origins[name]
        if origin not in weights:
            weights[origin] = _cell_weights(maps, origin, rows, wanted, layer.shape[1], layer.shape[2]).to(layer.device)
        cells = layer.float().flatten(1).T.contiguous()
        means[name] = np.asarray(torch.sparse.mm(weights[origin], cells).cpu().numpy(), np.float32)
    return means


def _cell_weights(
    maps: CellMaps, origin: float, rows: LabelArray, wanted: LabelArray, height: int, width: int
) -> Tensor:
    """Weight of each cell in the mean of each superpixel: sparse (N, height * width), rows that sum to 1."""
    sides = zip(rows.shape, (height, width), strict=True)
    y, x = (_between(np.arange(size), maps, origin, cells) for size, cells in sides)
    place = np.full(int(rows.max()) + 1, -1, np.int64)
    place[wanted] = np.arange(len(wanted))
    owners = place[rows]
    here = owners >= 0
    own = owners[here]
    at_y, at_x = np.nonzero(here)
    share = (1 / np.bincount(own, minlength=len(wanted))[own]).astype(np.float32)
    keys, values = [], []
    for cell_y, weight_y in y:
        for cell_x, weight_x in x:
            keys.append(own * (height * width) + cell_y[at_y] * width + cell_x[at_x])
            values.append(share * weight_y[at_y] * weight_x[at_x])
    every, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    summed = np.bincount(inverse, np.concatenate(values)).astype(np.float32)
    indices = np.stack(np.divmod(every, height * width))
    size = (len(wanted), height * width)
    places, amounts = torch.from_numpy(indices), torch.from_numpy(summed)
    return torch.sparse_coo_tensor(places, amounts, size, is_coalesced=True, check_invariants=False)


def _between(pixels: IntArray, maps: CellMaps, origin: float, cells: int) -> list[tuple[IntArray, FloatArray]]:
    """The cell before and the cell after each pixel along one axis, with their weights."""
    place = ((pixels + 0.5) * maps.upsample - 0.5 - origin) / maps.stride
    place = np.clip(place, 0, cells - 1)
    before = np.minimum(np.floor(place).astype(np.int64), max(cells - 2, 0))
    after = np.minimum(before + 1, cells - 1)
    weight = (place - before).astype(np.float32)
    return [(before, 1 - weight), (after, weight)]
