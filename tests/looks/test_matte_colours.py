"""The colours of a matte, and those round it."""

import numpy as np

from vfxstyle.looks.matte_colours import MatteColours

RED, GREEN, BLUE = ([50, 60, 40], [60, -50, 50], [40, 20, -60])


def frame():
    """A red square on green, with blue a hundred px away. Returns CIELab and the matte of the square."""
    lab = np.empty((40, 240, 3), np.float32)
    lab[:] = GREEN
    lab[:, 160:] = BLUE
    matte = np.zeros((40, 240), bool)
    matte[10:30, 20:60] = True
    lab[matte] = RED
    return lab, matte


def logits_of(colours, *labs):
    return colours.logits(np.array([labs], np.float32))[0].tolist()


def test_a_colour_that_the_matte_does_not_have_speaks_against_it_and_its_own_for_it():
    inside, outside, far = logits_of(MatteColours.of([frame()]), RED, GREEN, BLUE)
    assert (inside, outside) == (4, -4)
    assert far == 0  # neither inside nor near


def test_a_colour_on_both_sides_says_little():
    lab, matte = frame()
    lab[:, :160] = RED
    assert abs(logits_of(MatteColours.of([(lab, matte)]), RED)[0]) < 1e-6
    lab[30:] = GREEN  # nearly a third of what is round it
    inside, outside = logits_of(MatteColours.of([(lab, matte)]), RED, GREEN)
    assert 0.2 < inside < 0.45
    assert outside == -4


def test_frames_count_together_and_a_matte_without_an_inside_says_nothing():
    lab, matte = frame()
    lab_of_other = lab.copy()
    lab_of_other[matte] = BLUE
    both = MatteColours.of([(lab, matte), (lab_of_other, matte)])
    assert logits_of(both, RED, BLUE, GREEN) == [4, 4, -4]
    for empty in (np.zeros_like(matte), np.ones_like(matte)):
        assert logits_of(MatteColours.of([(lab, empty)]), RED, GREEN) == [0, 0]
    assert logits_of(MatteColours.of([]), RED) == [0]


def test_colours_beyond_the_cells_are_those_of_the_outermost():
    lab, matte = frame()
    lab[:], lab[matte] = [1, -63, -63], [99, 63, 63]
    colours = MatteColours.of([(lab, matte)])
    assert logits_of(colours, [400, 900, 900], [-5, -900, -900], [50, 0, 0]) == [4, -4, 0]
