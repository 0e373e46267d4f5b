"""Long shots in sections: any number of tasks makes the analysis that one makes."""

import numpy as np
import pytest
from helpers import BACKBONE, QUICK, farm_jobs, frames_of, planned_analysis

from vfxstyle import analyze, grade
from vfxstyle.analysis import segment as segmenting
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import ChangedError, FrameError, UsageError
from vfxstyle.farm.tasks import steps_of
from vfxstyle.progress import Stage
from vfxstyle.settings import ShotSettings

CUT = {**QUICK, "backbone": BACKBONE, "section_frames": 16, "stage": "superpixels"}


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """36 frames of a moving picture: two sections."""
    from helpers import moving_picture, write_picture

    folder = tmp_path_factory.mktemp("long") / "plate"
    for number in range(1, 37):
        write_picture(folder / f"plate.{number:04d}.exr", moving_picture(number))
    return folder


def test_sections_on_any_machines_are_one_analysis(plate, tmp_path, lively_preset):
    whole = analyze(plate, analysis=tmp_path / "one", **CUT)
    assert list(whole.seconds) == [Stage.SUPERPIXELS, Stage.JOINING]
    for index in (2, 1, 3):  # the third share has nothing to do
        report = analyze(plate, analysis=tmp_path / "two", shard=(index, 3), **CUT)
        assert report.superpixels == 0
    assert not (tmp_path / "two" / AnalysisFolder(tmp_path / "one").identity[:16]).exists()
    joined = analyze(plate, analysis=tmp_path / "two", **CUT)
    assert joined.superpixels == whole.superpixels
    assert files_of(tmp_path / "two") == files_of(tmp_path / "one")
    assert not (tmp_path / "two" / ".sections").exists()
    late = analyze(plate, analysis=tmp_path / "two", shard=(1, 2), **CUT)  # a task that is run again
    assert late.seconds == {}
    assert planned_analysis(plate, **CUT, analysis=tmp_path / "two")["files"] == []
    options = {name: value for name, value in CUT.items() if name not in ("stage", "backbone")}
    graded = grade(plate, lively_preset, tmp_path / "out", analysis=tmp_path / "two", **options)
    assert len(frames_of(graded.output)) == 36
    assert Stage.SUPERPIXELS not in graded.seconds


def test_what_a_killed_job_has_segmented_stays(plate, tmp_path, monkeypatch):
    analyze(plate, analysis=tmp_path, shard=(1, 2), **CUT)
    made = []
    store = segmenting._Segmentation.store
    monkeypatch.setattr(
        segmenting._Segmentation, "store", lambda self, folder: (made.append(len(self.shot)), store(self, folder))
    )
    analyze(plate, analysis=tmp_path, **CUT)
    assert made == [18 + 8, 36]  # the second section, and the joining
    analyze(plate, analysis=tmp_path, overwrite="always", shard=(1, 2), **CUT)
    assert made[2:] == [18]


def test_another_job_may_join_them_first(plate, tmp_path, monkeypatch):
    joined = segmenting.joined

    def late(parts):
        if not other:
            other.append(True)
            analyze(plate, analysis=tmp_path, **CUT)
            raise ChangedError("a label map has gone")
        return joined(parts)

    other: list[bool] = []
    monkeypatch.setattr(segmenting, "joined", late)
    assert analyze(plate, analysis=tmp_path, **CUT).superpixels > 0
    monkeypatch.setattr(segmenting, "joined", lambda parts: (_ for _ in ()).throw(ChangedError("gone")))
    with pytest.raises(ChangedError):
        analyze(plate, analysis=tmp_path / "none", **CUT)


def test_a_frame_that_two_sections_share_may_be_unreadable(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 37))
    damaged = shot / "plate.0017.exr"
    good = damaged.read_bytes()
    damaged.write_bytes(b"junk")
    with pytest.raises(FrameError, match=r"plate\.0017"):
        analyze(shot, analysis=tmp_path / "a", **CUT)
    left_out = analyze(shot, analysis=tmp_path / "a", on_error="skip", **CUT)
    assert list(left_out.unreadable) == [17]
    damaged.write_bytes(good)
    assert not analyze(shot, analysis=tmp_path / "a", on_error="skip", **CUT).unreadable


