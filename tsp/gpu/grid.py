"""Building blocks of the device path: the grid that frames of one size share, and operations on all pixels at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from tsp.arrays import BoolArray, DoubleArray, FloatArray, WordArray
from tsp.halves import uniform
from tsp.model import SUM_Y, Model
from tsp.topology import (
    AROUND,
    HIDDEN_AT_BOTTOM,
    HIDDEN_AT_LEFT,
    HIDDEN_AT_RIGHT,
    HIDDEN_AT_TOP,
    TOPOLOGICAL_NUMBER,
)

FINE = 2.0**20
"""Whitened features in the integer sums are multiples of 1 / this."""
NEVER = 2**63 - 1
COARSE = 2.0**8
"""Squares of whitened features in the integer sums are multiples of 1 / this."""
STEP = 2.0**16
"""Flow in the integer sums is in multiples of 1 / this, in px."""
FASTEST = 1e5
"""The fastest flow, px a frame: farther than any frame is wide."""
LATTICES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""First row and column of the four lattices."""
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
RINGS = 8
"""Steps that labels spread before it is tested whether they still do: each test waits for the device."""


class Grid:
    """Places of pixels, their four lattices by (row mod 2, column mod 2), and which lie in the frame or the margin."""

    def __init__(self, height: int, width: int, model: Model, device: torch.device) -> None:
        self.height, self.width, self.device = height, width, device
        pad = self.pad = model.pad
        y, x = torch.arange(height, device=device), torch.arange(width, device=device)
        self.nearest_y = (y - pad).clamp(0, height - 2 * pad - 1)
        self.nearest_x = (x - pad).clamp(0, width - 2 * pad - 1)
        self.inside = torch.zeros((height, width), dtype=torch.bool, device=device)
        self.frame(self.inside)[...] = True
        self.edge = torch.ones_like(self.inside)
        self.edge[1:-1, 1:-1] = False
        at = torch.stack(torch.meshgrid(y - pad, x - pad, indexing="ij"), dim=-1).view(-1, 2)
        self.place = (at.double() * model.place_scale * FINE).round().long()
        self.number = torch.from_numpy(TOPOLOGICAL_NUMBER.astype(np.int64)).to(device)
        self.ring = [dy * width + dx for dy, dx in _RING]  # steps to the eight neighbours in the flattened map
        self.work: Any = None
        """What :mod:`tsp.gpu.fused` keeps between frames."""
        self.lattices = [self._lattice(row, column) for row, column in LATTICES]

    def put(self, table: Any) -> torch.Tensor:
        """Bring an array of the host here, as a copy."""
        return torch.from_numpy(np.array(table)).to(self.device)

    def frame(self, padded: torch.Tensor) -> torch.Tensor:
        """The view of a padded map without its margin."""
        return padded[self.pad : -self.pad, self.pad : -self.pad]

    def _lattice(self, row: int, column: int) -> Lattice:
        """The pixels of one lattice; the outermost ring of the map is left out, so that all have neighbours."""
        height, width, pad = self.height, self.width, self.pad
        y = torch.arange(1 + row, height - 1, 2, device=self.device)[:, None]
        x = torch.arange(1 + column, width - 1, 2, device=self.device)[None, :]
        at = (y * width + x).reshape(-1)
        mask = torch.full_like(at, 255).view(y.shape[0], x.shape[1])
        for hidden, edge in (
            (HIDDEN_AT_TOP, y == pad),
            (HIDDEN_AT_BOTTOM, y == height - pad - 1),
            (HIDDEN_AT_LEFT, x == pad),
            (HIDDEN_AT_RIGHT, x == width - pad - 1),
        ):
            mask = torch.where(edge, mask & ~hidden, mask)
        inside = self.inside.view(-1)[at]
        return Lattice(
            at=at,
            inside=inside,
            inside_ring=torch.where(inside, mask.reshape(-1), 255),
        )


class Lattice(NamedTuple):
    """The pixels of every second row and column, from one of the four first ones on."""

    at: torch.Tensor
    """Places in the flattened map, int64 (N,)."""
    inside: torch.Tensor
    """Whether they lie in the frame, bool (N,)."""
    inside_ring: torch.Tensor
    """Which of the eight neighbours lie in the frame, as bits, int64 (N,)."""


