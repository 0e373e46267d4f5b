"""Smoothing within the areas of mattes."""

import numpy as np
import pytest

from vfxstyle.superpixels.areas import spread_in_areas
from vfxstyle.superpixels.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.superpixels.tables import adjacency, table_of

SIZE = (24, 60)


@pytest.fixture
def frame():
    """Superpixels of 6 px, a picture with an edge in the middle, and a transform for each superpixel."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    labels = (y // 6 * (SIZE[1] // 6) + x // 6).astype(np.int32)
    guide = np.zeros((*SIZE, 3), np.float32)
    guide[..., 0] = np.where(x < 30, 30, 60)
    transforms = np.random.default_rng(1).normal(0, 0.2, (labels.max() + 1, 33)).astype(np.float32)
    transforms[:, 30:] = 0
    return labels, guide, transforms


def areas_of(matte):
    return np.stack([1 - matte, matte], axis=-1).astype(np.float32)


def spread(frame, matte):
    labels, guide, transforms = frame
    return spread_in_areas(labels, guide, areas_of(matte), lambda own: transforms[own]).coefficients


def plain(frame):
    labels, guide, transforms = frame
    table, rows = table_of(labels, guide)
    smoothed = smooth_over_neighbours(transforms[table.labels], table, adjacency(rows))
    return spread_over_pixels(rows, smoothed, table, guide).coefficients


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3])
def test_one_area_everywhere_is_no_area(frame, value):
    np.testing.assert_allclose(spread(frame, np.full(SIZE, value)), plain(frame), atol=2e-5)


def test_a_hard_edge_parts_what_is_on_either_side(frame):
    """What the transforms are on the right does not matter on the left."""
    labels, guide, transforms = frame
    matte = np.zeros(SIZE)
    matte[:, 33:] = 1  # through the middle of superpixels
    other = transforms.copy()
    other[np.unique(labels[:, 36:])] += 1
    one, two = spread(frame, matte), spread((labels, guide, other), matte)
    np.testing.assert_array_equal(one[:, :33], two[:, :33])
    assert np.abs(plain(frame)[:, 30:33] - plain((labels, guide, other))[:, 30:33]).max() > 1e-3


def test_a_feather_does_not_show(frame):
    """Over a long ramp of the matte the field is nearly the one without a matte, and steps no more than it."""
    ramp = np.broadcast_to(np.clip((np.arange(SIZE[1]) - 6) / 48, 0, 1), SIZE)
    soft, without = spread(frame, ramp)[..., 0], plain(frame)[..., 0]
    assert np.abs(soft - without).mean() < 0.2 * np.abs(without - without.mean()).mean()
    steps, usual = np.abs(np.diff(soft, axis=1)), np.abs(np.diff(without, axis=1))
    assert steps.max() < 1.5 * usual.max()
