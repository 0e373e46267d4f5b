import numpy as np
import pytest

from vfxstyle.training.errors import error_of_pair, errors_by_colour


def test_groups_have_their_colours_and_errors():
    before = np.float32([[50, 60, 40]] * 4 + [[50, -40, 35]] * 4 + [[50, 5, -45]] * 2 + [[95, 0, 0], [10, 1, 1]])
    after = before + np.float32([3, 0, 4])
    answers = after.copy()
    answers[4:8, 1] += 6
    found = errors_by_colour(before, after, answers)
    assert found[0].name == "greens"
    assert found[0].missed == pytest.approx(6)
    assert found[0].share == pytest.approx(4 / 12)
    assert {error.name for error in found} == {"greens", "reds", "blues", "whites", "blacks"}
    assert all(error.distance == pytest.approx(5) for error in found)
    assert all(error.missed == 0 for error in found[1:])


@pytest.mark.parametrize(
    ("a", "b", "name"),
    [
        (30, -5, "pinks"),
        (30, 3, "pinks"),
        (30, 20, "reds"),
        (5, 40, "yellows"),
        (-40, 3, "cyans"),
        (40, -30, "purples"),
    ],
)
def test_hues_go_round_the_circle(a, b, name):
    lab = np.full((3, 3), [50, a, b], np.float32)
    assert [error.name for error in errors_by_colour(lab, lab, lab)] == [name]


def test_rare_colours_get_no_line():
    before = np.tile(np.float32([50, 0, 0]), (1000, 1))
    before[:2] = [50, 60, 40]
    assert [error.name for error in errors_by_colour(before, before, before)] == ["greys"]


def test_the_worst_region_of_a_pair_is_named():
    """Two superpixels with pixels in all corners of a 9x12 picture; most is missed at the bottom left."""
    pixels = np.int32([[0, 11, 8 * 12], [4 * 12 + 5, 7 * 12 + 1, 8 * 12 + 11]])
    missed = np.float32([[1, 0, 5], [2, 4, 0]])
    found = error_of_pair(missed, pixels, (9, 12))
    assert (found.region, found.missed_there) == ("bottom left", 4.5)
    assert found.missed == pytest.approx(2)
