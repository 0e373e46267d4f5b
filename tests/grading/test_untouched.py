import numpy as np
import pytest

from vfxstyle.grading.untouched import restore_untouched


def pictures():
    """Plate, light, graded light and result of pixels: graded, left alone, NaN, infinite, graded in two channels."""
    plate = np.arange(15, dtype=np.float32).reshape(1, 5, 3)
    plate[0, 2, 1], plate[0, 3, 0] = np.nan, np.inf
    lit = plate / 2
    graded = lit + 1
    graded[0, 1] = lit[0, 1]
    graded[0, 4, 0] = lit[0, 4, 0]
    return plate, lit, graded, np.full_like(plate, 99)


@pytest.mark.parametrize(("same_space", "restored"), [(True, [1, 2, 3]), (False, [2, 3])])
def test_what_a_look_leaves_alone_keeps_its_numbers(same_space, restored):
    plate, lit, graded, rgb = pictures()
    restore_untouched(rgb, plate, graded, lit, same_space=same_space)
    for pixel in range(5):
        expected = plate[0, pixel] if pixel in restored else np.full(3, 99)
        np.testing.assert_array_equal(rgb[0, pixel], expected)
