"""A plate shrunk in one pass against the two steps that it stands for."""

import cv2
import numpy as np
import pytest

from vfxstyle.color import shown_as_photograph
from vfxstyle.plates.shrink import shrunk_photograph

MATRIX = np.float32([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.02, 0.08, 0.9]])


@pytest.mark.parametrize(
    "size", [(96, 54), (53, 31), (160, 90), (1, 1), (159, 89)], ids=["third", "odd", "same", "one", "barely"]
)
@pytest.mark.parametrize("covered", [False, True])
def test_it_is_the_mean_of_what_a_photograph_shows(size, covered):
    random = np.random.default_rng(0)
    rgb = random.uniform(-0.1, 2, (90, 160, 3)).astype(np.float32)
    rgb[3, 5], rgb[40, 61, 1], rgb[80, 159, 2] = np.nan, np.inf, -np.inf
    alpha = random.choice(np.float32([0, 0.25, 0.5, 1]), (90, 160)) if covered else None
    expected = cv2.resize(shown_as_photograph(rgb, MATRIX, alpha), size, interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(shrunk_photograph(rgb, MATRIX, size, alpha), expected, atol=2e-6)


def test_a_picture_of_its_own_size_is_what_a_photograph_shows():
    rgb = np.random.default_rng(1).uniform(0, 3, (7, 11, 3)).astype(np.float32)
    np.testing.assert_array_equal(shrunk_photograph(rgb, MATRIX, (11, 7)), shown_as_photograph(rgb, MATRIX))
