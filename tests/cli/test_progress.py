import json
import os
import pty
import re
import subprocess
import sys

import pytest
from helpers import QUICK_FLAGS, main_in_process

from tsp import compiled
from tsp.compiled import KernelFolders
from vfxstyle.cli import progress
from vfxstyle.cli.progress import FIRST_RUN, Bar, Lines, Nothing, kernels_are_there, make_progress, watching
from vfxstyle.cli.shares import GRADE_SHARES, TASKS_SHARES
from vfxstyle.errors import FrameError
from vfxstyle.progress import Clock, Silent, Stage

PERCENT = {
    "openjd": re.compile(r"^openjd_progress: (\d+)$"),
    "deadline": re.compile(r"^Progress: (\d+)%$"),
    "alf": re.compile(r"^ALF_PROGRESS (\d+)%$"),
    "json": re.compile(r'^\{"event": "(?:progress|done)", "percent": (\d+), .*\}$'),
}


def test_names():
    assert isinstance(make_progress("bar", GRADE_SHARES), Bar)
    assert isinstance(make_progress("none", GRADE_SHARES), Nothing)
    assert isinstance(make_progress("auto", GRADE_SHARES), Lines)  # stderr is no terminal under test


def test_lines_tell_every_tenth_and_the_end(capsys):
    with Lines().stage(Stage.GRADE, 25) as step:
        for _ in range(25):
            step()
    told = capsys.readouterr().err.splitlines()
    assert 10 <= len(told) <= 11
    assert told[-1] == "grade: 25/25"


def test_the_bar_shows_on_a_terminal_without_a_size():
    """Under a pseudo-terminal of 0 by 0, as job wrappers make them, the bar must not be blank."""
    lead, follow = pty.openpty()
    code = (
        "from vfxstyle.cli.progress import Bar\n"
        "from vfxstyle.progress import Stage\n"
        "with Bar().stage(Stage.GRADE, 2) as step:\n    step(); step()"
    )
    subprocess.run([sys.executable, "-c", code], stderr=follow, check=True, timeout=120)
    shown = os.read(lead, 10_000).decode()
    os.close(lead)
    os.close(follow)
    assert "100%" in shown
    assert "2/2" in shown


def test_the_clock_adds_up_stages_by_name():
    clock = Clock(Silent())
    for stage in (Stage.FEATURES, Stage.GRADE, Stage.FEATURES):
        with clock.stage(stage, 1) as step:
            step()
    assert list(clock.seconds) == ["features", "grade"]
    assert all(seconds >= 0 for seconds in clock.seconds.values())


def graded(watch, stages=GRADE_SHARES):
    """What a grade tells of itself."""
    watch.note("plate: 64x48")
    for name in stages:
        with watch.stage(name, 7) as step:
            for _ in range(7):
                step()


def percentages(name, told):
    return [int(found[1]) for line in told if (found := PERCENT[name].match(line))]


@pytest.mark.parametrize("name", PERCENT)
def test_farms_read_percentages_that_never_fall_and_end_at_100_when_all_is_done(name, capsys):
    with watching(name, GRADE_SHARES) as watch:
        graded(watch)
        before = percentages(name, capsys.readouterr().err.splitlines())
        assert before[0] == 0
        assert 95 <= before[-1] <= 99  # all is computed, but nothing says yet that it is there
        assert before == sorted(set(before))
    assert percentages(name, capsys.readouterr().err.splitlines()) == [100]


@pytest.mark.parametrize("name", PERCENT)
def test_a_failed_run_never_says_100(name, capsys):
    def fails():
        with watching(name, GRADE_SHARES) as watch:
            graded(watch)
            raise FrameError("Frame 7 (a.exr)\ncannot be read.", frames=(7,))

    with pytest.raises(FrameError):
        fails()
    told = capsys.readouterr().err.splitlines()
    assert max(percentages(name, told)) < 100
    if name == "openjd":
        assert told[-1] == "openjd_fail: Frame 7 (a.exr) cannot be read."
    if name == "json":
        assert json.loads(told[-1]) == {
            "event": "failed",
            "code": "frame",
            "retryable": False,
            "frames": [7],
            "not_made": [],
            "message": "Frame 7 (a.exr)\ncannot be read.",
        }


def test_the_first_run_says_what_it_waits_for(capsys, monkeypatch):
    monkeypatch.setattr(progress, "kernels_are_there", lambda: False)
    for shares in (GRADE_SHARES, TASKS_SHARES):
        with watching("auto", shares):
            pass
    assert capsys.readouterr().err == f"{FIRST_RUN}\n"


def test_kernels_are_there_once_one_was_compiled(tmp_path, monkeypatch):
    folder = tmp_path / "kernels-0"
    monkeypatch.setattr(compiled, "kernel_folders", lambda packages: KernelFolders((folder,), None))
    assert not kernels_are_there()
    (folder / "a.module").mkdir(parents=True)
    (folder / "a.module" / "a_kernel.nbc").touch()
    assert kernels_are_there()


def test_what_is_there_already_is_skipped(capsys):
    """With an analysis at hand a grade begins at its share, and ends at 100 all the same."""
    with watching("deadline", GRADE_SHARES) as watch:
        graded(watch, ["transforms", "grade"])
    found = percentages("deadline", capsys.readouterr().err.splitlines())
    assert found[0] == 64
    assert found[-1] == 100


def test_several_jobs_share_the_percentage(capsys):
    with watching("alf", GRADE_SHARES) as watch:
        for index in range(4):
            watch.job(index, 4)
            graded(watch)
            assert percentages("alf", capsys.readouterr().err.splitlines())[-1] in (25 * index + 24, 25 * index + 25)


def test_no_protocol_prints_what_farms_take_for_failure(capsys):
    for name in (*PERCENT, "auto"):
        with watching(name, GRADE_SHARES) as watch:
            graded(watch)
    assert not re.search("error:", capsys.readouterr().err, re.IGNORECASE)


def test_a_stream_of_json_is_nothing_else(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 4))
    words = ("grade", shot, "--preset", identity_preset, "-o", tmp_path / "out", *QUICK_FLAGS, "--progress", "json")
    for written, kept in ((3, 0), (0, 3)):
        result = main_in_process(*words)
        assert result.stdout == ""
        events = [json.loads(line) for line in result.stderr.splitlines()]
        assert [event["event"] for event in events].count("done") == 1
        done = events[-1]
        assert (done["event"], done["written"], done["kept"]) == ("done", written, kept)
        assert done["files"] == [str(tmp_path / "out" / f"out.{number:04d}.exr") for number in range(1, 4)]
        assert done["output"] == str(tmp_path / "out")
    assert done["seconds"].keys() <= {"superpixels", "features", "transforms", "grade", "proof"}
