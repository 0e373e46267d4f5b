"""The pixels of one frame on a GPU, with every move in a few kernels.

:class:`tsp.gpu.parallel.DevicePixels` does the same in operations of torch; tests hold one to the other, bit by bit. A
kernel takes microseconds and so does starting it, so what counts is how many there are, and how often the host waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import triton

from tsp.arrays import BoolArray, DoubleArray, FloatArray, LabelArray, WordArray
from tsp.gpu.fused import fill_from_rings, joined_pieces, ranked_pieces, statistics_of, workspace
from tsp.gpu.grid import NEVER, STEP
from tsp.gpu.kernel_split import split_with_kernels, squares_of
from tsp.gpu.move_kernels import BLOCK, EXACT
from tsp.gpu.parallel import DevicePixels
from tsp.gpu.sweeps import Moves
from tsp.gpu.transport_kernels import (
    BORN,
    add_flow,
    count_carried,
    judge_pieces,
    land,
    mark_touching,
    note_changes,
    reach_pieces,
    rename_pieces,
    take_landed,
    trim_pieces,
    wait_near,
)
from tsp.model import MEAN_Y, Model, Superpixels

_MOST_MARKS = 2**26  # pairs of superpixels that are looked at together, a byte each


class KernelPixels(DevicePixels):
    """See :class:`tsp.pixels.Pixels`."""

    def mean_flow(self, flow: FloatArray, count: int) -> DoubleArray:
        """See :class:`tsp.pixels.Pixels`."""
        grid, pad = self.grid, self.grid.pad
        field = torch.from_numpy(flow).to(grid.device)
        totals = self._zeros(count, 3)
        add_flow[self._blocks()](self.labels, field, totals, grid.height, grid.width, pad, **EXACT)
        sums = totals.cpu().numpy()
        return np.asarray(sums[:, :2] / STEP / np.maximum(sums[:, 2:], 1))

    def carried(self, flows: DoubleArray, expected: DoubleArray, colour: FloatArray, model: Model) -> KernelPixels:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self.grid
        after = KernelPixels(torch.empty_like(self.labels), colour, grid)
        best = torch.full((self.labels.numel(),), NEVER, device=grid.device)
        steps = grid.put(self.steps(flows))
        land[self._blocks()](
            self.labels, grid.inside, grid.place, after.colour, steps, grid.put(expected), best,
            grid.height, grid.width, **EXACT,
        )  # fmt: skip
        take_landed[self._blocks()](self.labels, best, after.labels, best.numel())
        return after

    def keep_largest_pieces(self, count: int, smallest_birth: float) -> int:
        """See :class:`tsp.pixels.Pixels`."""
        frame = self.grid.frame(self.labels)
        size, stride, width = frame.numel(), frame.stride(0), frame.shape[1]
        blocks = (triton.cdiv(size, BLOCK),)
        names = joined_pieces(frame, None)
        sizes, best = ranked_pieces(names, frame, count, first=True)
        fate, smallest = torch.empty_like(sizes), int(min(np.ceil(smallest_birth), size + 1))
        judge_pieces[blocks](names, sizes, frame, best, fate, stride, width, size, smallest)
        births = torch.cumsum(fate == BORN, 0)
        born, kept = torch.stack([births[-1], (best >= 0).sum()]).tolist()
        if born == kept == 0:  # none is large enough: the largest is kept, for every pixel needs a label
            largest = int(torch.nonzero(sizes == sizes.max())[0, 0])
            fate[largest], births[largest:], born = BORN, 1, 1
        rename_pieces[blocks](names, fate, births, frame, stride, width, size, count)
        self._trim_margin()
        return int(count + born)

    def _trim_margin(self) -> None:
        grid = self.grid
        names = joined_pieces(self.labels, (self.labels >= 0) & ~grid.edge)
        reached, size = self._zeros(self.labels.numel(), kind=torch.int8), self.labels.numel()
        reach_pieces[self._blocks()](names, grid.inside, self.labels, reached, size)
        trim_pieces[self._blocks()](names, grid.inside, grid.edge, reached, self.labels, size)

    def sums(self, count: int) -> torch.Tensor:
        """Statistics of all rows, int64 (K, 7)."""
        return statistics_of(self, count)

    def squares(self, count: int) -> DoubleArray:
        """See :func:`tsp.model.squares`."""
        return squares_of(self, count)

    def fill_uncovered(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        fill_from_rings(self, self.grid.put(table.scores[:count, MEAN_Y : MEAN_Y + 5]))
        self.gather(table, count, model)

    def activate(self, table: Superpixels, count: int) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        grid, changed = self.grid, self.grid.put(table.changed[:count])
        wait_near[self._blocks()](self.labels, changed, grid.edge, self.waiting, grid.width, self.labels.numel())

    def moves(self, table: Superpixels, count: int, model: Model) -> Moves:
        """The local moves of one settling."""
        moves = workspace(self.grid, model, count)
        moves.load(self, table, count, model, self.waiting)
        return moves

    def touched(self, before: torch.Tensor, count: int) -> BoolArray:
        """Which superpixels have lost or got pixels since a map, bool (K,), on the host."""
        touched = self._zeros(count, kind=torch.bool)
        note_changes[self._blocks()](before, self.labels, touched, self.labels.numel())
        return np.asarray(touched.cpu().numpy())

    def touching(self, count: int) -> LabelArray:
        """Pairs of superpixels that touch inside the frame, both ways round, int32 (E, 2), in ascending order."""
        return np.concatenate(list(self._touching(count)))

    def split(self, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
        """See :class:`tsp.pixels.Pixels`."""
        return split_with_kernels(self, table, count, model, state)

    def count_kept(self, carried: Any, origin: LabelArray) -> tuple[LabelArray, LabelArray]:
        """See :class:`tsp.pixels.Pixels`."""
        grid, rows = self.grid, len(origin)
        before, frame = grid.frame(carried), grid.frame(self.labels)
        kept = self._zeros(rows, kind=torch.int32)
        brought = self._zeros(max(rows, int(origin.max(initial=0)) + 1), kind=torch.int32)
        count_carried[(triton.cdiv(frame.numel(), BLOCK),)](
            frame, before, grid.put(origin.astype(np.int64)), kept, brought, frame.stride(0), frame.shape[1],
            frame.numel(),
        )  # fmt: skip
        were = np.where(origin >= 0, brought.cpu().numpy()[np.maximum(origin, 0)], 0)
        return kept.cpu().numpy(), were.astype(np.int32)

    def _touching(self, count: int) -> Iterator[LabelArray]:
        frame = self.grid.frame(self.labels)
        rows = max(1, min(count, _MOST_MARKS // count))
        for first in range(0, count, rows):
            marks = torch.zeros((rows, count), dtype=torch.bool, device=frame.device)
            mark_touching[(triton.cdiv(frame.numel(), BLOCK),)](
                frame, marks, frame.stride(0), *frame.shape, count, first, rows
            )
            pairs = torch.nonzero(marks).int().cpu().numpy()
            pairs[:, 0] += first
            yield pairs

    def _blocks(self) -> tuple[int]:
        return (triton.cdiv(self.labels.numel(), BLOCK),)

    def _zeros(self, *shape: int, kind: torch.dtype = torch.long) -> torch.Tensor:
        return torch.zeros(shape, dtype=kind, device=self.grid.device)
