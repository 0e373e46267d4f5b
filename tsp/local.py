"""The local move: a border pixel goes to the neighbour that gains most, if nothing is cut by it.

Label maps here are *padded*: int32 (H + 2 pad, W + 2 pad). The frame lies in the middle; around it is the margin
of virtual pixels, which have a place but no colour and may be UNASSIGNED; its outermost ring always is.
"""

from __future__ import annotations

import numpy as np

from tsp.arrays import ByteArray, FloatArray, LabelArray
from tsp.compiled import kernel
from tsp.model import (
    ADD_AREA,
    ADD_COLOUR,
    ADD_PLACE,
    COUNT,
    DROP_AREA,
    DROP_COLOUR,
    DROP_PLACE,
    INSIDE,
    MEAN_A,
    MEAN_B,
    MEAN_L,
    MEAN_X,
    MEAN_Y,
    SUM_A,
    SUM_B,
    SUM_L,
    SUM_X,
    SUM_Y,
    Model,
    Superpixels,
    refresh,
)
from tsp.topology import (
    HIDDEN_AT_BOTTOM,
    HIDDEN_AT_LEFT,
    HIDDEN_AT_RIGHT,
    HIDDEN_AT_TOP,
    TOPOLOGICAL_NUMBER,
    UNASSIGNED,
)

LEAST_PIXEL_GAIN = 1e-9  # nats; a move must gain more
_ALL = 255
SETTLED = 0.004  # a round ends when no more than this share of the pixels tested at its start still moves


@kernel(nogil=True, inline="always")
def _ring(label: int, nw: int, n: int, ne: int, e: int, se: int, s: int, sw: int, w: int) -> int:
    """Which of the eight neighbours carry ``label``, as bits NW, N, NE, E, SE, S, SW, W."""
    return (
        (nw == label)
        | (n == label) << 1
        | (ne == label) << 2
        | (e == label) << 3
        | (se == label) << 4
        | (s == label) << 5
        | (sw == label) << 6
        | (w == label) << 7
    )


@kernel(nogil=True, inline="always")
def _may_join(ring_inside: int, inside: bool, pixels_inside: float) -> bool:
    """Whether a pixel may join a label without making a second piece of it in the frame."""
    if not inside:
        return True
    number = TOPOLOGICAL_NUMBER[ring_inside]
    return number == 1 or (number == 0 and pixels_inside == 0)


