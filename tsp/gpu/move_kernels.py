"""Kernels of the device path, in Triton: local moves of one lattice, scores, and energy."""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

from tsp.gpu.grid import COARSE, FINE
from tsp.local import LEAST_PIXEL_GAIN
from tsp.model import (
    ADD_AREA,
    ADD_COLOUR,
    ADD_PLACE,
    DROP_AREA,
    DROP_COLOUR,
    DROP_PLACE,
    INSIDE,
    SCORES,
    STATISTICS,
    SUM_Y,
)
from tsp.topology import HIDDEN_AT_BOTTOM, HIDDEN_AT_LEFT, HIDDEN_AT_RIGHT, HIDDEN_AT_TOP

MARGIN_PIXELS, MARGIN_SQUARES, MOVED, TESTED = range(4)
"""What is counted while pixels move: margin pixels that have a label, the sum of their squared places, moves, tests."""
ENERGY = SCORES
"""Column of the scores that holds the share of the energy; the one after it holds the pixels inside the frame."""
WIDTH = SCORES + 2
"""Columns of the scores on a device."""

BLOCK = 256
"""Pixels of a program."""
ROWS = 32
"""Superpixels of a program that works on each by itself, with one warp: few, so that all of a GPU takes part."""
EXACT: dict[str, Any] = {"enable_fp_fusion": False}
"""Options of kernels that round sums and products as the processor does."""

_BLOCK, _ROWS = tl.constexpr(BLOCK), tl.constexpr(ROWS)
_SUMMED = tl.constexpr(256)  # superpixels that one program sums at a time
_FINE, _COARSE, _LEAST = tl.constexpr(FINE), tl.constexpr(COARSE), tl.constexpr(LEAST_PIXEL_GAIN)
_STATISTICS, _SUM_Y, _INSIDE = tl.constexpr(STATISTICS), tl.constexpr(SUM_Y), tl.constexpr(INSIDE)
_WIDTH, _ENERGY = tl.constexpr(WIDTH), tl.constexpr(ENERGY)
_ADD_PLACE, _ADD_COLOUR, _ADD_AREA = tl.constexpr(ADD_PLACE), tl.constexpr(ADD_COLOUR), tl.constexpr(ADD_AREA)
_DROP_PLACE, _DROP_COLOUR, _DROP_AREA = tl.constexpr(DROP_PLACE), tl.constexpr(DROP_COLOUR), tl.constexpr(DROP_AREA)
_TOP, _BOTTOM = tl.constexpr(255 - HIDDEN_AT_TOP), tl.constexpr(255 - HIDDEN_AT_BOTTOM)
_LEFT, _RIGHT = tl.constexpr(255 - HIDDEN_AT_LEFT), tl.constexpr(255 - HIDDEN_AT_RIGHT)
_MARGIN_PIXELS, _MARGIN_SQUARES = tl.constexpr(MARGIN_PIXELS), tl.constexpr(MARGIN_SQUARES)
_MOVED, _TESTED = tl.constexpr(MOVED), tl.constexpr(TESTED)


@triton.jit
def _gaps(
    scores: tl.tensor,
    row: tl.tensor,
    y: tl.tensor,
    x: tl.tensor,
    light: tl.tensor,
    a: tl.tensor,
    b: tl.tensor,
    mask: tl.tensor,
) -> tuple[tl.tensor, tl.tensor]:
    """Squared whitened distances of pixels from superpixels' means, in place and in colour."""
    at = scores + row * _WIDTH
    dy, dx = y - tl.load(at, mask, 0.0), x - tl.load(at + 1, mask, 0.0)
    dl, da, db = light - tl.load(at + 2, mask, 0.0), a - tl.load(at + 3, mask, 0.0), b - tl.load(at + 4, mask, 0.0)
    return dy * dy + dx * dx, dl * dl + da * da + db * db


@triton.jit
def _ring(
    label: tl.tensor,
    nw: tl.tensor,
    n: tl.tensor,
    ne: tl.tensor,
    e: tl.tensor,
    se: tl.tensor,
    s: tl.tensor,
    sw: tl.tensor,
    w: tl.tensor,
) -> tl.tensor:
    """Which of the eight neighbours carry a label, as bits."""
    bits = (nw == label).to(tl.int32) | ((n == label).to(tl.int32) << 1) | ((ne == label).to(tl.int32) << 2)
    bits |= ((e == label).to(tl.int32) << 3) | ((se == label).to(tl.int32) << 4) | ((s == label).to(tl.int32) << 5)
    return bits | ((sw == label).to(tl.int32) << 6) | ((w == label).to(tl.int32) << 7)


