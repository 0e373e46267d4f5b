"""Movies whose frames other runs have made ready (grade --prepare)."""

import shutil

import av
import numpy as np
import pytest
from helpers import QUICK, QUICK_FLAGS, listed, moving_picture, planned_grade, vfxstyle, write_picture

from vfxstyle import grade
from vfxstyle.errors import ChangedError, PartialError, UsageError
from vfxstyle.grading.sinks import read_prepared


def prepared(out):
    return sorted((out.parent / ".vfxstyle" / f"{out.stem}.frames").glob("*"))


@pytest.mark.parametrize(
    "options", [{}, {"format": "prores4444"}, {"fps": "24000/1001"}], ids=["422hq", "4444", "rate"]
)
def test_a_movie_of_frames_made_in_chunks_is_the_movie_of_one_run(make_shot, tmp_path, lively_preset, options):
    shot, analysis = make_shot(frames=range(1, 8)), tmp_path / "analysis"
    settings = {**QUICK, **options, "analysis": analysis}
    whole = grade(shot, lively_preset, tmp_path / "a" / "out.mov", **settings)
    out = tmp_path / "b" / "out.mov"
    for chunk in ("5-7", "1-2", "3-4"):
        part = grade(shot, lively_preset, out, frames=chunk, prepare=True, **settings)
        assert list(part.files) == [path for path in prepared(out) if path in part.files]
        assert not out.exists()
    assert len(prepared(out)) == 7
    again = grade(shot, lively_preset, out, frames="1-7", prepare=True, **settings)
    assert again.written == ()
    grade(shot, lively_preset, out, **settings)
    assert out.read_bytes() == whole.output.read_bytes()
    assert not prepared(out)
    for chunk in ("5-7", "1-2", "3-4"):  # the same job sent again
        assert grade(shot, lively_preset, out, frames=chunk, prepare=True, **settings).written == ()
    assert not prepared(out), "a movie that is there needs its frames no more"


def test_pixels_that_tasks_left_alone_are_told_with_the_movie(make_shot, tmp_path, lively_preset):
    shot, out, settings = make_shot(frames=range(1, 4)), tmp_path / "out.mov", {**QUICK, "analysis": tmp_path / "an"}
    picture = moving_picture(1)
    picture[5, 5:8] = np.nan
    write_picture(shot / "plate.0002.exr", picture)
    for chunk in ("1-2", "3"):
        grade(shot, lively_preset, out, frames=chunk, prepare=True, **settings)
    assert grade(shot, lively_preset, out, **settings).untouched_pixels == {2: 3}
    assert grade(shot, lively_preset, out, **settings).untouched_pixels == {2: 3}


def test_what_was_left_when_a_job_was_killed_between_movie_and_tidying_is_taken_away(
    make_shot, tmp_path, lively_preset
):
    shot, out, settings = make_shot(frames=range(1, 4)), tmp_path / "out.mov", {**QUICK, "analysis": tmp_path / "an"}
    grade(shot, lively_preset, out, frames="1-2", prepare=True, **settings)
    kept = shutil.copytree(tmp_path / ".vfxstyle", tmp_path / "kept")
    grade(shot, lively_preset, out, **settings)
    shutil.copytree(kept / "out.frames", tmp_path / ".vfxstyle" / "out.frames")
    assert grade(shot, lively_preset, out, **settings).written == ()
    assert {path.name for path in (tmp_path / ".vfxstyle" / "frames").iterdir()} == {"out.mov.json"}
    assert not prepared(out)


def test_always_makes_frames_and_movie_again_and_never_neither(make_shot, tmp_path, lively_preset):
    shot, out, settings = make_shot(frames=range(1, 4)), tmp_path / "out.mov", {**QUICK, "analysis": tmp_path / "an"}
    grade(shot, lively_preset, out, **settings)
    first, before = out.stat().st_ino, out.read_bytes()
    always = {**settings, "overwrite": "always"}
    assert grade(shot, lively_preset, out, frames="1-2", prepare=True, **always).written == (1, 2)
    grade(shot, lively_preset, out, **always)
    assert out.stat().st_ino != first
    assert out.read_bytes() == before
    never = {**settings, "overwrite": "never", "strength": 0.5}
    assert grade(shot, lively_preset, out, frames="1-2", prepare=True, **never).written == ()
    assert grade(shot, lively_preset, out, **never).written == ()
    out.unlink()
    assert grade(shot, lively_preset, out, frames="1-2", prepare=True, **never).written == (1, 2)
    assert grade(shot, lively_preset, out, frames="1-2", prepare=True, **never).written == ()


