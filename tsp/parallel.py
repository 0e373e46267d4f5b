"""The local move for a quarter of all pixels at once, on a GPU.

Pixels of one colour, (row mod 2, column mod 2), are never 8-neighbours, so none of them sees another move and all
simple-point moves of a colour may be made together: no superpixel is cut. The statistics are those from before the
pass. They are kept as 64-bit integers, whose sums do not depend on the order of adding, so the same frames give
the same labels on every run. The label map, colours, statistics and scores stay on the device for all sweeps of
a round; the moves on whole superpixels, a small share of the work, run on the host.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from tsp.local import SETTLED, WORTH, ByteArray
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
    FloatArray,
    Model,
    Superpixels,
    gather,
)
from tsp.topology import NOBODY, TOPOLOGICAL_NUMBER, LabelArray
from tsp.tracker import Settle

_FINE = 2.0**20  # whitened features in the integer sums are multiples of 1 / this
_COLOURS = ((0, 0), (0, 1), (1, 0), (1, 1))
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_NEAREST = (1, 5, 7, 3)  # N, S, W, E among the ring, the order in which ties are broken on the CPU


def settle_on(device: str) -> Settle:
    """The local moves on a device; see :func:`tsp.local.settle`. Raises RuntimeError if it is not there."""
    place = torch.device(device)
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(f"{device} is not there: torch sees {torch.cuda.device_count()} CUDA devices. Use cpu.")

    def settle(
        labels: LabelArray, colour: FloatArray, table: Superpixels, active: ByteArray, model: Model, most: int
    ) -> None:
        rows = int(labels.max()) + 1  # before the moves: those that die must be counted, too
        state = _State(labels, colour, table, model, place)
        waiting = torch.from_numpy(active).to(place) != 0
        energy, enough = state.energy(), 0.0
        for number in range(most):
            before = state.labels.clone(), state.sums.clone()
            moved, tested, waiting = state.sweep(waiting, thin=None)
            now = state.energy()
            if now < energy:  # too many moved on the same statistics: take it back and let half of them move
                state.restore(*before)
                everywhere = torch.ones_like(waiting)
                moved, tested, _ = state.sweep(everywhere, thin=number)
                waiting, now = everywhere, state.energy()
                if now < energy:
                    state.restore(*before)
                    break
            energy = now
            enough = enough or SETTLED * tested
            if moved <= enough:
                break
        before_map = labels.copy()
        labels[...] = state.labels.cpu().numpy()
        different = before_map != labels
        for touched in (before_map[different], labels[different]):
            table.changed[touched[touched >= 0]] = True
        active[...] = waiting.cpu().numpy()
        gather(labels, colour, table, rows, model)

    return settle


class _State:
    """Everything that the sweeps of a round need, on the device. Maps are padded, tables have one row a superpixel."""

    def __init__(
        self, labels: LabelArray, colour: FloatArray, table: Superpixels, model: Model, device: torch.device
    ) -> None:
        height, width = labels.shape
        pad = model.pad
        rows = int(labels.max()) + 1
        self._model = model
        self._old = torch.from_numpy(table.old[:rows].copy()).to(device)
        self._priors = torch.from_numpy(table.priors[:rows].copy()).to(device)
        self._number = torch.from_numpy(TOPOLOGICAL_NUMBER.astype(np.int64)).to(device)
        y, x = np.mgrid[0:height, 0:width] - pad
        inside = (y >= 0) & (y < height - 2 * pad) & (x >= 0) & (x < width - 2 * pad)
        features = np.zeros((height, width, 5))
        features[..., 0], features[..., 1] = y * model.place_scale, x * model.place_scale
        features[inside, 2:] = colour.reshape(-1, 3)
        whole = torch.from_numpy(np.rint(features * _FINE).astype(np.int64)).to(device)
        self._inside = torch.from_numpy(inside).to(device)
        # A pixel's part in the statistics: itself, itself inside the frame, and its features.
        self._parts = torch.cat([torch.ones_like(whole[..., :1]), self._inside[..., None].long(), whole], dim=-1)
        self._features = whole.double() / _FINE
        self.labels = torch.from_numpy(labels).to(device).long()
        self.sums = torch.zeros((rows, 7), dtype=torch.long, device=device)
        owned = self.labels >= 0
        self.sums.index_add_(0, self.labels[owned], self._parts[owned])
        self._lattices = [self._lattice(row, column) for row, column in _COLOURS]
        self._refresh()

    def restore(self, labels: torch.Tensor, sums: torch.Tensor) -> None:
        """Go back to an earlier state."""
        self.labels.copy_(labels)
        self.sums.copy_(sums)
        self._refresh()

    def energy(self) -> float:
        """Log-posterior less the terms that are the same for all labellings, to compare states of one frame."""
        model, n = self._model, self.sums[:, COUNT].double()
        priors, old = self._priors, self._old[:, None]
        total = self.sums[:, SUM_Y:].double() / _FINE
        count = self._counts()
        variance = self._variance()
        new = total**2 / (2 * count.clamp(min=1))
        known = (variance * total**2 + 2 * priors * total - count * priors**2) / (2 * (count * variance + 1))
        area = self._log_area(n)
        score = torch.where(old, known, new).sum(dim=1) + area
        # Margin pixels come and go, so their own squares and constants count.
        margin = ~self._inside & (self.labels >= 0)
        squares = (self._features[..., :2] ** 2).sum(dim=-1)[margin].sum() / 2
        return float(score[n > 0].sum() - squares - margin.sum() * model.log_nobody)

    def sweep(self, waiting: torch.Tensor, thin: int | None) -> tuple[int, int, torch.Tensor]:
        """One pass over all four colours.

        waiting: bool, which pixels to test. thin: None, or the number of a pseudo-random half that may move.
        Returns the moves, the border pixels tested and which pixels have seen a change near them.
        """
        start = self.labels.clone()
        tested = torch.zeros((), dtype=torch.long, device=self.labels.device)
        for lattice in self._lattices:
            tested += self._pass(lattice, waiting, thin)
        moved = (start != self.labels).float()[None, None]
        near = torch.nn.functional.max_pool2d(moved, 3, stride=1, padding=1)[0, 0] > 0
        return int(moved.sum()), int(tested), near

    def _pass(self, lattice: _Lattice, waiting: torch.Tensor, thin: int | None) -> torch.Tensor:
        """Move the pixels of one colour; returns how many were on a border."""
        model = self._model
        flat = self.labels.view(-1)
        at, inside, features = lattice.at, lattice.inside, lattice.features
        own = flat[at]
        ring = [flat[at + offset] for offset in lattice.offsets]
        border = torch.stack([ring[i] != own for i in _NEAREST]).any(dim=0) & waiting.view(-1)[at]
        if thin is not None:
            border &= (at * 2654435761 + thin * 40503 >> 16) % 2 == 0
        alone = ~torch.stack([ring[i] == own for i in _NEAREST]).any(dim=0)
        whole, within = self._numbers(ring, own, lattice.inside_ring)
        row = own.clamp(min=0)
        last = (within == 0) & (self.sums[row, INSIDE] > 1)
        leaves = (own < 0) | alone | ((whole == 1) & (within <= 1) & ~(inside & last))
        gap_place, gap_colour = self._gaps(row, features, inside)
        score = self._scores[row]
        leave = score[:, DROP_PLACE] * gap_place + score[:, DROP_COLOUR] * gap_colour + score[:, DROP_AREA]
        leave = torch.where(own < 0, torch.full_like(leave, -model.log_nobody), leave)
        best, best_gain = own.clone(), torch.full_like(leave, WORTH)
        empty = torch.stack([ring[i] < 0 for i in _NEAREST]).any(dim=0) & ~inside & (own >= 0)
        gain = leave + model.log_nobody
        better = empty & (gain > best_gain)
        best, best_gain = torch.where(better, NOBODY, best), torch.where(better, gain, best_gain)
        for i in _NEAREST:
            row = ring[i].clamp(min=0)
            gap_place, gap_colour = self._gaps(row, features, inside)
            score = self._scores[row]
            gain = leave + score[:, ADD_AREA] - score[:, ADD_PLACE] * gap_place - score[:, ADD_COLOUR] * gap_colour
            whole, within = self._numbers(ring, ring[i], lattice.inside_ring)
            joins = (ring[i] >= 0) & (ring[i] != own) & (whole == 1) & (~inside | (within == 1))
            better = joins & (gain > best_gain)
            best, best_gain = torch.where(better, ring[i], best), torch.where(better, gain, best_gain)
        moves = border & leaves & (best != own)
        self._apply(at[moves], own[moves], best[moves])
        return border.sum()

    def _apply(self, at: torch.Tensor, left: torch.Tensor, joined: torch.Tensor) -> None:
        parts = self._parts.view(-1, 7)[at]
        for rows, sign in ((left, -1), (joined, 1)):
            owned = rows >= 0
            self.sums.index_add_(0, rows[owned], sign * parts[owned])
        self.labels.view(-1)[at] = joined
        self._refresh()

    def _gaps(
        self, row: torch.Tensor, features: torch.Tensor, inside: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared whitened distances of pixels from superpixels' means: in place, and in colour (0 in the margin)."""
        off = (features - self._scores[row, MEAN_Y : MEAN_Y + 5]) ** 2
        return off[:, :2].sum(dim=1), off[:, 2:].sum(dim=1) * inside

    def _numbers(
        self, ring: list[torch.Tensor], label: torch.Tensor, inside_ring: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Topological numbers of pixels for labels, over the whole ring and over its part inside the frame."""
        bits = torch.zeros_like(label)
        for i, neighbour in enumerate(ring):
            bits |= (neighbour == label).long() << i
        return self._number[bits], self._number[bits & inside_ring]

    def _counts(self) -> torch.Tensor:
        """Pixels that carry each dimension, float64 (K, 5)."""
        return self.sums[:, [COUNT, COUNT, INSIDE, INSIDE, INSIDE]].double()

    def _variance(self) -> torch.Tensor:
        model = self._model
        values = [model.place_prior] * 2 + [model.colour_prior] * 3
        return torch.tensor(values, dtype=torch.double, device=self.sums.device)

    def _log_area(self, n: torch.Tensor) -> torch.Tensor:
        model = self._model
        weight = torch.where(self._old, model.log_old, model.log_new)
        density = 0.5 * math.log(2 * math.pi * model.area_var)
        return torch.where(n > 0, weight - density - (model.area - n) ** 2 / (2 * model.area_var), 0.0)

    def _refresh(self) -> None:
        """Scores from statistics, as :func:`tsp.model.refresh` makes them."""
        old, n = self._old[:, None], self._counts()
        total = self.sums[:, SUM_Y:].double() / _FINE
        variance = self._variance()
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

    def _lattice(self, row: int, column: int) -> _Lattice:
        """The pixels of one colour; the outermost ring of the map is left out, so that all have neighbours."""
        height, width = self.labels.shape
        device = self.labels.device
        y = torch.arange(1 + row, height - 1, 2, device=device)[:, None]
        x = torch.arange(1 + column, width - 1, 2, device=device)[None, :]
        at = (y * width + x).reshape(-1)
        pad = self._model.pad
        mask = torch.full_like(at, 255).view(y.shape[0], x.shape[1])
        for hidden, edge in (
            (0b00000111, y == pad),
            (0b01110000, y == height - pad - 1),
            (0b11000001, x == pad),
            (0b00011100, x == width - pad - 1),
        ):
            mask = torch.where(edge, mask & ~hidden, mask)
        inside = self._inside.view(-1)[at]
        return _Lattice(
            at=at,
            inside=inside,
            features=self._features.view(-1, 5)[at],
            inside_ring=torch.where(inside, mask.reshape(-1), 255),
            offsets=[dy * width + dx for dy, dx in _RING],
        )


class _Lattice(NamedTuple):
    """The pixels of one colour."""

    at: torch.Tensor
    """Places in the flattened map, int64 (N,)."""
    inside: torch.Tensor
    """Whether they lie in the frame, bool (N,)."""
    features: torch.Tensor
    """float64 (N, 5), whitened."""
    inside_ring: torch.Tensor
    """Which of the eight neighbours lie in the frame, as bits, int64 (N,)."""
    offsets: list[int]
    """Steps to the eight neighbours in the flattened map."""