@triton.jit
def add_statistics(
    sums: tl.tensor,
    row: tl.tensor,
    sign: tl.constexpr,
    inside: tl.tensor,
    place: tl.tensor,
    colour: tl.tensor,
    at: tl.tensor,
    mask: tl.tensor,
) -> None:
    """Add pixels to the statistics of superpixels, or take them away."""
    own = sums + row * _STATISTICS
    one = tl.full((_BLOCK,), sign, tl.int64)
    tl.atomic_add(own, one, mask)
    tl.atomic_add(own + 1, one, mask & inside)
    for c in tl.static_range(2):
        tl.atomic_add(own + _SUM_Y + c, tl.load(place + at * 2 + c, mask, 0) * sign, mask)
    for c in tl.static_range(3):
        tl.atomic_add(own + _SUM_Y + 2 + c, tl.load(colour + at * 3 + c, mask, 0) * sign, mask & inside)


@triton.jit
def feature_of(place: tl.tensor, colour: tl.tensor, at: tl.tensor, c: tl.constexpr, mask: tl.tensor) -> tl.tensor:
    """Feature ``c`` of pixels, float64: whitened y, x, L, a, b."""
    if c < 2:  # noqa: SIM108 - of a kernel
        whole = tl.load(place + at * 2 + c, mask, 0)
    else:
        whole = tl.load(colour + at * 3 + c - 2, mask, 0)
    return whole.to(tl.float64) / _FINE


