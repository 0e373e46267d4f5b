"""Kernels of the device path, in Triton: two halves of many superpixels at once.

Maps are as in :mod:`tsp.gpu.transport_kernels`. A map of halves is int64 (H W,): twice a pixel's label and 0 or 1 for
its half, -1 for a pixel that takes no part.
"""

from __future__ import annotations

import triton
import triton.language as tl

from tsp.gpu.grid import COARSE, FINE, NEVER
from tsp.gpu.move_kernels import BLOCK, ROWS, add_statistics, feature_of
from tsp.gpu.transport_kernels import rounded
from tsp.model import STATISTICS, SUM_Y

_BLOCK, _ROWS = tl.constexpr(BLOCK), tl.constexpr(ROWS)
_FINE, _COARSE, _NEVER = tl.constexpr(FINE), tl.constexpr(COARSE), tl.constexpr(NEVER)
_STATISTICS, _SUM_Y = tl.constexpr(STATISTICS), tl.constexpr(SUM_Y)
_LOW = tl.constexpr(2**32 - 1)
_FIRST, _SECOND = tl.constexpr(-0x40A7B892E31B1A47), tl.constexpr(-0x6B2FB644ECCEEE15)  # splitmix64's, signed
_FRACTION = tl.constexpr(2**52)


@triton.jit(do_not_specialize=["size"])
def add_squares(labels: tl.tensor, place: tl.tensor, colour: tl.tensor, total: tl.tensor, size: tl.tensor) -> None:
    """Sums of the squared features of superpixels, int64 (K,), in steps of 1 / COARSE."""
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    own = tl.load(labels + at, mask, -1)
    owned = mask & (own >= 0)
    squares = tl.zeros((_BLOCK,), tl.float64)
    for c in tl.static_range(5):
        feature = feature_of(place, colour, at, c, owned)
        squares += feature * feature
    tl.atomic_add(total + own, rounded(squares * _COARSE), owned)


@triton.jit
def _noise(at: tl.tensor, seed: tl.tensor) -> tl.tensor:
    """As :func:`tsp.gpu.grid.noise`."""
    z = at + seed
    z = (z ^ (z >> 30)) * _FIRST
    z = (z ^ (z >> 27)) * _SECOND
    return ((((z ^ (z >> 31)) >> 11) & (_FRACTION - 1)).to(tl.float64) + 0.5) / _FRACTION


@triton.jit
def _taking_part(labels: tl.tensor, inside: tl.tensor, flags: tl.tensor, at: tl.tensor, mask: tl.tensor) -> tl.tensor:
    """The labels of pixels of the frame that are of flagged superpixels, -1 for all others."""
    own = tl.load(labels + at, mask, -1)
    part = mask & (own >= 0)
    part = part & (tl.load(inside + at, part, 0) != 0)
    return tl.where(part & (tl.load(flags + own, part, 0) != 0), own, -1)


@triton.jit(do_not_specialize=["seed", "size"])
def draw_members(
    labels: tl.tensor, inside: tl.tensor, flags: tl.tensor, place: tl.tensor, colour: tl.tensor, centres: tl.tensor,
    whole: tl.tensor, best: tl.tensor, seed: tl.tensor, size: tl.tensor, from_centre: tl.constexpr,
) -> None:  # fmt: skip
    """Draw a pixel of each flagged superpixel: any, or one the likelier the farther it is from the centre, squared.

    centres: float64 (K, 5), whitened. whole: int64 (K, 7), zeros, gets the statistics of the pixels when any is drawn.
    best: int64 (K,), NEVER at first, the place of the pixel below the bits of its time in the race.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    own = _taking_part(labels, inside, flags, at, at < size)
    part = own >= 0
    race = -tl.log(_noise(at, seed.to(tl.int64)))
    if from_centre:
        chance = tl.zeros((_BLOCK,), tl.float64)
        for c in tl.static_range(5):
            off = feature_of(place, colour, at, c, part) - tl.load(centres + own * 5 + c, part, 0.0)
            chance += off * off
        race = tl.where(chance > 0.0, race / tl.where(chance > 0.0, chance, 1.0), float("inf"))
    else:
        add_statistics(whole, own, 1, part, place, colour, at, part)
    bits = race.to(tl.float32).to(tl.int32, bitcast=True).to(tl.int64)
    tl.atomic_min(best + own, (bits << 32) | at, part)


@triton.jit(do_not_specialize=["count"])
def take_features(
    best: tl.tensor, place: tl.tensor, colour: tl.tensor, keep: tl.tensor, out: tl.tensor, count: tl.tensor
) -> None:
    """Features of the pixels drawn, float64 (K, 5), whitened; rows to keep, and those of none drawn, stay."""
    k = tl.program_id(0) * _ROWS + tl.arange(0, _ROWS)
    mask = k < count
    drawn = tl.load(best + k, mask, _NEVER)
    takes = mask & (drawn < _NEVER) & (tl.load(keep + k, mask, 1) == 0)
    for c in tl.static_range(5):
        tl.store(out + k * 5 + c, feature_of(place, colour, drawn & _LOW, c, takes), takes)


@triton.jit(do_not_specialize=["size"])
def assign_halves(
    labels: tl.tensor, inside: tl.tensor, flags: tl.tensor, place: tl.tensor, colour: tl.tensor, near: tl.tensor,
    far: tl.tensor, sums: tl.tensor, halves: tl.tensor, size: tl.tensor,
) -> None:  # fmt: skip
    """Which of two means the pixels of flagged superpixels are nearer to, and statistics of those nearer to the second.

    near, far: float64 (K, 5). sums: int64 (K, 7), zeros at first. halves: gets the map of halves.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    own = _taking_part(labels, inside, flags, at, mask)
    part = own >= 0
    along, middle = tl.zeros((_BLOCK,), tl.float64), tl.zeros((_BLOCK,), tl.float64)
    for c in tl.static_range(5):
        one, two = tl.load(near + own * 5 + c, part, 0.0), tl.load(far + own * 5 + c, part, 0.0)
        along += feature_of(place, colour, at, c, part) * (two - one)
        middle += (two * two - one * one) / 2.0
    second = part & (along > middle)
    tl.store(halves + at, tl.where(part, own * 2 + second.to(tl.int64), -1), mask)
    add_statistics(sums, own, 1, second, place, colour, at, second)


