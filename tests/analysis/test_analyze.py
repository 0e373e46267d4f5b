import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from helpers import (
    BACKBONE,
    QUICK,
    frames_of,
    listed,
    moving_picture,
    planned_analysis,
    planned_grade,
    read_pixels,
    write_picture,
)

from vfxstyle import analyze, grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import AnalysisError, ChangedError, UsageError
from vfxstyle.progress import Stage

ANALYSIS = {**QUICK, "backbone": BACKBONE}


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_grade_reuses_what_was_analysed(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 6))
    report = analyze(shot, **ANALYSIS)
    assert report.analysis == tmp_path / "plate_analysis"
    assert report.missing_features == ()
    assert set(report.chosen_frames) <= {1, 2, 3, 4, 5}
    assert analyze(shot, **ANALYSIS).seconds == {}
    graded = grade(shot, lively_preset, **QUICK)
    assert list(graded.seconds) == ["transforms", "grade"]
    assert graded.chosen_frames != ()
    assert not (graded.output / ".vfxstyle" / "labels").exists()


def test_frames_of_an_analysed_shot_do_not_wait_for_torch(make_shot, tmp_path, lively_preset):
    """A task of a farm that only renders begins at once; so do a look at how far a shot is, and a bundle."""
    shot = make_shot(frames=range(1, 4))
    analyze(shot, preset=lively_preset, **ANALYSIS, analysis=tmp_path / "analysis")
    code = f"""
import sys
from vfxstyle.cli import cli
out, *slow = sys.argv[1:]
options = ["--superpixels", "40", "--analysis-width", "96"]
shot = ["{shot}", "--preset", "{lively_preset}", *options]
cli.main(["grade", *shot, "-o", out, "--analysis", "{tmp_path / "analysis"}"], standalone_mode=False)
cli.main(["farm", "status", *shot, "--to", out], standalone_mode=False)
cli.main(["farm", "template", *shot, "--to", out, "-o", out + "_job"], standalone_mode=False)
print([name for name in slow if name in sys.modules])
"""
    never = ["torch", "timm", "skimage"]
    for turn, slow in (
        ("first", never),
        ("second", [*never, "scipy.linalg"]),
    ):  # compiling may load SciPy
        command = [sys.executable, "-c", code, str(tmp_path / turn), *slow]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert ran.stdout.splitlines()[-2:] == ["1 of 1 shots done", "[]"], ran.stdout + ran.stderr
        assert len(frames_of(tmp_path / turn)) == 3


def test_a_shot_in_stages_and_shards_is_the_shot_in_one_go(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 9))
    whole = grade(shot, lively_preset, tmp_path / "whole", **QUICK, analysis=tmp_path / "one")
    options = {**ANALYSIS, "analysis": tmp_path / "two", "preset": lively_preset}
    with pytest.raises(AnalysisError, match="--stage superpixels"):
        analyze(shot, stage="features", **options)
    assert len(analyze(shot, stage="superpixels", **options).missing_features) == len(whole.chosen_frames)
    with pytest.raises(AnalysisError, match=r"lacks features of frames \d"):
        analyze(shot, stage="transforms", **options)
    shards = len(whole.chosen_frames) + 2  # the last ones have nothing to do
    for index in reversed(range(1, shards + 1)):
        report = analyze(shot, stage="features", shard=(index, shards), **options)
    assert report.missing_features == ()
    assert list(analyze(shot, stage="transforms", **options).seconds) == ["transforms"]
    assert files_of(tmp_path / "two") == files_of(tmp_path / "one")
    for number in (8, 3, 5, 1, 2, 7, 6, 4):
        chunk = grade(shot, lively_preset, tmp_path / "chunks", frames=[number], **QUICK, analysis=tmp_path / "two")
        assert list(chunk.seconds) == ["transforms", "grade"]
    assert frames_of(tmp_path / "chunks") == frames_of(tmp_path / "whole")


def test_with_a_preset_the_analysis_lies_where_the_grade_looks(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 4))
    report = analyze(shot, preset=lively_preset, **ANALYSIS)
    assert report.analysis == tmp_path / "plate_lively" / ".vfxstyle"
    planned = planned_analysis(shot, preset=lively_preset, **QUICK)
    assert planned["files"] == []
    graded = grade(shot, lively_preset, **QUICK)
    assert list(graded.seconds) == ["transforms", "grade"]


