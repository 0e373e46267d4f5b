import numpy as np

from vfxstyle.color import linear_to_srgb, srgb_to_linear


def test_srgb_at_published_points():
    # IEC 61966-2-1: 0.5 encoded is 0.21404 light; the linear segment divides by 12.92
    codes = np.array([0, 0.04, 0.5, 1], np.float32)
    np.testing.assert_allclose(srgb_to_linear(codes), [0, 0.04 / 12.92, 0.2140411, 1], rtol=1e-5)


def test_every_16_bit_code_survives_light_and_back():
    codes = np.arange(65536, dtype=np.float32) / 65535
    np.testing.assert_array_equal(np.round(linear_to_srgb(srgb_to_linear(codes)) * 65535), np.arange(65536))


def test_the_curve_is_odd_and_goes_on_above_white():
    values = np.array([0.3, 1.2, 2.0], np.float32)
    np.testing.assert_allclose(srgb_to_linear(-values), -srgb_to_linear(values))
    assert np.all(np.diff(srgb_to_linear(np.linspace(0, 3, 100, dtype=np.float32))) > 0)
