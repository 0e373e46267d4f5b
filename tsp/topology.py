"""Connectivity on label maps: the simple-point table and connected pieces.

Connectivity is 4-connectivity.
"""

from __future__ import annotations

import numpy as np

from tsp.arrays import LabelArray
from tsp.compiled import kernel

UNASSIGNED = -1
"""The label of a pixel without a superpixel: one of the margin, or one that is uncovered and not filled yet."""


AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Steps to the four neighbours, (dy, dx)."""


# Of the ring's bits NW, N, NE, E, SE, S, SW, W those that lie outside the frame for a pixel on its edge.
HIDDEN_AT_TOP, HIDDEN_AT_RIGHT, HIDDEN_AT_BOTTOM, HIDDEN_AT_LEFT = 0b00000111, 0b00011100, 0b01110000, 0b11000001


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


@kernel(nogil=True)
def connected_pieces(labels: LabelArray) -> tuple[LabelArray, LabelArray, LabelArray]:
    """4-connected pieces of equal label, UNASSIGNED included.

    labels: int32 (H, W). Returns the piece of every pixel, int32 (H, W), each piece's size in px and its label.
    """
    height, width = labels.shape
    pieces = np.empty((height, width), np.int32)
    parent = np.empty(height * width, np.int32)  # union-find over runs; a root is its own parent
    count = np.int32(0)
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            west = x > 0 and labels[y, x - 1] == label
            north = y > 0 and labels[y - 1, x] == label
            if west:
                root = pieces[y, x - 1]
                if north and labels[y - 1, x - 1] != label:  # else they already met one pixel before
                    root = _unite(parent, root, pieces[y - 1, x])
            elif north:
                root = pieces[y - 1, x]
            else:
                root = count
                parent[count] = count
                count += np.int32(1)
            pieces[y, x] = root
    names = np.empty(count, np.int32)
    used = np.int32(0)
    for i in range(count):  # a root is always the lowest of its set, so it is numbered before its members are looked up
        if parent[i] == i:
            names[i] = used
            used += np.int32(1)
        else:
            names[i] = names[_root(parent, int(i))]
    sizes = np.zeros(used, np.int32)
    owners = np.empty(used, np.int32)
    for y in range(height):
        for x in range(width):
            piece = names[pieces[y, x]]
            pieces[y, x] = piece
            sizes[piece] += 1
            owners[piece] = labels[y, x]
    return pieces, sizes, owners


@kernel(nogil=True)
def _root(parent: LabelArray, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel(nogil=True)
def _unite(parent: LabelArray, i: int, j: int) -> int:
    i, j = _root(parent, i), _root(parent, j)
    low, high = min(i, j), max(i, j)
    parent[high] = low
    return low
