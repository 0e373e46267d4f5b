"""Which superpixels of a photograph a shipped look is learnt from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers import BACKBONE

from presets import gradable
from presets.gradable import SUBJECT_SHARES, Composite, GradableExample, GradableExamples, composite_of, every_example
from presets.photographs import CLASSES, Photograph, subject_matte
from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import RawFeatures
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.learn import which_held_out
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
    plain, inside = numbers < plain_others + plain_people, numbers >= plain_others
    return GradableExample(own, pixels, masks, plain, inside, numbers < 0)


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


def test_what_lies_beside_a_subject_is_learnt_more_often_by_looks_that_must_not_spill():
    one = example(10, 5, 40)
    near = replace(one, beside=np.arange(55) < 4)

    def counts(look, *, learnt_from):
        graded = near.graded(look, learnt_from=learnt_from)
        return np.bincount(graded.raw.blocks["number"][:, 0].astype(int), minlength=55)[:10]

    np.testing.assert_array_equal(counts("pop-out", learnt_from=True), [3] * 4 + [1] * 6)
    np.testing.assert_array_equal(counts("pop-out", learnt_from=False), [1] * 10)
    np.testing.assert_array_equal(counts("golden", learnt_from=True), [1] * 10)


def test_close_to_a_subject_is_a_sixteenth_of_the_width_away():
    subject = np.zeros((20, 160), np.float32)
    subject[:, :50] = 1
    columns = np.array([30, 55, 58, 63], np.int32)
    line = replace(example(4, 0, 0).example, pixels=np.repeat(columns[:, None] + 160 * 10, 4, axis=1))
    assert gradable._lie_beside(line, subject).tolist() == [True, True, True, False]


def test_subjects_are_most_of_their_pixels():
    maps = np.zeros((2, 4, len(CLASSES)), np.float32)
    maps[0, :3, CLASSES.index("animal")] = 1
    maps[1, :2, CLASSES.index("vehicle")] = 1
    two = replace(example(2, 0, 0).example, pixels=np.arange(8, dtype=np.int32).reshape(2, 4))
    assert lie_inside(two, subject_matte(maps)).tolist() == [True, False]


def test_composites_show_nothing_of_photographs_held_out_and_global_looks_have_none():
    one, held_out = example(3, 1, 0), np.array([False, True, False])
    composites = [Composite(pair, one) for pair in ((0, 2), (0, 1), (1, 2), (2, 0))]
    every = GradableExamples([one] * 9, composites)
    graded, numbers = every.of("golden", held_out)
    assert numbers == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 2]
    assert len(graded) == 11
    assert every.of("cold", held_out)[1] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_only_what_is_learnt_from_is_repeated():
    one = replace(example(6, 2, 20), beside=np.arange(28) < 6)
    graded, _ = GradableExamples([one] * 6, []).of("pop-out", np.array([False, True]))
    learnt, measured = ((own.raw.blocks["number"][:, 0] < 6).sum() for own in (graded[0], graded[-1]))
    assert (learnt, measured) == (18, 6)


def test_composites_change_nothing_of_what_is_held_out():
    settings = TrainSettings()
    alone = which_held_out(range(40), settings)
    numbers = [*range(40), *range(0, 40, 3), 7, 7]
    np.testing.assert_array_equal(which_held_out(numbers, settings), alone[numbers])


SETTINGS = TrainSettings(device="cpu", backbone=BACKBONE, superpixels=40, analysis_width=96)


@pytest.fixture
def pictures(tmp_path):
    """Three photographs of a sea with a person in the middle; the last one of the sea alone."""
    for folder in ("photos", "labels"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        colours = RNG.integers(0, 256, (48, 64, 3), np.uint8)
        classes = np.full((48, 64), CLASSES.index("water") + 1, np.uint8)
        classes[12:36, 20:44] = CLASSES.index("person" if number < 2 else "water") + 1
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.jpg"), colours)
        cv2.imwrite(str(tmp_path / "labels" / f"{number}.png"), classes)
    return [Photograph(str(number), tmp_path, "", "", "CC0-1.0") for number in range(3)]


def test_a_composite_is_of_another_photograph_with_subjects_and_the_same_again(pictures):
    for number in range(2):
        assert composite_of(pictures, 0, number, 10, SETTINGS).photographs == (0, 1)
    first, again = (composite_of(pictures, 2, 1, 10, SETTINGS) for _ in range(2))
    assert first.photographs == again.photographs
    np.testing.assert_array_equal(first.example.pixels, again.example.pixels)
    with pytest.raises(ValueError, match="no other photograph has people"):
        composite_of(pictures[1:], 0, 0, 10, SETTINGS)


def test_kept_examples_of_other_maps_or_settings_are_refused(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(gradable, "COMPOSITES", 1)
    monkeypatch.setattr(gradable, "ProcessPoolExecutor", lambda count, _: ThreadPoolExecutor(count))
    monkeypatch.setattr(gradable, "_gradable", lambda *_: example(3, 1, 0))
    kept = tmp_path / "kept"
    made = every_example(pictures, SETTINGS, kept)
    assert [one.photographs[0] for one in made.composites] == [0, 1, 2]
    assert len(every_example(pictures, SETTINGS, kept).photographs) == len(made.photographs) == 9
    with pytest.raises(ValueError, match="take it away"):
        every_example(pictures, replace(SETTINGS, seed=1), kept)
    with pytest.raises(ValueError, match="take it away"):
        every_example(pictures, SETTINGS, kept, composites=False)
    cv2.imwrite(str(pictures[0].files[1]), np.full((48, 64), 3, np.uint8))
    with pytest.raises(ValueError, match="take it away"):
        every_example(pictures, SETTINGS, kept)
