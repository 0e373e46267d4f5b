"""Many pixels at once, on a GPU: the frame's label map and colours stay there from first to last.

Pixels of one colour, (row mod 2, column mod 2), are never 8-neighbours, so none of them sees another move and all
simple-point moves of a colour may be made together: no superpixel is cut. The statistics are those from before the
pass. They are kept as 64-bit integers, whose sums do not depend on the order of adding, so the same frames give
the same labels on every run. Merges, splits, transport and filling are made of such sums, of minima and of pieces
found by all pixels at once. What is decided about whole superpixels is decided on the host from their tables, by the
same kernels as on the CPU; only tables travel, and the finished label map.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch

from tsp.halves import WordArray, uniform
from tsp.local import SETTLED, WORTH
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
    BoolArray,
    FloatArray,
    Model,
    StatArray,
    Superpixels,
    refresh_rows,
)
from tsp.moves import choose_merges
from tsp.split import choose_splits, hopeful, promising
from tsp.topology import AROUND, NOBODY, TOPOLOGICAL_NUMBER, IdArray, LabelArray
from tsp.tracker import Place

_FINE = 2.0**20  # whitened features in the integer sums are multiples of 1 / this
_COARSE = 2.0**8  # their squares
_STEP = 2.0**16  # flow in px
_FASTEST = 1e5  # px a frame; farther than any frame is wide
_COLOURS = ((0, 0), (0, 1), (1, 0), (1, 1))
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_NEAREST = (1, 5, 7, 3)  # N, S, W, E among the ring, the order in which ties are broken on the CPU
_ITERATIONS = 5  # of 2-means
_FLIPS = 4  # rounds in which crumbs of one half of a superpixel go to the other
_NEVER = 2**63 - 1


def place_on(device: str) -> Place:
    """Brings first frames to a device. Raises RuntimeError if it is not there."""
    place = torch.device(device)
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(f"{device} is not there: torch sees {torch.cuda.device_count()} CUDA devices. Use cpu.")

    def pixels(labels: LabelArray, colour: FloatArray, model: Model) -> DevicePixels:
        grid = _Grid(labels.shape[0], labels.shape[1], model, place)
        return DevicePixels(torch.from_numpy(labels).to(place).long(), colour, grid)

    return pixels


class DevicePixels:
    """See :class:`tsp.pixels.Pixels`. labels: padded int64, on the grid's device; colour: float32 (H, W, 3)."""

    def __init__(self, labels: torch.Tensor, colour: FloatArray, grid: _Grid) -> None:
        self.labels = labels
        self._grid = grid
        fine = torch.zeros((grid.height, grid.width, 3), dtype=torch.int32, device=grid.device)
        whole = np.rint(colour.astype(np.float64) * _FINE).astype(np.int32)
        grid.frame(fine)[...] = torch.from_numpy(whole).to(grid.device)
        self._colour = fine.view(-1, 3)
        self._waiting = torch.zeros_like(labels, dtype=torch.bool)

    def mean_flow(self, flow: FloatArray, count: int) -> StatArray:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self._grid
        field = torch.from_numpy(flow).to(grid.device).double().clamp(-_FASTEST, _FASTEST)
        whole = (field.flip(-1) * _STEP).round().long()[grid.nearest_y][:, grid.nearest_x].reshape(-1, 2)
        owned, rows = self._owned()
        totals = torch.zeros((count, 3), dtype=torch.long, device=grid.device)
        totals[:, 2] = torch.bincount(rows, minlength=count)
        totals[:, :2].index_add_(0, rows, whole[owned])
        means = totals[:, :2].double() / _STEP / totals[:, 2:].clamp(min=1)
        return means.cpu().numpy()

    def carried(self, flows: StatArray, expected: StatArray, colour: FloatArray, model: Model) -> DevicePixels:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self._grid
        empty = torch.full((grid.height, grid.width), NOBODY, device=grid.device)
        after = DevicePixels(empty, colour, grid)
        far = grid.height + grid.width
        steps = grid.put(np.floor(np.clip(flows, -far, far) + 0.5).astype(np.int64))[:, :2]
        source, rows = self._owned()
        y, x = source // grid.width + steps[rows, 0], source % grid.width + steps[rows, 1]
        lands = (y >= 1) & (y < grid.height - 1) & (x >= 1) & (x < grid.width - 1)
        source, rows, at = source[lands], rows[lands], (y * grid.width + x)[lands]
        off = after._features(at) - grid.put(expected)[rows]
        off[:, 2:] *= grid.inside.view(-1)[at, None]
        winner = _least(off.pow(2).sum(dim=1), source, at, grid.height * grid.width)
        landed = winner < _NEVER
        after.labels.view(-1)[landed] = self.labels.view(-1)[winner[landed]]
        return after

    def keep_largest_pieces(self, count: int, smallest_birth: float) -> int:
        """See :class:`tsp.pixels.Pixels`."""
        frame = self._grid.frame(self.labels)
        roots, piece, sizes = torch.unique(_pieces(frame), return_inverse=True, return_counts=True)
        owner = frame.reshape(-1)[roots]
        order = torch.arange(len(roots), device=roots.device)
        key = sizes * len(roots) + (len(roots) - 1 - order)  # of equal pieces the first
        best = _greatest(key[owner >= 0], owner[owner >= 0], count)
        keeps = (owner >= 0) & (key == best[owner.clamp(min=0)])
        born = ~keeps & (sizes >= smallest_birth)
        if not bool((keeps | born).any()):  # only crumbs: the biggest has to live, for every pixel needs a label
            born = key == key.max()
        target = torch.where(keeps, owner, NOBODY)
        target = torch.where(born, count - 1 + born.cumsum(0), target)
        frame[...] = target[piece].view_as(frame)
        self._trim_margin()
        return count + int(born.sum())

    def _trim_margin(self) -> None:
        """Leave to nobody what in the margin does not hang together with its label inside the frame."""
        grid = self._grid
        wanted = torch.where(grid.edge, NOBODY, self.labels)
        kept = grid.inside & (wanted >= 0)
        while True:
            grown = kept.clone()
            for dy, dx in AROUND:
                grown |= _moved(kept, dy, dx) & (_moved(wanted, dy, dx) == wanted) & ~grid.inside & (wanted >= 0)
            if bool((grown == kept).all()):
                break
            kept = grown
        self.labels = torch.where(kept | grid.inside, self.labels, NOBODY)

    def gather(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        _write(self._sums(count), table, count, model)

    def fill_uncovered(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`tsp.pixels.Pixels`. Ring after ring, each pixel to the neighbour that is likeliest by now."""
        grid = self._grid
        means = grid.put(table.scores[:count, MEAN_Y : MEAN_Y + 5])
        flat, inside = self.labels.view(-1), grid.inside.view(-1)
        while True:
            at = torch.nonzero((flat < 0) & inside)[:, 0]
            if len(at) == 0:
                break
            features = self._features(at)
            best = torch.full_like(at, NOBODY)
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
        self._waiting = ~self._grid.edge

    def activate(self, table: Superpixels, count: int) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        changed = self._of_rows(table.changed[:count])
        near = changed.clone()
        for dy, dx in AROUND:
            near |= _moved(changed, dy, dx)
        self._waiting |= near & ~self._grid.edge

    def settle(self, table: Superpixels, count: int, model: Model, most: int) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        start = self.labels.clone()
        sweeps = _Sweeps(self, table, count, model)
        energy, enough = sweeps.energy(), 0.0
        for number in range(most):
            before = self.labels.clone(), sweeps.sums.clone()
            moved, tested, waiting = sweeps.sweep(self._waiting, thin=None)
            now = sweeps.energy()
            if now < energy:  # too many moved on the same statistics: take it back and let half of them move
                sweeps.restore(*before)
                waiting = ~self._grid.edge
                moved, tested, _ = sweeps.sweep(waiting, thin=number)
                now = sweeps.energy()
                if now < energy:
                    sweeps.restore(*before)
                    break
            energy, self._waiting = now, waiting
            enough = enough or SETTLED * tested
            if moved <= enough:
                break
        touched = torch.zeros(count + 1, dtype=torch.bool, device=start.device)  # its last entry is NOBODY's
        different = start != self.labels
        touched[start[different]] = True
        touched[self.labels[different]] = True
        table.changed[:count] |= touched[:count].cpu().numpy()
        _write(sweeps.sums, table, count, model)

    def merge(self, table: Superpixels, count: int, model: Model) -> int:
        """See :class:`tsp.pixels.Pixels`."""
        frame = self._grid.frame(self.labels)
        keys = []
        for one, other in ((frame[:, :-1], frame[:, 1:]), (frame[:-1], frame[1:])):
            touch = one != other
            keys += [one[touch] * count + other[touch], other[touch] * count + one[touch]]
        key = torch.unique(torch.cat(keys))
        pairs = torch.stack([key // count, key % count], dim=1).int().cpu().numpy()
        merged, target = choose_merges(pairs, table, count, model)
        if merged:
            self.rename(target)
        return int(merged)

    def split(self, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
        """See :class:`tsp.pixels.Pixels`. Crumbs of one half go to the other, where the CPU asks which suits best."""
        grid = self._grid
        might = hopeful(self._squares(count), table, count, model)
        table.changed[:count] = False
        if not might.any():
            return 0, count
        at = torch.nonzero((self._of_rows(might) & grid.inside).view(-1))[:, 0]
        side = self._two_means(at, table, count, state)
        good = promising(self._part_sums(at, side, count), might, table, count, model)
        chosen = grid.put(good)[self.labels.view(-1)[at]]
        part = torch.full((grid.height * grid.width,), -1, device=grid.device)
        part[at[chosen]] = side[chosen]
        ready = good & self._connect_halves(part, count)
        self._share_margin(part, ready)
        at = torch.nonzero(part >= 0)[:, 0]
        parts = self._part_sums(at, part[at], count)
        done, rows, leaving, target = choose_splits(parts, ready, table, count, model)
        rows_at = self.labels.view(-1)[at]
        leaves = part[at] == grid.put(leaving.astype(np.int64))[rows_at]
        self.labels.view(-1)[at[leaves]] = grid.put(target.astype(np.int64))[rows_at[leaves]]
        return int(done), int(rows)

    def _two_means(self, at: torch.Tensor, table: Superpixels, count: int, state: WordArray) -> torch.Tensor:
        """Which of two means each pixel is nearer to, 0 or 1, for all superpixels at once; see :mod:`tsp.halves`.

        at: places of the pixels in the flattened map. The first mean of an old superpixel is its own and stays.
        """
        grid = self._grid
        rows, features = self.labels.view(-1)[at], self._features(at)
        old = grid.put(table.old[:count])[:, None]
        index = torch.arange(len(at), device=grid.device)
        first = _least(_noise(at, state), index, rows, count).clamp(max=len(at) - 1)
        centre = torch.where(old, grid.put(table.scores[:count, MEAN_Y : MEAN_Y + 5]), features[first])
        distance = (features - centre[rows]).pow(2).sum(dim=1)
        race = -torch.log(_noise(at, state)) / distance  # won by each pixel with a chance proportional to its distance
        other = features[_least(race, index, rows, count).clamp(max=len(at) - 1)]
        parts = self._parts(at)
        whole = torch.zeros((count, 7), dtype=torch.long, device=grid.device).index_add_(0, rows, parts)
        side = torch.zeros_like(at)
        for _ in range(_ITERATIONS):
            way, middle = other - centre, (other.pow(2).sum(dim=1) - centre.pow(2).sum(dim=1)) / 2
            side = ((features * way[rows]).sum(dim=1) > middle[rows]).long()
            far = torch.zeros_like(whole).index_add_(0, rows[side > 0], parts[side > 0])
            members, left = far[:, :1], whole[:, :1] - far[:, :1]
            other = torch.where(members > 0, far[:, SUM_Y:] / _FINE / members.clamp(min=1), other)
            near = (whole - far)[:, SUM_Y:] / _FINE / left.clamp(min=1)
            centre = torch.where(old | (left == 0), centre, near)
        return side

    def _part_sums(self, at: torch.Tensor, part: torch.Tensor, count: int) -> StatArray:
        """Statistics of the parts 0 and 1 of each superpixel, float64 (K, 2, 7), on the host."""
        sums = torch.zeros((2 * count, 7), dtype=torch.long, device=at.device)
        sums.index_add_(0, 2 * self.labels.view(-1)[at] + part, self._parts(at))
        return _statistics(sums).reshape(count, 2, 7)

    def _connect_halves(self, part: torch.Tensor, count: int) -> BoolArray:
        """Give crumbs of a part to the other part, in place; which superpixels then have two connected parts.

        part: int64, 0, 1 or -1 for pixels that take no part, of the flattened map.
        """
        grid = self._grid
        labels, parts = grid.frame(self.labels), grid.frame(part.view(grid.height, grid.width))
        pieces_of = torch.zeros(count, dtype=torch.long, device=grid.device)
        for flip in range(_FLIPS):
            key = torch.where(parts >= 0, 2 * labels + parts, -1)
            roots, piece, sizes = torch.unique(_pieces(key), return_inverse=True, return_counts=True)
            owner = key.reshape(-1)[roots]
            split = owner >= 0
            pieces_of = torch.bincount(owner[split] // 2, minlength=count)
            rank = sizes * len(roots) + torch.arange(len(roots), device=grid.device)
            best = _greatest(rank[split], owner[split], 2 * count)
            crumb = split & (rank != best[owner.clamp(min=0)])
            if flip == _FLIPS - 1 or not bool(crumb.any()):
                break
            parts[...] = torch.where(crumb[piece].view_as(parts), 1 - parts, parts)
        return (pieces_of == 2).cpu().numpy()

    def _share_margin(self, part: torch.Tensor, ready: BoolArray) -> None:
        """Give each margin pixel of the superpixels that are ready to the part that reaches it first, in place."""
        grid = self._grid
        mine = self._of_rows(ready)
        parts = part.view(grid.height, grid.width)
        parts[~mine] = -1
        while True:
            reached = parts.clone()
            for dy, dx in AROUND:
                same = mine & (reached < 0) & (_moved(self.labels, dy, dx) == self.labels)
                reached = torch.where(same, _moved(parts, dy, dx), reached)
            if bool((reached == parts).all()):
                break
            parts[...] = reached

    def count_kept(self, carried: Any, origin: LabelArray) -> tuple[LabelArray, LabelArray]:
        """See :class:`tsp.pixels.Pixels`."""
        grid = self._grid
        before, rows = grid.frame(carried).reshape(-1), grid.frame(self.labels).reshape(-1)
        came = grid.put(origin.astype(np.int64))
        stayed = (before >= 0) & (came[rows] == before)
        kept = torch.bincount(rows[stayed], minlength=len(origin))
        brought = torch.bincount(before[before >= 0], minlength=max(len(origin), 1))
        were = torch.where(came >= 0, brought[came.clamp(min=0)], 0)
        return kept.int().cpu().numpy(), were.int().cpu().numpy()

    def rename(self, target: LabelArray) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        longer = np.append(target.astype(np.int64), NOBODY)  # its last entry is NOBODY's
        self.labels = self._grid.put(longer)[self.labels]

    def free(self, rows: BoolArray) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        self._waiting = self._of_rows(rows)
        self.labels = torch.where(self._waiting, NOBODY, self.labels)

    def snapshot(self) -> torch.Tensor:
        """See :class:`tsp.pixels.Pixels`."""
        return self.labels.clone()

    def restore(self, snapshot: Any) -> None:
        """See :class:`tsp.pixels.Pixels`."""
        self.labels = snapshot

    def label_map(self, ids: IdArray) -> LabelArray:
        """See :class:`tsp.pixels.Pixels`."""
        return self._grid.put(ids)[self._grid.frame(self.labels)].int().cpu().numpy()

    def _owned(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Places in the flattened map of pixels that are somebody's, and whose."""
        flat = self.labels.view(-1)
        at = torch.nonzero(flat >= 0)[:, 0]
        return at, flat[at]

    def _of_rows(self, flags: BoolArray) -> torch.Tensor:
        """Which pixels belong to the flagged rows, bool, the size of the map."""
        return self._grid.put(np.append(flags, False))[self.labels]  # its last entry is NOBODY's

    def _parts(self, at: torch.Tensor) -> torch.Tensor:
        """What pixels add to the statistics: themselves, themselves inside the frame, and their features."""
        grid = self._grid
        inside = grid.inside.view(-1)[at, None].long()
        return torch.cat([torch.ones_like(inside), inside, grid.place[at], self._colour[at].long()], dim=1)

    def _features(self, at: torch.Tensor) -> torch.Tensor:
        """Whitened y, x, L, a, b of pixels, float64 (N, 5); the margin has no colour, 0."""
        return torch.cat([self._grid.place[at], self._colour[at].long()], dim=1).double() / _FINE

    def _sums(self, count: int) -> torch.Tensor:
        """Statistics of all rows, int64 (K, 7)."""
        at, rows = self._owned()
        return torch.zeros((count, 7), dtype=torch.long, device=at.device).index_add_(0, rows, self._parts(at))

    def _squares(self, count: int) -> StatArray:
        """See :func:`tsp.model.squares`."""
        at, rows = self._owned()
        whole = (self._features(at).pow(2).sum(dim=1) * _COARSE).round().long()
        total = torch.zeros(count, dtype=torch.long, device=at.device).index_add_(0, rows, whole)
        return (total.double() / _COARSE).cpu().numpy()


class _Sweeps:
    """The local moves of one settling: the scores that they need, on the device."""

    def __init__(self, pixels: DevicePixels, table: Superpixels, count: int, model: Model) -> None:
        grid = pixels._grid
        self._pixels = pixels
        self._grid = grid
        self._model = model
        self._old = grid.put(table.old[:count])
        self._priors = grid.put(table.priors[:count])
        values = [model.place_prior] * 2 + [model.colour_prior] * 3
        self._variance = torch.tensor(values, dtype=torch.double, device=grid.device)
        self.sums = pixels._sums(count)
        self._refresh()

    def restore(self, labels: torch.Tensor, sums: torch.Tensor) -> None:
        """Go back to an earlier state."""
        self._pixels.labels.copy_(labels)
        self.sums.copy_(sums)
        self._refresh()

    def energy(self) -> float:
        """Log-posterior less the terms that are the same for all labellings, to compare states of one frame."""
        model, n = self._model, self.sums[:, COUNT].double()
        priors, old, variance = self._priors, self._old[:, None], self._variance
        total = self.sums[:, SUM_Y:].double() / _FINE
        count = self._counts()
        new = total**2 / (2 * count.clamp(min=1))
        known = (variance * total**2 + 2 * priors * total - count * priors**2) / (2 * (count * variance + 1))
        score = torch.where(old, known, new).sum(dim=1) + self._log_area(n)
        # Margin pixels come and go, so their own squares and constants count.
        margin = torch.nonzero((~self._grid.inside & (self._pixels.labels >= 0)).view(-1))[:, 0]
        squares = (self._grid.place[margin].double() / _FINE).pow(2).sum() / 2
        return float(score[n > 0].sum() - squares - len(margin) * model.log_nobody)

    def sweep(self, waiting: torch.Tensor, thin: int | None) -> tuple[int, int, torch.Tensor]:
        """One pass over all four colours.

        waiting: bool, which pixels to test. thin: None, or the number of a pseudo-random half that may move.
        Returns the moves, the border pixels tested and which pixels have seen a change near them.
        """
        start = self._pixels.labels.clone()
        tested = sum(self._pass(lattice, waiting, thin) for lattice in self._grid.lattices)
        moved = (start != self._pixels.labels).float()[None, None]
        near = torch.nn.functional.max_pool2d(moved, 3, stride=1, padding=1)[0, 0] > 0
        return int(moved.sum()), tested, near

    def _pass(self, lattice: _Lattice, waiting: torch.Tensor, thin: int | None) -> int:
        """Move the pixels of one colour; returns how many were on a border."""
        model = self._model
        flat = self._pixels.labels.view(-1)
        candidates = torch.nonzero(waiting.view(-1)[lattice.at])[:, 0]
        at = lattice.at[candidates]
        own = flat[at]
        border = torch.stack([flat[at + lattice.offsets[i]] != own for i in _NEAREST]).any(dim=0)
        if thin is not None:
            border &= (at * 2654435761 + thin * 40503 >> 16) % 2 == 0
        candidates, at, own = candidates[border], at[border], own[border]
        inside, inside_ring = lattice.inside[candidates], lattice.inside_ring[candidates]
        features = self._pixels._features(at)
        ring = [flat[at + offset] for offset in lattice.offsets]
        alone = ~torch.stack([ring[i] == own for i in _NEAREST]).any(dim=0)
        whole, within = self._numbers(ring, own, inside_ring)
        row = own.clamp(min=0)
        last = (within == 0) & (self.sums[row, INSIDE] > 1)
        free = (own < 0) | alone | ((whole == 1) & (within <= 1) & ~(inside & last))
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
            whole, within = self._numbers(ring, ring[i], inside_ring)
            other = (ring[i] >= 0) & (ring[i] != own)
            free &= ~other | (whole == 1)
            better = other & (~inside | (within == 1)) & (gain > best_gain)
            best, best_gain = torch.where(better, ring[i], best), torch.where(better, gain, best_gain)
        moves = free & (best != own)
        self._apply(at[moves], own[moves], best[moves])
        return len(at)

    def _apply(self, at: torch.Tensor, left: torch.Tensor, joined: torch.Tensor) -> None:
        parts = self._pixels._parts(at)
        for rows, sign in ((left, -1), (joined, 1)):
            owned = rows >= 0
            self.sums.index_add_(0, rows[owned], sign * parts[owned])
        self._pixels.labels.view(-1)[at] = joined
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
        return self._grid.number[bits], self._grid.number[bits & inside_ring]

    def _counts(self) -> torch.Tensor:
        """Pixels that carry each dimension, float64 (K, 5)."""
        return self.sums[:, [COUNT, COUNT, INSIDE, INSIDE, INSIDE]].double()

    def _log_area(self, n: torch.Tensor) -> torch.Tensor:
        model = self._model
        weight = torch.where(self._old, model.log_old, model.log_new)
        density = 0.5 * math.log(2 * math.pi * model.area_var)
        return torch.where(n > 0, weight - density - (model.area - n) ** 2 / (2 * model.area_var), 0.0)

    def _refresh(self) -> None:
        """Scores from statistics, as :func:`tsp.model.refresh` makes them."""
        old, n, variance = self._old[:, None], self._counts(), self._variance
        total = self.sums[:, SUM_Y:].double() / _FINE
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


class _Grid:
    """What frames of one size share: places, the four colours, and what is frame and what is margin."""

    def __init__(self, height: int, width: int, model: Model, device: torch.device) -> None:
        self.height, self.width, self.device = height, width, device
        pad = self._pad = model.pad
        y, x = torch.arange(height, device=device), torch.arange(width, device=device)
        self.nearest_y = (y - pad).clamp(0, height - 2 * pad - 1)
        self.nearest_x = (x - pad).clamp(0, width - 2 * pad - 1)
        self.inside = torch.zeros((height, width), dtype=torch.bool, device=device)
        self.frame(self.inside)[...] = True
        self.edge = torch.ones_like(self.inside)
        self.edge[1:-1, 1:-1] = False
        at = torch.stack(torch.meshgrid(y - pad, x - pad, indexing="ij"), dim=-1).view(-1, 2)
        self.place = (at.double() * model.place_scale * _FINE).round().long()
        self.number = torch.from_numpy(TOPOLOGICAL_NUMBER.astype(np.int64)).to(device)
        self.lattices = [self._lattice(row, column) for row, column in _COLOURS]

    def put(self, table: Any) -> torch.Tensor:
        """Bring an array of the host here, as a copy."""
        return torch.from_numpy(np.array(table)).to(self.device)

    def frame(self, padded: torch.Tensor) -> torch.Tensor:
        """The view of a padded map without its margin."""
        return padded[self._pad : -self._pad, self._pad : -self._pad]

    def _lattice(self, row: int, column: int) -> _Lattice:
        """The pixels of one colour; the outermost ring of the map is left out, so that all have neighbours."""
        height, width, pad = self.height, self.width, self._pad
        y = torch.arange(1 + row, height - 1, 2, device=self.device)[:, None]
        x = torch.arange(1 + column, width - 1, 2, device=self.device)[None, :]
        at = (y * width + x).reshape(-1)
        mask = torch.full_like(at, 255).view(y.shape[0], x.shape[1])
        for hidden, edge in (
            (0b00000111, y == pad),
            (0b01110000, y == height - pad - 1),
            (0b11000001, x == pad),
            (0b00011100, x == width - pad - 1),
        ):
            mask = torch.where(edge, mask & ~hidden, mask)
        inside = self.inside.view(-1)[at]
        return _Lattice(
            at=at,
            inside=inside,
            inside_ring=torch.where(inside, mask.reshape(-1), 255),
            offsets=[dy * width + dx for dy, dx in _RING],
        )


class _Lattice(NamedTuple):
    """The pixels of one colour."""

    at: torch.Tensor
    """Places in the flattened map, int64 (N,)."""
    inside: torch.Tensor
    """Whether they lie in the frame, bool (N,)."""
    inside_ring: torch.Tensor
    """Which of the eight neighbours lie in the frame, as bits, int64 (N,)."""
    offsets: list[int]
    """Steps to the eight neighbours in the flattened map."""


def _statistics(sums: torch.Tensor) -> StatArray:
    """Integer sums as :mod:`tsp.model` keeps statistics, float64 (K, 7), on the host."""
    stats = sums.cpu().numpy().astype(np.float64)
    stats[:, SUM_Y:] /= _FINE
    return stats


def _write(sums: torch.Tensor, table: Superpixels, count: int, model: Model) -> None:
    """Bring statistics into the table, with the scores that follow from them."""
    table.stats[:count] = _statistics(sums)
    refresh_rows(model, count, table)


def _moved(plane: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """What lies at (dy, dx) from each pixel; what comes in from the other side is only seen on the outermost ring."""
    return torch.roll(plane, (-dy, -dx), (0, 1))


def _least(cost: torch.Tensor, value: torch.Tensor, group: torch.Tensor, groups: int) -> torch.Tensor:
    """Of each group the value with the least cost, of equal ones the least value; 2^63 - 1 where it is empty.

    cost: float, not negative, compared as float32. value: int64, below 2^32. group: int64, of each value.
    """
    bits = cost.float().view(torch.int32).long()  # of floats that are not negative, bits are in the order of values
    best = torch.full((groups,), _NEVER, device=value.device)
    best.scatter_reduce_(0, group, bits << 32 | value, "amin")
    return torch.where(best < _NEVER, best & 0xFFFFFFFF, _NEVER)


def _greatest(key: torch.Tensor, group: torch.Tensor, groups: int) -> torch.Tensor:
    """The greatest key of each group, -1 where it is empty."""
    return torch.full((groups,), -1, device=key.device).scatter_reduce_(0, group, key, "amax")


def _noise(at: torch.Tensor, state: WordArray) -> torch.Tensor:
    """A number in (0, 1) for each place, the same for the same state of the random numbers, which goes on by one."""
    z = at + int(uniform(state) * 2**53)
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):  # splitmix64's, as signed numbers
        z = (z ^ (z >> shift)) * factor
    return (((z ^ (z >> 31)) >> 11 & (2**52 - 1)).double() + 0.5) / 2**52


def _pieces(key: torch.Tensor) -> torch.Tensor:
    """4-connected pieces of equal value: for each pixel the first place of its piece, int64 (H W,).

    key: (H, W). Every pixel takes the least of its neighbours' names, tells it to the pixel that it is named after,
    and takes on that one's name, until nothing changes.
    """
    height, width = key.shape
    across, down = key[:, :-1] == key[:, 1:], key[:-1] == key[1:]
    names = torch.arange(height * width, device=key.device)
    none = height * width
    while True:
        plane = names.view(height, width)
        least = plane.clone()
        for here, there, same in (
            (least[:, :-1], plane[:, 1:], across),
            (least[:, 1:], plane[:, :-1], across),
            (least[:-1], plane[1:], down),
            (least[1:], plane[:-1], down),
        ):
            here.copy_(torch.minimum(here, torch.where(same, there, none)))
        least = least.view(-1)
        told = torch.minimum(names.scatter_reduce(0, names, least, "amin"), least)
        told = told[told]
        if torch.equal(told, names):
            return names
        names = told
