"""The paper's image method: one picture, or every frame of a shot by itself."""

import itertools

import numpy as np
import pytest
from helpers import BACKBONE, make_preset, moving_picture, read_pixels, write_picture

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.color import lab_to_linear, linear_to_lab, linear_to_srgb, srgb_to_linear
from vfxstyle.features.registry import load_backbone
from vfxstyle.grading.grade import grade
from vfxstyle.looks import read_preset, save_preset
from vfxstyle.training.stills import graded_picture


def settings_of(output):
    return AnalysisFolder(output / ".vfxstyle").manifest["settings"]


def test_a_picture_is_graded_as_a_still(lively_preset, tmp_path):
    picture = moving_picture(0, 180, 320) + np.random.default_rng(0).normal(0, 0.02, (180, 320, 3)).astype(np.float32)
    path = write_picture(tmp_path / "still.png", (picture.clip(0, 1) * 65535).astype(np.uint16), kind="uint16")
    report = grade(path, lively_preset, tmp_path / "out")
    assert settings_of(tmp_path / "out")["frame_based"]
    assert settings_of(tmp_path / "out")["superpixels"] == 7000
    assert report.superpixels > 2000
    assert len(report.chosen_frames) == 1
    assert np.abs(read_pixels(report.files[0]) - read_pixels(path)).max() > 0.01


def test_frame_based_means_every_frame_by_itself(make_shot, lively_preset, tmp_path):
    shot = make_shot()
    report = grade(shot, lively_preset, tmp_path / "out", superpixels=60, frame_based=True, analysis_width=128)
    assert sorted(report.chosen_frames) == [1001, 1002, 1003, 1004]
    analysis = AnalysisFolder(tmp_path / "out" / ".vfxstyle")
    seen = [set(np.unique(analysis.read_labels(number)).tolist()) for number in range(1001, 1005)]
    assert all(one.isdisjoint(two) for one, two in itertools.pairwise(seen))
    # no frame knows of the others: alone it comes out the same
    alone = grade(shot / "plate.1003.exr", lively_preset, tmp_path / "alone", superpixels=60, analysis_width=128)
    np.testing.assert_array_equal(read_pixels(alone.files[0]), read_pixels(tmp_path / "out" / "out.1003.exr"))


@pytest.mark.parametrize("lift", [0.0, 0.1])
def test_a_picture_in_memory_comes_out_as_its_preset_says(tmp_path, lift):
    bias = np.zeros(30, np.float32)
    bias[9] = lift
    preset = read_preset(save_preset(make_preset(bias), tmp_path / "p.safetensors"))
    picture = 0.2 + 0.5 * moving_picture(0)
    backbone = load_backbone(BACKBONE, "cpu")
    lab = linear_to_lab(srgb_to_linear(picture))
    lab[..., 0] += 100 * lift
    expected = np.clip(linear_to_srgb(lab_to_linear(lab)), 0, 1)
    found = graded_picture(picture, preset, backbone, superpixels=80)
    np.testing.assert_allclose(found, expected, atol=3e-3)