@triton.jit(do_not_specialize=["count"])
def update_halves(
    sums: tl.tensor, whole: tl.tensor, old_flags: tl.tensor, near: tl.tensor, far: tl.tensor, count: tl.tensor
) -> None:
    """Means of the two halves of superpixels, float64 (K, 5), from their statistics; an old one's first mean stays.

    sums: int64 (K, 7), of the second halves, which are made zero for the next turn. whole: int64 (K, 7), of both.
    """
    k = tl.program_id(0) * _ROWS + tl.arange(0, _ROWS)
    mask = k < count
    old = tl.load(old_flags + k, mask, 0) != 0
    members, every = tl.load(sums + k * _STATISTICS, mask, 0), tl.load(whole + k * _STATISTICS, mask, 0)
    left = every - members
    for c in tl.static_range(5):
        second = tl.load(sums + k * _STATISTICS + _SUM_Y + c, mask, 0)
        first = tl.load(whole + k * _STATISTICS + _SUM_Y + c, mask, 0) - second
        two = second.to(tl.float64) / _FINE / tl.maximum(members, 1).to(tl.float64)
        one = first.to(tl.float64) / _FINE / tl.maximum(left, 1).to(tl.float64)
        tl.store(far + k * 5 + c, two, mask & (members > 0))
        tl.store(near + k * 5 + c, one, mask & (old == 0) & (left > 0))
    for c in tl.static_range(_STATISTICS):
        tl.store(sums + k * _STATISTICS + c, tl.zeros((_ROWS,), tl.int64), mask)


@triton.jit(do_not_specialize=["size"])
def keep_halves(halves: tl.tensor, flags: tl.tensor, among: tl.tensor, size: tl.tensor) -> None:
    """Leave out the pixels of superpixels without a flag, in place, and note which are left: among, bool (H W,)."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    half = tl.load(halves + at, mask, -1)
    part = mask & (half >= 0)
    part = part & (tl.load(flags + half // 2, part, 0) != 0)
    tl.store(halves + at, tl.where(part, half, -1), mask)
    tl.store(among + at, part, mask)


@triton.jit(do_not_specialize=["size", "side"])
def turn_small(
    names: tl.tensor, sizes: tl.tensor, best: tl.tensor, halves: tl.tensor, size: tl.tensor, side: tl.tensor
) -> None:
    """Give all pieces of one half but the largest to the other half, in place.

    best: int64 (2 K,), ranks of the largest pieces of halves, see :func:`tsp.gpu.transport_kernels.find_largest`.
    """
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    half = tl.load(halves + at, mask, -1)
    part = mask & (half >= 0)
    part = part & (half % 2 == side)
    name = tl.load(names + at, part, 0)
    rank = (tl.load(sizes + name, part, 0).to(tl.int64) << 32) | name
    tl.store(halves + at, half + 1 - 2 * side, part & (tl.load(best + half, part, 0) != rank))


@triton.jit(do_not_specialize=["size"])
def count_pieces(names: tl.tensor, halves: tl.tensor, found: tl.tensor, size: tl.tensor) -> None:
    """Pieces of the halves of each superpixel, int32 (K,)."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    root = mask & (tl.load(names + at, mask, -1) == at)
    half = tl.load(halves + at, root, -1)
    tl.atomic_add(found + half // 2, tl.full((_BLOCK,), 1, tl.int32), root & (half >= 0))


@triton.jit(do_not_specialize=["size"])
def sum_halves(
    halves: tl.tensor, inside: tl.tensor, place: tl.tensor, colour: tl.tensor, sums: tl.tensor, size: tl.tensor
) -> None:
    """Statistics of halves, int64 (2 K, 7)."""
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    half = tl.load(halves + at, mask, -1)
    within = tl.load(inside + at, mask, 0) != 0
    add_statistics(sums, half, 1, within, place, colour, at, mask & (half >= 0))


@triton.jit(do_not_specialize=["size"])
def leave_halves(halves: tl.tensor, leaving: tl.tensor, target: tl.tensor, labels: tl.tensor, size: tl.tensor) -> None:
    """Give the half that leaves a superpixel its new label, in place. leaving, target: int64 (K,), of a half and a row.

    leaving: -1 where no half leaves.
    """
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    half = tl.load(halves + at, mask, -1)
    part = mask & (half >= 0)
    own = half // 2
    goes = part & (tl.load(leaving + own, part, -1) == half % 2)
    tl.store(labels + at, tl.load(target + own, goes, -1), goes)
