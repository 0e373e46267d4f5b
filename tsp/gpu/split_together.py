"""Splits of many superpixels at once, on a device: 2-means, connected parts and statistics over all their pixels."""

from __future__ import annotations

import numpy as np
import torch

from tsp.arrays import BoolArray, DoubleArray, WordArray
from tsp.gpu.grid import FINE, Canvas, draw, greatest, pieces, spread, statistics
from tsp.halves import ITERATIONS
from tsp.model import MEAN_Y, SUM_Y, Model, Superpixels
from tsp.split import choose_splits, hopeful, promising


def split_together(pixels: Canvas, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
    """Split changed superpixels that score higher in two parts, in place; see :func:`tsp.split.split`.

    Small pieces of one part go to the other, where the CPU path looks for the piece that suits them best.
    """
    grid = pixels.grid
    might = hopeful(pixels.squares(count), table, count, model)
    table.changed[:count] = False
    if not might.any():
        return 0, count
    at = torch.nonzero((pixels.of_rows(might) & grid.inside).view(-1))[:, 0]
    side = _two_means(pixels, at, table, count, state)
    good = promising(_part_sums(pixels, at, side, count), might, table, count, model)
    if not good.any():
        return 0, count
    chosen = grid.put(good)[pixels.labels.view(-1)[at]]
    part = torch.full((grid.height * grid.width,), -1, device=grid.device)
    part[at[chosen]] = side[chosen]
    ready = good & _connect_halves(pixels, part, count)
    _share_margin(pixels, part, ready)
    at = torch.nonzero(part >= 0)[:, 0]
    parts = _part_sums(pixels, at, part[at], count)
    done, rows, leaving, target = choose_splits(parts, ready, table, count, model)
    rows_at = pixels.labels.view(-1)[at]
    leaves = part[at] == grid.put(leaving.astype(np.int64))[rows_at]
    pixels.labels.view(-1)[at[leaves]] = grid.put(target.astype(np.int64))[rows_at[leaves]]
    return int(done), int(rows)


def _two_means(pixels: Canvas, at: torch.Tensor, table: Superpixels, count: int, state: WordArray) -> torch.Tensor:
    """Which of two means each pixel is nearer to, 0 or 1, for all superpixels at once; see :mod:`tsp.halves`.

    at: places of the pixels in the flattened map. The first mean of an old superpixel is its own and stays.
    """
    grid = pixels.grid
    rows, features = pixels.labels.view(-1)[at], pixels.features(at)
    old = grid.put(table.old[:count])[:, None]
    first = draw(torch.ones_like(rows), at, rows, count, state)
    centre = torch.where(old, grid.put(table.scores[:count, MEAN_Y : MEAN_Y + 5]), features[first])
    other = features[draw((features - centre[rows]).pow(2).sum(dim=1), at, rows, count, state)]
    parts = pixels.parts(at)
    whole = torch.zeros((count, 7), dtype=torch.long, device=grid.device).index_add_(0, rows, parts)
    side = torch.zeros_like(at)
    for _ in range(ITERATIONS):
        way, middle = other - centre, (other.pow(2).sum(dim=1) - centre.pow(2).sum(dim=1)) / 2
        side = ((features * way[rows]).sum(dim=1) > middle[rows]).long()
        far = torch.zeros_like(whole).index_add_(0, rows[side > 0], parts[side > 0])
        members, left = far[:, :1], whole[:, :1] - far[:, :1]
        other = torch.where(members > 0, far[:, SUM_Y:].double() / FINE / members.clamp(min=1), other)
        near = (whole - far)[:, SUM_Y:].double() / FINE / left.clamp(min=1)
        centre = torch.where(old | (left == 0), centre, near)
    return side


def _part_sums(pixels: Canvas, at: torch.Tensor, part: torch.Tensor, count: int) -> DoubleArray:
    """Statistics of the parts 0 and 1 of each superpixel, float64 (K, 2, 7), on the host."""
    sums = torch.zeros((2 * count, 7), dtype=torch.long, device=at.device)
    sums.index_add_(0, 2 * pixels.labels.view(-1)[at] + part, pixels.parts(at))
    return statistics(sums).reshape(count, 2, 7)


def _connect_halves(pixels: Canvas, part: torch.Tensor, count: int) -> BoolArray:
    """Give small pieces of a part to the other part, in place; returns which superpixels then have two connected parts.

    part: int64, 0, 1 or -1 for pixels that take no part, of the flattened map.
    """
    grid = pixels.grid
    labels, parts = grid.frame(pixels.labels), grid.frame(part.view(grid.height, grid.width))
    taking_part = parts >= 0
    place = torch.arange(labels.numel(), device=grid.device).view(labels.shape)
    for side in (0, 1):  # small pieces of one part at a time: two that touch would only swap
        key = torch.where(taking_part, 2 * labels + parts, 2 * count)  # its last value stands for the other pixels
        names = pieces(key, taking_part).view(labels.shape)
        sizes = torch.zeros_like(place).view(-1).scatter_add_(0, names.view(-1), taking_part.view(-1).long())
        rank = sizes[names] * labels.numel() + names
        small = taking_part & (parts == side) & (rank != greatest(rank.view(-1), key.view(-1), 2 * count + 1)[key])
        parts.copy_(torch.where(small, 1 - parts, parts))
    roots = taking_part & (pieces(2 * labels + parts, taking_part).view(labels.shape) == place)
    found = torch.zeros(count + 1, dtype=torch.long, device=grid.device)
    found.scatter_add_(0, torch.where(roots, labels, count).view(-1), roots.view(-1).long())
    return (found[:count] == 2).cpu().numpy()


def _share_margin(pixels: Canvas, part: torch.Tensor, ready: BoolArray) -> None:
    """Give each margin pixel of the superpixels that are ready to the part that reaches it first, in place."""
    grid = pixels.grid
    mine = pixels.of_rows(ready)
    parts = part.view(grid.height, grid.width)
    parts[~mine] = -1
    parts.copy_(spread(parts, pixels.labels, mine))