def test_a_range_with_holes_becomes_the_movie_of_one_run(make_shot, tmp_path, lively_preset):
    shot, settings = make_shot(frames=range(1, 9)), {**QUICK, "analysis": tmp_path / "an"}
    whole = grade(shot, lively_preset, tmp_path / "whole.mov", frames="1-3,6,8", **settings)
    out = tmp_path / "out.mov"
    for chunk in ("1-3", "6", "8"):
        grade(shot, lively_preset, out, frames=chunk, prepare=True, **settings)
    grade(shot, lively_preset, out, frames="1-3,6,8", **settings)
    assert out.read_bytes() == whole.output.read_bytes()


def test_frames_that_are_lacking_or_old_are_graded_by_the_run_that_encodes(make_shot, tmp_path, lively_preset):
    shot, out, settings = make_shot(frames=range(1, 5)), tmp_path / "out.mov", {**QUICK, "analysis": tmp_path / "an"}
    whole = grade(shot, lively_preset, tmp_path / "whole" / "out.mov", strength=0.5, **settings)
    grade(shot, lively_preset, out, frames="1-3", prepare=True, strength=0.5, **settings)
    damaged = prepared(out)[1]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(ChangedError, match=r"out\.0002\.npz"):
        read_prepared(damaged, 2)
    grade(shot, lively_preset, out, frames="1", prepare=True, strength=1.0, **settings)
    grade(shot, lively_preset, out, strength=0.5, **settings)
    assert out.read_bytes() == whole.output.read_bytes()


def test_a_frame_that_no_task_could_read_is_held(make_shot, tmp_path, lively_preset):
    shot, out, settings = make_shot(frames=range(1, 6)), tmp_path / "out.mov", {**QUICK, "on_error": "skip"}
    (shot / "plate.0003.exr").write_bytes(b"junk")
    grade(shot, lively_preset, out, prepare=True, **settings)  # the movie's run tells
    assert len(prepared(out)) == 4
    with pytest.raises(PartialError) as caught:
        grade(shot, lively_preset, out, **settings)
    assert caught.value.frames == (3,)
    with av.open(str(out)) as movie:
        pictures = [frame.to_ndarray() for frame in movie.decode(video=0)]
    assert len(pictures) == 5
    assert (pictures[2] == pictures[1]).all()
    assert not prepared(out)  # a plate whose frame has been mended needs another analysis, and all frames anew
    before = out.stat().st_mtime_ns
    assert grade(shot, lively_preset, out, frames="1-2", prepare=True, **settings).written == ()
    with pytest.raises(PartialError):
        grade(shot, lively_preset, out, **settings)
    assert out.stat().st_mtime_ns == before


@pytest.mark.parametrize(("output", "prepare"), [("out", False), ("out.mov", True), ("out.mov", False)])
def test_what_is_planned_is_what_is_written(make_shot, tmp_path, lively_preset, output, prepare):
    """Pictures or movie, and all that lies beside them; nothing else appears."""
    shot, where = make_shot(frames=range(1, 4)), {**QUICK, "write_nuke": True, "prepare": prepare}
    out = tmp_path / "into" / output
    plan = planned_grade(shot, lively_preset, out, **where)
    assert not out.parent.exists()
    grade(shot, lively_preset, out, **where)
    written = {path for path in out.parent.rglob("*") if path.is_file()}
    assert written == listed(plan["files"] + plan["support_files"])


def test_what_a_run_will_write_is_listed(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "out.mov"
    plan = planned_grade(shot, lively_preset, out, frames="1-2", prepare=True)
    expected = [out.parent / ".vfxstyle" / "out.frames" / f"out.000{n}.npz" for n in (1, 2)]
    assert plan["files"] == [str(path) for path in expected]
    with pytest.raises(UsageError, match="leave --prepare out"):
        grade(shot, lively_preset, tmp_path / "frames", prepare=True)


@pytest.mark.slow
def test_a_movie_on_a_farm_is_the_movie_of_one_run(tmp_path, lively_preset):
    """Its timecode is the plate's, whichever task graded the first frame."""
    for number in range(1001, 1006):
        write_picture(tmp_path / "plate" / f"plate.{number}.exr", moving_picture(number - 1001))
    out = tmp_path / "out.mov"
    where = [tmp_path / "plate", "--preset", lively_preset, "--to", out]
    ran = vfxstyle("farm", "run", *where, "--workers", 2, "--chunk", 3, *QUICK_FLAGS)
    assert ran.returncode == 0, ran.stderr
    assert "1 of 1 shots done" in ran.stdout
    analysis = tmp_path / ".vfxstyle" / "out"
    whole = grade(tmp_path / "plate", lively_preset, tmp_path / "whole" / "out.mov", analysis=analysis, **QUICK)
    assert out.read_bytes() == whole.output.read_bytes()
    with av.open(str(out)) as movie:
        assert movie.streams.video[0].frames == 5
        assert movie.streams.video[0].metadata["timecode"] == "00:00:41:17"  # frame 1001 at 24 a second
