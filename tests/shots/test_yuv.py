import numpy as np
import pytest

from vfxstyle.shots.yuv import BT601, BT709, BT2020, planes_to_rgb, rgb_to_planes_10bit


def test_bt709_code_values_of_a_colour():
    # ITU-R BT.709, 10-bit: Y 64 + 876 Y', C 512 + 896 C'
    rgb = np.full((2, 4, 3), (0.75, 0.1, 0.2), np.float32)
    luma, cb, cr = rgb_to_planes_10bit(rgb, subsampled=False)
    assert (luma[0, 0], cb[0, 0], cr[0, 0]) == (279, 490, 799)


def test_black_and_white_sit_exactly_on_their_codes():
    rgb = np.zeros((2, 2, 3), np.float32)
    rgb[0] = 1
    luma, cb, cr = rgb_to_planes_10bit(rgb, subsampled=True)
    assert luma.tolist() == [[940, 940], [64, 64]]
    assert (cb == 512).all()
    assert (cr == 512).all()


@pytest.mark.parametrize("subsampled", [False, True])
def test_numbers_without_a_code_are_black_or_more_than_white(subsampled):
    rgb = np.random.default_rng(1).random((2, 8, 3)).astype(np.float32)
    rgb[0, 3], rgb[1, 5, 1], rgb[1, 6, 2] = [np.nan, -np.inf, np.inf], np.nan, 3.2e38
    meant = np.nan_to_num(rgb, nan=0, posinf=1.1, neginf=0)
    meant[1, 6, 2] = 1.1
    for found, plane in zip(*(rgb_to_planes_10bit(p, subsampled=subsampled) for p in (rgb, meant)), strict=True):
        np.testing.assert_array_equal(found, plane)


@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
def test_colours_come_back_from_ten_bits(matrix):
    rgb = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)
    planes = rgb_to_planes_10bit(rgb, subsampled=False, matrix=matrix)
    back = planes_to_rgb(*planes, bits=10, full_range=False, matrix=matrix)
    np.testing.assert_allclose(back, rgb, atol=1.7 / 876)


def test_super_white_survives_reading():
    luma = np.full((2, 2), 1019, np.uint16)
    grey = np.full((2, 2), 512, np.uint16)
    rgb = planes_to_rgb(luma, grey, grey, bits=10, full_range=False, matrix=BT709)
    np.testing.assert_allclose(rgb, (1019 - 64) / 876, rtol=1e-5)


def test_full_range_eight_bits():
    luma = np.array([[0, 255]], np.uint8)
    grey = np.full((1, 2), 128, np.uint8)
    rgb = planes_to_rgb(luma, grey, grey, bits=8, full_range=True, matrix=BT601)
    np.testing.assert_allclose(rgb[0, :, 0], [0, 1], atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 9), (1, 1), (2, 3)])
def test_chroma_of_4_2_0_is_interpolated_along_a_ramp(height, width):
    """A chroma ramp over the picture is reproduced at luma positions, away from the borders."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    y, x = np.mgrid[0:rows, 0:columns]
    cb = (100 + 4 * (2 * y + 0.5) + 6 * (2 * x)).astype(np.uint16)
    luma = np.full((height, width), 126, np.uint16)
    rgb = planes_to_rgb(luma, cb, np.full_like(cb, 128), bits=8, full_range=False, matrix=BT709)
    assert rgb.shape == (height, width, 3)
    if min(height, width) > 4:
        blue = rgb[1:-2, 1:-2, 2]
        step = 2 * (1 - BT709.k_b) / 224
        np.testing.assert_allclose(np.diff(blue, axis=0), 4 * step, atol=0.6 * step)
        np.testing.assert_allclose(np.diff(blue, axis=1), 6 * step, atol=0.6 * step)
