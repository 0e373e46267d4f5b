"""How far a shot is from the pictures that a look was learnt from."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import QUICK, make_preset

from vfxstyle import grade
from vfxstyle.analysis.distance import distances, frames_among_pictures
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import PresetError
from vfxstyle.looks import read_preset, save_preset
from vfxstyle.progress import Silent


def test_one_is_the_usual_distance_of_pictures_from_each_other():
    pictures = np.array([[0, 0], [2, 0], [4, 0], [6, 0]], np.float32)
    found = distances({7: np.array([0, 2], np.float32), 9: np.array([6, -6], np.float32)}, pictures)
    assert found == pytest.approx({7: 1.0, 9: 3.0})
    assert distances({}, pictures) == {}


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


@pytest.mark.parametrize(("offset", "is_far"), [(0.0, False), (50.0, True)])
def test_a_grade_warns_of_a_shot_that_is_unlike_them(make_shot, tmp_path, offset, is_far):
    plain = make_preset(reacts=True)
    size = len(plain.projections["global"][1])
    shot = make_shot()
    known = save_preset(plain, tmp_path / "plain.safetensors")
    grade(shot, known, tmp_path / "first", analysis=tmp_path / "analysis", **QUICK)
    assert frames_among_pictures(AnalysisFolder(tmp_path / "analysis"), read_preset(known))[0] == {}
    around = replace(plain, pictures=np.zeros((1, size), np.float32))
    frames, _ = frames_among_pictures(AnalysisFolder(tmp_path / "analysis"), around)
    centre = np.stack(list(frames.values())).mean(axis=0) * 1e-6  # in units of the spread, which is none here
    pictures = centre + np.random.default_rng(0).normal(0, 1, (20, size)).astype(np.float32)
    pictures[:, 0] += offset * pictures[:, 0].std()
    look = save_preset(replace(plain, pictures=pictures), tmp_path / "pictured.safetensors")
    notes = Notes()
    grade(shot, look, tmp_path / "out", analysis=tmp_path / "analysis", progress=notes, **QUICK)
    assert any("times as far from the pictures" in text for text in notes.said) is is_far


def test_what_a_preset_keeps_of_its_pictures_reads_back(tmp_path):
    plain = make_preset()
    size = len(plain.projections["global"][1])
    pictures = np.random.default_rng(0).random((12, size)).astype(np.float16).astype(np.float32)
    read = read_preset(save_preset(replace(plain, pictures=pictures), tmp_path / "p.safetensors"))
    assert read.info.schema == 4
    np.testing.assert_array_equal(read.pictures, pictures)
    save_preset(replace(plain, pictures=pictures[:, :3]), tmp_path / "bad.safetensors")
    with pytest.raises(PresetError, match="what it keeps of its pictures has the wrong size"):
        read_preset(tmp_path / "bad.safetensors")
