"""Moves on whole superpixels: merge two, or give one another's identity."""

from __future__ import annotations

import numpy as np

from tsp.arrays import ByteArray, LabelArray
from tsp.compiled import kernel
from tsp.model import COUNT, INSIDE, STATISTICS, Model, Superpixels, log_posterior, refresh

LEAST_GAIN = 1e-6  # nats; a move must gain more, and more than rounding
# Taking up the label of a dead superpixel gains less than being old does, or every new one nearby would take it up.
REVIVAL = 0.5
_REACH = 3.0  # ideal radii; a superpixel does not take up a label expected farther away than this


@kernel(nogil=True)
def neighbours(labels: LabelArray, count: int, pad: int) -> tuple[LabelArray, LabelArray, LabelArray]:
    """Which superpixels touch inside the frame, as linked lists.

    Returns ``first`` (count,), ``following`` (E,) and ``other`` (E,), int32: the neighbours of k are ``other[i]`` for
    i = first[k], following[first[k]], ... until -1.
    """
    first = np.full(count, np.int32(-1))
    room = 16 * count + 64
    following = np.empty(room, np.int32)
    other = np.empty(room, np.int32)
    used = 0
    height, width = labels.shape
    for y in range(pad, height - pad):
        for x in range(pad, width - pad):
            k = labels[y, x]
            for way in range(2):
                if way == 0:
                    if x + 1 >= width - pad:
                        continue
                    j = labels[y, x + 1]
                else:
                    if y + 1 >= height - pad:
                        continue
                    j = labels[y + 1, x]
                if j == k:
                    continue
                at = first[k]
                while at >= 0 and other[at] != j:
                    at = following[at]
                if at >= 0:
                    continue
                if used + 2 > room:
                    room *= 2
                    longer = np.empty((2, room), np.int32)
                    longer[0, :used] = following[:used]
                    longer[1, :used] = other[:used]
                    following, other = longer[0].copy(), longer[1].copy()
                other[used], following[used] = j, first[k]
                first[k] = used
                other[used + 1], following[used + 1] = k, first[j]
                first[j] = used + 1
                used += 2
    return first, following[:used].copy(), other[:used].copy()


@kernel(nogil=True)
def merge(labels: LabelArray, table: Superpixels, count: int, model: Model) -> int:
    """Merge pairs of neighbours that score higher as one, in place; returns how many. See :func:`choose_merges`."""
    first, following, other = neighbours(labels, count, model.pad)
    pairs = np.empty((len(other), 2), np.int32)
    used = 0
    for k in range(count):
        at = first[k]
        while at >= 0:
            pairs[used, 0], pairs[used, 1] = k, other[at]
            at = following[at]
            used += 1
    merged, target = choose_merges(pairs, table, count, model)
    if merged:
        for y in range(labels.shape[0]):
            for x in range(labels.shape[1]):
                if labels[y, x] >= 0:
                    labels[y, x] = target[labels[y, x]]
    return merged


@kernel(nogil=True)
def choose_merges(pairs: LabelArray, table: Superpixels, count: int, model: Model) -> tuple[int, LabelArray]:
    """Merge the rows of neighbours that score higher as one.

    Returns how many were merged, and each row's new row, int32 (K,).

    pairs: int32 (E, 2), superpixels that touch. Each is judged with the first one's identity kept, so both ways round
    must be there. The best pairs go first and no superpixel takes part twice, so that the gains add up exactly.
    The other's row is left empty.
    """
    alone = np.zeros(count)
    for k in range(count):
        if table.stats[k, COUNT] > 0:
            alone[k] = log_posterior(model, table.stats[k], table.priors[k], table.old[k])
    gains = np.zeros(count)
    partner = np.full(count, np.int32(-1))
    united = np.empty(STATISTICS)
    for i in range(len(pairs)):
        k, j = pairs[i, 0], pairs[i, 1]
        for d in range(STATISTICS):
            united[d] = table.stats[k, d] + table.stats[j, d]
        both = log_posterior(model, united, table.priors[k], table.old[k])
        gain = both - alone[k] - alone[j]
        if gain > gains[k] and gain > LEAST_GAIN:
            gains[k], partner[k] = gain, j
    target = np.arange(count).astype(np.int32)
    free = np.ones(count, np.bool_)
    merged = 0
    for k in np.argsort(-gains, kind="mergesort"):
        if gains[k] <= 0:
            break
        j = partner[k]
        if free[k] and free[j]:
            free[k] = free[j] = False
            target[j] = k
            table.stats[k] += table.stats[j]
            table.stats[j] = 0.0
            table.changed[k], table.changed[j] = True, False
            refresh(model, k, table)
            refresh(model, j, table)
            merged += 1
    return merged, target


