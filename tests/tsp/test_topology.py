import numpy as np
import pytest
from oracle import pieces

from tsp.topology import TOPOLOGICAL_NUMBER, connected_pieces

RING = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def test_the_table_agrees_with_a_flood_fill_for_all_256_rings():
    for ring in range(256):
        mask = np.zeros((3, 3), bool)
        for bit, (dy, dx) in enumerate(RING):
            mask[1 + dy, 1 + dx] = bool(ring >> bit & 1)
        touching = [p for p in pieces(mask) if p & {(0, 1), (1, 2), (2, 1), (1, 0)}]
        assert TOPOLOGICAL_NUMBER[ring] == len(touching), f"ring {ring:08b}"


@pytest.mark.parametrize("seed", range(4))
def test_pieces_of_noise_agree_with_a_flood_fill(seed):
    labels = np.random.default_rng(seed).integers(-1, 2, (20, 30)).astype(np.int32)
    numbers, sizes, owners = connected_pieces(labels)
    expected = [p for value in range(-1, 2) for p in pieces(labels == value)]
    assert len(sizes) == len(expected)
    for piece in expected:
        y, x = next(iter(piece))
        number = numbers[y, x]
        assert sizes[number] == len(piece)
        assert owners[number] == labels[y, x]
        assert {numbers[p] for p in piece} == {number}


def test_a_spiral_is_one_piece():
    """Its arms meet only at the end, which joins many provisional pieces."""
    labels = np.zeros((9, 9), np.int32)
    labels[1, 1:8] = labels[1:8, 7] = labels[7, 1:8] = labels[3:8, 1] = labels[3, 1:6] = labels[3:6, 5] = 1
    numbers, sizes, owners = connected_pieces(labels)
    assert (owners == 1).sum() == 1
    assert sizes[owners == 1] == (labels == 1).sum()
    assert len(np.unique(numbers[labels == 1])) == 1
