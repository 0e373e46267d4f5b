"""Curves out of tables against OpenColorIO itself, which converts fewer colours than a picture has."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfxstyle.color import ColorConfig
from vfxstyle.color.curves import Curve, is_per_channel
from vfxstyle.color.transform import PICTURE, Transform

CURVED = ["g24_rec709_display", "srgb_display", "acescct", "ARRI LogC4", "pq_rec2020_display", "hlg_rec2020_display"]


def exactly(way, rgb):
    """What the library makes of colours, asked for a few at a time."""
    return np.concatenate([way.apply(part) for part in np.array_split(rgb, 2 * len(rgb) // PICTURE + 2)])


def both_ways(name):
    config = ColorConfig.load()
    space = config.space(name)
    return config.to_working(space), config.from_working(space)


@pytest.mark.parametrize("name", CURVED)
def test_a_picture_gets_what_the_library_gives_to_a_tenth_of_a_half_float_step(name):
    codes = np.random.default_rng(0).random((PICTURE, 3)).astype(np.float32)
    decode, encode = both_ways(name)
    for way, colours in ((decode, codes), (encode, codes**6 * 20)):
        exact = exactly(way, colours)
        off = np.abs(way.apply(colours) - exact).max(axis=1)
        assert (off <= 2.5e-5 * np.abs(exact).max(axis=1) + 4e-6).all()
        assert off.any() or name.startswith("hlg")  # else no table was asked


def test_numbers_of_the_table_come_out_bit_for_bit():
    numbers = np.float32([0, 1, 0.5, 0.18359375, 1.25, 48, -0.5, -2, 2**-20, 65536])
    colours = np.resize(numbers, (PICTURE, 3))
    for way in both_ways("g24_rec709_display"):
        np.testing.assert_array_equal(way.apply(colours), exactly(way, colours))


def test_what_no_table_holds_is_left_to_the_library():
    strange = np.float32(
        [[np.nan, 0.5, 1], [np.inf, -np.inf, 0], [1e9, -1e9, 0.2], [70000, 0.1, 0.1], [1e-30, 1e-12, 0]]
    )
    colours = np.resize(strange, (PICTURE, 3))
    for name in ("srgb_display", "acescct", "pq_rec2020_display"):
        for way in both_ways(name):
            with np.errstate(invalid="ignore"):
                np.testing.assert_allclose(way.apply(colours), exactly(way, colours), rtol=2e-5, atol=1e-5)


def test_a_table_ends_before_the_numbers_whose_curve_is_infinite():
    decode, _ = both_ways("acescct")
    colours = np.full((PICTURE, 3), 0.4, np.float32)
    colours[7] = 3000  # a code value that stands for more light than a float holds
    np.testing.assert_array_equal(np.isfinite(decode.apply(colours)), np.isfinite(exactly(decode, colours)))


def test_channels_with_curves_of_their_own_are_left_to_the_library():
    own = ocio.Config.CreateRaw().getProcessor(ocio.ExponentTransform([2.0, 2.2, 2.4, 1.0]))
    colours = np.random.default_rng(1).random((PICTURE, 3)).astype(np.float32)
    way = Transform(own)
    np.testing.assert_array_equal(way.apply(colours), exactly(way, colours))
    with pytest.raises(ValueError, match="curves of their own"):
        Curve(lambda numbers: numbers * np.float32([1, 2, 3]))


def test_a_table_that_keeps_the_hue_mixes_channels():
    table = ocio.Lut1DTransform(length=16, inputHalfDomain=False)
    assert is_per_channel(table)
    table.setHueAdjust(ocio.HUE_DW3)
    assert not is_per_channel(table)
    assert not is_per_channel(ocio.MatrixTransform())


def test_the_colours_that_are_given_stay_as_they_are():
    colours = np.random.default_rng(2).random((2, PICTURE // 2, 3)).astype(np.float32)
    before = colours.copy()
    for way in both_ways("g24_rec709_display"):
        assert way.apply(colours).shape == colours.shape
        np.testing.assert_array_equal(colours, before)
