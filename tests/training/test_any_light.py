"""Learning a look for any light: pairs are seen without their lighting."""

import numpy as np
import pytest
from helpers import BACKBONE, moving_picture, write_picture

from vfxstyle import train
from vfxstyle.color import lab_to_linear, linear_to_lab, srgb_to_linear
from vfxstyle.errors import UsageError
from vfxstyle.looks import read_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.settings import TrainSettings
from vfxstyle.training.pairs import PictureReader, find_pairs

OPTIONS = {"superpixels": 60, "analysis_width": 128, "epochs": 20, "backbone": BACKBONE, "device": "cpu"}


def brighter(light):
    lab = linear_to_lab(light)
    return lab_to_linear(lab * np.float32([0.8, 1, 1]) + np.float32([15, 0, 8]))


@pytest.fixture
def pairs(tmp_path):
    """Two folders of the same pairs, the second two stops darker."""
    for name, gain in (("plain", 1.0), ("dark", 0.25)):
        for index in range(2):
            before = srgb_to_linear(moving_picture(5 * index, seed=index))
            for side, light in (("before", before), ("after", brighter(before))):
                write_picture(tmp_path / name / side / f"{index}.exr", light * np.float32(gain), kind="float")
    return tmp_path


def test_pairs_are_the_same_in_any_light(pairs):
    settings = TrainSettings(analysis_width=128, any_light=True)
    with PictureReader(settings) as reader:
        plain, dark = (
            [(reader.pair(pair), reader.graded(pair)) for pair in find_pairs(pairs / name)]
            for name in ("plain", "dark")
        )
    for (own, after), (other, dark_after) in zip(plain, dark, strict=True):
        np.testing.assert_allclose(other.before, own.before, atol=1e-4)
        np.testing.assert_allclose(other.after, own.after, atol=1e-4)
        np.testing.assert_array_equal(after, own.after)
        np.testing.assert_array_equal(dark_after, other.after)
    assert np.abs(plain[0][0].after - plain[0][0].before).mean() > 0.02


def test_the_preset_says_so_and_shows_it(pairs):
    report = train(pairs / "dark", "bright", any_light=True, output=pairs / "bright.safetensors", **OPTIONS)
    preset = read_preset(report.path)
    assert preset.info.any_light
    assert report.errors.predicted < 0.5 * report.errors.distance
    assert "- For any light" in model_card(preset.info)


def test_a_look_of_a_shot_is_for_its_own_light(pairs):
    with pytest.raises(UsageError, match="--any-light is for pairs"):
        train(None, "x", shot=pairs, graded=pairs, any_light=True)
