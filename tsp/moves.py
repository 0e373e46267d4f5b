"""Moves on the label map: local moves of single border pixels, merges of crumbs, splits of giants.

The local move is the model's own (Chang, Wei and Fisher 2013, with means optimised out): a border pixel
goes to the neighbouring superpixel that gains most likelihood, if no superpixel is cut by it. Statistics
are float64 (K, 6): count, then sums of the whitened x, y, L, a, b. Priors are float64 (K, 5), the expected
mean of a tracked superpixel; ``tracked`` says for which superpixels they hold.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tsp.topology import TOPOLOGICAL_NUMBER, LabelArray, ring_of

FloatArray = npt.NDArray[np.float32]
StatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@njit(cache=True)
def gather_statistics(labels: LabelArray, features: FloatArray, count: int) -> StatArray:
    """Counts and sums of whitened features for labels 0..count-1.

    features: float32 (H, W, 5), whitened x, y, L, a, b.
    """
    stats = np.zeros((count, 6))
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            stats[k, 0] += 1.0
            for d in range(5):
                stats[k, 1 + d] += features[y, x, d]
    return stats


@njit(cache=True, inline="always")
def _change(
    k: int,
    sign: int,
    stats: StatArray,
    prior: StatArray,
    tracked: BoolArray,
    variance: StatArray,
    feature: FloatArray,
) -> float:
    """Change of the log-likelihood when a pixel is added to (sign 1) or removed from (-1) superpixel k."""
    n = stats[k, 0]
    if sign < 0 and n <= 1.0:
        return 0.0
    total = 0.0
    for d in range(5):
        if tracked[k]:
            mean = (prior[k, d] + variance[d] * stats[k, 1 + d]) / (1.0 + n * variance[d])
            factor = (1.0 + n * variance[d]) / (1.0 + (n + sign) * variance[d])
        else:
            mean = stats[k, 1 + d] / n
            factor = n / (n + sign)
        offset = feature[d] - mean
        total -= sign * 0.5 * offset * offset * factor
    return total


@njit(cache=True)
def sweep(  # noqa: C901 - one compiled loop
    labels: LabelArray,
    features: FloatArray,
    stats: StatArray,
    prior: StatArray,
    tracked: BoolArray,
    variance: StatArray,
    area: float,
    area_var: float,
    backwards: bool,
) -> tuple[int, int]:
    """One pass of local moves over all border pixels, in place.

    area: ideal area in px. Returns the number of moves and of border pixels looked at.
    """
    height, width = labels.shape
    moves, border = 0, 0
    candidates = np.empty(4, np.int32)
    for step in range(height * width):
        at = height * width - 1 - step if backwards else step
        y, x = at // width, at % width
        k = labels[y, x]
        found = 0
        for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= ny < height and 0 <= nx < width:
                label = labels[ny, nx]
                fresh = label != k
                for i in range(found):
                    fresh = fresh and candidates[i] != label
                if fresh:
                    candidates[found] = label
                    found += 1
        if found == 0:
            continue
        border += 1
        if stats[k, 0] <= 1.0 or TOPOLOGICAL_NUMBER[ring_of(labels, y, x, k)] != 1:
            continue
        feature = features[y, x]
        leave = _change(k, -1, stats, prior, tracked, variance, feature)
        leave += (2.0 * (area - stats[k, 0]) + 1.0) / (-2.0 * area_var)
        best, best_gain = -1, 1e-9
        for i in range(found):
            label = candidates[i]
            if TOPOLOGICAL_NUMBER[ring_of(labels, y, x, label)] != 1:
                continue
            gain = leave + _change(label, 1, stats, prior, tracked, variance, feature)
            gain += (2.0 * (area - stats[label, 0]) - 1.0) / (2.0 * area_var)
            if gain > best_gain:
                best, best_gain = label, gain
        if best >= 0:
            labels[y, x] = best
            stats[k, 0] -= 1.0
            stats[best, 0] += 1.0
            for d in range(5):
                stats[k, 1 + d] -= feature[d]
                stats[best, 1 + d] += feature[d]
            moves += 1
    return moves, border


@njit(cache=True)
def merge_crumbs(labels: LabelArray, stats: StatArray, smallest: float) -> None:  # noqa: C901 - one compiled loop
    """Give every superpixel under ``smallest`` px to the neighbour nearest in colour, in place.

    A merged superpixel is left with a count of zero.
    """
    height, width = labels.shape
    count = stats.shape[0]
    target = np.full(count, -1, np.int32)
    nearest = np.full(count, np.inf)
    for y in range(height):
        for x in range(width):
            for ny, nx in ((y + 1, x), (y, x + 1)):
                if ny >= height or nx >= width or labels[y, x] == labels[ny, nx]:
                    continue
                for k, j in ((labels[y, x], labels[ny, nx]), (labels[ny, nx], labels[y, x])):
                    if stats[k, 0] >= smallest or stats[j, 0] < stats[k, 0]:
                        continue
                    if stats[j, 0] == stats[k, 0] and j > k:  # two equals must not take each other
                        continue
                    distance = 0.0
                    for d in range(3, 6):
                        offset = stats[k, d] / stats[k, 0] - stats[j, d] / stats[j, 0]
                        distance += offset * offset
                    if distance < nearest[k]:
                        nearest[k] = distance
                        target[k] = j
    for k in range(count):  # a neighbour may itself have been given away
        if target[k] >= 0:
            root = target[k]
            while target[root] >= 0:
                root = target[root]
            target[k] = root
    for y in range(height):
        for x in range(width):
            if target[labels[y, x]] >= 0:
                labels[y, x] = target[labels[y, x]]
    for k in range(count):
        if target[k] >= 0:
            stats[target[k]] += stats[k]
            stats[k] = 0.0


@njit(cache=True)
def cut_giants(labels: LabelArray, stats: StatArray, largest: float, next_label: int) -> int:  # noqa: C901 - one compiled loop
    """Cut every superpixel over ``largest`` px across its longer axis, in place.

    The far half gets a new label; pieces that the cut leaves apart are the caller's to mend. Returns the
    next unused label.
    """
    height, width = labels.shape
    count = stats.shape[0]
    moments = np.zeros((count, 5))
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if stats[k, 0] > largest:
                moments[k, 0] += x
                moments[k, 1] += y
    for k in range(count):
        if stats[k, 0] > largest:
            moments[k, 0] /= stats[k, 0]
            moments[k, 1] /= stats[k, 0]
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if stats[k, 0] > largest:
                dx, dy = x - moments[k, 0], y - moments[k, 1]
                moments[k, 2] += dx * dx
                moments[k, 3] += dx * dy
                moments[k, 4] += dy * dy
    fresh = np.full(count, -1, np.int32)
    for k in range(count):
        if stats[k, 0] > largest:
            fresh[k] = next_label
            next_label += 1
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if k < count and fresh[k] >= 0:
                angle = 0.5 * np.arctan2(2.0 * moments[k, 3], moments[k, 2] - moments[k, 4])
                side = (x - moments[k, 0]) * np.cos(angle) + (y - moments[k, 1]) * np.sin(angle)
                if side > 0:
                    labels[y, x] = fresh[k]
    return next_label
