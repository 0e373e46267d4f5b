import numpy as np
import pytest

from vfxstyle.color import Encoding, decode, encode, from_grading, to_grading
from vfxstyle.color.encoding import FOOTROOM, HEADROOM


def test_srgb_at_published_points():
    # IEC 61966-2-1: 0.5 encoded is 0.21404 light; the linear segment divides by 12.92
    codes = np.array([0, 0.04, 0.5, 1], np.float32)
    np.testing.assert_allclose(decode(codes, Encoding.SRGB), [0, 0.04 / 12.92, 0.2140411, 1], rtol=1e-5)


def test_rec709_display_is_a_pure_power():
    np.testing.assert_allclose(decode(np.float32([0.5]), Encoding.REC709), [0.5**2.4], rtol=1e-5)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_every_16_bit_code_survives_light_and_back(encoding):
    codes = np.arange(65536, dtype=np.float32) / 65535
    back = encode(decode(codes, encoding), encoding)
    np.testing.assert_array_equal(np.round(back * 65535), np.arange(65536))


@pytest.mark.parametrize("encoding", list(Encoding))
def test_curves_are_odd_and_go_on_above_white(encoding):
    values = np.array([0.3, 1.2, 2.0], np.float32)
    np.testing.assert_allclose(decode(-values, encoding), -decode(values, encoding))
    assert np.all(np.diff(decode(np.linspace(0, 3, 100, dtype=np.float32), encoding)) > 0)


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
    peaks = np.linspace(0.99, 1.01, 2001, dtype=np.float32)
    display = to_grading(np.repeat(peaks[:, None], 3, axis=1))[0][:, 0].astype(np.float64)
    slopes = np.diff(display) / np.diff(peaks.astype(np.float64))
    assert abs(slopes[990] - slopes[1010]) < 0.05
    assert slopes.min() > 0.9


def test_highlights_keep_order_and_hue():
    ramp = np.float32([0.9, 0.6, 0.3]) * np.logspace(-1, 2, 200, dtype=np.float32)[:, None]
    display, _, _ = to_grading(ramp)
    assert np.all(np.diff(display[:, 0]) >= 0)
    np.testing.assert_allclose(display[:, 1] / display[:, 0], 2 / 3, rtol=1e-5)