@triton.jit(do_not_specialize=["height", "width", "pad", "row", "column", "thin"])
def move_lattice(
    labels: tl.tensor, colour: tl.tensor, place: tl.tensor, waiting: tl.tensor, near: tl.tensor, scores: tl.tensor,
    sums: tl.tensor,
    counts: tl.tensor, topology: tl.tensor, numbers: tl.tensor,
    height: tl.tensor, width: tl.tensor, pad: tl.tensor, row: tl.tensor, column: tl.tensor, thin: tl.tensor,
) -> None:  # fmt: skip
    """Move the waiting pixels of one lattice that gain by it, on the scores from before; see :mod:`tsp.gpu.sweeps`.

    labels: int64 (H, W), padded. colour: int64 (H, W, 3) and place: int64 (H, W, 2), multiples of 1 / FINE.
    waiting: bool (H, W). near: bool (H, W), set around pixels that move. scores: float64 (K, WIDTH). sums: int64
    (K, 7). counts: int64 (4,), see :data:`MARGIN_PIXELS`. topology: int64 (256,), topological
    numbers. numbers: see :func:`refresh_scores`.
    row, column: of the lattice. thin: -1, or the number of a pseudo-random half that may move.
    """
    log_unassigned = tl.load(numbers + 7)
    per_row, rows = (width - 1 - column) // 2, (height - 1 - row) // 2
    i = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    valid = i < rows * per_row
    y, x = 1 + row + 2 * (i // per_row), 1 + column + 2 * (i % per_row)
    at = (y * width + x).to(tl.int64)
    own = tl.load(labels + at, valid, 0)
    n, s = tl.load(labels + at - width, valid, 0), tl.load(labels + at + width, valid, 0)
    w, e = tl.load(labels + at - 1, valid, 0), tl.load(labels + at + 1, valid, 0)
    border = valid & (tl.load(waiting + at, valid, 0) != 0) & ((n != own) | (s != own) | (w != own) | (e != own))
    drawn = (thin < 0) | ((((at * 2654435761 + thin * 40503) >> 16) & 1) == 0)
    border = (border & drawn) != 0
    tested = tl.sum(border.to(tl.int64))
    if tested > 0:
        nw, ne = tl.load(labels + at - width - 1, border, 0), tl.load(labels + at - width + 1, border, 0)
        sw, se = tl.load(labels + at + width - 1, border, 0), tl.load(labels + at + width + 1, border, 0)
        inside = (y >= pad) & (y < height - pad) & (x >= pad) & (x < width - pad)
        hidden = tl.full((_BLOCK,), 255, tl.int32)
        hidden &= tl.where(inside & (y == pad), _TOP, 255) & tl.where(inside & (y == height - pad - 1), _BOTTOM, 255)
        hidden &= tl.where(inside & (x == pad), _LEFT, 255) & tl.where(inside & (x == width - pad - 1), _RIGHT, 255)
        here_y = tl.load(place + at * 2, border, 0).to(tl.float64) / _FINE
        here_x = tl.load(place + at * 2 + 1, border, 0).to(tl.float64) / _FINE
        light = tl.load(colour + at * 3, border, 0).to(tl.float64) / _FINE
        a = tl.load(colour + at * 3 + 1, border, 0).to(tl.float64) / _FINE
        b = tl.load(colour + at * 3 + 2, border, 0).to(tl.float64) / _FINE
        # leaving the present label
        ring = _ring(own, nw, n, ne, e, se, s, sw, w)
        whole, within = tl.load(topology + ring, border, 0), tl.load(topology + (ring & hidden), border, 0)
        alone = (n != own) & (s != own) & (w != own) & (e != own)
        known = border & (own >= 0)
        last = inside & (within == 0) & (tl.load(scores + own * _WIDTH + _ENERGY + 1, known, 0.0) > 1.0)
        may_move = border & ((own < 0) | alone | ((whole == 1) & (within <= 1) & (last == 0)))
        gap_place, gap_colour = _gaps(scores, own, here_y, here_x, light, a, b, known)
        leave = tl.load(scores + own * _WIDTH + _DROP_PLACE, known, 0.0) * gap_place
        leave += tl.load(scores + own * _WIDTH + _DROP_COLOUR, known & inside, 0.0) * gap_colour
        leave += tl.load(scores + own * _WIDTH + _DROP_AREA, known, 0.0)
        leave = tl.where(own < 0, -log_unassigned, leave)
        # joining the best neighbour
        best, best_gain = own, tl.full((_BLOCK,), _LEAST, tl.float64)
        empty = border & (inside == 0) & (own >= 0) & ((n < 0) | (s < 0) | (w < 0) | (e < 0))
        gain = leave + log_unassigned
        better = empty & (gain > best_gain)
        best, best_gain = tl.where(better, -1, best), tl.where(better, gain, best_gain)
        for way in tl.static_range(4):
            if way == 0:
                label = n
            elif way == 1:
                label = s
            elif way == 2:
                label = w
            else:
                label = e
            other = border & (label >= 0) & (label != own)
            ring = _ring(label, nw, n, ne, e, se, s, sw, w)
            whole, within = tl.load(topology + ring, other, 0), tl.load(topology + (ring & hidden), other, 0)
            may_move = may_move & ((other == 0) | (whole == 1))
            gap_place, gap_colour = _gaps(scores, label, here_y, here_x, light, a, b, other)
            gain = leave + tl.load(scores + label * _WIDTH + _ADD_AREA, other, 0.0)
            gain -= tl.load(scores + label * _WIDTH + _ADD_PLACE, other, 0.0) * gap_place
            gain -= tl.load(scores + label * _WIDTH + _ADD_COLOUR, other & inside, 0.0) * gap_colour
            better = other & ((inside == 0) | (within == 1)) & (gain > best_gain)
            best, best_gain = tl.where(better, label, best), tl.where(better, gain, best_gain)
        moves = may_move & (best != own)
        add_statistics(sums, own, -1, inside, place, colour, at, moves & (own >= 0))
        add_statistics(sums, best, 1, inside, place, colour, at, moves & (best >= 0))
        tl.store(labels + at, best, moves)
        for dy in tl.static_range(3):
            for dx in tl.static_range(3):
                tl.store(near + at + (dy - 1) * width + dx - 1, tl.full((_BLOCK,), 1, tl.int1), moves)
        # what the energy needs of the margin
        change = tl.where(moves & (inside == 0), (best >= 0).to(tl.int64) - (own >= 0).to(tl.int64), 0)
        squares = ((here_y * here_y + here_x * here_x) * _COARSE + 0.5).to(tl.int64)
        tl.atomic_add(counts + _MARGIN_PIXELS, tl.sum(change))
        tl.atomic_add(counts + _MARGIN_SQUARES, tl.sum(change * squares))
        tl.atomic_add(counts + _MOVED, tl.sum(moves.to(tl.int64)))
        tl.atomic_add(counts + _TESTED, tested)


@triton.jit
def _log_area(
    n: tl.tensor,
    old: tl.tensor,
    log_old: tl.tensor,
    log_new: tl.tensor,
    area: tl.tensor,
    variance: tl.tensor,
    density: tl.tensor,
) -> tl.tensor:
    """Prior of superpixels by their pixels, as :func:`tsp.model.log_area` has it."""
    score = tl.where(old, log_old, log_new) - density - (area - n) * (area - n) / (2.0 * variance)
    return tl.where(n > 0.0, score, 0.0)


@triton.jit
def _grown(n: tl.tensor, prior: tl.tensor, old: tl.tensor) -> tl.tensor:
    return tl.where(old, (1.0 + n * prior) / (1.0 + (n + 1.0) * prior), n / (n + 1.0)) / 2.0


@triton.jit
def _shrunk(n: tl.tensor, prior: tl.tensor, old: tl.tensor) -> tl.tensor:
    fewer = tl.maximum(n - 1.0, 0.0)
    known = tl.where(n > 0.0, (1.0 + n * prior) / (1.0 + fewer * prior), 0.0)
    new = tl.where(n > 1.0, n / tl.maximum(fewer, 1.0), 0.0)
    return tl.where(old, known, new) / 2.0


@triton.jit
def refresh_scores(
    sums: tl.tensor, old_flags: tl.tensor, priors: tl.tensor, numbers: tl.tensor, count: tl.tensor, scores: tl.tensor
) -> None:
    """Scores of superpixels from their statistics, as :func:`tsp.model.refresh` makes them, and their energies.

    numbers: float64 (8,), the priors of place and colour, weights of old and new superpixels, the ideal area, its
    variance, the logarithm of its density, and the score of a margin pixel without a label. count: int64 (1,), rows in
    use.
    """
    k = tl.program_id(0) * _ROWS + tl.arange(0, _ROWS)
    mask = k < tl.load(count)
    old = tl.load(old_flags + k, mask, 0) != 0
    own, to = sums + k * _STATISTICS, scores + k * _WIDTH
    n, inside = tl.load(own, mask, 0).to(tl.float64), tl.load(own + _INSIDE, mask, 0).to(tl.float64)
    energy = tl.zeros((_ROWS,), tl.float64)
    for c in tl.static_range(5):
        if c < 2:
            prior, pixels = tl.load(numbers), n
        else:
            prior, pixels = tl.load(numbers + 1), inside
        total = tl.load(own + _SUM_Y + c, mask, 0).to(tl.float64) / _FINE
        expected = tl.load(priors + k * 5 + c, mask, 0.0)
        mean = tl.where(old, (expected + prior * total) / (1.0 + pixels * prior), total / tl.maximum(pixels, 1.0))
        tl.store(to + c, mean, mask)
        known = (prior * total * total + 2.0 * expected * total - pixels * expected * expected) / (
            2.0 * (pixels * prior + 1.0)
        )
        energy += tl.where(old, known, total * total / (2.0 * tl.maximum(pixels, 1.0)))
    tl.store(to + _ADD_PLACE, _grown(n, tl.load(numbers), old), mask)
    tl.store(to + _ADD_COLOUR, _grown(inside, tl.load(numbers + 1), old), mask)
    tl.store(to + _DROP_PLACE, _shrunk(n, tl.load(numbers), old), mask)
    tl.store(to + _DROP_COLOUR, _shrunk(inside, tl.load(numbers + 1), old), mask)
    log_old, log_new = tl.load(numbers + 2), tl.load(numbers + 3)
    area, variance, density = tl.load(numbers + 4), tl.load(numbers + 5), tl.load(numbers + 6)
    here = _log_area(n, old, log_old, log_new, area, variance, density)
    more = _log_area(n + 1.0, old, log_old, log_new, area, variance, density)
    less = _log_area(n - 1.0, old, log_old, log_new, area, variance, density)
    tl.store(to + _ADD_AREA, more - here, mask)
    tl.store(to + _DROP_AREA, tl.where(n > 0.0, less - here, 0.0), mask)
    tl.store(to + _ENERGY, tl.where(n > 0.0, energy + here, 0.0), mask)
    tl.store(to + _ENERGY + 1, inside, mask)


@triton.jit
def sum_energy(scores: tl.tensor, counts: tl.tensor, count: tl.tensor, numbers: tl.tensor, result: tl.tensor) -> None:
    """The energy of all superpixels less that of the margin, and the moves and tests: float64 (3,)."""
    rows = tl.load(count)
    total = tl.zeros((_SUMMED,), tl.float64)
    for start in range(0, rows, _SUMMED):
        k = start + tl.arange(0, _SUMMED)
        total += tl.load(scores + k * _WIDTH + _ENERGY, k < rows, 0.0)
    margin = tl.load(counts + _MARGIN_PIXELS).to(tl.float64)
    squares = tl.load(counts + _MARGIN_SQUARES).to(tl.float64) / _COARSE / 2.0
    tl.store(result, tl.sum(total) - squares - margin * tl.load(numbers + 7))
    tl.store(result + 1, tl.load(counts + _MOVED).to(tl.float64))
    tl.store(result + 2, tl.load(counts + _TESTED).to(tl.float64))