def test_a_section_without_a_readable_frame_is_left_out(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 37))
    for number in range(11, 37):  # all of the second section, with what it shares
        (shot / f"plate.{number:04d}.exr").write_bytes(b"junk")
    left_out = analyze(shot, analysis=tmp_path / "a", on_error="skip", **CUT)
    assert sorted(left_out.unreadable) == list(range(11, 37))
    shard = analyze(shot, analysis=tmp_path / "b", on_error="skip", shard=(2, 2), **CUT)
    assert sorted(shard.unreadable) == list(range(19, 37))


def test_held_frames_of_a_range_are_those_of_the_whole_shot(make_shot, tmp_path):
    """A range that begins and ends in holes, in sections and in one piece: the same pictures."""
    shot = make_shot(frames=range(1, 41))
    for number in (3, 4, 20, 21, 38):
        (shot / f"plate.{number:04d}.exr").unlink()
    pattern = f"{shot}/plate.####.exr 3-38"
    report = analyze(pattern, analysis=tmp_path / "a", missing="hold", **CUT)
    stored = AnalysisFolder(tmp_path / "a")
    assert stored.manifest["frames"] == list(range(3, 39))
    np.testing.assert_array_equal(stored.read_labels(3) >= 0, True)
    for index in (2, 1):
        analyze(pattern, analysis=tmp_path / "b", missing="hold", shard=(index, 2), **CUT)
    assert analyze(pattern, analysis=tmp_path / "b", missing="hold", **CUT).superpixels == report.superpixels
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_a_movie_in_sections(make_shot, tmp_path, lively_preset):
    movie = grade(make_shot(frames=range(1, 37)), lively_preset, tmp_path / "movie.mov", strength=0, **QUICK).output
    for index in (2, 1):
        analyze(movie, analysis=tmp_path / "a", shard=(index, 2), **CUT)
    report = analyze(movie, analysis=tmp_path / "a", **CUT)
    assert list(report.seconds) == [Stage.SUPERPIXELS, Stage.JOINING]
    assert AnalysisFolder(tmp_path / "a").manifest["frames"] == list(range(1, 37))


def test_sections_that_were_left_go_with_the_next_run(plate, tmp_path):
    analyze(plate, analysis=tmp_path, **CUT)
    analyze(plate, analysis=tmp_path, shard=(2, 2), overwrite="always", **CUT)  # a task that came late
    assert (tmp_path / ".sections").is_dir()
    assert analyze(plate, analysis=tmp_path, **CUT).seconds == {}
    assert not (tmp_path / ".sections").exists()


def test_a_shot_in_one_piece_has_no_shards(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 4))
    with pytest.raises(UsageError, match=r"one piece; leave --shard out, or cut it with --section-frames"):
        analyze(shot, analysis=tmp_path / "a", shard=(1, 2), **CUT)
    with pytest.raises(UsageError, match="it must be 0, or at least 16"):
        analyze(shot, analysis=tmp_path / "a", **{**CUT, "section_frames": 5})
    with pytest.raises(UsageError, match="--stage features or superpixels"):
        analyze(shot, analysis=tmp_path / "a", shard=(1, 2), **{**CUT, "stage": "all"})


def test_long_shots_are_cut_unless_somebody_asks_otherwise():
    assert [ShotSettings().sections(frames) for frames in (1, 999, 1000, 2000)] == [1, 1, 4, 8]
    assert ShotSettings(section_frames=0).sections(5000) == 1
    assert ShotSettings(section_frames=100).sections(250) == 2
    assert ShotSettings(section_frames=100, frame_based=True).sections(250) == 1


def test_a_farm_has_a_task_for_each_section(plate, lively_preset):
    (job,) = farm_jobs([str(plate)], str(lively_preset), None, None, **{**QUICK, "section_frames": 16})
    sections, superpixels, *_ = steps_of(job)
    assert (sections.name, sections.after, sections.shards) == ("sections", None, 2)
    assert (superpixels.name, superpixels.after) == ("superpixels", "sections")
    assert "--section-frames" in superpixels.command
    (short,) = farm_jobs([str(plate)], str(lively_preset), None, None, **QUICK)
    assert steps_of(short)[0].name == "superpixels"
