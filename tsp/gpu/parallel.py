"""Many pixels at once, in operations of torch: a frame's label map and colours stay on a device from first to last.

On a GPU :class:`tsp.gpu.kernel_pixels.KernelPixels` does the same in kernels; this is what it is measured by.

Statistics are kept as 64-bit integers, whose sums do not depend on the order of adding, so the same frames give the
same labels on every run. Local moves (:mod:`tsp.gpu.sweeps`), merges, splits, transport and filling are made of such
sums, of minima and of connected pieces of all pixels at once. Decisions on whole superpixels are made on the host from
their tables, by the same kernels as on the CPU. A frame's colours and flow go to the device, its finished label map
comes back; in between only tables of superpixels travel, and which of them touch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from tsp.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LabelArray, WordArray
from tsp.gpu.grid import FASTEST, NEVER, STEP, Canvas, Grid, greatest, least, moved, pieces, spread, statistics
from tsp.gpu.split_together import split_together
from tsp.gpu.sweeps import Moves, Sweeps, settle
from tsp.model import MEAN_Y, Model, Superpixels, refresh_rows
from tsp.moves import choose_merges
from tsp.pixels import MakePixels
from tsp.topology import AROUND, UNASSIGNED


def pixels_on(device: str) -> MakePixels:
    """The way to bring the pixels of a frame to a torch device, "cuda" or "cuda:N"; "cpu" is there for tests.

    Raises RuntimeError for a GPU that this machine does not have.
    """
    kind, _, index = device.partition(":")  # checked before torch does, which keeps eight bits of the index
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise RuntimeError(f"{device} is not there: torch sees {torch.cuda.device_count()} CUDA devices. Use cpu.")
    target = torch.device(device)
    pixels_of = _pixels_of(target)
    grids: dict[tuple[tuple[int, ...], Model], Grid] = {}

    def pixels(labels: LabelArray, colour: FloatArray, model: Model) -> DevicePixels:
        if (labels.shape, model) not in grids:
            grids[labels.shape, model] = Grid(labels.shape[0], labels.shape[1], model, target)
        return pixels_of(torch.from_numpy(labels).to(target).long(), colour, grids[labels.shape, model])

    return pixels


def _pixels_of(device: torch.device) -> type[DevicePixels]:
    """How pixels are worked on: in kernels, or, for tests on the processor, in operations of torch."""
    if device.type == "cpu":
        return DevicePixels
    from tsp.gpu.kernel_pixels import KernelPixels  # loads Triton

    return KernelPixels


class DevicePixels(Canvas):
    """See :class:`tsp.pixels.Pixels`. labels: padded int64, on the grid's device; colour: float32 (H, W, 3)."""

    def __init__(self, labels: torch.Tensor, colour: FloatArray, grid: Grid) -> None:
        super().__init__(labels, colour, grid)
        self.waiting = torch.zeros_like(labels, dtype=torch.bool)
        """Pixels that the next local moves test, bool (H, W)."""

    def mean_flow(self, flow: FloatArray, count: int) -> DoubleArray:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self.grid
        field = torch.from_numpy(flow).to(grid.device).double().clamp(-FASTEST, FASTEST)
        whole = (field.flip(-1) * STEP).round().long()[grid.nearest_y][:, grid.nearest_x].reshape(-1, 2)
        owned, rows = self.owned()
        totals = torch.zeros((count, 3), dtype=torch.long, device=grid.device)
        totals[:, 2] = torch.bincount(rows, minlength=count)
        totals[:, :2].index_add_(0, rows, whole[owned])
        means = totals[:, :2].double() / STEP / totals[:, 2:].clamp(min=1)
        return means.cpu().numpy()

    def carried(self, flows: DoubleArray, expected: DoubleArray, colour: FloatArray, model: Model) -> DevicePixels:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self.grid
        empty = torch.full((grid.height, grid.width), UNASSIGNED, device=grid.device)
        after = DevicePixels(empty, colour, grid)
        steps = grid.put(self.steps(flows))
        source, rows = self.owned()
        y, x = source // grid.width + steps[rows, 0], source % grid.width + steps[rows, 1]
        lands = (y >= 1) & (y < grid.height - 1) & (x >= 1) & (x < grid.width - 1)
        source, rows, at = source[lands], rows[lands], (y * grid.width + x)[lands]
        off = after.features(at) - grid.put(expected)[rows]
        off[:, 2:] *= grid.inside.view(-1)[at, None]
        winner = least(off.pow(2).sum(dim=1), source, at, grid.height * grid.width)
        landed = winner < NEVER
        after.labels.view(-1)[landed] = self.labels.view(-1)[winner[landed]]
        return after

    def steps(self, flows: DoubleArray) -> IntArray:
        """Whole px that superpixels are shifted by, int64 (K, 2), (dy, dx); at most out of the frame."""
        far = self.grid.height + self.grid.width
        return np.floor(np.clip(flows, -far, far) + 0.5).astype(np.int64)

    def keep_largest_pieces(self, count: int, smallest_birth: float) -> int:
        """See :class:`tsp.pixels.Pixels`."""
        frame = self.grid.frame(self.labels)
        roots, piece, sizes = torch.unique(pieces(frame), return_inverse=True, return_counts=True)
        owner = frame.reshape(-1)[roots]
        order = torch.arange(len(roots), device=roots.device)
        key = sizes * len(roots) + (len(roots) - 1 - order)  # of equal pieces the first
        best = greatest(key[owner >= 0], owner[owner >= 0], count)
        keeps = (owner >= 0) & (key == best[owner.clamp(min=0)])
        born = ~keeps & (sizes >= smallest_birth)
        if not bool((keeps | born).any()):  # none is large enough: the largest is kept, for every pixel needs a label
            born = key == key.max()
        target = torch.where(keeps, owner, UNASSIGNED)
        target = torch.where(born, count - 1 + born.cumsum(0), target)
        frame[...] = target[piece].view_as(frame)
        self._trim_margin()
        return count + int(born.sum())

    def _trim_margin(self) -> None:
        """Make UNASSIGNED whatever in the margin is not connected with its label inside the frame."""
        grid = self.grid
        before = torch.where(grid.edge, UNASSIGNED, self.labels)
        outside = ~grid.inside & (before >= 0)
        reached = spread(grid.inside.long() - 1, before, outside) >= 0
        self.labels = torch.where(reached, self.labels, UNASSIGNED)

    def gather(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        _write(self.sums(count), table, count, model)

    def fill_uncovered(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`tsp.pixels.Pixels`. Ring after ring, each pixel to the neighbour that was likeliest at first."""
        grid = self.grid
        means = grid.put(table.scores[:count, MEAN_Y : MEAN_Y + 5])
        flat, inside = self.labels.view(-1), grid.inside.view(-1)
        while True:
            at = torch.nonzero((flat < 0) & inside)[:, 0]
            if len(at) == 0:
                break
            features = self.features(at)
            best = torch.full_like(at, UNASSIGNED)
            nearest = torch.full(at.shape, math.inf, dtype=torch.double, device=grid.device)
            for dy, dx in AROUND:
                other = at + dy * grid.width + dx
                row = flat[other]
                distance = (features - means[row.clamp(min=0)]).pow(2).sum(dim=1)
                better = (row >= 0) & inside[other] & (distance < nearest)
                best, nearest = torch.where(better, row, best), torch.where(better, distance, nearest)
            if not bool((best >= 0).any()):
                break
            flat[at] = best
        self.gather(table, count, model)

    def activate_all(self) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        self.waiting = ~self.grid.edge

    def activate(self, table: Superpixels, count: int) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        changed = self.of_rows(table.changed[:count])
        near = changed.clone()
        for dy, dx in AROUND:
            near |= moved(changed, dy, dx)
        self.waiting |= near & ~self.grid.edge

    def settle(self, table: Superpixels, count: int, model: Model, most: int) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        start, labels = self.labels.clone(), self.labels
        moves = self.moves(table, count, model)
        settle(moves, most)
        labels.copy_(moves.labels)
        self.waiting = moves.waiting.clone()
        table.changed[:count] |= self.touched(start, count)
        _write(moves.sums[:count], table, count, model)

    def moves(self, table: Superpixels, count: int, model: Model) -> Moves:
        """The local moves of one settling."""
        return Sweeps(self, table, count, model, self.waiting)

    def touched(self, before: torch.Tensor, count: int) -> BoolArray:
        """Which superpixels have lost or got pixels since a map, bool (K,), on the host."""
        touched = torch.zeros(count + 1, dtype=torch.bool, device=before.device)  # its last entry is for UNASSIGNED
        different = before != self.labels
        touched[torch.where(different, before, UNASSIGNED)] = True
        touched[torch.where(different, self.labels, UNASSIGNED)] = True
        return np.asarray(touched[:count].cpu().numpy())

    def merge(self, table: Superpixels, count: int, model: Model) -> int:
        """See :class:`tsp.pixels.Pixels`."""
        merged, target = choose_merges(self.touching(count), table, count, model)
        if merged:
            self.rename(target)
        return int(merged)

    def touching(self, count: int) -> LabelArray:
        """Pairs of superpixels that touch inside the frame, both ways round, int32 (E, 2), in ascending order."""
        frame = self.grid.frame(self.labels)
        pairs = [(frame[:, :-1], frame[:, 1:]), (frame[:-1], frame[1:])]
        one, other = (torch.cat([own[side].reshape(-1) for own in pairs]) for side in range(2))
        touch = torch.nonzero(one != other)[:, 0]
        one, other = one[touch], other[touch]
        key = torch.unique(torch.cat([one * count + other, other * count + one]))
        return np.asarray(torch.stack([key // count, key % count], dim=1).int().cpu().numpy())

    def split(self, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
        """See :class:`tsp.pixels.Pixels`. See :func:`~tsp.gpu.split_together.split_together`."""
        return split_together(self, table, count, model, state)

    def count_kept(self, carried: Any, origin: LabelArray) -> tuple[LabelArray, LabelArray]:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self.grid
        before, rows = grid.frame(carried).reshape(-1), grid.frame(self.labels).reshape(-1)
        came = grid.put(origin.astype(np.int64))
        stayed = (before >= 0) & (came[rows] == before)
        kept = torch.bincount(rows[stayed], minlength=len(origin))
        brought = torch.bincount(before[before >= 0], minlength=max(len(origin), 1))
        were = torch.where(came >= 0, brought[came.clamp(min=0)], 0)
        return kept.int().cpu().numpy(), were.int().cpu().numpy()

    def rename(self, target: LabelArray) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        longer = np.append(target.astype(np.int64), UNASSIGNED)  # its last entry stands for UNASSIGNED
        self.labels = self.grid.put(longer)[self.labels]

    def free(self, rows: BoolArray) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        self.waiting = self.of_rows(rows)
        self.labels = torch.where(self.waiting, UNASSIGNED, self.labels)

    def snapshot(self) -> torch.Tensor:
        """See :class:`tsp.pixels.Pixels`."""
        return self.labels.clone()

    def restore(self, snapshot: Any) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        self.labels = snapshot.clone()

    def label_map(self, ids: IntArray) -> LabelArray:
        """See :class:`tsp.pixels.Pixels`."""
        return self.grid.put(ids)[self.grid.frame(self.labels)].int().cpu().numpy()


def _write(sums: torch.Tensor, table: Superpixels, count: int, model: Model) -> None:
    """Bring statistics into the table, with the scores that follow from them."""
    table.stats[:count] = statistics(sums)
    refresh_rows(model, count, table)
