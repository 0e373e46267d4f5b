"""The local moves of :mod:`tsp.gpu.sweeps`, and connected pieces, in a few kernels of a GPU.

A sweep is a dozen kernels, :mod:`tsp.gpu.move_kernels`, on memory that frames of one size share. On a GPU they are
recorded once and started together from then on: starting them one by one takes longer than running them.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import triton

from tsp.gpu.grid import LATTICES, RINGS, Canvas, Grid
from tsp.gpu.map_kernels import (
    fill_ring,
    join_pieces,
    name_pieces,
    spread_ring,
    sum_statistics,
)
from tsp.gpu.move_kernels import BLOCK, EXACT, ROWS, WIDTH, move_lattice, refresh_scores, sum_energy
from tsp.gpu.sweeps import Told
from tsp.gpu.transport_kernels import count_sizes, find_largest
from tsp.model import STATISTICS, Model, Superpixels

_WORTH_RECORDING = 8  # sweeps
_LEAST_ROOM = 2048  # superpixels that a workspace has room for at first


class Workspace:
    """Memory for the local moves of frames of one size, with room for some superpixels."""

    def __init__(self, grid: Grid, model: Model, room: int) -> None:
        device, size = grid.device, (grid.height, grid.width)
        self._grid, self._pad = grid, model.pad
        self.room = room
        """Superpixels that there is room for."""
        self.labels = torch.zeros(size, dtype=torch.long, device=device)
        """The label map that is worked on, padded, int64 (H, W)."""
        self.waiting = torch.zeros(size, dtype=torch.bool, device=device)
        """Pixels that the next sweep tests."""
        self.sums = torch.zeros((room, STATISTICS), dtype=torch.long, device=device)
        """Statistics, int64 (K, 7)."""
        self._near = torch.zeros_like(self.waiting)
        self._colour = torch.zeros((grid.height * grid.width, 3), dtype=torch.long, device=device)
        self._scores = torch.zeros((room, WIDTH), dtype=torch.double, device=device)
        self._old = torch.zeros(room, dtype=torch.bool, device=device)
        self._priors = torch.zeros((room, 5), dtype=torch.double, device=device)
        self._count = torch.zeros(1, dtype=torch.long, device=device)
        self._counts = torch.zeros(4, dtype=torch.long, device=device)
        self._result = torch.zeros(3, dtype=torch.double, device=device)
        self._numbers = torch.zeros(8, dtype=torch.double, device=device)
        self._before = torch.zeros_like(self.labels), torch.zeros_like(self.sums), torch.zeros_like(self._counts)
        self._recorded: torch.cuda.CUDAGraph | None = None
        self._swept = 0
        self._colour_of: torch.Tensor | None = None

    def load(self, pixels: Canvas, table: Superpixels, count: int, model: Model, waiting: torch.Tensor) -> None:
        """Take up a frame. model: of the same sizes as the workspace's."""
        self.labels.copy_(pixels.labels)
        self.waiting.copy_(waiting)
        if self._colour_of is not pixels.colour:
            self._colour_of = pixels.colour
            self._colour.copy_(pixels.colour)
        self.sums[:count].zero_()
        self._counts.zero_()
        _count(self.labels, self._grid, self._colour, self.sums, self._counts)
        density = 0.5 * math.log(2 * math.pi * model.area_var)
        weights = model.log_old, model.log_new, model.area, model.area_var, density, model.log_unassigned
        numbers = np.array([model.place_prior, model.colour_prior, *weights, count])
        # what comes from the host comes at once: each transfer waits for the device
        every = np.concatenate([numbers, table.priors[:count].reshape(-1), table.old[:count]])
        told = torch.from_numpy(every).to(self.labels.device)
        self._numbers.copy_(told[:8])
        self._count.copy_(told[8:9])
        self._priors[:count] = told[9 : 9 + 5 * count].view(count, 5)
        self._old[:count] = told[9 + 5 * count :] > 0
        self._refresh()

    def energy(self) -> float:
        """See :class:`~tsp.gpu.sweeps.Moves`."""
        sum_energy[(1,)](self._scores, self._counts, self._count, self._numbers, self._result)
        return float(self._result[0])

    def sweep(self, thin: int = -1) -> Told:
        """See :class:`~tsp.gpu.sweeps.Moves`."""
        if thin >= 0 or self._grid.device.type == "cpu":
            self._sweep(thin)
        elif self._recorded is None:
            self._sweep(thin)  # compiles the kernels
            self._swept += 1
            if self._swept == _WORTH_RECORDING:
                recorded = torch.cuda.CUDAGraph()
                with torch.cuda.graph(recorded):
                    self._sweep(thin)  # is recorded, and not done again
                self._recorded = recorded
        else:
            self._recorded.replay()
        energy, moved, tested = self._result.tolist()
        return Told(energy, int(moved), int(tested))

    def restore(self) -> None:
        """See :class:`~tsp.gpu.sweeps.Moves`."""
        for tensor, value in zip((self.labels, self.sums, self._counts), self._before, strict=True):
            tensor.copy_(value)
        self._refresh()

    def wait_all(self) -> None:
        """See :class:`~tsp.gpu.sweeps.Moves`."""
        self.waiting.copy_(~self._grid.edge)

    def _sweep(self, thin: int) -> None:
        grid = self._grid
        for value, tensor in zip((self.labels, self.sums, self._counts), self._before, strict=True):
            tensor.copy_(value)
        self._near.zero_()
        self._counts[2:].zero_()
        for row, column in LATTICES:
            pixels = ((grid.height - 1 - row) // 2) * ((grid.width - 1 - column) // 2)
            if pixels:
                move_lattice[(triton.cdiv(pixels, BLOCK),)](
                    self.labels,
                    self._colour,
                    grid.place,
                    self.waiting,
                    self._near,
                    self._scores,
                    self.sums,
                    self._counts,
                    grid.number,
                    self._numbers,
                    grid.height,
                    grid.width,
                    self._pad,
                    row,
                    column,
                    thin,
                    **EXACT,
                )
                self._refresh()
        sum_energy[(1,)](self._scores, self._counts, self._count, self._numbers, self._result)
        self.waiting.copy_(self._near)

    def _refresh(self) -> None:
        """Scores from statistics."""
        refresh_scores[(triton.cdiv(self.room, ROWS),)](
            self.sums, self._old, self._priors, self._numbers, self._count, self._scores, num_warps=1, **EXACT
        )


def workspace(grid: Grid, model: Model, count: int) -> Workspace:
    """The workspace of a grid, made again with more room when that is needed."""
    if not isinstance(grid.work, Workspace) or grid.work.room < count:
        grid.work = Workspace(grid, model, max(_LEAST_ROOM, 2 * count))
    return grid.work


def joined_pieces(key: torch.Tensor, among: torch.Tensor | None) -> torch.Tensor:
    """As :func:`tsp.gpu.grid.pieces`, by union and find with atomic minima: the order of joining does not matter."""
    height, width = key.shape
    count = height * width
    among = torch.ones((height, width), dtype=torch.bool, device=key.device) if among is None else among.contiguous()
    names = torch.arange(count, dtype=torch.int32, device=key.device)
    out = torch.empty(count, dtype=torch.long, device=key.device)
    blocks = (triton.cdiv(count, BLOCK),)
    join_pieces[blocks](names, key, among, key.stride(0), height, width)
    name_pieces[blocks](names, out, count)
    return out


def ranked_pieces(
    names: torch.Tensor, key: torch.Tensor, keys: int, *, first: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels of each piece, int32 (H W,), at its first place, and the rank of the largest of each key, int64 (keys,).

    names: see :func:`joined_pieces`. key: int64 (H, W). first: of equal pieces the first is largest, else the last.
    See :func:`tsp.gpu.transport_kernels.find_largest`.
    """
    size, device = names.numel(), names.device
    blocks = (triton.cdiv(size, BLOCK),)
    sizes = torch.zeros(size, dtype=torch.int32, device=device)
    best = torch.full((keys,), -1, device=device)
    count_sizes[blocks](names, sizes, size)
    find_largest[blocks](names, sizes, key, best, key.stride(0), key.shape[1], size, first=first)
    return sizes, best


def statistics_of(pixels: Canvas, count: int) -> torch.Tensor:
    """As :meth:`tsp.gpu.grid.Canvas.sums`."""
    device = pixels.grid.device
    sums = torch.zeros((count, STATISTICS), dtype=torch.long, device=device)
    _count(
        pixels.labels.contiguous(), pixels.grid, pixels.colour, sums, torch.zeros(4, dtype=torch.long, device=device)
    )
    return sums


def _count(labels: torch.Tensor, grid: Grid, colour: torch.Tensor, sums: torch.Tensor, counts: torch.Tensor) -> None:
    size = labels.numel()
    sum_statistics[(triton.cdiv(size, BLOCK),)](labels, grid.inside, grid.place, colour, sums, counts, size)


def spread_over(values: torch.Tensor, key: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    """As :func:`tsp.gpu.grid.spread`."""
    height, width = values.shape
    one, two = values.clone(), torch.empty_like(values, memory_format=torch.contiguous_format)
    key, into = key.contiguous(), into.contiguous()
    filled = torch.zeros(1, dtype=torch.long, device=values.device)
    while True:
        filled.zero_()
        for _ in range(RINGS):
            spread_ring[(triton.cdiv(height * width, BLOCK),)](one, two, key, into, filled, height, width)
            one, two = two, one
        if int(filled) == 0:
            return one


def fill_from_rings(pixels: Canvas, means: torch.Tensor) -> None:
    """Give uncovered pixels of the frame to the neighbours that are likeliest, ring after ring, in place.

    means: float64 (K, 5), of the superpixels.
    """
    grid = pixels.grid
    one, two = pixels.labels.contiguous(), torch.empty_like(pixels.labels)
    counts = torch.empty((RINGS, 2), dtype=torch.long, device=grid.device)
    while True:
        counts.zero_()
        for own in counts:
            fill_ring[(triton.cdiv(one.numel(), BLOCK),)](
                one, two, grid.inside, grid.place, pixels.colour, means, own, grid.height, grid.width, **EXACT
            )
            one, two = two, one
        filled, left = counts[-1].tolist()
        if left == 0 or filled == 0:
            break
    pixels.labels = one
