import numpy as np
import pytest

from vfxstyle.shots.dither import quantised, seed_of


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_a_value_on_a_code_keeps_its_code(bits):
    top = (1 << bits) - 1
    codes = np.arange(top + 1, dtype=np.float64)[:: max(1, top // 4095)]
    picture = np.tile((codes / top).astype(np.float32)[None, :, None], (16, 1, 3))
    for seed in range(4):
        np.testing.assert_array_equal(quantised(picture, bits, seed=seed), np.tile(codes[None, :, None], (16, 1, 3)))


@pytest.mark.parametrize("level", [0.123456, 0.5003, 0.99])
def test_the_mean_of_a_flat_area_is_its_value(level):
    codes = quantised(np.full((400, 400, 3), level, np.float32), 10, seed=1)
    assert set(np.unique(codes)) == {int(level * 1023), int(level * 1023) + 1}
    np.testing.assert_allclose(codes.mean(axis=(0, 1)), level * 1023, atol=0.005)


def test_noise_is_white_and_differs_by_frame_seed_and_channel():
    flat = np.full((256, 256, 3), 0.5003, np.float32)
    one = quantised(flat, 10, seed=seed_of(0, 1)).astype(np.float64)
    one -= one.mean()
    for other in (quantised(flat, 10, seed=seed_of(0, 2)), quantised(flat, 10, seed=seed_of(1, 1))):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(one[..., 0].ravel(), one[..., 1].ravel())[0, 1]) < 0.02
    spectrum = np.abs(np.fft.fft2(one[..., 0])) ** 2
    spectrum[0, 0] = 0
    assert spectrum.max() < 25 * spectrum.mean()  # no line, no grid
    np.testing.assert_array_equal(quantised(flat, 10, seed=5), quantised(flat, 10, seed=5))


def test_what_is_outside_or_no_number_is_limited_and_alpha_is_rounded():
    picture = np.array([[[-3, np.nan, np.inf, 0.4999]]], np.float32)
    np.testing.assert_array_equal(quantised(picture, 8, seed=0), [[[0, 0, 255, 127]]])
