import numpy as np
import pytest
from helpers import moving_picture
from skimage.measure import label as connected
from skimage.segmentation import felzenszwalb

from vfxstyle.superpixels.graph import _edges, _merged, graph_superpixels


@pytest.mark.parametrize("requested", [20, 150, 600])
def test_about_as_many_as_requested_each_in_one_piece(requested):
    picture = moving_picture(0, 180, 320)
    picture = picture + np.random.default_rng(0).normal(0, 0.01, picture.shape).astype(np.float32)
    labels = graph_superpixels(picture, requested)
    assert labels.dtype == np.int32
    count = len(np.unique(labels))
    assert labels.max() == count - 1
    assert 0.5 * requested < count < 1.6 * requested
    pieces = connected(labels + 1, connectivity=2)
    assert pieces.max() == count


def test_a_flat_picture_is_one_superpixel():
    assert graph_superpixels(np.full((40, 60, 3), 0.5, np.float32), 100).max() == 0


def test_borders_follow_an_edge():
    picture = np.zeros((60, 80, 3), np.float32)
    picture[:, 40:] = 0.8
    labels = graph_superpixels(picture, 50)
    assert set(np.unique(labels[:, :40])).isdisjoint(np.unique(labels[:, 40:]))


@pytest.mark.parametrize("scale", [3, 40, 300])
def test_they_are_those_of_scikit_image(scale):
    """On a picture without two edges of one cost, where any order of merging would do."""
    picture = moving_picture(3, 90, 131)
    picture = picture + np.random.default_rng(2).normal(0, 0.02, picture.shape).astype(np.float32)
    expected = felzenszwalb(picture, scale=scale, sigma=0.5, min_size=20)
    found = _merged(*_edges(picture), 90 * 131, scale / 255, 20).reshape(90, 131)
    pairs = len(np.unique(np.stack([expected.reshape(-1), found.reshape(-1)]), axis=1).T)
    assert pairs == expected.max() + 1 == found.max() + 1
