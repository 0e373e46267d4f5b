"""The local moves of many pixels at once, with their scores on the device, in operations of torch.

They run on any device of torch. :mod:`tsp.gpu.fused` does the same in a few kernels and takes their place on a GPU;
tests hold its labels and sums to them, bit by bit.

Pixels of one lattice, (row mod 2, column mod 2), are never 8-neighbours, so none of them sees another move and all
simple-point moves of a lattice may be made together: no superpixel is cut. The statistics are those from before the
pass, so a superpixel that has lost its last pixel in the frame does not return to it, as it may on the CPU.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch

from tsp.gpu.grid import FINE, Canvas, Lattice
from tsp.local import LEAST_PIXEL_GAIN, SETTLED
from tsp.model import (
    ADD_AREA,
    ADD_COLOUR,
    ADD_PLACE,
    COUNT,
    DROP_AREA,
    DROP_COLOUR,
    DROP_PLACE,
    INSIDE,
    MEAN_Y,
    SUM_Y,
    Model,
    Superpixels,
)
from tsp.topology import UNASSIGNED


class Told(NamedTuple):
    """What became of a sweep."""

    energy: float
    """Log-posterior less the terms that are the same for all labellings, to compare states of one frame."""
    moved: int
    """Pixels that moved."""
    tested: int
    """Border pixels that were tested."""


class Moves(Protocol):
    """The local moves of one settling."""

    @property
    def labels(self) -> torch.Tensor:
        """The label map that is worked on, padded, int64 (H, W)."""

    @property
    def waiting(self) -> torch.Tensor:
        """Pixels that the next sweep tests, bool (H, W)."""

    @property
    def sums(self) -> torch.Tensor:
        """Statistics, int64 (K, 7); there may be more rows than are in use."""

    def energy(self) -> float:
        """See :class:`Told`."""

    def sweep(self, thin: int = -1) -> Told:
        """One pass over all four lattices; pixels near a move wait for the next.

        thin: -1, or the number of a pseudo-random half that may move.
        """

    def restore(self) -> None:
        """Go back to before the last sweep."""

    def wait_all(self) -> None:
        """Let the next sweep test all pixels."""


def settle(moves: Moves, most: int) -> None:
    """Sweep until little moves, at most ``most`` times."""
    energy, enough = moves.energy(), 0.0
    for number in range(most):
        told = moves.sweep()
        if told.energy < energy:  # too many moved on the same statistics: take it back and let half of them move
            moves.restore()
            moves.wait_all()
            told = moves.sweep(number)
            moves.wait_all()
            if told.energy < energy:
                moves.restore()
                break
        energy = told.energy
        enough = enough or SETTLED * told.tested
        if told.moved <= enough:
            break


_NEAREST = (1, 5, 7, 3)  # N, S, W, E among the ring, the order in which ties are broken on the CPU


class _Border(NamedTuple):
    """Pixels of one lattice that have a neighbour of another label."""

    at: torch.Tensor
    """Places in the flattened map, int64 (N,)."""
    own: torch.Tensor
    """Their labels, int64 (N,)."""
    inside: torch.Tensor
    """Whether they lie in the frame, bool (N,)."""
    inside_ring: torch.Tensor
    """Which of the eight neighbours lie in the frame, as bits, int64 (N,)."""
    features: torch.Tensor
    """Whitened y, x, L, a, b, float64 (N, 5)."""
    ring: list[torch.Tensor]
    """Labels of the eight neighbours, int64 (N,) each."""


class Sweeps:
    """The local moves of one settling: the scores that they need, on the device."""

    def __init__(self, pixels: Canvas, table: Superpixels, count: int, model: Model, waiting: torch.Tensor) -> None:
        grid = pixels.grid
        self.waiting = waiting
        """Which pixels the next sweep tests, bool (H, W)."""
        self._pixels = pixels
        self._grid = grid
        self._model = model
        self._old = grid.put(table.old[:count])
        self._priors = grid.put(table.priors[:count])
        values = [model.place_prior] * 2 + [model.colour_prior] * 3
        self._variance = torch.tensor(values, dtype=torch.double, device=grid.device)
        self.sums = pixels.sums(count)
        self._refresh()

    @property
    def labels(self) -> torch.Tensor:
        """The label map, padded, int64 (H, W)."""
        return self._pixels.labels

    def restore(self) -> None:
        """See :class:`Moves`."""
        labels, sums = self._before
        self._pixels.labels.copy_(labels)
        self.sums.copy_(sums)
        self._refresh()

    def wait_all(self) -> None:
        """See :class:`Moves`."""
        self.waiting = ~self._grid.edge

    def energy(self) -> float:
        """See :class:`Moves`."""
        model, n = self._model, self.sums[:, COUNT].double()
        priors, old, variance = self._priors, self._old[:, None], self._variance
        total = self.sums[:, SUM_Y:].double() / FINE
        count = self._counts()
        new = total**2 / (2 * count.clamp(min=1))
        known = (variance * total**2 + 2 * priors * total - count * priors**2) / (2 * (count * variance + 1))
        score = torch.where(old, known, new).sum(dim=1) + self._log_area(n)
        # The number of margin pixels changes, so their own squares and constants count.
        margin = torch.nonzero((~self._grid.inside & (self._pixels.labels >= 0)).view(-1))[:, 0]
        squares = (self._grid.place[margin].double() / FINE).pow(2).sum() / 2
        return float(score[n > 0].sum() - squares - len(margin) * model.log_unassigned)

    def sweep(self, thin: int = -1) -> Told:
        """See :class:`Moves`."""
        start = self._pixels.labels.clone()
        self._before = start, self.sums.clone()
        tested = sum(self._pass(lattice, thin) for lattice in self._grid.lattices)
        moved = (start != self._pixels.labels).float()[None, None]
        self.waiting = torch.nn.functional.max_pool2d(moved, 3, stride=1, padding=1)[0, 0] > 0
        return Told(self.energy(), int(moved.sum()), tested)

    def _pass(self, lattice: Lattice, thin: int) -> int:
        """Move the pixels of one lattice; returns how many were on a border."""
        border = self._border(lattice, thin)
        leave, may_leave = self._leaving(border)
        best, may_join = self._joining(border, leave)
        moves = may_leave & may_join & (best != border.own)
        self._apply(border.at[moves], border.own[moves], best[moves])
        return len(border.at)

    def _border(self, lattice: Lattice, thin: int) -> _Border:
        """The waiting pixels of a lattice that have a neighbour of another label; for ``thin`` see :class:`Moves`."""
        flat = self._pixels.labels.view(-1)
        candidates = torch.nonzero(self.waiting.reshape(-1)[lattice.at])[:, 0]
        at = lattice.at[candidates]
        own = flat[at]
        border = torch.stack([flat[at + self._grid.ring[i]] != own for i in _NEAREST]).any(dim=0)
        if thin >= 0:
            border &= (at * 2654435761 + thin * 40503 >> 16) & 1 == 0
        candidates, at, own = candidates[border], at[border], own[border]
        return _Border(
            at=at,
            own=own,
            inside=lattice.inside[candidates],
            inside_ring=lattice.inside_ring[candidates],
            features=self._pixels.features(at),
            ring=[flat[at + offset] for offset in self._grid.ring],
        )

    def _leaving(self, border: _Border) -> tuple[torch.Tensor, torch.Tensor]:
        """What each pixel gains by leaving its label, in nats, and whether it may leave without cutting anything."""
        own, inside, ring = border.own, border.inside, border.ring
        alone = ~torch.stack([ring[i] == own for i in _NEAREST]).any(dim=0)
        whole, within = self._numbers(border, own)
        row = own.clamp(min=0)
        last = (within == 0) & (self.sums[row, INSIDE] > 1)
        may_leave = (own < 0) | alone | ((whole == 1) & (within <= 1) & ~(inside & last))
        gap_place, gap_colour = self._gaps(border, row)
        score = self._scores[row]
        leave = score[:, DROP_PLACE] * gap_place + score[:, DROP_COLOUR] * gap_colour + score[:, DROP_AREA]
        leave = torch.where(own < 0, torch.full_like(leave, -self._model.log_unassigned), leave)
        return leave, may_leave

    def _joining(self, border: _Border, leave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The label that each pixel gains most by joining, and whether all labels beside it allow that it moves.

        leave: what a pixel gains by leaving its own label, in nats.
        """
        own, inside, ring = border.own, border.inside, border.ring
        may_join = torch.ones_like(inside)
        best, best_gain = own.clone(), torch.full_like(leave, LEAST_PIXEL_GAIN)
        empty = torch.stack([ring[i] < 0 for i in _NEAREST]).any(dim=0) & ~inside & (own >= 0)
        gain = leave + self._model.log_unassigned
        better = empty & (gain > best_gain)
        best, best_gain = torch.where(better, UNASSIGNED, best), torch.where(better, gain, best_gain)
        for i in _NEAREST:
            row = ring[i].clamp(min=0)
            gap_place, gap_colour = self._gaps(border, row)
            score = self._scores[row]
            gain = leave + score[:, ADD_AREA] - score[:, ADD_PLACE] * gap_place - score[:, ADD_COLOUR] * gap_colour
            whole, within = self._numbers(border, ring[i])
            other = (ring[i] >= 0) & (ring[i] != own)
            may_join &= ~other | (whole == 1)
            better = other & (~inside | (within == 1)) & (gain > best_gain)
            best, best_gain = torch.where(better, ring[i], best), torch.where(better, gain, best_gain)
        return best, may_join

    def _apply(self, at: torch.Tensor, left: torch.Tensor, joined: torch.Tensor) -> None:
        parts = self._pixels.parts(at)
        for rows, sign in ((left, -1), (joined, 1)):
            owned = rows >= 0
            self.sums.index_add_(0, rows[owned], sign * parts[owned])
        self._pixels.labels.view(-1)[at] = joined
        self._refresh()

    def _gaps(self, border: _Border, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared whitened distances of pixels from superpixels' means: in place, and in colour (0 in the margin)."""
        off = (border.features - self._scores[row, MEAN_Y : MEAN_Y + 5]) ** 2
        return off[:, :2].sum(dim=1), off[:, 2:].sum(dim=1) * border.inside

    def _numbers(self, border: _Border, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Topological numbers of pixels for labels, over the whole ring and over its part inside the frame."""
        bits = torch.zeros_like(label)
        for i, neighbour in enumerate(border.ring):
            bits |= (neighbour == label).long() << i
        return self._grid.number[bits], self._grid.number[bits & border.inside_ring]

    def _counts(self) -> torch.Tensor:
        """Pixels that carry each dimension, float64 (K, 5)."""
        return self.sums[:, [COUNT, COUNT, INSIDE, INSIDE, INSIDE]].double()

    def _log_area(self, n: torch.Tensor) -> torch.Tensor:
        model = self._model
        weight = self._old.double() * (model.log_old - model.log_new) + model.log_new
        density = 0.5 * math.log(2 * math.pi * model.area_var)
        return torch.where(n > 0, weight - density - (model.area - n) ** 2 / (2 * model.area_var), 0.0)

    def _refresh(self) -> None:
        """Scores from statistics, as :func:`tsp.model.refresh` makes them."""
        old, n, variance = self._old[:, None], self._counts(), self._variance
        total = self.sums[:, SUM_Y:].double() / FINE
        known = (self._priors + variance * total) / (1 + n * variance)
        mean = torch.where(old, known, total / n.clamp(min=1))
        n, variance = n[:, [0, 2]], variance[[0, 2]]
        grown = torch.where(old, (1 + n * variance) / (1 + (n + 1) * variance), n / (n + 1)) / 2
        fewer = (n - 1).clamp(min=0)
        shrunk = torch.where(old, (1 + n * variance) / (1 + fewer * variance), n / fewer.clamp(min=1)) / 2
        shrunk = torch.where(torch.where(old, n > 0, n > 1), shrunk, 0.0)
        count = n[:, 0]
        here = self._log_area(count)
        area = [self._log_area(count + 1) - here, torch.where(count > 0, self._log_area(count - 1) - here, 0.0)]
        self._scores = torch.cat([mean, grown, shrunk, torch.stack(area, dim=1)], dim=1)
