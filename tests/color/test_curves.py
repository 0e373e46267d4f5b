"""Curves out of tables against OpenColorIO itself."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfxstyle.color import ColorConfig
from vfxstyle.color.curves import Curve, is_per_channel
from vfxstyle.color.transform import Transform

SPACES = {
    "g24_rec709_display": (2e-6, 4e-6),
    "srgb_display": (2e-6, 1e-6),
    "g26_p3d65_display": (2e-6, 4e-6),
    "acescct": (2e-5, 1e-6),
    "ARRI LogC4": (2e-5, 1e-6),
    "pq_rec2020_display": (1e-5, 1e-6),
    "hlg_rec2020_display": (5e-6, 1e-6),
}
"""How far a picture may be off what the library gives: of the brightest channel, and in all."""


def both_ways(name):
    config = ColorConfig.load()
    space = config.space(name)
    return config.to_working(space), config.from_working(space)


def has_a_table(way):
    return any(isinstance(step, Curve) for step in way._steps_of_pictures)


@pytest.mark.parametrize(("name", "most"), SPACES.items())
def test_a_picture_gets_what_the_library_gives(name, most):
    codes = np.random.default_rng(0).random((20000, 3)).astype(np.float32)
    decode, encode = both_ways(name)
    for way, colours in ((decode, codes), (encode, codes**6 * 20)):
        assert has_a_table(way)
        exact = way.apply(colours)
        off = np.abs(way.apply_to_picture(colours) - exact).max(axis=1)
        assert (off <= most[0] * np.abs(exact).max(axis=1) + most[1]).all()


def test_numbers_of_the_table_come_out_bit_for_bit():
    numbers = np.float32([[0, 1, 0.5], [0.18359375, 1.25, 48], [-0.5, -2, 2**-20], [65504, -0.0, 2**-40]])
    for way in both_ways("g24_rec709_display"):
        np.testing.assert_array_equal(way.apply_to_picture(numbers), way.apply(numbers))


def test_what_no_table_holds_is_left_to_the_library():
    strange = [[np.nan, 0.5, 1], [np.inf, -np.inf, 0], [1e9, -1e9, 0.2], [70000, 0.1, 0.1], [0, 0, 0], [3000, 0.4, 8]]
    colours = np.float32(strange)
    for name in ("srgb_display", "acescct", "pq_rec2020_display"):
        for way in both_ways(name):
            np.testing.assert_allclose(way.apply_to_picture(colours), way.apply(colours), rtol=2e-5, atol=1e-5)


def test_where_a_line_is_off_the_curve_the_library_is_asked():
    """A logarithm between zero and the least number of the table, and one with a pole inside an interval."""
    raw = ocio.Config.CreateRaw()
    pole = ocio.LogAffineTransform()
    pole.setLinSideOffsetValue([-0.5] * 3)
    near_the_pole = np.float32([[0.500015, 0.50003, 0.5001], [0.4999, 0.50021, 0.5]])
    small = np.float32([[1.5e-14, 7e-14, 1e-20], [0, 2e-13, 3e-13]])
    for step, colours in ((ocio.LogTransform(2.0), small), (pole, near_the_pole)):
        way = Transform(raw.getProcessor(step))
        assert has_a_table(way)
        np.testing.assert_array_equal(way.apply_to_picture(colours), way.apply(colours))


def test_what_a_curve_makes_of_zero_stays_infinite():
    curve = Curve(lambda numbers: np.where(numbers == 0, np.float32(np.inf), numbers))
    values = np.float32([0, -0.0, 1, 0.5, 1e-30])
    np.testing.assert_array_equal(curve.apply(values), np.float32([np.inf, np.inf, 1, 0.5, 1e-30]))


def test_numbers_of_any_count_are_asked_for_in_threes():
    curve = Curve(lambda numbers: numbers * np.float32(2))
    for count in range(1, 8):
        values = np.float32([1e6, 1e7, np.inf, 1, 3e5, -1e6, 2e5])[:count]
        np.testing.assert_array_equal(curve.apply(values), values * 2)


def test_channels_with_curves_of_their_own_are_left_to_the_library():
    own = ocio.Config.CreateRaw().getProcessor(ocio.ExponentTransform([2.0, 2.2, 2.4, 1.0]))
    colours = np.random.default_rng(1).random((50, 3)).astype(np.float32)
    way = Transform(own)
    assert not has_a_table(way)
    np.testing.assert_array_equal(way.apply_to_picture(colours), way.apply(colours))
    with pytest.raises(ValueError, match="curves of their own"):
        Curve(lambda numbers: numbers * np.float32([1, 2, 3]))


def test_tables_in_files_are_left_to_the_library_where_ours_is_coarser_or_they_mix_channels():
    assert not is_per_channel(ocio.Lut1DTransform(length=4096, inputHalfDomain=False))
    table = ocio.Lut1DTransform(length=65536, inputHalfDomain=True)
    assert is_per_channel(table)
    table.setHueAdjust(ocio.HUE_DW3)
    assert not is_per_channel(table)
    assert not is_per_channel(ocio.MatrixTransform())


@pytest.mark.parametrize("name", ["g24_rec709_display", "acescct", "lin_rec2020", "lin_rec709"])
def test_the_colours_that_are_given_stay_as_they_are(name):
    colours = np.random.default_rng(2).random((3, 40, 3)).astype(np.float32)
    before = colours.copy()
    for given in (colours, colours[:, ::2], colours[1:]):
        for way in both_ways(name):
            out = way.apply_to_picture(given)
            assert out.shape == given.shape
            assert not np.shares_memory(out, colours)
            np.testing.assert_allclose(out, way.apply(given), rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(colours, before)
