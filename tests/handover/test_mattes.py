import numpy as np
import pytest
from helpers import QUICK, moving_picture, write_picture

from vfxstyle import grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import UsageError
from vfxstyle.handover.mattes import mattes
from vfxstyle.shots.exr import read_parts

HALF = {**QUICK, "analysis_width": 64}
"""Label maps of half the plate's width."""


@pytest.fixture
def matted(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 5))
    report = mattes(shot, tmp_path / "mattes", lively_preset, groups=3, **HALF)
    return shot, report, tmp_path


def test_an_independent_reader_finds_every_superpixel_and_group(matted):
    reader = pytest.importorskip("cryptomatte_api", reason="needs cryptomatte-api, which this Python has no wheel of")
    _, report, folder = matted
    assert report.written == (1, 2, 3, 4)
    analysis = AnalysisFolder(folder / "plate_lively" / ".vfxstyle")
    for number in report.written:
        layers = reader.Cryptomatte.load(str(folder / "mattes" / f"mattes.{number:04d}.exr"))
        masks = {name: mask for layer in layers for name, mask in layer.masks().items()}
        labels = analysis.read_labels(number)
        wanted = {f"tsp_{label:06d}" for label in np.unique(labels)}
        assert {name for name in masks if name.startswith("tsp_")} == wanted
        assert {name for name in masks if name.startswith("look_")} <= {"look_0", "look_1", "look_2"}
        for kind in ("tsp_", "look_"):
            total = sum(mask for name, mask in masks.items() if name.startswith(kind))
            assert total.shape == (72, 128)
            np.testing.assert_allclose(total, 1, atol=1e-5)
        # the middle of a cell of the map is covered by its label alone
        whole = masks[f"tsp_{labels[10, 20]:06d}"]
        assert whole[20:22, 40:42].max() > 0.5


def test_the_files_stand_over_the_plates_display_window(tmp_path, lively_preset):
    for number in (1, 2):
        path = tmp_path / "plate" / f"plate.{number:04d}.exr"
        write_picture(path, moving_picture(number), origin=(10, 5), display=(4, 2, 150, 90))
    mattes(tmp_path / "plate", tmp_path / "m", lively_preset, **HALF, frames="2")
    (part,) = read_parts(tmp_path / "m" / "m.0002.exr")
    for name in ("dataWindow", "displayWindow"):
        low, high = part.header[name]
        assert (low.tolist(), high.tolist()) == ([4, 2], [153, 91])
    assert all(pixels.dtype == np.float32 for pixels in part.channels.values())
    assert not (tmp_path / "m" / "m.0001.exr").exists()


def test_the_analysis_of_a_grade_is_used_and_the_same_frames_have_the_same_bytes(matted, lively_preset):
    shot, _, folder = matted
    report = grade(shot, lively_preset, **HALF)
    assert "superpixels" not in report.seconds
    before = (folder / "mattes" / "mattes.0002.exr").read_bytes()
    mattes(shot, folder / "mattes", lively_preset, groups=3, **HALF, frames="2")
    assert (folder / "mattes" / "mattes.0002.exr").read_bytes() == before


def test_an_analysis_with_other_settings_serves_and_is_not_replaced(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 4), extension="png")
    movie = grade(shot, lively_preset, tmp_path / "clip.mov", **HALF).output
    grade(movie, lively_preset, **{**HALF, "superpixels": 20}, coverage=0.5)
    folder = tmp_path / ".vfxstyle" / "clip_lively"
    before = AnalysisFolder(folder).manifest
    mattes(movie, tmp_path / "m", lively_preset, **HALF, frames="2")
    assert AnalysisFolder(folder).manifest == before
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1
    with pytest.raises(UsageError, match="holds graded frames"):
        mattes(shot, grade(shot, lively_preset, **HALF).output, lively_preset, **HALF)


def test_wrong_usage_is_named(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 2))
    with pytest.raises(UsageError, match="groups is 0"):
        mattes(shot, tmp_path / "m", lively_preset, groups=0, **HALF)
    with pytest.raises(UsageError, match="where the plate is"):
        mattes(shot, shot, lively_preset, **HALF)


def test_the_analysis_of_a_part_of_a_shot_is_found(make_shot, tmp_path, lively_preset):
    shot, analysis = make_shot(frames=range(1, 6)), tmp_path / "analysis"
    grade(shot, lively_preset, tmp_path / "out", within="2-4", analysis=analysis, **HALF)
    mattes(shot, tmp_path / "m", lively_preset, within="2-4", frames="3", analysis=analysis, **HALF)
    assert len([path for path in analysis.iterdir() if path.is_dir()]) == 1
    assert (tmp_path / "m" / "m.0003.exr").is_file()