@kernel(nogil=True)
def _reach(model: Model) -> float:
    """How far from its own place, whitened, a superpixel looks for labels that have died."""
    return float(_REACH * model.place_scale * np.sqrt(model.area / np.pi))


@kernel(nogil=True)
def within_reach(model: Model, table: Superpixels, k: int, q: int) -> bool:
    """Whether superpixel k lies near enough to where q is expected for k's pixels to be q's."""
    dy, dx = table.scores[k, 0] - table.priors[q, 0], table.scores[k, 1] - table.priors[q, 1]
    return bool(dy * dy + dx * dx < _reach(model) ** 2)


@kernel(nogil=True)
def switch(table: Superpixels, count: int, model: Model) -> tuple[int, int]:
    """Give superpixels the identity that explains them best, in place.

    An old one may become a new one, and any may take up the label of one that has died. The identity that an old
    one gives up goes to a row without pixels, where another can take it up. The table needs room for twice
    ``count`` rows. Returns how many switched and the new count.
    """
    lost = np.flatnonzero(table.old[:count] & (table.stats[:count, COUNT] == 0))
    lost = lost[np.argsort(table.priors[lost, 0])]  # by row, so that few are looked at for each superpixel
    rows_of_lost = table.priors[lost, 0].copy()
    reach = _reach(model)
    doubt = REVIVAL * (model.log_old - model.log_new)
    as_new = 2 * count  # no row
    switched, rows = 0, count
    for k in range(count):
        if table.stats[k, COUNT] == 0 or table.stats[k, INSIDE] == 0:
            continue
        here = log_posterior(model, table.stats[k], table.priors[k], table.old[k])
        best, best_gain = -1, LEAST_GAIN
        if table.old[k]:
            gain = log_posterior(model, table.stats[k], table.priors[k], False) - here
            if gain > best_gain:
                best, best_gain = as_new, gain
        start = np.searchsorted(rows_of_lost, table.scores[k, 0] - reach)
        near = np.searchsorted(rows_of_lost, table.scores[k, 0] + reach) - start
        for i in range(near + rows - count):
            q = lost[start + i] if i < near else count + i - near
            if table.old[q] and within_reach(model, table, k, q):
                gain = log_posterior(model, table.stats[k], table.priors[q], True) - here - doubt
                if gain > best_gain:
                    best, best_gain = q, gain
        if best < 0:
            continue
        if table.old[k]:
            table.ids[rows], table.old[rows], table.priors[rows] = table.ids[k], True, table.priors[k]
            table.flows[rows] = table.flows[k]
            table.stats[rows] = 0.0
            refresh(model, rows, table)
            rows += 1
        if best == as_new:
            table.ids[k], table.old[k], table.flows[k] = -1, False, 0.0
        else:
            table.ids[k], table.old[k], table.priors[k] = table.ids[best], True, table.priors[best]
            table.flows[k] = table.flows[best]
            table.ids[best], table.old[best] = -1, False
            refresh(model, best, table)
        table.changed[k] = True
        refresh(model, k, table)
        switched += 1
    return switched, rows


@kernel(nogil=True)
def activate(labels: LabelArray, table: Superpixels, active: ByteArray) -> None:
    """Make every pixel of the changed superpixels and its 4-neighbours active."""
    for y in range(1, labels.shape[0] - 1):
        for x in range(1, labels.shape[1] - 1):
            k = labels[y, x]
            if k >= 0 and table.changed[k]:
                active[y, x] = active[y - 1, x] = active[y + 1, x] = active[y, x - 1] = active[y, x + 1] = 1
