import numpy as np

from vfxstyle.color import from_grading, to_grading
from vfxstyle.color.grading import FOOTROOM, HEADROOM


def test_display_light_passes_the_grading_encoding_unchanged():
    rgb = np.random.default_rng(0).random((100, 3)).astype(np.float32)
    display, gain, foot = to_grading(rgb)
    np.testing.assert_array_equal(display, rgb)
    assert (gain == 1).all()
    assert (foot == 0).all()


def test_grading_encoding_stays_in_its_range_and_comes_back():
    random = np.random.default_rng(0)
    rgb = (random.uniform(-1, 1, (20000, 3)) * 10 ** random.uniform(-4, 4.8, (20000, 1))).astype(np.float32)
    display, gain, foot = to_grading(rgb)
    assert display.max() <= 1 + HEADROOM
    assert display.min() >= -FOOTROOM
    assert gain.min() >= 1
    np.testing.assert_allclose(from_grading(display, gain, foot), rgb, rtol=1e-5, atol=1e-6)


def test_gain_has_no_kink_where_the_highlights_begin():
    peaks = np.linspace(1 - HEADROOM / 25, 1 + HEADROOM / 25, 401, dtype=np.float32)
    display = to_grading(np.repeat(peaks[:, None], 3, axis=1))[0][:, 0].astype(np.float64)
    slopes = np.diff(display) / np.diff(peaks.astype(np.float64))
    assert abs(slopes[198] - slopes[202]) < 0.05
    assert slopes.min() > 0.9


def test_highlights_keep_order_and_hue():
    ramp = np.float32([0.9, 0.6, 0.3]) * np.logspace(-1, 2, 200, dtype=np.float32)[:, None]
    display, _, _ = to_grading(ramp)
    assert np.all(np.diff(display[:, 0]) >= 0)
    np.testing.assert_allclose(display[:, 1] / display[:, 0], 2 / 3, rtol=1e-5)
