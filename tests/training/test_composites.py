"""Photographs with the subjects of others in front of them, which shipped looks are learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from presets.composites import LabelledPicture, has_subject, with_subject
from presets.photographs import CLASSES
from vfxstyle.color import srgb_to_linear

SKY, PERSON = CLASSES.index("sky"), CLASSES.index("person")


def scene(height, width, colour, box=None, person=(0.8, 0.1, 0.1)):
    """A plain picture of sky, with a person, a rectangle of another colour, in a box: top, bottom, left and right."""
    picture = np.full((height, width, 3), colour, np.float32)
    maps = np.zeros((height, width, len(CLASSES)), np.float32)
    maps[..., SKY] = 1
    if box is not None:
        inside = np.s_[box[0] : box[1], box[2] : box[3]]
        picture[inside] = person
        maps[inside] = np.eye(len(CLASSES), dtype=np.float32)[PERSON]
    return LabelledPicture(picture, maps, np.ones((height, width), bool))


def box_of(composite):
    """Rows and columns, first and last, of the person."""
    rows, columns = np.nonzero(composite.maps[..., PERSON] > 0.5)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_person_of_another_picture_is_there_with_its_class_and_its_colour():
    onto, other = scene(120, 200, 0.4), scene(100, 150, 0.4, (30, 70, 50, 90))
    made = with_subject(onto, other, np.random.default_rng(1))
    top, bottom, left, right = box_of(made)
    assert 0.45 * 40 - 1 <= bottom - top + 1 <= 41
    inside = made.picture[top + 1 : bottom, left + 1 : right]
    assert (inside[..., 0] - inside[..., 2] > 0.4).all()
    np.testing.assert_allclose(made.maps.sum(axis=-1), 1, atol=1e-5)
    assert made.maps[top + 1 : bottom, left + 1 : right, SKY].max() < 0.01
    rest = made.maps[..., PERSON] == 0
    np.testing.assert_allclose(made.picture[rest], onto.picture[rest], atol=1e-5)
    assert box_of(other) == (30, 69, 50, 89)  # neither picture is changed
    assert onto.maps[..., PERSON].max() == 0


@pytest.mark.parametrize("seed", range(8))
def test_what_an_edge_of_its_picture_cuts_off_stays_at_that_edge(seed):
    def pasted(box):
        return box_of(with_subject(scene(120, 200, 0.4), scene(100, 150, 0.4, box), np.random.default_rng(seed)))

    assert pasted((40, 100, 60, 90))[1] == 119
    assert pasted((0, 40, 60, 90))[0] == 0
    _, _, left, right = pasted((30, 70, 0, 40))
    assert left == 0 or right == 199  # mirrored or not
    assert pasted((30, 70, 0, 150))[2:] == (0, 199)
    assert pasted((0, 100, 60, 130))[:2] == (0, 119)


def test_a_person_taller_than_the_picture_is_made_to_fit():
    made = with_subject(scene(40, 200, 0.4), scene(300, 150, 0.4, (20, 280, 60, 90)), np.random.default_rng(0))
    top, bottom, _, _ = box_of(made)
    assert 0 <= top <= bottom <= 39
    assert bottom - top + 1 <= 39


def test_one_from_edge_to_edge_of_a_narrow_picture_is_cut_by_a_wide_one():
    made = with_subject(scene(40, 200, 0.4), scene(300, 50, 0.4, (100, 200, 0, 50)), np.random.default_rng(0))
    assert box_of(made) == (0, 39, 0, 199)


@pytest.mark.parametrize("around", [0.05, 0.3])
def test_a_person_is_brought_halfway_to_how_bright_the_picture_is(around):
    def light_of(colour):
        person = scene(100, 150, 0.6, (30, 70, 50, 90), person=(0.6, 0.6, 0.6))
        made = with_subject(scene(120, 200, colour), person, np.random.default_rng(2))
        top, bottom, left, right = box_of(made)
        return srgb_to_linear(made.picture)[top + 1 : bottom, left + 1 : right].mean()

    own, dark = (srgb_to_linear(np.float32(colour)) + 0.01 for colour in (0.6, around))
    assert light_of(around) / light_of(0.6) == pytest.approx(np.sqrt(dark / own), rel=0.02)


def test_where_classes_are_unsure_goes_with_the_person():
    other = scene(100, 150, 0.4, (30, 70, 50, 90))
    unsure = replace(other, sure=np.zeros_like(other.sure))
    made = with_subject(scene(120, 200, 0.4), unsure, np.random.default_rng(3))
    np.testing.assert_array_equal(made.sure, made.subject <= 0.5)


@pytest.mark.parametrize(
    ("box", "there"), [(None, False), ((0, 5, 0, 5), False), ((0, 100, 0, 140), False), ((20, 60, 20, 60), True)]
)
def test_nothing_a_speck_and_nearly_all_of_a_picture_are_not_cut_out(box, there):
    assert has_subject(scene(100, 150, 0.4, box)) is there
