"""Which superpixels of a photograph a shipped look is learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from presets.composites import subject_matte
from presets.gradable import SUBJECT_SHARES, GradableExample
from presets.photographs import CLASSES
from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import RawFeatures
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.subject import lie_inside

RNG = np.random.default_rng(0)


def example(plain_others, plain_people, more_people):
    """An example whose superpixels are man-made first, then people; feature ``number`` counts them."""
    count = plain_others + plain_people + more_people
    pixels = RNG.random((count, 4, 3), np.float32)
    masks = np.zeros((count, 4, len(CLASSES)), np.float32)
    masks[:plain_others, :, CLASSES.index("man_made")] = 1
    masks[plain_others:, :, CLASSES.index("person")] = 1
    lab = linear_to_lab(srgb_to_linear(pixels))
    blocks = {"number": np.arange(count, dtype=np.float16)[:, None]}
    flat = np.zeros((count, 4), np.int32)
    own = TrainingExample(
        raw=RawFeatures(np.zeros(2, np.float16), blocks), pixels=flat, before=lab, after=lab, bands=lab, shape=(9, 16)
    )
    numbers = np.arange(count)
    return GradableExample(own, pixels, masks, numbers < plain_others + plain_people, numbers >= plain_others)


@pytest.mark.parametrize(("more", "people"), [(500, 50), (45, 50), (10, 50)], ids=["plenty", "just enough", "too few"])
def test_people_are_their_share_and_repeated_only_where_there_are_too_few(more, people):
    assert SUBJECT_SHARES["golden"] == pytest.approx(1 / 3)
    graded = example(100, 5, more).graded("golden")
    numbers = graded.raw.blocks["number"][:, 0].astype(int)
    own = numbers[numbers >= 100]
    assert len(own) == people
    assert len(set(own)) == min(people, 5 + more)
    np.testing.assert_array_equal(np.sort(numbers[numbers < 100]), np.arange(100))
    assert np.abs(graded.after - graded.before).max() > 1


def test_a_photograph_full_of_people_is_as_it_was_drawn():
    for share in (example(10, 90, 60), example(0, 20, 30)):
        graded = share.graded("golden")
        assert len(graded.pixels) == share.plain.sum()


def test_looks_that_do_not_count_people_more_are_learnt_from_the_random_ones():
    numbers = example(20, 5, 40).graded("cold").raw.blocks["number"][:, 0]
    np.testing.assert_array_equal(numbers, np.arange(25))


def test_subjects_are_most_of_their_pixels():
    maps = np.zeros((2, 4, len(CLASSES)), np.float32)
    maps[0, :3, CLASSES.index("animal")] = 1
    maps[1, :2, CLASSES.index("vehicle")] = 1
    two = replace(example(2, 0, 0).example, pixels=np.arange(8, dtype=np.int32).reshape(2, 4))
    assert lie_inside(two, subject_matte(maps)).tolist() == [True, False]
