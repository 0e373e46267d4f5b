"""The split: a superpixel becomes two where two explain its pixels better."""

from __future__ import annotations

import numpy as np

from tsp.arrays import BoolArray, DoubleArray, FloatArray, LabelArray, WordArray
from tsp.compiled import kernel
from tsp.halves import FLAT, gains_by_parting, propose
from tsp.model import COUNT, INSIDE, Model, Superpixels, log_area, log_posterior, refresh, squares
from tsp.moves import LEAST_GAIN, REVIVAL, within_reach

_SMALLEST = 4  # px
_SHARE = 0.7


@kernel(nogil=True)
def hopeful(total: DoubleArray, table: Superpixels, count: int, model: Model) -> BoolArray:
    """Which changed superpixels might gain by a split.

    A split gains part of the squares that the means leave unexplained, and what the prior gives for smaller areas.
    Requiring that 0.7 of the former is enough halves the proposals and loses no split (624 without this test on DAVIS
    blackswan, 480x270, and 634 with it).
    total: float64 (K,), see :func:`tsp.model.squares`.
    """
    might = np.zeros(count, np.bool_)
    price = model.log_new + _bonus(model, len(_lost(table, count)))
    for k in range(count):
        n = table.stats[k, COUNT]
        if table.changed[k] and table.stats[k, INSIDE] >= _SMALLEST:
            score = log_posterior(model, table.stats[k], table.priors[k], table.old[k])
            unexplained = 0.5 * total[k] - score + log_area(model, n, table.old[k])
            might[k] = _SHARE * unexplained + price + (model.area - n) ** 2 / (2 * model.area_var) > 0
    return might


@kernel(nogil=True)
def _lost(table: Superpixels, count: int) -> LabelArray:
    """Rows of old superpixels that have died, int32."""
    return np.flatnonzero(table.old[:count] & (table.stats[:count, COUNT] == 0)).astype(np.int32)


@kernel(nogil=True)
def _bonus(model: Model, lost: int) -> float:
    """Nats that a second part can gain over being new by taking up a label, if any is lost."""
    return (1 - REVIVAL) * (model.log_old - model.log_new) if lost else 0.0


@kernel(nogil=True)
def _take_parts(
    k: int, parts: DoubleArray, lost: LabelArray, rows: int, table: Superpixels, model: Model
) -> tuple[int, int]:
    """Make two parts of superpixel k two rows, if that scores higher; its own row keeps one of them.

    parts: float64 (2, 7), statistics. lost: rows whose labels can be taken up. rows: the first unused row.
    Returns the part that leaves and the row that it goes to, or -1 and -1.
    """
    doubt = REVIVAL * (model.log_old - model.log_new)
    score = log_posterior(model, table.stats[k], table.priors[k], table.old[k])
    leaving, best, best_gain = -1, -1, LEAST_GAIN
    for stay in range(2):
        gain = log_posterior(model, parts[stay], table.priors[k], table.old[k]) - score
        go = gain + log_posterior(model, parts[1 - stay], FLAT, False)
        if go > best_gain:
            leaving, best, best_gain = 1 - stay, rows, go
        for i in range(len(lost)):
            q = lost[i]
            if table.stats[q, COUNT] == 0 and within_reach(model, table, k, q):
                go = gain + log_posterior(model, parts[1 - stay], table.priors[q], True) - doubt
                if go > best_gain:
                    leaving, best, best_gain = 1 - stay, q, go
    if best < 0:
        return -1, -1
    if best == rows:
        table.ids[best], table.old[best] = -1, False
    table.stats[k], table.stats[best] = parts[1 - leaving], parts[leaving]
    for j in (k, best):
        table.changed[j] = True
        refresh(model, j, table)
    return leaving, best


@kernel(nogil=True)
def promising(parts: DoubleArray, might: BoolArray, table: Superpixels, count: int, model: Model) -> BoolArray:
    """Which of the superpixels that might gain would gain by these parts if a label were free for every second one.

    parts: float64 (K, 2, 7), statistics.
    """
    bonus = _bonus(model, len(_lost(table, count)))
    gains = np.zeros(count, np.bool_)
    for k in range(count):
        if might[k] and parts[k, 0, COUNT] > 0 and parts[k, 1, COUNT] > 0:
            gains[k] = gains_by_parting(k, parts[k], bonus, table, model)
    return gains


@kernel(nogil=True)
def choose_splits(
    parts: DoubleArray, ready: BoolArray, table: Superpixels, count: int, model: Model
) -> tuple[int, int, LabelArray, LabelArray]:
    """Split the superpixels that are ready and score higher in two parts: their parts get rows of their own.

    parts: float64 (K, 2, 7), statistics of two connected parts. The table needs room for twice ``count`` rows.
    Returns how many were split, the new count, and for each row the part that leaves (-1: none) and its new row.
    """
    lost = _lost(table, count)
    leaving, target = np.full(count, np.int32(-1)), np.full(count, np.int32(-1))
    rows, done = count, 0
    for k in range(count):
        if ready[k]:
            leaving[k], target[k] = _take_parts(k, parts[k], lost, rows, table, model)
            rows += target[k] == rows
            done += leaving[k] >= 0
    return done, rows, leaving, target


@kernel(nogil=True)
def _list_pixels(labels: LabelArray, selected: BoolArray) -> tuple[LabelArray, LabelArray, LabelArray]:
    """Pixels of the selected superpixels.

    Those of k are at ``pixels[start[k]:start[k + 1]]``, as (y, x); ``rank`` is each one's place in that list.
    """
    count = len(selected)
    start = np.zeros(count + 1, np.int32)
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if k >= 0 and selected[k]:
                start[k + 1] += 1
    for k in range(count):
        start[k + 1] += start[k]
    pixels = np.empty((start[count], 2), np.int32)
    rank = np.empty((height, width), np.int32)
    at = start[:-1].copy()
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if k >= 0 and selected[k]:
                pixels[at[k], 0], pixels[at[k], 1] = y, x
                rank[y, x] = at[k]
                at[k] += 1
    return start, pixels, rank


@kernel(nogil=True)
def split(
    labels: LabelArray, colour: FloatArray, table: Superpixels, count: int, model: Model, state: WordArray
) -> tuple[int, int]:
    """Split changed superpixels that score higher in two parts, in place.

    Candidates are those whose pixels are explained so badly that a split can gain at all. The second part becomes a
    new superpixel or takes up the label of one that has died. The table needs room for twice ``count`` rows.
    state: uint64 (1,), of the random numbers. Returns how many were split and the new count.
    """
    lost = _lost(table, count)
    might = hopeful(squares(labels, colour, count, model), table, count, model)
    table.changed[:count] = False
    start, pixels, rank = _list_pixels(labels, might)
    bonus = _bonus(model, len(lost))
    rows, done = count, 0
    for k in range(count):
        if not might[k]:
            continue
        mine = pixels[start[k] : start[k + 1]]
        proposed, part, parts = propose(k, mine, start[k], rank, labels, colour, table, model, bonus, state)
        if not proposed:
            continue
        leaving, target = _take_parts(k, parts, lost, rows, table, model)
        if leaving < 0:
            continue
        rows += target == rows
        done += 1
        for i in range(len(mine)):
            if part[i] == leaving:
                labels[mine[i, 0], mine[i, 1]] = target
    return done, rows
