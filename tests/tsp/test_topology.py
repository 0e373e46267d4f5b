import numpy as np
import pytest

from tsp.topology import (
    HOLE,
    TOPOLOGICAL_NUMBER,
    connected_pieces,
    fill_holes,
    keep_largest_pieces,
    ring_of,
)

RING = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def pieces_by_flood(mask):
    """4-connected pieces of a boolean picture, by plain recursion."""
    todo, pieces = set(zip(*np.nonzero(mask), strict=True)), []
    while todo:
        stack, piece = [todo.pop()], set()
        while stack:
            y, x = stack.pop()
            piece.add((y, x))
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if near in todo:
                    todo.remove(near)
                    stack.append(near)
        pieces.append(piece)
    return pieces


def test_the_table_agrees_with_a_flood_fill_for_all_256_rings():
    for ring in range(256):
        mask = np.zeros((3, 3), bool)
        for bit, (dy, dx) in enumerate(RING):
            mask[1 + dy, 1 + dx] = bool(ring >> bit & 1)
        touching = [p for p in pieces_by_flood(mask) if p & {(0, 1), (1, 2), (2, 1), (1, 0)}]
        assert TOPOLOGICAL_NUMBER[ring] == len(touching), f"ring {ring:08b}"


def test_the_ring_is_read_in_order_and_ends_at_the_frame():
    labels = np.zeros((3, 3), np.int32)
    for bit, (dy, dx) in enumerate(RING):
        labels[:] = 0
        labels[1 + dy, 1 + dx] = 1
        assert ring_of(labels, 1, 1, 1) == 1 << bit
    labels[:] = 1
    assert ring_of(labels, 0, 0, 1) == 8 | 16 | 32


def test_pieces_of_noise_agree_with_a_flood_fill():
    labels = np.random.default_rng(0).integers(0, 3, (20, 30)).astype(np.int32)
    pieces, sizes, owners = connected_pieces(labels)
    expected = [p for value in range(3) for p in pieces_by_flood(labels == value)]
    assert len(sizes) == len(expected)
    for piece in expected:
        y, x = next(iter(piece))
        number = pieces[y, x]
        assert sizes[number] == len(piece)
        assert owners[number] == labels[y, x]
        assert {pieces[p] for p in piece} == {number}


def test_holes_are_filled_from_their_edges_without_cutting_anything():
    labels = np.full((9, 9), HOLE, np.int32)
    labels[:, 0], labels[:, 8] = 4, 7
    fill_holes(labels)
    assert (labels[:, :4] == 4).all()
    assert (labels[:, 5:] == 7).all()


@pytest.mark.parametrize("smallest", [1, 6, 10**6])
def test_every_label_ends_as_one_piece_and_the_largest_keeps_its_name(smallest):
    labels = np.random.default_rng(1).integers(-1, 4, (24, 24)).astype(np.int32)
    before = labels.copy()
    following = keep_largest_pieces(labels, 4, smallest)
    assert labels.min() >= 0
    assert labels.max() < following
    for value in np.unique(labels):
        assert len(pieces_by_flood(labels == value)) == 1
    for value in range(4):
        largest = max(pieces_by_flood(before == value), key=len)
        assert all(labels[pixel] == value for pixel in largest)


def test_a_frame_that_is_all_hole_becomes_one_label():
    labels = np.full((4, 4), HOLE, np.int32)
    assert keep_largest_pieces(labels, 9, 1000) == 10
    assert (labels == 9).all()
