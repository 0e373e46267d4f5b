import os
from dataclasses import replace

import numpy as np
import pytest

from vfxstyle.errors import OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import PlateSuperpixels
from vfxstyle.training.plate_folder import PlateFolder

PLATE, OTHER = "a.png None 00", "b.png None 11"
SETTINGS = TrainSettings(superpixels=5)


def folder(tmp_path, settings=SETTINGS, **changed):
    choices = {"weights": "", "count": 5, "device": "cpu", **changed}
    return PlateFolder(tmp_path / "x.training", settings, **choices)


@pytest.fixture
def example():
    random = np.random.default_rng(0)
    colours = random.random((2, 5, 4, 3)).astype(np.float32)
    blocks = {"late_fine": random.random((5, 7)).astype(np.float16), "mean": random.random((5, 3)).astype(np.float16)}
    raw = RawFeatures(random.random(9).astype(np.float16), blocks)
    return PlateSuperpixels(raw, np.arange(20, dtype=np.int32).reshape(5, 4), *colours, shape=(6, 8))


def test_an_example_comes_back_as_it_was_stored(tmp_path, example):
    folder(tmp_path).store(PLATE, example)
    back = folder(tmp_path).load(PLATE)
    for name in ("pixels", "before", "bands"):
        np.testing.assert_array_equal(getattr(back, name), getattr(example, name))
    np.testing.assert_array_equal(back.raw.global_, example.raw.global_)
    assert back.raw.blocks.keys() == example.raw.blocks.keys()
    for name, block in example.raw.blocks.items():
        np.testing.assert_array_equal(back.raw.blocks[name], block)
    assert back.shape == (6, 8)


@pytest.mark.parametrize("changed", [{"weights": "0" * 64}, {"count": 6}, {"device": "cuda"}])
def test_an_example_of_another_run_is_not_taken(tmp_path, example, changed):
    folder(tmp_path).store(PLATE, example)
    assert folder(tmp_path, **changed).load(PLATE) is None


def test_an_example_of_other_pictures_or_settings_is_not_taken(tmp_path, example):
    stored = folder(tmp_path)
    stored.store(PLATE, example)
    assert stored.load(OTHER) is None
    assert folder(tmp_path, replace(SETTINGS, seed=1)).load(PLATE) is None
    assert folder(tmp_path, replace(SETTINGS, description="new")).load(PLATE) is not None


def test_a_damaged_example_counts_as_none(tmp_path, example):
    stored = folder(tmp_path)
    stored.store(PLATE, example)
    (file,) = stored.files.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    assert stored.load(PLATE) is None


def test_only_examples_are_removed(tmp_path, example):
    stored = folder(tmp_path)
    stored.store(PLATE, example)
    mine = stored.files.folder / "mine.npz"
    mine.write_text("mine")
    folder(tmp_path, most=1).store(OTHER, example)  # which leaves nothing of ours
    assert list(stored.files.folder.iterdir()) == [mine]
    stored.store(PLATE, example)
    stored.remove()
    assert list(stored.files.folder.iterdir()) == [mine]
    mine.unlink()
    stored.remove()
    assert not stored.files.folder.exists()


def test_what_was_not_used_for_longest_makes_room(tmp_path, example):
    stored = folder(tmp_path)
    for age, plate in enumerate(("new", "middle", "old")):
        before = set(tmp_path.glob("*/*"))
        stored.store(plate, example)
        (file,) = set(tmp_path.glob("*/*")) - before
        os.utime(file, (1000 - age, 1000 - age))
    size = file.stat().st_size
    assert stored.load("old") is not None  # and was used
    folder(tmp_path, most=3 * size).store("last", example)
    assert [stored.load(plate) is not None for plate in ("last", "old", "new", "middle")] == [True, True, True, False]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, example):
    (tmp_path / "x.training").write_text("a file")
    with pytest.raises(OutputError, match=r"x\.training cannot be written"):
        folder(tmp_path).store(PLATE, example)


def test_what_a_killed_training_left_in_the_making_goes_with_the_rest(tmp_path, example):
    own = folder(tmp_path)
    own.store(PLATE, example)
    place = tmp_path / "x.training"
    left, fresh = place / f".a.npz.{'0' * 12}.part.npz", place / f".b.npz.{'1' * 12}.part.npz"
    for path in (left, fresh):
        path.write_bytes(b"half")
    os.utime(left, (1, 1))
    own.remove()
    assert list(place.iterdir()) == [fresh]  # another training may be writing it
    fresh.unlink()
    own.remove()
    assert not place.exists()
