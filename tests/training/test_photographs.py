"""The photographs that the shipped looks are learnt from."""

import csv

import cv2
import numpy as np
import pytest

from presets.photographs import CLASSES, photographs

RNG = np.random.default_rng(0)


@pytest.fixture
def collection(tmp_path):
    """A collection of one photograph, sky above ground, whose left third is known to nobody."""
    for name in ("photos", "labels"):
        (tmp_path / name).mkdir()
    numbers = np.repeat(np.array([1, 2], np.uint8), 60)[:, None].repeat(240, 1)
    numbers[:, :80] = 0
    cv2.imwrite(str(tmp_path / "photos" / "one.jpg"), RNG.integers(0, 256, (120, 240, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "labels" / "one.png"), numbers)
    return tmp_path


def with_licence(folder, licence):
    with (folder / "SOURCES.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "source", "author", "licence"])
        rows.writerow(["photos/one.jpg", "a book", "", licence])
    return folder


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", ""])
def test_a_photograph_that_paid_work_may_not_use_is_refused(collection, licence):
    with pytest.raises(ValueError, match=r"one\.jpg has no row"):
        photographs(with_licence(collection, licence))


def test_masks_sum_to_one_and_what_nobody_knows_is_said(collection):
    (one,) = photographs(with_licence(collection, "CC0-1.0"))
    picture, masks, known = one.read()
    assert picture.shape == (320, 640, 3)
    np.testing.assert_allclose(sum(masks[name] for name in CLASSES), 1, atol=1e-5)
    assert masks["sky"][:120, 300:].min() > 0.9 > 0.1 > masks["sky"][200:, 300:].max()
    np.testing.assert_array_equal(known, np.arange(640)[None].repeat(320, 0) >= 640 / 3)
