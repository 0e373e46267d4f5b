"""The proposal of a split: two connected parts of one superpixel, divided where its pixels differ most."""

from __future__ import annotations

import numpy as np

from tsp.arrays import DoubleArray, FloatArray, LabelArray, SideArray, WordArray
from tsp.compiled import kernel
from tsp.model import COUNT, INSIDE, MEAN_Y, STATISTICS, SUM_L, SUM_Y, Model, Superpixels, log_posterior
from tsp.topology import AROUND

FLAT = np.zeros(5)
"""Stands for the prior of a new superpixel, which is not read."""
ITERATIONS = 5
"""Iterations of 2-means."""


@kernel(nogil=True)
def uniform(state: WordArray) -> float:
    """Next number of a splitmix64 sequence (Steele, Lea and Flood, OOPSLA 2014), in [0, 1)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 9007199254740992.0


@kernel(nogil=True)
def _two_means(features: DoubleArray, old: bool, mean: DoubleArray, state: WordArray, sides: SideArray) -> bool:
    """2-means of float64 (N, 5) whitened features with k-means++ seeds; ``sides`` becomes 0 or 1.

    The first centre of an old superpixel is its mean, and stays there. Returns whether there are two sides.
    """
    n = len(features)
    sides[:] = -1
    centres = np.empty((2, 5))
    centres[0] = mean if old else features[int(uniform(state) * n)]
    distance = np.empty(n)
    total = 0.0
    for i in range(n):
        distance[i] = 0.0
        for d in range(5):
            off = features[i, d] - centres[0, d]
            distance[i] += off * off
        total += distance[i]
    left = uniform(state) * total
    second = n - 1
    for i in range(n):
        left -= distance[i]
        if left < 0:
            second = i
            break
    centres[1] = features[second]
    whole = features.sum(axis=0)
    far = np.empty(5)
    for _ in range(ITERATIONS):
        way = centres[1] - centres[0]
        middle = 0.5 * ((centres[1] ** 2).sum() - (centres[0] ** 2).sum())
        w0, w1, w2, w3, w4 = way[0], way[1], way[2], way[3], way[4]
        s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
        members, moved = 0, 0
        for i in range(n):
            y, x, light, a, b = features[i, 0], features[i, 1], features[i, 2], features[i, 3], features[i, 4]
            side = int(y * w0 + x * w1 + light * w2 + a * w3 + b * w4 > middle)  # nearer to the second centre
            moved += sides[i] != side
            sides[i] = side
            members += side
            s0, s1, s2, s3, s4 = s0 + side * y, s1 + side * x, s2 + side * light, s3 + side * a, s4 + side * b
        if members in (0, n):
            return False
        if not moved:
            break
        far[0], far[1], far[2], far[3], far[4] = s0, s1, s2, s3, s4
        centres[1] = far / members
        if not old:
            centres[0] = (whole - far) / (n - members)
    return True


@kernel(nogil=True)
def _pieces_of(
    pixels: LabelArray, start: int, rank: LabelArray, labels: LabelArray, sides: SideArray, pad: int
) -> tuple[LabelArray, int]:
    """4-connected pieces, inside the frame, of each side of one superpixel; -1 for its margin pixels."""
    n = len(pixels)
    piece = np.full(n, np.int32(-1))
    stack = np.empty(n, np.int32)
    height, width = labels.shape
    count = 0
    for first in range(n):
        if piece[first] >= 0 or sides[first] < 0:
            continue
        piece[first] = count
        stack[0] = first
        depth = 1
        while depth:
            depth -= 1
            i = stack[depth]
            y, x = pixels[i, 0], pixels[i, 1]
            for dy, dx in AROUND:
                ny, nx = y + dy, x + dx
                if labels[ny, nx] != labels[y, x] or not (pad <= ny < height - pad and pad <= nx < width - pad):
                    continue
                j = rank[ny, nx] - start
                if piece[j] < 0 and sides[j] == sides[i]:
                    piece[j] = count
                    stack[depth] = j
                    depth += 1
        count += 1
    return piece, count


@kernel(nogil=True)
def _join_pieces(  # noqa: C901 - one compiled loop
    pixels: LabelArray,
    start: int,
    rank: LabelArray,
    labels: LabelArray,
    piece: LabelArray,
    stats: DoubleArray,
    model: Model,
) -> bool:
    """Merge the smallest piece into the neighbour that it suits best until two are left, in place.

    stats: float64 (P, 7) of the pieces. ``piece`` becomes 0 or 1. Returns whether two are left.
    """
    count = len(stats)
    target = np.arange(count)
    left = count
    near = np.zeros((count, count), np.bool_)
    for i in range(len(pixels)):
        if piece[i] < 0:
            continue
        y, x = pixels[i, 0], pixels[i, 1]
        for dy, dx in ((0, 1), (1, 0)):
            ny, nx = y + dy, x + dx
            if labels[ny, nx] == labels[y, x]:
                j = piece[rank[ny, nx] - start]
                if j >= 0 and j != piece[i]:
                    near[j, piece[i]] = near[piece[i], j] = True
    while left > 2:
        small = -1
        for p in range(count):
            if target[p] == p and (small < 0 or stats[p, COUNT] < stats[small, COUNT]):
                small = p
        best, best_gain = -1, -np.inf
        for p in range(count):
            if near[small, p] and target[p] == p and p != small:
                gain = log_posterior(model, stats[small] + stats[p], FLAT, False)
                gain -= log_posterior(model, stats[p], FLAT, False)
                if gain > best_gain:
                    best, best_gain = p, gain
        if best < 0:
            return False
        stats[best] += stats[small]
        for p in range(count):
            if target[p] == small:
                target[p] = best
            if near[small, p]:
                near[best, p] = near[p, best] = True
        left -= 1
    lowest = target.min()
    for i in range(len(pixels)):
        if piece[i] >= 0:
            piece[i] = 0 if target[piece[i]] == lowest else 1
    return True


@kernel(nogil=True)
def _share_margin(pixels: LabelArray, start: int, rank: LabelArray, labels: LabelArray, piece: LabelArray) -> None:
    """Give each margin pixel of a superpixel to the part that reaches it first through the margin, in place."""
    n = len(pixels)
    queue = np.empty(n, np.int32)
    tail = 0
    for i in range(n):
        if piece[i] >= 0:
            queue[tail] = i
            tail += 1
    head = 0
    while head < tail < n:
        i = queue[head]
        head += 1
        y, x = pixels[i, 0], pixels[i, 1]
        for dy, dx in AROUND:
            ny, nx = y + dy, x + dx
            if labels[ny, nx] == labels[y, x]:
                j = rank[ny, nx] - start
                if piece[j] < 0:
                    piece[j] = piece[i]
                    queue[tail] = j
                    tail += 1


@kernel(nogil=True, inline="always")
def _add(stats: DoubleArray, row: int, features: DoubleArray, i: int, inside: bool) -> None:
    """Count pixel i into a row of statistics. Whole arrays and numbers: a view for each pixel would cost more."""
    stats[row, COUNT] += 1.0
    for d in range(2):
        stats[row, SUM_Y + d] += features[i, d]
    if inside:
        stats[row, INSIDE] += 1.0
        for d in range(3):
            stats[row, SUM_L + d] += features[i, 2 + d]


@kernel(nogil=True)
def gains_by_parting(k: int, parts: DoubleArray, bonus: float, table: Superpixels, model: Model) -> bool:
    """Whether two parts score higher than superpixel k as a whole, with ``bonus`` nats added to the parts.

    parts: float64 (2, 7), statistics.
    """
    either = max(
        log_posterior(model, parts[0], table.priors[k], table.old[k]) + log_posterior(model, parts[1], FLAT, False),
        log_posterior(model, parts[1], table.priors[k], table.old[k]) + log_posterior(model, parts[0], FLAT, False),
    )
    whole = log_posterior(model, parts[0] + parts[1], table.priors[k], table.old[k])
    return bool(either + bonus > whole)


@kernel(nogil=True)
def propose(
    k: int,
    pixels: LabelArray,
    start: int,
    rank: LabelArray,
    labels: LabelArray,
    colour: FloatArray,
    table: Superpixels,
    model: Model,
    bonus: float,
    state: WordArray,
) -> tuple[bool, LabelArray, DoubleArray]:
    """Propose two connected parts of superpixel k.

    Returns whether there are two, each pixel's part (0 or 1), and the statistics of the parts, float64 (2, 7).

    bonus: nats that the second part can gain over being new by taking up the label of a superpixel that has died.
    """
    n = len(pixels)
    pad = model.pad
    height, width = colour.shape[:2]
    features = np.zeros((n, 5))
    sides = np.full(n, np.int8(-1))
    within = np.empty(int(table.stats[k, INSIDE]), np.int32)
    used = 0
    for i in range(n):
        iy, ix = pixels[i, 0] - pad, pixels[i, 1] - pad
        features[i, 0], features[i, 1] = iy * model.place_scale, ix * model.place_scale
        if 0 <= iy < height and 0 <= ix < width:
            for d in range(3):
                features[i, 2 + d] = colour[iy, ix, d]
            within[used] = i
            used += 1
    within_sides = np.empty(used, np.int8)
    parts = np.zeros((2, STATISTICS))
    none = np.empty(0, np.int32)
    picked = features if used == n else features[within]
    if not _two_means(picked, table.old[k], table.scores[k, MEAN_Y : MEAN_Y + 5], state, within_sides):
        return False, none, parts
    for j in range(used):
        sides[within[j]] = within_sides[j]
        _add(parts, within_sides[j], features, within[j], True)
    # Most proposals end here: connected parts hardly do better than these, and no prior does better than none.
    if not gains_by_parting(k, parts, bonus, table, model):
        return False, none, parts
    piece, count = _pieces_of(pixels, start, rank, labels, sides, pad)
    stats = np.zeros((count, STATISTICS))
    for j in range(used):
        _add(stats, piece[within[j]], features, within[j], True)
    if not _join_pieces(pixels, start, rank, labels, piece, stats, model):
        return False, none, parts
    _share_margin(pixels, start, rank, labels, piece)
    parts[:] = 0.0
    for i in range(n):
        _add(parts, piece[i], features, i, sides[i] >= 0)
    return True, piece, parts
