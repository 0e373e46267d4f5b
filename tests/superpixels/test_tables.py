import numpy as np
import pytest
from grids import grid

from vfxstyle.superpixels.tables import adjacency, table_of


def test_the_table_holds_centroids_and_mean_colours():
    labels, lab, table, rows = grid()
    assert table.labels.tolist() == sorted(set(labels.reshape(-1).tolist()))
    np.testing.assert_array_equal(table.labels[rows], labels)
    np.testing.assert_allclose(table.centroids[0], [3.5, 3.5])
    np.testing.assert_allclose(table.centroids[1], [11.5, 3.5])
    np.testing.assert_allclose(table.colours[rows], lab, atol=1e-4)


def test_adjacency_of_a_grid():
    pairs = {tuple(pair) for pair in adjacency(grid()[3]).tolist()}
    expected = {(r * 4 + c, r * 4 + c + 1) for r in range(4) for c in range(3)}
    expected |= {(r * 4 + c, r * 4 + c + 4) for r in range(3) for c in range(4)}
    assert pairs == expected
    assert adjacency(np.zeros((3, 3), np.int32)).shape == (0, 2)


def test_the_table_of_any_map_agrees_with_plain_means():
    random = np.random.default_rng(3)
    labels = random.integers(0, 50, (20, 30)).astype(np.int32) * 7
    lab = (random.random((20, 30, 3)) * 80).astype(np.float32)
    table, rows = table_of(labels, lab)
    np.testing.assert_array_equal(table.labels[rows], labels)
    for row, label in enumerate(table.labels.tolist()):
        y, x = np.nonzero(labels == label)
        np.testing.assert_allclose(table.centroids[row], [x.mean(), y.mean()], rtol=1e-6)
        np.testing.assert_allclose(table.colours[row], lab[y, x].mean(axis=0), rtol=1e-5)


def test_adjacency_of_any_map_is_that_of_its_sides():
    rows = np.random.default_rng(4).integers(0, 9, (7, 11)).astype(np.int32)
    sides = [*zip(rows[:, 1:].flat, rows[:, :-1].flat, strict=True), *zip(rows[1:].flat, rows[:-1].flat, strict=True)]
    expected = {(min(a, b), max(a, b)) for a, b in sides if a != b}
    assert adjacency(rows).tolist() == [list(map(int, pair)) for pair in sorted(expected)]


def test_a_table_of_another_size_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        table_of(np.zeros((4, 5), np.int32), np.zeros((4, 4, 3), np.float32))
