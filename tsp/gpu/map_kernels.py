"""Kernels of the device path, in Triton: connected pieces, filling and statistics."""

from __future__ import annotations

import triton
import triton.language as tl

from tsp.gpu.grid import COARSE, FINE
from tsp.gpu.move_kernels import BLOCK, MARGIN_PIXELS, MARGIN_SQUARES, add_statistics, feature_of

_BLOCK = tl.constexpr(BLOCK)
_FINE, _COARSE = tl.constexpr(FINE), tl.constexpr(COARSE)
_MARGIN_PIXELS, _MARGIN_SQUARES = tl.constexpr(MARGIN_PIXELS), tl.constexpr(MARGIN_SQUARES)


@triton.jit
def _root(names: tl.tensor, at: tl.tensor, mask: tl.tensor) -> tl.tensor:
    """The pixel that each pixel's piece is named after so far."""
    name = tl.load(names + at, mask, 0)
    above = tl.load(names + name, mask, 0)
    while tl.sum((mask & (above != name)).to(tl.int32)) > 0:
        name = tl.where(mask, above, name)
        above = tl.load(names + name, mask, 0)
    return name


@triton.jit
def _join(names: tl.tensor, one: tl.tensor, two: tl.tensor, mask: tl.tensor) -> None:
    """Make the pieces of two pixels one, which is named after the lesser of their names."""
    while tl.sum(mask.to(tl.int32)) > 0:
        one, two = _root(names, one, mask), _root(names, two, mask)
        mask = mask & (one != two)
        high, low = tl.maximum(one, two), tl.minimum(one, two)
        before = tl.atomic_min(names + high, low, mask)
        mask = mask & (before != high)  # another has renamed it meanwhile: that name is to be joined too
        one, two = before, low


@triton.jit(do_not_specialize=["stride", "height", "width"], do_not_specialize_on_alignment=["key"])
def join_pieces(
    names: tl.tensor, key: tl.tensor, among: tl.tensor, stride: tl.tensor, height: tl.tensor, width: tl.tensor
) -> None:
    """Join each pixel with the ones to the left and above of the same key.

    names: int32 (H W,), at first each pixel's own place. key: int64 (H, W), rows ``stride`` apart. among: bool (H, W).
    """
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    valid = at < height * width
    valid = valid & (tl.load(among + at, valid, 0) != 0)
    y, x = at // width, at % width
    own = tl.load(key + y.to(tl.int64) * stride + x, valid, 0)
    left = valid & (x > 0)
    left = left & (tl.load(among + at - 1, left, 0) != 0)
    left = left & (tl.load(key + y.to(tl.int64) * stride + x - 1, left, 0) == own)
    _join(names, at, at - 1, left)
    up = valid & (y > 0)
    up = up & (tl.load(among + at - width, up, 0) != 0)
    up = up & (tl.load(key + (y.to(tl.int64) - 1) * stride + x, up, 0) == own)
    _join(names, at, at - width, up)


@triton.jit(do_not_specialize=["count"])
def name_pieces(names: tl.tensor, out: tl.tensor, count: tl.tensor) -> None:
    """The first place of each pixel's piece, int64 (H W,)."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < count
    tl.store(out + at, _root(names, at, mask).to(tl.int64), mask)


@triton.jit(do_not_specialize=["count"])
def sum_statistics(
    labels: tl.tensor, inside: tl.tensor, place: tl.tensor, colour: tl.tensor, sums: tl.tensor, counts: tl.tensor,
    count: tl.tensor,
) -> None:  # fmt: skip
    """Statistics of all superpixels, int64 (K, 7), and of the margin, :data:`MARGIN_PIXELS`, zeros at first.

    labels: int64, of ``count`` pixels of the map.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < count
    own = tl.load(labels + at, mask, -1)
    within = tl.load(inside + at, mask, 0) != 0
    add_statistics(sums, own, 1, within, place, colour, at, mask & (own >= 0))
    margin = mask & (own >= 0) & (within == 0)
    if tl.sum(margin.to(tl.int32)) > 0:
        y = tl.load(place + at * 2, margin, 0).to(tl.float64) / _FINE
        x = tl.load(place + at * 2 + 1, margin, 0).to(tl.float64) / _FINE
        squares = tl.where(margin, ((y * y + x * x) * _COARSE + 0.5).to(tl.int64), 0)
        tl.atomic_add(counts + _MARGIN_PIXELS, tl.sum(margin.to(tl.int64)))
        tl.atomic_add(counts + _MARGIN_SQUARES, tl.sum(squares))


@triton.jit(do_not_specialize=["height", "width"])
def spread_ring(
    values: tl.tensor, out: tl.tensor, key: tl.tensor, into: tl.tensor, filled: tl.tensor, height: tl.tensor,
    width: tl.tensor,
) -> None:  # fmt: skip
    """One step of :func:`tsp.gpu.grid.spread`. filled: int64 (1,), counts the pixels that have got a value."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < height * width
    y, x = at // width, at % width
    value = tl.load(values + at, mask, 0)
    own = tl.load(key + at, mask, 0)
    open_for = mask & (tl.load(into + at, mask, 0) != 0) & (value < 0)
    got = value
    for way in tl.static_range(4):
        if way == 0:
            other, there = at - width, y > 0
        elif way == 1:
            other, there = at + width, y < height - 1
        elif way == 2:
            other, there = at - 1, x > 0
        else:
            other, there = at + 1, x < width - 1
        near = open_for & (got < 0) & there
        near = near & (tl.load(key + other, near, 0) == own)
        got = tl.where(near, tl.load(values + other, near, -1), got)
    tl.store(out + at, got, mask)
    tl.atomic_add(filled, tl.sum((open_for & (got >= 0)).to(tl.int64)))


@triton.jit(do_not_specialize=["height", "width"])
def fill_ring(
    labels: tl.tensor, out: tl.tensor, inside: tl.tensor, place: tl.tensor, colour: tl.tensor, means: tl.tensor,
    counts: tl.tensor, height: tl.tensor, width: tl.tensor,
) -> None:  # fmt: skip
    """Give each uncovered pixel of the frame that has neighbours to the likeliest of them.

    means: float64 (K, 5). counts: int64 (2,), the pixels that have got a label, and those that have got none.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < height.to(tl.int64) * width
    own = tl.load(labels + at, mask, 0)
    wanting = mask & (own < 0) & (tl.load(inside + at, mask, 0) != 0)
    left = tl.sum(wanting.to(tl.int64))
    best = own
    if left > 0:
        nearest = tl.full((_BLOCK,), float("inf"), tl.float64)
        for way in tl.static_range(4):
            if way == 0:
                other = at - width
            elif way == 1:
                other = at + width
            elif way == 2:
                other = at - 1
            else:
                other = at + 1
            row = tl.load(labels + other, wanting, -1)
            valid = wanting & (row >= 0) & (tl.load(inside + other, wanting, 0) != 0)
            distance = tl.zeros((_BLOCK,), tl.float64)
            for c in tl.static_range(5):
                off = feature_of(place, colour, at, c, valid) - tl.load(means + row * 5 + c, valid, 0.0)
                distance += off * off
            better = valid & (distance < nearest)
            best, nearest = tl.where(better, row, best), tl.where(better, distance, nearest)
        found = tl.sum((wanting & (best >= 0)).to(tl.int64))
        tl.atomic_add(counts, found)
        tl.atomic_add(counts + 1, left - found)
    tl.store(out + at, best, mask)
