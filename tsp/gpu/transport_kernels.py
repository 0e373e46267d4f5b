"""Kernels of the device path, in Triton: superpixels from frame to frame, their pieces, and which of them touch.

Maps are flattened and padded, (H W,): labels int64, ``inside`` and ``edge`` bool, ``place`` int64 (H W, 2) and
``colour`` int64 (H W, 3), multiples of 1 / FINE. Sums of whole numbers do not depend on the order of adding.
"""

from __future__ import annotations

import triton
import triton.language as tl

from tsp.gpu.grid import FASTEST, NEVER, STEP
from tsp.gpu.move_kernels import BLOCK, feature_of

_BLOCK = tl.constexpr(BLOCK)
_STEP, _FASTEST = tl.constexpr(STEP), tl.constexpr(FASTEST)
_NEVER = tl.constexpr(NEVER)
_LOW = tl.constexpr(2**32 - 1)
_TO_WHOLE = tl.constexpr(1.5 * 2.0**52)  # added and taken away, it rounds a float64 to the nearest whole number
KEPT, BORN = 1, 2
"""What becomes of a piece; 0 where its pixels are given up."""
_KEPT, _BORN = tl.constexpr(KEPT), tl.constexpr(BORN)


@triton.jit
def rounded(value: tl.tensor) -> tl.tensor:
    """The nearest whole numbers, int64; of two the even one."""
    return ((value + _TO_WHOLE) - _TO_WHOLE).to(tl.int64)


@triton.jit(do_not_specialize=["height", "width", "pad"])
def add_flow(
    labels: tl.tensor, flow: tl.tensor, totals: tl.tensor, height: tl.tensor, width: tl.tensor, pad: tl.tensor
) -> None:
    """Sum the flow of superpixels, (dy, dx) in steps of 1 / STEP px, and count their pixels: totals, int64 (K, 3).

    flow: float32 (h, w, 2), (dx, dy) in px, of the frame; a pixel of the margin has that of the nearest one.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < height.to(tl.int64) * width
    own = tl.load(labels + at, mask, -1)
    owned = mask & (own >= 0)
    rows, columns = height - 2 * pad, width - 2 * pad
    y = tl.minimum(tl.maximum(at // width - pad, 0), rows - 1)
    x = tl.minimum(tl.maximum(at % width - pad, 0), columns - 1)
    here = flow + (y * columns + x) * 2
    for c in tl.static_range(2):
        step = tl.load(here + 1 - c, owned, 0.0).to(tl.float64)
        whole = rounded(tl.minimum(tl.maximum(step, -_FASTEST), _FASTEST) * _STEP)
        tl.atomic_add(totals + own * 3 + c, whole, owned)
    tl.atomic_add(totals + own * 3 + 2, tl.full((_BLOCK,), 1, tl.int64), owned)


@triton.jit(do_not_specialize=["height", "width"])
def land(
    labels: tl.tensor, inside: tl.tensor, place: tl.tensor, colour: tl.tensor, steps: tl.tensor, expected: tl.tensor,
    best: tl.tensor, height: tl.tensor, width: tl.tensor,
) -> None:  # fmt: skip
    """Send pixels where their superpixels go. Of those that land on one place the likeliest wins, then the first.

    colour: of the next frame. steps: int64 (K, 2), (dy, dx) in px. expected: float64 (K, 5). best: int64 (H W,), NEVER
    at first, the bits of the least squared distance above the place that its pixel came from.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < height.to(tl.int64) * width
    own = tl.load(labels + at, mask, -1)
    owned = mask & (own >= 0)
    y = at // width + tl.load(steps + own * 2, owned, 0)
    x = at % width + tl.load(steps + own * 2 + 1, owned, 0)
    lands = owned & (y >= 1) & (y < height - 1) & (x >= 1) & (x < width - 1)
    to = y * width + x
    within = lands & (tl.load(inside + to, lands, 0) != 0)
    cost = tl.zeros((_BLOCK,), tl.float64)
    for c in tl.static_range(5):
        seen = lands if c < 2 else within
        off = feature_of(place, colour, to, c, seen) - tl.load(expected + own * 5 + c, seen, 0.0)
        cost += off * off
    bits = cost.to(tl.float32).to(tl.int32, bitcast=True).to(tl.int64)
    tl.atomic_min(best + to, (bits << 32) | at, lands)


