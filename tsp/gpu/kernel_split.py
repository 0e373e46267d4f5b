"""Splits of many superpixels at once, in kernels of a GPU: what :mod:`tsp.gpu.split_together` does, bit by bit."""

from __future__ import annotations

import numpy as np
import torch
import triton

from tsp.arrays import BoolArray, DoubleArray, LabelArray, WordArray
from tsp.gpu.fused import joined_pieces, ranked_pieces, spread_over
from tsp.gpu.grid import COARSE, NEVER, Canvas, statistics
from tsp.gpu.move_kernels import BLOCK, EXACT, ROWS
from tsp.gpu.split_kernels import (
    add_squares,
    assign_halves,
    count_pieces,
    draw_members,
    keep_halves,
    leave_halves,
    sum_halves,
    take_features,
    turn_small,
    update_halves,
)
from tsp.halves import ITERATIONS, uniform
from tsp.model import COUNT, INSIDE, MEAN_Y, STATISTICS, Model, Superpixels
from tsp.split import choose_splits, hopeful, promising


def squares_of(pixels: Canvas, count: int) -> DoubleArray:
    """See :func:`tsp.model.squares`."""
    total, size = torch.zeros(count, dtype=torch.long, device=pixels.grid.device), pixels.labels.numel()
    add_squares[(triton.cdiv(size, BLOCK),)](pixels.labels, pixels.grid.place, pixels.colour, total, size, **EXACT)
    return np.asarray(total.cpu().numpy() / COARSE)


def split_with_kernels(
    pixels: Canvas, table: Superpixels, count: int, model: Model, state: WordArray
) -> tuple[int, int]:
    """See :func:`tsp.gpu.split_together.split_together`."""
    might = hopeful(squares_of(pixels, count), table, count, model)
    table.changed[:count] = False
    if not might.any():
        return 0, count
    halves = _Halves(pixels, count)
    good = promising(halves.two_means(might, table, state), might, table, count, model)
    if not good.any():
        return 0, count
    halves.keep(good)
    ready = good & halves.connect()
    halves.keep(ready)
    if (ready & (table.stats[:count, COUNT] > table.stats[:count, INSIDE])).any():
        halves.share_margin(ready)
    done, rows, leaving, target = choose_splits(halves.statistics(), ready, table, count, model)
    halves.leave(leaving, target)
    return int(done), int(rows)


class _Halves:
    """The halves of the superpixels of one frame: int64 (H W,), twice the label and 0 or 1, or -1 for no part."""

    def __init__(self, pixels: Canvas, count: int) -> None:
        self._pixels, self._count = pixels, count
        self._size = pixels.labels.numel()
        self._blocks = (triton.cdiv(self._size, BLOCK),)
        self._map = torch.empty(self._size, dtype=torch.long, device=pixels.grid.device)
        self._among = torch.empty(pixels.labels.shape, dtype=torch.bool, device=pixels.grid.device)

    def two_means(self, might: BoolArray, table: Superpixels, state: WordArray) -> DoubleArray:
        """Part the pixels of some superpixels by two means each; statistics of both halves, float64 (K, 2, 7)."""
        grid, count = self._pixels.grid, self._count
        centres = table.scores[:count, MEAN_Y : MEAN_Y + 5].reshape(-1)
        every = grid.put(np.concatenate([centres, might, table.old[:count]]).astype(np.float64))
        near = every[: 5 * count].view(count, 5)
        flags, old = every[5 * count : 6 * count] > 0, every[6 * count :] > 0
        whole, sums = (torch.zeros((count, STATISTICS), dtype=torch.long, device=grid.device) for _ in range(2))
        colours = grid.place, self._pixels.colour
        pixels = self._pixels.labels, grid.inside, flags, *colours
        rows = (triton.cdiv(count, ROWS),)
        far = torch.zeros_like(near)
        for from_centre, keep, out in ((False, old, near), (True, torch.zeros_like(old), far)):
            best, seed = torch.full((count,), NEVER, device=grid.device), int(uniform(state) * 2**53)
            draw_members[self._blocks](*pixels, near, whole, best, seed, self._size, from_centre, **EXACT)
            take_features[rows](best, *colours, keep, out, count, num_warps=1)
        for turn in range(ITERATIONS):
            if turn:
                update_halves[rows](sums, whole, old, near, far, count, num_warps=1, **EXACT)
            assign_halves[self._blocks](*pixels, near, far, sums, self._map, self._size, **EXACT)
        return statistics(torch.stack([whole - sums, sums], dim=1).view(-1, STATISTICS)).reshape(count, 2, STATISTICS)

    def keep(self, some: BoolArray) -> None:
        """Leave out all other superpixels."""
        flags = self._pixels.grid.put(some)
        keep_halves[self._blocks](self._map, flags, self._among, self._size)

    def connect(self) -> BoolArray:
        """Give small pieces of a half to the other; returns which superpixels then have two connected halves."""
        for side in (0, 1):  # small pieces of one half at a time: two that touch would only swap
            names = self._pieces()
            sizes, best = ranked_pieces(names, self._map.view(self._among.shape), 2 * self._count, first=False)
            turn_small[self._blocks](names, sizes, best, self._map, self._size, side)
        found = torch.zeros(self._count, dtype=torch.int32, device=self._map.device)
        count_pieces[self._blocks](self._pieces(), self._map, found, self._size)
        return np.asarray(found.cpu().numpy() == 2)

    def share_margin(self, ready: BoolArray) -> None:
        """Give each margin pixel of the superpixels that are ready to the half that reaches it first."""
        labels = self._pixels.labels
        mine = self._pixels.of_rows(ready)
        half = torch.where(self._among, self._map.view(labels.shape) & 1, -1)
        half = spread_over(half, labels, mine)
        self._map = torch.where(mine & (half >= 0), 2 * labels + half, -1).view(-1)

    def statistics(self) -> DoubleArray:
        """Statistics of both halves, float64 (K, 2, 7)."""
        grid = self._pixels.grid
        sums = torch.zeros((2 * self._count, STATISTICS), dtype=torch.long, device=grid.device)
        sum_halves[self._blocks](self._map, grid.inside, grid.place, self._pixels.colour, sums, self._size)
        return statistics(sums).reshape(self._count, 2, STATISTICS)

    def leave(self, leaving: LabelArray, target: LabelArray) -> None:
        """Give halves new labels. leaving: of each superpixel, the half that leaves, or -1. target: its new label."""
        goes, to = (self._pixels.grid.put(own.astype(np.int64)) for own in (leaving, target))
        leave_halves[self._blocks](self._map, goes, to, self._pixels.labels, self._size)

    def _pieces(self) -> torch.Tensor:
        return joined_pieces(self._map.view(self._among.shape), self._among)
