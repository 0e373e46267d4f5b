import numpy as np
from grids import grid

from vfxstyle.superpixels.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.superpixels.tables import FrameTable, adjacency, table_of


def test_smoothing_agrees_with_the_papers_formula():
    _, _, table, rows = grid()
    edges = adjacency(rows)
    transforms = np.random.default_rng(1).normal(size=(16, 30)).astype(np.float32)
    colour = ((table.colours[edges[:, 0]] - table.colours[edges[:, 1]]) ** 2).sum(1).mean()
    place = ((table.centroids[edges[:, 0]] - table.centroids[edges[:, 1]]) ** 2).sum(1).mean()
    for k in (0, 5, 15):
        total, weights = transforms[k].astype(np.float64).copy(), 1.0
        for one, two in edges.tolist():
            if k in (one, two):
                other = two if one == k else one
                w = np.exp(-((table.colours[k] - table.colours[other]) ** 2).sum() / colour)
                w *= np.exp(-((table.centroids[k] - table.centroids[other]) ** 2).sum() / place)
                total, weights = total + w * transforms[other], weights + w
        np.testing.assert_allclose(smooth_over_neighbours(transforms, table, edges)[k], total / weights, rtol=1e-4)


def test_equal_transforms_stay_and_a_lone_superpixel_too():
    _, lab, table, rows = grid()
    same = np.full((16, 30), 0.25, np.float32)
    np.testing.assert_allclose(smooth_over_neighbours(same, table, adjacency(rows)), same, rtol=1e-6)
    np.testing.assert_allclose(spread_over_pixels(rows, same, table, lab).coefficients, 0.25, rtol=1e-5)
    lone = FrameTable(table.labels[:1], table.centroids[:1], table.colours[:1])
    edges = np.zeros((0, 2), np.int32)
    np.testing.assert_array_equal(smooth_over_neighbours(same[:1], lone, edges), same[:1])


def test_no_blocks_remain_between_superpixels_of_one_colour():
    """Two superpixels of one colour with different transforms: the field runs over without a step."""
    rows = np.zeros((30, 60), np.int32)
    rows[:, 30:] = 1
    lab = np.full((30, 60, 3), 50, np.float32)
    table, _ = table_of(rows, lab)
    transforms = np.zeros((2, 30), np.float32)
    transforms[1] = 1
    field = spread_over_pixels(rows, transforms, table, lab).coefficients[15, :, 0]
    assert field[0] < 0.1
    assert field[-1] > 0.9
    assert np.abs(np.diff(field)).max() < 0.25


def test_a_colour_edge_is_not_blurred_over():
    rows = np.zeros((30, 60), np.int32)
    rows[:, 30:] = 1
    lab = np.full((30, 60, 3), 20, np.float32)
    lab[:, 30:, 0] = 80
    table, _ = table_of(rows, lab)
    transforms = np.zeros((2, 30), np.float32)
    transforms[1] = 1
    field = spread_over_pixels(rows, transforms, table, lab).coefficients[15, :, 0]
    assert field[:30].max() < 1e-3
    assert field[30:].min() > 1 - 1e-3
