"""Connectivity on label maps: the simple-point table, connected pieces, filling.

A label map is int32 (H, W); -1 is a hole. Connectivity is 4-connectivity inside the frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

LabelArray = npt.NDArray[np.int32]

HOLE = -1


def _topological_number(ring: int) -> int:
    """4-components among the ring's set bits that touch a 4-neighbour, by flood fill round the ring.

    Bits run NW, N, NE, E, SE, S, SW, W; a diagonal counts only through an adjacent set 4-neighbour.
    """
    bits = [bool(ring >> i & 1) for i in range(8)]
    pieces, seen = 0, [False] * 8
    for start in (1, 3, 5, 7):
        if not bits[start] or seen[start]:
            continue
        pieces += 1
        stack = [start]
        while stack:
            at = stack.pop()
            seen[at] = True
            stack.extend(n for n in ((at + 1) % 8, (at - 1) % 8) if bits[n] and not seen[n])
    return pieces


TOPOLOGICAL_NUMBER = np.array([_topological_number(ring) for ring in range(256)], np.uint8)
"""Topological number of a pixel for the label whose ring pattern indexes the table."""


@njit(cache=True, inline="always")
def ring_of(labels: LabelArray, y: int, x: int, label: int) -> int:
    """Which of the eight neighbours of (y, x) carry ``label``, as bits NW, N, NE, E, SE, S, SW, W."""
    height, width = labels.shape
    up, down, left, right = y > 0, y + 1 < height, x > 0, x + 1 < width
    ring = 0
    if up and left and labels[y - 1, x - 1] == label:
        ring |= 1
    if up and labels[y - 1, x] == label:
        ring |= 2
    if up and right and labels[y - 1, x + 1] == label:
        ring |= 4
    if right and labels[y, x + 1] == label:
        ring |= 8
    if down and right and labels[y + 1, x + 1] == label:
        ring |= 16
    if down and labels[y + 1, x] == label:
        ring |= 32
    if down and left and labels[y + 1, x - 1] == label:
        ring |= 64
    if left and labels[y, x - 1] == label:
        ring |= 128
    return ring


@njit(cache=True)
def connected_pieces(labels: LabelArray) -> tuple[LabelArray, LabelArray, LabelArray]:
    """4-connected pieces of equal label, holes included.

    Returns the piece of every pixel, int32 (H, W), each piece's size in px and each piece's label.
    """
    height, width = labels.shape
    pieces = np.full((height, width), -1, np.int32)
    sizes = np.zeros(height * width, np.int32)
    owners = np.zeros(height * width, np.int32)
    stack = np.empty(height * width, np.int64)
    count = 0
    for start in range(height * width):
        sy, sx = start // width, start % width
        if pieces[sy, sx] >= 0:
            continue
        label = labels[sy, sx]
        pieces[sy, sx] = count
        owners[count] = label
        stack[0] = start
        top = 1
        while top:
            top -= 1
            y, x = stack[top] // width, stack[top] % width
            sizes[count] += 1
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= ny < height and 0 <= nx < width and pieces[ny, nx] < 0 and labels[ny, nx] == label:
                    pieces[ny, nx] = count
                    stack[top] = ny * width + nx
                    top += 1
        count += 1
    return pieces, sizes[:count], owners[:count]


@njit(cache=True)
def fill_holes(labels: LabelArray) -> None:
    """Give every hole pixel to the label that reaches it first, in rings from the holes' edges.

    Each label stays one piece, because a filled pixel touches the label that it takes.
    """
    height, width = labels.shape
    queue = np.empty(height * width, np.int64)
    tail = 0
    for y in range(height):
        for x in range(width):
            if labels[y, x] >= 0:
                queue[tail] = y * width + x
                tail += 1
    head = 0
    while head < tail:
        y, x = queue[head] // width, queue[head] % width
        head += 1
        for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= ny < height and 0 <= nx < width and labels[ny, nx] < 0:
                labels[ny, nx] = labels[y, x]
                queue[tail] = ny * width + nx
                tail += 1


def keep_largest_pieces(labels: LabelArray, next_label: int, smallest_birth: float) -> int:
    """Make every label one piece and leave no hole, in place.

    The largest piece of a label keeps it. Any other piece, and any hole, becomes a new label if it has at
    least ``smallest_birth`` px, and is filled by its neighbours if not. Returns the next unused label.
    """
    pieces, sizes, owners = connected_pieces(labels)
    order = np.lexsort((np.arange(len(sizes)), -sizes.astype(np.int64), owners))
    first = np.ones(len(order), bool)
    first[1:] = owners[order][1:] != owners[order][:-1]
    kept = np.zeros(len(sizes), bool)
    kept[order[first]] = True
    kept &= owners != HOLE
    target = np.where(kept, owners, HOLE).astype(np.int32)
    born = ~kept & (sizes >= smallest_birth)
    if not kept.any() and not born.any():
        born[int(sizes.argmax())] = True
    target[born] = np.arange(next_label, next_label + int(born.sum()), dtype=np.int32)
    labels[...] = target[pieces]
    fill_holes(labels)
    return next_label + int(born.sum())
