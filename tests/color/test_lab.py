import numpy as np
import pytest
from skimage.color import rgb2lab

from vfxstyle.color import lab_to_linear, linear_to_lab, srgb_to_linear


def test_published_values_of_the_rec709_primaries():
    # CIE 1976 values of the sRGB primaries under D65, as tabulated by B. Lindbloom
    primaries = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    expected = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0]]
    np.testing.assert_allclose(linear_to_lab(primaries), expected, atol=0.02)


def test_agrees_with_an_independent_implementation():
    srgb = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    ours = linear_to_lab(srgb_to_linear(srgb))
    np.testing.assert_allclose(ours, rgb2lab(srgb), atol=0.02)


def test_greys_have_no_chroma_at_any_level():
    greys = np.repeat(np.array([-1, -1e-3, 0, 1e-6, 0.18, 1, 16, 65504], np.float32)[:, None], 3, axis=1)
    chroma = linear_to_lab(greys)[:, 1:]
    assert np.abs(chroma).max() < 1e-2


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
def test_round_trip_over_positive_and_negative_light(scale):
    rgb = np.random.default_rng(1).uniform(-0.2, 1, (4000, 3)).astype(np.float32) * np.float32(scale)
    np.testing.assert_allclose(lab_to_linear(linear_to_lab(rgb)), rgb, atol=4e-6 * scale, rtol=2e-5)
