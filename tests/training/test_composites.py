"""Photographs with the subjects of others pasted in, which shipped looks are learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from presets.composites import Mapped, has_subject, pasted
from presets.photographs import CLASSES

RNG = np.random.default_rng(0)
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
    return Mapped(picture, maps, np.ones((height, width), bool))


def box_of(composite):
    """Rows and columns, first and last, of the person."""
    rows, columns = np.nonzero(composite.maps[..., PERSON] > 0.5)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_person_of_another_picture_is_there_with_its_class_and_its_colour():
    onto, other = scene(120, 200, 0.4), scene(100, 150, 0.4, (30, 70, 50, 90))
    made = pasted(onto, other, np.random.default_rng(1))
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
    feet_cut, arm_cut = scene(100, 150, 0.4, (40, 100, 60, 90)), scene(100, 150, 0.4, (30, 70, 0, 40))
    assert box_of(pasted(scene(120, 200, 0.4), feet_cut, np.random.default_rng(seed)))[1] == 119
    _, _, left, right = box_of(pasted(scene(120, 200, 0.4), arm_cut, np.random.default_rng(seed)))
    assert left == 0 or right == 199  # mirrored or not


def test_a_person_taller_than_the_picture_is_made_to_fit():
    made = pasted(scene(40, 200, 0.4), scene(300, 150, 0.4, (20, 280, 60, 90)), np.random.default_rng(0))
    top, bottom, _, _ = box_of(made)
    assert 0 <= top <= bottom <= 39
    assert bottom - top + 1 <= 39


def test_a_person_by_day_is_darker_at_night():
    day = scene(100, 150, 0.8, (30, 70, 50, 90))
    reds = [
        pasted(scene(120, 200, around), day, np.random.default_rng(2)).picture[..., 0].max() for around in (0.05, 0.8)
    ]
    assert reds[0] < 0.7 * reds[1]


def test_where_classes_are_unsure_goes_with_the_person():
    other = scene(100, 150, 0.4, (30, 70, 50, 90))
    unsure = replace(other, sure=np.zeros_like(other.sure))
    made = pasted(scene(120, 200, 0.4), unsure, np.random.default_rng(3))
    np.testing.assert_array_equal(made.sure, made.subject <= 0.5)


@pytest.mark.parametrize(
    ("box", "there"), [(None, False), ((0, 5, 0, 5), False), ((0, 100, 0, 140), False), ((20, 60, 20, 60), True)]
)
def test_nothing_a_speck_and_nearly_all_of_a_picture_are_not_cut_out(box, there):
    assert has_subject(scene(100, 150, 0.4, box)) is there