def test_a_dry_run_lists_exactly_what_is_written(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 4))
    for preset in (None, lively_preset):
        planned = planned_analysis(shot, preset=preset, analysis=tmp_path / "a", **ANALYSIS)
        json.dumps(planned)
        before = set(files_of(tmp_path))
        analyze(shot, preset=preset, analysis=tmp_path / "a", **ANALYSIS)
        written = set(files_of(tmp_path)) - before
        assert {tmp_path / name for name in written} == listed(planned["files"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": (2, 3)}, "add --stage features"),
        ({"shard": (4, 3), "stage": "features"}, "shard is 4/3"),
        ({"shard": (0, 3), "stage": "features"}, "shard is 0/3"),
        ({"stage": "transforms"}, "--preset"),
    ],
)
def test_what_makes_no_sense_is_said_before_the_work(make_shot, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        analyze(make_shot(), **ANALYSIS, **options)
    assert not (tmp_path / "plate_analysis").exists()


def test_another_plate_never_gets_this_analysis(make_shot, tmp_path, lively_preset):
    """Analyses of other settings are added beside; with --overwrite never they are refused."""
    shot = make_shot(frames=range(1, 4))
    analyze(shot, **ANALYSIS)
    with pytest.raises(AnalysisError, match="another plate or other settings"):
        analyze(shot, **{**ANALYSIS, "superpixels": 20}, overwrite="never")
    analyze(shot, **{**ANALYSIS, "superpixels": 20})
    assert len([path for path in (tmp_path / "plate_analysis").iterdir() if path.is_dir()]) == 2
    first = grade(shot, lively_preset, **QUICK)
    assert list(first.seconds) == ["transforms", "grade"]
    always = analyze(shot, **ANALYSIS, overwrite="always")
    assert list(always.seconds) == ["superpixels", "features"]


def test_a_damaged_label_map_is_mended_though_transforms_are_there(make_shot, tmp_path, lively_preset, caplog):
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "out"
    grade(shot, lively_preset, out, **QUICK)
    before = frames_of(out)
    next((out / ".vfxstyle").rglob("labels.0002.exr")).unlink()
    (out / "out.0003.exr").unlink()
    with caplog.at_level("WARNING"):
        assert "superpixels" in grade(shot, lively_preset, out, **QUICK).seconds
    assert frames_of(out) == before
    assert [record.getMessage() for record in caplog.records if "is damaged" in record.getMessage()]


def test_a_frame_that_can_be_read_again_is_tried_again(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 5))
    options = {**ANALYSIS, "on_error": "skip", "analysis": tmp_path / "a"}
    write_picture(shot / "plate.0003.exr", np.zeros((90, 160, 3), np.float32), display=(0, 0, 128, 72))
    first = analyze(shot, max_pixels=128 * 72, **options)
    assert list(first.unreadable) == [3]
    second = analyze(shot, **options)
    assert second.unreadable == {}
    assert "superpixels" in second.seconds


@pytest.mark.parametrize("missing", ["features", "transforms"])
def test_a_dry_run_of_what_is_partly_there(make_shot, tmp_path, lively_preset, missing):
    shot = make_shot(frames=range(1, 4))
    where = {"preset": lively_preset, "analysis": tmp_path / "a", **QUICK}
    analyze(shot, preset=lively_preset, analysis=tmp_path / "a", **ANALYSIS)
    for path in (tmp_path / "a").rglob(f"{missing}*/*" if missing == "transforms" else "features.npz"):
        path.unlink()
    planned = planned_analysis(shot, **where)["files"]
    assert len(planned) == 1
    assert missing in planned[0]
    always = planned_analysis(shot, **where, overwrite="always")["files"]
    assert len(always) == 3 + 2 + 1 + 1
    assert planned_analysis(shot, stage="superpixels", **where)["files"] == []


def test_a_second_look_takes_the_analysis_from_the_first_beside_it(make_shot, lively_preset, identity_preset):
    shot = make_shot(frames=range(1, 4))
    first = grade(shot, identity_preset, **QUICK)
    second = grade(shot, lively_preset, **QUICK)
    assert {Stage.SUPERPIXELS, Stage.FEATURES} <= set(first.seconds)
    assert not {Stage.SUPERPIXELS, Stage.FEATURES} & set(second.seconds)
    (one,), (other,) = (list((report.output / ".vfxstyle").glob("*/features.npz")) for report in (first, second))
    assert one.read_bytes() == other.read_bytes()
    alone = grade(shot, lively_preset, shot.parent / "elsewhere" / "out", overwrite="always", **QUICK)
    assert {Stage.SUPERPIXELS, Stage.FEATURES} <= set(alone.seconds)
    for path, same in zip(second.files, alone.files, strict=True):
        np.testing.assert_array_equal(read_pixels(path), read_pixels(same))


def test_the_copy_of_an_analysis_knows_the_plate_as_it_is_now(make_shot, lively_preset, identity_preset):
    shot = make_shot(frames=range(1, 4))
    grade(shot, identity_preset, **QUICK)
    for path in shot.iterdir():
        os.utime(path, (1e9, 1e9))  # as a copy or a restored one has
    assert Stage.SUPERPIXELS not in grade(shot, lively_preset, **QUICK).seconds
    assert planned_grade(shot, lively_preset, **QUICK)["files"] == []


def test_an_analysis_that_vanishes_while_it_is_copied_is_made(make_shot, lively_preset, identity_preset, monkeypatch):
    shot = make_shot(frames=range(1, 4))
    first = grade(shot, identity_preset, **QUICK)
    read = AnalysisFolder.read_labels

    def gone(self, number):
        if first.output in self.folder.parents:
            raise ChangedError("it was taken away")
        return read(self, number)

    monkeypatch.setattr(AnalysisFolder, "read_labels", gone)
    second = grade(shot, lively_preset, **QUICK)
    assert Stage.SUPERPIXELS in second.seconds
    assert len(second.files) == 3


def test_the_analysis_of_another_plate_beside_it_is_left_alone(make_shot, tmp_path, lively_preset):
    first = grade(make_shot("sky", frames=range(1, 4)), lively_preset, **QUICK)
    other = make_shot("sea", frames=range(1, 4))
    for number in range(1, 4):
        write_picture(other / f"sea.{number:04d}.exr", moving_picture(number + 20))
    shutil.copytree(first.output / ".vfxstyle", tmp_path / "sea_golden" / ".vfxstyle")
    assert Stage.SUPERPIXELS in grade(other, lively_preset, **QUICK).seconds