class Canvas:
    """A frame's pixels on a device. labels: padded int64, on the grid's device; colour: float32 (H, W, 3)."""

    def __init__(self, labels: torch.Tensor, colour: FloatArray, grid: Grid) -> None:
        self.labels = labels
        self.grid = grid
        fine = torch.zeros((grid.height, grid.width, 3), dtype=torch.long, device=grid.device)
        grid.frame(fine)[...] = (torch.from_numpy(colour).to(grid.device).double() * FINE).round().long()
        self.colour = fine.view(-1, 3)

    def owned(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Places in the flattened map of all pixels that have a label, and their labels."""
        flat = self.labels.view(-1)
        at = torch.nonzero(flat >= 0)[:, 0]
        return at, flat[at]

    def of_rows(self, flags: BoolArray) -> torch.Tensor:
        """Which pixels belong to the flagged rows, bool, the size of the map."""
        return self.grid.put(np.append(flags, False))[self.labels]  # its last entry stands for UNASSIGNED

    def parts(self, at: torch.Tensor) -> torch.Tensor:
        """What pixels add to the statistics, int64 (N, 7): a count, a count inside the frame, and their features."""
        grid = self.grid
        inside = grid.inside.view(-1)[at, None].long()
        return torch.cat([torch.ones_like(inside), inside, grid.place[at], self.colour[at]], dim=1)

    def features(self, at: torch.Tensor) -> torch.Tensor:
        """Whitened y, x, L, a, b of pixels, float64 (N, 5); the margin has no colour, 0."""
        return torch.cat([self.grid.place[at], self.colour[at]], dim=1).double() / FINE

    def sums(self, count: int) -> torch.Tensor:
        """Statistics of all rows, int64 (K, 7)."""
        at, rows = self.owned()
        return torch.zeros((count, 7), dtype=torch.long, device=at.device).index_add_(0, rows, self.parts(at))

    def squares(self, count: int) -> DoubleArray:
        """See :func:`tsp.model.squares`."""
        at, rows = self.owned()
        whole = (self.features(at).pow(2).sum(dim=1) * COARSE).round().long()
        total = torch.zeros(count, dtype=torch.long, device=at.device).index_add_(0, rows, whole)
        return (total.double() / COARSE).cpu().numpy()


def statistics(sums: torch.Tensor) -> DoubleArray:
    """Integer sums as :mod:`tsp.model` keeps statistics, float64 (K, 7), on the host."""
    stats = sums.cpu().numpy().astype(np.float64)
    stats[:, SUM_Y:] /= FINE
    return stats


def moved(plane: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """The value at (dy, dx) from each pixel; values wrap round, which only the outermost ring sees."""
    return torch.roll(plane, (-dy, -dx), (0, 1))


def spread(values: torch.Tensor, key: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    """Spread values from pixel to 4-neighbour of the same key until nothing changes.

    values: int64 (H, W), -1 for none. key: (H, W). into: bool (H, W), the pixels that may take a value; one that has a
    value keeps it.
    """
    ways = [(dy, dx, into & (moved(key, dy, dx) == key)) for dy, dx in AROUND]
    while True:
        before = values
        for _ in range(RINGS):
            source = values
            for dy, dx, way in ways:
                values = torch.where(way & (values < 0), moved(source, dy, dx), values)
        if torch.equal(values, before):
            return values


def least(cost: torch.Tensor, value: torch.Tensor, group: torch.Tensor, groups: int) -> torch.Tensor:
    """The value with the least cost of each group, of equal costs the least value; 2^63 - 1 where a group is empty.

    cost: float, not negative, compared as float32. value: int64, below 2^32. group: int64, of each value.
    """
    bits = cost.float().view(torch.int32).long()  # of floats that are not negative, bits are in the order of values
    best = torch.full((groups,), NEVER, device=value.device)
    best.scatter_reduce_(0, group, bits << 32 | value, "amin")
    return torch.where(best < NEVER, best & 0xFFFFFFFF, NEVER)


def greatest(key: torch.Tensor, group: torch.Tensor, groups: int) -> torch.Tensor:
    """The greatest key of each group, -1 where it is empty."""
    return torch.full((groups,), -1, device=key.device).scatter_reduce_(0, group, key, "amax")


def noise(at: torch.Tensor, state: WordArray) -> torch.Tensor:
    """A number in (0, 1) for each place, the same for the same state of the random numbers, which goes on by one."""
    z = at + int(uniform(state) * 2**53)
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):  # splitmix64's, as signed numbers
        z = (z ^ (z >> shift)) * factor
    return (((z ^ (z >> 31)) >> 11 & (2**52 - 1)).double() + 0.5) / 2**52


def draw(chance: torch.Tensor, at: torch.Tensor, group: torch.Tensor, groups: int, state: WordArray) -> torch.Tensor:
    """Draw one member of each group with a probability proportional to its chance; returns its index, int64 (groups,).

    chance: float64 (N,), not negative. at: int64 (N,), each member's place, which decides its random
    number. group: int64 (N,), each member's group. A group without members gets the last member of all.
    """
    race = -torch.log(noise(at, state)) / chance
    index = torch.arange(len(at), device=at.device)
    return least(race, index, group, groups).clamp(max=len(at) - 1)


def pieces(key: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
    """4-connected pieces of equal value: for each pixel the first place of its piece, int64 (H W,).

    key: (H, W). among: bool (H, W), the pixels to connect; each of the others is a piece by itself. Every pixel takes
    the least name among its neighbours, passes it to the pixel that it is named after, and takes over that pixel's
    name, until nothing changes.
    """
    height, width = key.shape
    across, down = key[:, :-1] == key[:, 1:], key[:-1] == key[1:]
    if among is not None:
        across = across & among[:, :-1] & among[:, 1:]
        down = down & among[:-1] & among[1:]
    names = torch.arange(height * width, device=key.device)
    none = height * width
    while True:
        plane = names.view(height, width)
        lowest = plane.clone()
        for here, there, same in (
            (lowest[:, :-1], plane[:, 1:], across),
            (lowest[:, 1:], plane[:, :-1], across),
            (lowest[:-1], plane[1:], down),
            (lowest[1:], plane[:-1], down),
        ):
            here.copy_(torch.minimum(here, torch.where(same, there, none)))
        lower = torch.nonzero(lowest.view(-1) < names)[:, 0]
        if len(lower) == 0:
            return names
        passed = lowest.view(-1).clone()
        passed.scatter_reduce_(0, names[lower], lowest.view(-1)[lower], "amin")
        names = passed[passed]
