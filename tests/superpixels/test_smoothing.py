import numpy as np
import pytest
from grids import grid

from vfxstyle.superpixels.smoothing import BORDER_SIGMA, TAPS, smooth_over_neighbours, spread_over_pixels
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


def plainly_spread(rows, transforms, colours, guide, reach):
    """The same, sample by sample."""
    height, width = rows.shape
    step = reach / (TAPS // 2)
    places = [int(np.rint((j - TAPS // 2) * step)) for j in range(TAPS)]
    out = np.zeros((height, width, transforms.shape[1]))
    for y in range(height):
        for x in range(width):
            weights = np.zeros(len(transforms))
            for v in places:
                for u in places:
                    if 0 <= y + v < height and 0 <= x + u < width:
                        fade = max(0, 1 - (u / (reach + step)) ** 2 - (v / (reach + step)) ** 2) ** 2
                        weights[rows[y + v, x + u]] += fade
            likeness = np.exp(-((guide[y, x] - colours) ** 2).sum(axis=1) / (2 * BORDER_SIGMA**2))
            likeness[rows[y, x]] += 1e-4
            weights *= likeness
            out[y, x] = weights @ transforms / weights.sum()
    return out


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (7, 2), (23, 31)])
@pytest.mark.parametrize("count", [1, 5])
def test_spreading_is_what_each_pixel_sees(size, count):
    random = np.random.default_rng(size[0] + count)
    rows = random.integers(0, count, size).astype(np.int32)
    rows = np.repeat(np.repeat(rows, 2, axis=0), 3, axis=1)
    rows.flat[:count] = np.arange(count)  # all of them are there, if there is room
    guide = random.uniform(0, 60, (*rows.shape, 3)).astype(np.float32)
    table = FrameTable(
        np.arange(count, dtype=np.int32),
        np.zeros((count, 2), np.float32),
        random.uniform(0, 60, (count, 3)).astype(np.float32),
    )
    transforms = random.normal(0, 1, (count, 30)).astype(np.float32)
    reach = max(1.0, float(np.sqrt(rows.size / count)))
    expected = plainly_spread(rows, transforms, table.colours, guide, reach)
    found = spread_over_pixels(rows, transforms, table, guide).coefficients
    np.testing.assert_allclose(found, expected, atol=2e-5)