@triton.jit(do_not_specialize=["size"])
def take_landed(labels: tl.tensor, best: tl.tensor, out: tl.tensor, size: tl.tensor) -> None:
    """The labels of the pixels that have won, -1 where none has landed."""
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    winner = tl.load(best + at, mask, _NEVER)
    tl.store(out + at, tl.load(labels + (winner & _LOW), winner < _NEVER, -1), mask)


@triton.jit(do_not_specialize=["size"])
def count_sizes(names: tl.tensor, sizes: tl.tensor, size: tl.tensor) -> None:
    """Pixels of each piece, int32, at the first place of it; zeros at first. names: first places, int64."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    tl.atomic_add(sizes + tl.load(names + at, mask, 0), tl.full((_BLOCK,), 1, tl.int32), mask)


@triton.jit
def _rank(sizes: tl.tensor, at: tl.tensor, mask: tl.tensor, first: tl.constexpr) -> tl.tensor:
    """The order of pieces by size; of equal ones the first is greatest, or the last. at: their first places."""
    place = _LOW - at if first else at
    return (tl.load(sizes + at, mask, 0).to(tl.int64) << 32) | place


@triton.jit(do_not_specialize=["stride", "width", "size"], do_not_specialize_on_alignment=["key"])
def find_largest(
    names: tl.tensor, sizes: tl.tensor, key: tl.tensor, best: tl.tensor,
    stride: tl.tensor, width: tl.tensor, size: tl.tensor, first: tl.constexpr,
) -> None:  # fmt: skip
    """The rank of the largest piece of each key, int64, -1 at first; of equal ones the first, or the last.

    key: int64, rows of ``width`` values ``stride`` apart, negative where a pixel is of none.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    root = mask & (tl.load(names + at, mask, -1) == at)
    own = tl.load(key + at // width * stride + at % width, root, -1)
    tl.atomic_max(best + own, _rank(sizes, at, root, first), root & (own >= 0))


@triton.jit(do_not_specialize=["stride", "width", "size", "smallest"], do_not_specialize_on_alignment=["labels"])
def judge_pieces(
    names: tl.tensor, sizes: tl.tensor, labels: tl.tensor, best: tl.tensor, fate: tl.tensor,
    stride: tl.tensor, width: tl.tensor, size: tl.tensor, smallest: tl.tensor,
) -> None:  # fmt: skip
    """KEPT for the largest piece of each superpixel, BORN for others of at least ``smallest`` px, at first places.

    fate: int32 (h w,), of pixels of the frame. labels: rows ``stride`` apart.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    root = mask & (tl.load(names + at, mask, -1) == at)
    own = tl.load(labels + at // width * stride + at % width, root, -1)
    keeps = root & (own >= 0)
    keeps = keeps & (tl.load(best + own, keeps, -1) == _rank(sizes, at, root, True))
    born = root & (keeps == 0) & (tl.load(sizes + at, root, 0) >= smallest)
    tl.store(fate + at, tl.where(keeps, _KEPT, tl.where(born, _BORN, 0)), mask)


@triton.jit(do_not_specialize=["stride", "width", "size", "count"], do_not_specialize_on_alignment=["labels"])
def rename_pieces(
    names: tl.tensor, fate: tl.tensor, births: tl.tensor, labels: tl.tensor,
    stride: tl.tensor, width: tl.tensor, size: tl.tensor, count: tl.tensor,
) -> None:  # fmt: skip
    """Give pieces the labels that their fate leaves them, the born ones from ``count`` on, in place.

    births: int64 (h w,), born pieces up to each place and there.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    name = tl.load(names + at, mask, 0)
    became = tl.load(fate + name, mask, 0)
    here = labels + at // width * stride + at % width
    number = count - 1 + tl.load(births + name, mask, 0)
    tl.store(here, tl.where(became == _BORN, number, -1), mask & (became != _KEPT))


@triton.jit(do_not_specialize=["size"])
def reach_pieces(names: tl.tensor, inside: tl.tensor, labels: tl.tensor, reached: tl.tensor, size: tl.tensor) -> None:
    """Note which pieces have pixels inside the frame, int8, at their first places, zeros at first."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    here = mask & (tl.load(inside + at, mask, 0) != 0)
    here = here & (tl.load(labels + at, here, -1) >= 0)
    tl.store(reached + tl.load(names + at, here, 0), tl.full((_BLOCK,), 1, tl.int8), here)


@triton.jit(do_not_specialize=["size"])
def trim_pieces(
    names: tl.tensor, inside: tl.tensor, edge: tl.tensor, reached: tl.tensor, labels: tl.tensor, size: tl.tensor
) -> None:
    """Take the label from pixels of the margin whose piece has none inside the frame, in place."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    outside = mask & (tl.load(inside + at, mask, 1) == 0)
    cut = outside & (tl.load(reached + tl.load(names + at, outside, 0), outside, 0) == 0)
    cut = cut | (outside & (tl.load(edge + at, outside, 0) != 0))
    tl.store(labels + at, tl.full((_BLOCK,), -1, tl.int64), cut)


@triton.jit(do_not_specialize=["width", "size"])
def wait_near(
    labels: tl.tensor, changed: tl.tensor, edge: tl.tensor, waiting: tl.tensor, width: tl.tensor, size: tl.tensor
) -> None:
    """Let the pixels of changed superpixels and their 4-neighbours wait. changed: bool (K,). waiting: bool (H W,)."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    mask = mask & (tl.load(edge + at, mask, 1) == 0)
    waits = mask & (mask == 0)
    for way in tl.static_range(5):
        if way == 0:
            other = at
        elif way == 1:
            other = at - width
        elif way == 2:
            other = at + width
        elif way == 3:
            other = at - 1
        else:
            other = at + 1
        own = tl.load(labels + other, mask, -1)
        waits = waits | (tl.load(changed + own, mask & (own >= 0), 0) != 0)
    tl.store(waiting + at, tl.full((_BLOCK,), 1, tl.int1), waits)


@triton.jit(do_not_specialize=["size"])
def note_changes(before: tl.tensor, labels: tl.tensor, touched: tl.tensor, size: tl.tensor) -> None:
    """Note the superpixels that have lost or got pixels, bool (K,)."""
    at = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = at < size
    was, own = tl.load(before + at, mask, -1), tl.load(labels + at, mask, -1)
    yes = tl.full((_BLOCK,), 1, tl.int1)
    tl.store(touched + was, yes, mask & (was != own) & (was >= 0))
    tl.store(touched + own, yes, mask & (was != own) & (own >= 0))


@triton.jit(
    do_not_specialize=["stride", "height", "width", "count", "first", "rows"], do_not_specialize_on_alignment=["labels"]
)
def mark_touching(
    labels: tl.tensor, touching: tl.tensor, stride: tl.tensor, height: tl.tensor, width: tl.tensor, count: tl.tensor,
    first: tl.tensor, rows: tl.tensor,
) -> None:  # fmt: skip
    """Mark which of ``count`` superpixels touch those from ``first`` on: touching, bool (rows, count).

    labels: of the frame, rows ``stride`` apart.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < height.to(tl.int64) * width
    y, x = at // width, at % width
    here = labels + y * stride + x
    own = tl.load(here, mask, 0)
    yes = tl.full((_BLOCK,), 1, tl.int1)
    for way in tl.static_range(2):
        if way == 0:
            there, other_at = mask & (x < width - 1), here + 1
        else:
            there, other_at = mask & (y < height - 1), here + stride
        other = tl.load(other_at, there, 0)
        there = there & (own != other) & (own >= 0) & (other >= 0)
        tl.store(touching + (own - first) * count + other, yes, there & (own >= first) & (own < first + rows))
        tl.store(touching + (other - first) * count + own, yes, there & (other >= first) & (other < first + rows))


@triton.jit(do_not_specialize=["stride", "width", "size"], do_not_specialize_on_alignment=["labels", "carried"])
def count_carried(
    labels: tl.tensor, carried: tl.tensor, came: tl.tensor, kept: tl.tensor, brought: tl.tensor,
    stride: tl.tensor, width: tl.tensor, size: tl.tensor,
) -> None:  # fmt: skip
    """Pixels of the frame that flow brought for each superpixel, and those that each one has kept of them, int32.

    labels, carried: rows ``stride`` apart. came: int64 (K,), the label that each superpixel had when it was carried.
    """
    at = (tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)).to(tl.int64)
    mask = at < size
    here = at // width * stride + at % width
    was, own = tl.load(carried + here, mask, -1), tl.load(labels + here, mask, -1)
    one = tl.full((_BLOCK,), 1, tl.int32)
    tl.atomic_add(brought + was, one, mask & (was >= 0))
    stayed = mask & (was >= 0) & (own >= 0)
    stayed = stayed & (tl.load(came + own, stayed, -1) == was)
    tl.atomic_add(kept + own, one, stayed)