@kernel(nogil=True)
def sweep(  # noqa: C901 - one compiled loop
    labels: LabelArray, colour: FloatArray, table: Superpixels, active: ByteArray, model: Model, backwards: bool
) -> tuple[int, int]:
    """One pass over the active pixels, in place; pixels near a move are active in the next pass.

    labels: padded. colour: float32 (H, W, 3), whitened L, a, b. active: uint8, the size of labels.
    Every label beside a pixel must allow its move, as published.
    Superpixels that gain or lose a pixel are marked as changed. Returns the number of moves and of border pixels
    tested.
    """
    stats, scores = table.stats, table.scores
    pad = model.pad
    height, width = labels.shape
    last_y, last_x = height - pad - 1, width - pad - 1
    moves, tested = 0, 0
    around = np.empty(4, np.int32)
    for step_y in range(1, height - 1):
        y = height - 1 - step_y if backwards else step_y
        if active[y].sum() == 0:  # most rows of late passes
            continue
        for step_x in range(1, width - 1):
            x = width - 1 - step_x if backwards else step_x
            if not active[y, x]:
                continue
            active[y, x] = 0
            k = labels[y, x]
            n, s, w, e = labels[y - 1, x], labels[y + 1, x], labels[y, x - 1], labels[y, x + 1]
            if n == k and s == k and w == k and e == k:
                continue
            tested += 1
            inside = pad <= y <= last_y and pad <= x <= last_x
            nw, ne, sw, se = labels[y - 1, x - 1], labels[y - 1, x + 1], labels[y + 1, x - 1], labels[y + 1, x + 1]
            inside_ring = _ALL
            if inside:
                if y == pad:
                    inside_ring &= ~HIDDEN_AT_TOP
                if y == last_y:
                    inside_ring &= ~HIDDEN_AT_BOTTOM
                if x == pad:
                    inside_ring &= ~HIDDEN_AT_LEFT
                if x == last_x:
                    inside_ring &= ~HIDDEN_AT_RIGHT
            here_y, here_x = (y - pad) * model.place_scale, (x - pad) * model.place_scale
            light, a, b = np.float32(0), np.float32(0), np.float32(0)
            if inside:
                light, a, b = colour[y - pad, x - pad, 0], colour[y - pad, x - pad, 1], colour[y - pad, x - pad, 2]
            # leaving the present label
            if k == UNASSIGNED:
                leave = -model.log_unassigned
            else:
                if n == k or s == k or w == k or e == k:
                    ring = _ring(k, nw, n, ne, e, se, s, sw, w)
                    if TOPOLOGICAL_NUMBER[ring] != 1 or TOPOLOGICAL_NUMBER[ring & inside_ring] > 1:
                        continue
                    if inside and TOPOLOGICAL_NUMBER[ring & inside_ring] == 0 and stats[k, INSIDE] > 1:
                        continue
                dy, dx = here_y - scores[k, MEAN_Y], here_x - scores[k, MEAN_X]
                leave = scores[k, DROP_PLACE] * (dy * dy + dx * dx) + scores[k, DROP_AREA]
                if inside:
                    dl, da, db = light - scores[k, MEAN_L], a - scores[k, MEAN_A], b - scores[k, MEAN_B]
                    leave += scores[k, DROP_COLOUR] * (dl * dl + da * da + db * db)
            # joining the best neighbour
            around[0], around[1], around[2], around[3] = n, s, w, e
            best, best_gain = k, LEAST_PIXEL_GAIN
            if not inside and k != UNASSIGNED and (n < 0 or s < 0 or w < 0 or e < 0):
                gain = leave + model.log_unassigned
                if gain > best_gain:
                    best, best_gain = np.int32(UNASSIGNED), gain
            for i in range(4):
                label = around[i]
                if label == k or label < 0:
                    continue
                if (i > 0 and label == around[0]) or (i > 1 and label == around[1]) or (i > 2 and label == around[2]):
                    continue
                ring = _ring(label, nw, n, ne, e, se, s, sw, w)
                if TOPOLOGICAL_NUMBER[ring] != 1:
                    best = k
                    break
                dy, dx = here_y - scores[label, MEAN_Y], here_x - scores[label, MEAN_X]
                gain = leave + scores[label, ADD_AREA] - scores[label, ADD_PLACE] * (dy * dy + dx * dx)
                if inside:
                    dl, da, db = light - scores[label, MEAN_L], a - scores[label, MEAN_A], b - scores[label, MEAN_B]
                    gain -= scores[label, ADD_COLOUR] * (dl * dl + da * da + db * db)
                if gain > best_gain and _may_join(ring & inside_ring, inside, stats[label, INSIDE]):
                    best, best_gain = label, gain
            if best == k:
                continue
            labels[y, x] = best
            moves += 1
            for leaving in (True, False):
                label, sign = (k, -1.0) if leaving else (best, 1.0)
                if label < 0:
                    continue
                stats[label, COUNT] += sign
                stats[label, SUM_Y] += sign * here_y
                stats[label, SUM_X] += sign * here_x
                if inside:
                    stats[label, INSIDE] += sign
                    stats[label, SUM_L] += sign * light
                    stats[label, SUM_A] += sign * a
                    stats[label, SUM_B] += sign * b
                table.changed[label] = True
                refresh(model, label, table)
            for ny in range(y - 1, y + 2):
                for nx in range(x - 1, x + 2):
                    active[ny, nx] = 1
    return moves, tested


def settle(
    labels: LabelArray, colour: FloatArray, table: Superpixels, active: ByteArray, model: Model, most: int
) -> None:
    """Sweep until little moves, at most ``most`` times, in place. Arguments as for :func:`sweep`."""
    enough = 0.0
    for number in range(most):
        moved, tested = sweep(labels, colour, table, active, model, number % 2 == 1)
        enough = enough or SETTLED * tested
        if moved <= enough:
            break
