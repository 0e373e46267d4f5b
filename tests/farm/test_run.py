"""Shots graded by tasks of their own, here and on a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from click.testing import CliRunner
from helpers import QUICK, QUICK_FLAGS, farm_jobs, frames_of, vfxstyle, write_cut

from vfxstyle import grade
from vfxstyle.cli import cli
from vfxstyle.errors import FrameError, OutputError, PartialError, ResourceError, ShotError, UsageError, VfxStyleError
from vfxstyle.farm import run as farm
from vfxstyle.farm.openjd import job_template
from vfxstyle.farm.processes import Outcome, Task, run_process, write_log
from vfxstyle.farm.run import Failure, engine_of, run_jobs
from vfxstyle.farm.status import as_table, statuses_of
from vfxstyle.progress import Silent
from vfxstyle.timelines.grade import grade_timeline


@pytest.fixture
def in_this_process(monkeypatch):
    """Tasks run one after the other without a process of their own, which would cost seconds each."""

    def run(arguments):
        try:
            cli.main([*arguments, "--progress", "none"], standalone_mode=False)
        except VfxStyleError as error:
            return Outcome(error.exit_code, str(error), 0.0, "here")
        return Outcome(0, "", 0.0, "here")

    monkeypatch.setattr(farm, "run_process", run)
    with ThreadPoolExecutor(1) as engine:
        yield engine


@pytest.mark.slow
def test_a_shot_on_a_dask_cluster_is_the_shot_in_one_run(make_shot, tmp_path, lively_preset):
    """The analysis is there, so that the tasks need no torch: this is about the cluster that runs them."""
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "plate_lively"
    whole = grade(shot, lively_preset, tmp_path / "whole", **QUICK, analysis=out / ".vfxstyle")
    cluster = ["--dask", "local", "--workers", 1, "--chunk", 2, "--json"]
    ran = vfxstyle("farm", "run", shot, "--preset", lively_preset, *cluster, *QUICK_FLAGS)
    assert ran.returncode == 0, ran.stderr
    (status,) = json.loads(ran.stdout)
    assert (status["state"], status["current"], status["frames"]) == ("done", 3, 3)
    assert frames_of(out) == frames_of(whole.output)


def test_the_status_names_what_is_damaged_and_how_to_go_on(make_shot, lively_preset):
    shot = make_shot(frames=range(1, 6))
    out = grade(shot, lively_preset, **QUICK).output
    (out / f"{out.name}.0002.exr").write_bytes(b"cut")
    told = vfxstyle("farm", "status", shot, "--preset", lively_preset, *QUICK_FLAGS)
    assert told.returncode == 1
    assert "partial" in told.stdout
    assert "4/5" in told.stdout
    assert told.stdout.splitlines()[1].endswith("  damaged: 2")
    assert told.stderr.splitlines()[-1] == "vfxstyle: FAILED code=partial retryable=yes frames=2"


def test_a_shot_that_fails_does_not_stop_the_others(make_shot, tmp_path, lively_preset, in_this_process):
    shots = [make_shot(name, frames=range(1, 3)) for name in ("good", "bad")]
    jobs = farm_jobs([str(shot) for shot in shots], str(lively_preset), None, None, **QUICK)
    (tmp_path / "bad" / "bad.0002.exr").write_bytes(b"junk")
    report = run_jobs(jobs, in_this_process, Silent())
    good, bad = statuses_of(jobs, report.failures)
    assert (good.state, good.reason) == ("done", "")
    assert (bad.state, bad.retryable) == ("failed", False)
    assert bad.reason.startswith("superpixels: ")
    assert "bad.0002.exr" in bad.reason
    assert report.tasks == 5 + 1  # the other steps of the bad shot were not tried
    assert "1 of 2 shots done" in as_table([good, bad])


def test_what_has_to_be_mended_is_what_is_told(make_shot, lively_preset, monkeypatch):
    """Of several failures of a shot that which no other try can mend, whichever comes first."""
    jobs = farm_jobs([str(make_shot(frames=range(1, 5)))], str(lively_preset), None, None, **QUICK)
    ends = {"1-2": Outcome(4, "the disk is full", 0.1, "here"), "3-4": Outcome(3, "frame 3 is damaged", 0.1, "here")}
    monkeypatch.setattr(farm, "run_process", lambda arguments: ends.get(arguments[-1], Outcome(0, "", 0.1, "here")))
    with ThreadPoolExecutor(1) as engine:
        report = run_jobs(jobs, engine, Silent(), chunk=2, retries=0)
    assert report.failures == {"plate_lively": Failure("grade: frame 3 is damaged", retryable=False)}


@pytest.mark.parametrize(("returncode", "tries"), [(-signal.SIGKILL, 3), (143, 3), (4, 3), (3, 1), (1, 1)])
def test_what_was_killed_or_lacked_something_is_tried_again(make_shot, lively_preset, monkeypatch, returncode, tries):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    seen = []

    def fails(arguments):
        seen.append(arguments)
        return Outcome(returncode, "no luck", 0.1, "here")

    monkeypatch.setattr(farm, "run_process", fails)
    with ThreadPoolExecutor(1) as engine:
        report = run_jobs(jobs, engine, Silent(), retries=2)
    assert len(seen) == tries == report.tasks
    assert report.failures == {"plate_lively": Failure("superpixels: no luck", retryable=tries > 1)}


@pytest.mark.parametrize(("one_machine", "tries"), [(True, 1), (False, 3)])
def test_a_gpu_that_is_absent_is_looked_for_on_other_machines_only(
    make_shot, lively_preset, monkeypatch, one_machine, tries
):
    class Cluster(Executor):
        def submit(self, function, *arguments):
            future = Future()
            future.set_result(function(*arguments))
            return future

    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    monkeypatch.setattr(farm, "run_process", lambda _: Outcome(4, "no GPU", 0.1, "here", code="device"))
    with ThreadPoolExecutor(1) if one_machine else Cluster() as engine:
        report = run_jobs(jobs, engine, Silent(), retries=2)
    assert report.tasks == tries
    assert report.failures == {"plate_lively": Failure("superpixels: no GPU", retryable=True)}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_task_ends_with_the_worker_that_waits_for_it():
    """As where a Dask worker is killed, whose task another one does then."""
    task = (
        "import os, time; from vfxstyle.cli import _end_with_parent as end; end(); "
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    worker = (
        "import os, subprocess, sys; environment = {**os.environ, 'VFXSTYLE_TASK_OF': str(os.getpid())}; "
        f"subprocess.run([sys.executable, '-c', {task!r}], env=environment)"
    )
    with subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        process.kill()
        for _ in range(200):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the task is still there")


def test_what_tasks_say_is_kept_with_times(make_shot, tmp_path, lively_preset, monkeypatch):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    ends = iter([Outcome(4, "the disk is full", 1.5, "one", "output", ("2026-11-26T17:00:00.000+00:00 Error: x",))])
    monkeypatch.setattr(farm, "run_process", lambda _: next(ends, Outcome(0, "", 0.1, "two")))
    with ThreadPoolExecutor(1) as engine:
        run_jobs(jobs, engine, Silent(), retries=1, logs=tmp_path / "logs")
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == [
        "plate_lively_check_1-2_try1.log",
        "plate_lively_features_1-1_try1.log",
        "plate_lively_grade_1-2_try1.log",
        "plate_lively_superpixels_try1.log",
        "plate_lively_superpixels_try2.log",
        "plate_lively_transforms_try1.log",
    ]
    first = (tmp_path / "logs" / "plate_lively_superpixels_try1.log").read_text()
    assert first.startswith("# vfxstyle analyze ")
    assert "on one, 1.5 s, exit code 4" in first
    assert first.endswith("2026-11-26T17:00:00.000+00:00 Error: x\n")
    (tmp_path / "file").write_text("")
    done = Outcome(0, "", 0.1, "here")
    with pytest.raises(OutputError, match="--logs"):
        write_log(tmp_path / "file", Task(jobs[0], "grade", ()), 1, done)
    gaps = ",".join(map(str, range(1001, 1200, 2)))
    assert len(write_log(tmp_path / "logs", Task(jobs[0], "check", (), gaps), 1, done).name) < 200
    with ThreadPoolExecutor(1) as engine:  # the work goes on
        assert not run_jobs(jobs, engine, Silent(), logs=tmp_path / "file").failures


def test_several_looks_are_put_on_a_shot_over_one_analysis(
    make_shot, tmp_path, lively_preset, identity_preset, in_this_process
):
    shot = make_shot(frames=range(1, 3))
    jobs = farm_jobs([str(shot)], f"{lively_preset},{identity_preset}", str(tmp_path / "out"), None, **QUICK)
    assert [(job.name, job.after) for job in jobs] == [("plate_lively", ()), ("plate_identity", ("plate_lively",))]
    assert jobs[0].analysis == jobs[1].analysis
    report = run_jobs(jobs, in_this_process, Silent())
    assert not report.failures
    assert [status.state for status in statuses_of(jobs, {})] == ["done", "done"]
    for preset in (lively_preset, identity_preset):
        alone = grade(shot, preset, tmp_path / preset.stem, **QUICK)
        graded = frames_of(tmp_path / "out" / f"plate_{preset.stem}")
        assert graded == frames_of(alone.output)
    steps = [step["name"] for step in job_template(jobs)["steps"]]
    assert steps[:5] == [f"plate_lively {name}" for name in ("superpixels", "features", "transforms", "grade", "check")]
    waits = job_template(jobs)["steps"][5]["dependencies"]
    assert waits == [{"dependsOn": "plate_lively transforms"}]
    both = f"{lively_preset},{lively_preset}"
    with pytest.raises(UsageError, match="named twice"):
        farm_jobs([str(shot)], both, None, None, **QUICK)


def test_a_look_that_fails_takes_no_other_with_it(make_shot, lively_preset, identity_preset, monkeypatch):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], f"{lively_preset},{identity_preset}", None, None, **QUICK)

    def run(arguments):
        bad = arguments[0] == "grade" and any(word.startswith(str(lively_preset)) for word in arguments)
        return Outcome(3 if bad else 0, "bad" if bad else "", 0.1, "here")

    monkeypatch.setattr(farm, "run_process", run)
    with ThreadPoolExecutor(1) as engine:
        report = run_jobs(jobs, engine, Silent())
    assert report.failures.keys() == {"plate_lively"}
    assert report.tasks == 4 + 5
    (_, second) = statuses_of(jobs, report.failures)
    assert second.reason != "not all clips are done"


def test_a_task_says_the_word_of_its_failure(make_shot, identity_preset):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    outcome = run_process(["grade", str(make_shot()), "--preset", str(identity_preset), "--device", "cuda"])
    assert (outcome.returncode, outcome.code) == (4, "device")
    assert "not present on this machine" in outcome.reason


def test_the_status_counts_frames_that_are_there(make_shot, tmp_path, lively_preset):
    """Not what would be written: a frame left out is not done, and always writing over does not make it undone."""
    shot = make_shot(frames=range(1, 5))
    (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), None, None, **QUICK), {})
    assert (status.state, status.reason, status.by_reason) == ("none", "", {"not made yet": (1, 2, 3, 4)})
    grade(shot, lively_preset, **QUICK)
    for overwrite in ("always", "never", "changed"):
        elsewhere = {**QUICK, "overwrite": overwrite, "device": "auto"}
        jobs = farm_jobs([str(shot)], str(lively_preset), None, None, **elsewhere)
        assert statuses_of(jobs, {})[0].state == "done"
    jobs = farm_jobs([str(shot)], str(lively_preset), None, None, **{**QUICK, "device": "cuda:99"})
    (status,) = statuses_of(jobs, {})  # a machine that only looks needs no GPU, and knows that one finds others
    assert (status.state, status.reason) == ("none", "of another preset, plate, version or options: 1-4")
    (shot / "plate.0003.exr").write_bytes(b"junk")
    settings = {**QUICK, "on_error": "skip"}
    with pytest.raises(PartialError):
        grade(shot, lively_preset, **settings)
    (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), None, None, **settings), {})
    assert (status.state, status.current, status.frames) == ("partial", 3, 4)
    assert (status.reason, status.retryable) == ("cannot be read, so render them again: 3", False)
    assert status.by_reason == {"cannot be read, so render them again": (3,)}
    (shot / "plate.0003.exr").unlink()
    settings = {**QUICK, "missing": "skip"}
    with pytest.raises(PartialError):
        grade(shot, lively_preset, **settings)
    (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), None, None, **settings), {})
    assert (status.state, status.current, status.frames) == ("partial", 3, 4)
    assert status.reason == "not in the plate, so render them: 3"
    assert not status.retryable  # all that can be graded is there
    settings = {**settings, "strength": 0.5}
    (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), None, None, **settings), {})
    assert (status.state, status.current, status.retryable) == ("none", 0, True)
    assert status.reason == ("of another preset, plate, version or options: 1-2,4; not in the plate, so render them: 3")
    (tmp_path / "plate_lively" / "plate_lively.0002.exr").unlink()
    (tmp_path / "plate_lively" / "plate_lively.0004.exr").write_bytes(b"cut")
    (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), None, None, **{**QUICK, "missing": "skip"}), {})
    assert (status.state, status.current) == ("partial", 1)
    assert status.reason == "damaged: 4; not made yet: 2; not in the plate, so render them: 3"


def test_a_task_that_its_engine_loses_is_tried_again(make_shot, lively_preset):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)

    class Losing(ThreadPoolExecutor):
        def submit(self, call, *arguments):
            return super().submit(lambda: 1 / 0)

    with Losing(1) as engine:
        report = run_jobs(jobs, engine, Silent(), retries=1)
    assert report.tasks == 2
    assert "was lost (ZeroDivisionError" in report.failures["plate_lively"].reason


def test_what_fails_inside_is_not_swallowed(monkeypatch):
    import distributed

    class Client:
        def __init__(self, address, timeout):
            self.closed = False

        def get_executor(self, **options):
            return None

        def close(self):
            raise OSError("gone")

    monkeypatch.setattr(distributed, "Client", Client)
    with pytest.raises(RuntimeError, match="mine"), engine_of("tcp://here:1", 1):
        raise RuntimeError("mine")


def test_a_task_that_is_killed_is_seen_as_killed(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    outcome = farm.run_process(["grade"])
    assert outcome.returncode == -signal.SIGKILL
    assert outcome.can_help_again
    assert outcome.host == os.uname().nodename


def test_a_scheduler_that_is_not_there_is_said(monkeypatch):
    import distributed

    def nobody(address, timeout):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", nobody)
    with pytest.raises(ResourceError, match="tcp://nowhere:1 does not answer"), engine_of("tcp://nowhere:1", 1):
        pass


def test_a_cut_is_a_job_for_every_clip_and_one_that_waits_for_them(make_shot, tmp_path, lively_preset, in_this_process):
    """The frames, and the timeline that shows them, are those of one run over the cut."""
    cut, farmed = write_cut(tmp_path, make_shot), tmp_path / "farm"
    jobs = farm_jobs([str(cut)], str(lively_preset), str(farmed), None, **QUICK, handles=1)
    report = run_jobs(jobs, in_this_process, Silent())
    states = {status.name: (status.state, status.frames) for status in statuses_of(jobs, report.failures)}
    assert states == {"010": ("done", 4), "020": ("done", 3), "030": ("done", 4), "cut_lively": ("done", 0)}
    whole = grade_timeline(cut, lively_preset, tmp_path / "whole", handles=1, **QUICK).timeline
    for clip in ("010", "020", "030"):
        assert frames_of(farmed / clip) == frames_of(whole.parent / clip)
    assert (farmed / "cut_lively.otio").read_bytes() == whole.read_bytes()
    told = vfxstyle("farm", "status", cut, "--preset", lively_preset, "--handles", 1, *QUICK_FLAGS, "--to", farmed)
    assert told.returncode == 0, told.stderr
    (farmed / "cut_lively.otio").write_bytes(cut.read_bytes())  # a timeline, but not that of these results
    assert [status.state for status in statuses_of(jobs, {})] == ["done", "done", "done", "partial"]
    with pytest.raises(UsageError, match="A timeline says itself"):
        farm_jobs([str(cut)], str(lively_preset), str(farmed), "1001", **QUICK)


def test_a_cut_whose_clip_fails_writes_no_timeline(make_shot, tmp_path, lively_preset, in_this_process):
    cut = write_cut(tmp_path, make_shot)
    jobs = farm_jobs([str(cut)], str(lively_preset), str(tmp_path / "farm"), None, **QUICK, handles=0)
    assert jobs[-1].after == ("010", "020", "030")
    (tmp_path / "b" / "b.1001.exr").write_bytes(b"junk")
    report = run_jobs(jobs, in_this_process, Silent())
    assert set(report.failures) == {"020", "cut_lively"}
    assert report.failures["cut_lively"] == Failure("020 failed.", retryable=False)
    assert [status.state for status in statuses_of(jobs, report.failures)] == ["done", "failed", "done", "failed"]
    assert not (tmp_path / "farm" / "cut_lively.otio").exists()


def test_a_cut_with_a_clip_that_lacks_frames_is_written_and_not_called_done(
    make_shot, tmp_path, lively_preset, in_this_process
):
    cut, settings = write_cut(tmp_path, make_shot), {**QUICK, "missing": "skip"}
    (tmp_path / "a" / "a.1004.exr").unlink()
    jobs = farm_jobs([str(cut)], str(lively_preset), str(tmp_path / "farm"), None, **settings, handles=0)
    report = run_jobs(jobs, in_this_process, Silent())
    assert set(report.failures) == {"010", "cut_lively"}
    assert "1004" in report.failures["010"].reason
    assert (tmp_path / "farm" / "cut_lively.otio").exists()
    states = [(status.state, status.retryable) for status in statuses_of(jobs, {})]
    assert states == [("partial", False), ("done", False), ("done", False), ("partial", False)]


def test_frames_that_wait_for_their_movie_are_told(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 5)), tmp_path / "out.mov"
    jobs = farm_jobs([str(shot)], str(lively_preset), str(out), None, **QUICK)
    grade(shot, lively_preset, out, frames="1-3", prepare=True, **QUICK)
    (status,) = statuses_of(jobs, {})
    assert (status.state, status.current, status.reason) == ("partial", 0, "ready for the movie: 1-3")
    grade(shot, lively_preset, out, **QUICK)
    assert statuses_of(jobs, {})[0].state == "done"


def test_a_shot_that_cannot_be_used_takes_nothing_from_the_others(make_shot, tmp_path, lively_preset, in_this_process):
    good, gone, hole = make_shot("good", frames=range(1, 3)), tmp_path / "gone", make_shot("hole", frames=range(1, 5))
    (hole / "hole.0002.exr").unlink()
    arguments = [str(good), str(gone), str(hole), "--preset", str(lively_preset), *QUICK_FLAGS]
    for command in (["run", "--progress", "none"], ["status"]):
        told = CliRunner().invoke(cli, ["farm", *command, "--json", *arguments])
        assert isinstance(told.exception, PartialError)
        rows = json.loads(told.stdout)
        assert [(row["name"], row["state"]) for row in rows] == [
            ("good_lively", "done"),
            (str(gone), "failed"),
            (str(hole), "failed"),
        ]
        assert "check the path" in rows[1]["reason"]
        assert "has no frame 2; render the missing frames" in rows[2]["reason"]
        assert not told.exception.retryable
    with pytest.raises(ShotError, match="gone"):  # a job for others to run is whole or not made
        farm_jobs([str(good), str(gone)], str(lively_preset), None, None, **QUICK)


def test_a_movie_that_holds_a_frame_is_made_once_and_never_called_done(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 5)), tmp_path / "out.mov"
    (shot / "plate.0003.exr").write_bytes(b"junk")
    settings = {**QUICK, "on_error": "skip"}
    for _ in range(2):
        with pytest.raises(PartialError, match=r"1 frame failed.*it holds the frame before each"):
            grade(shot, lively_preset, out, **settings)
        made = out.stat().st_mtime_ns
    with pytest.raises(PartialError, match=r"0 were written to .*3 were up to date"):
        grade(shot, lively_preset, out, **settings)
    assert out.stat().st_mtime_ns == made
    for on_error in ("skip", "stop"):
        chosen = {**settings, "on_error": on_error}
        (status,) = statuses_of(farm_jobs([str(shot)], str(lively_preset), str(out), None, **chosen), {})
        assert (status.state, status.current, status.retryable) == ("partial", 3, False)
        assert status.reason == "cannot be read, so render them again: 3"
    with pytest.raises(PartialError, match="1 frame failed, 0 were written"):  # a movie of nothing is none
        grade(shot, lively_preset, tmp_path / "part.mov", frames="3", **settings)
    assert not (tmp_path / "part.mov").exists()
    with pytest.raises(FrameError, match=r"plate\.0003"):
        grade(shot, lively_preset, out, **QUICK)


def test_two_cuts_of_one_place_are_refused(make_shot, tmp_path, lively_preset):
    cut = write_cut(tmp_path, make_shot)
    with pytest.raises(UsageError, match="Two shots would be graded to"):
        farm_jobs([str(cut), str(cut)], str(lively_preset), str(tmp_path / "farm"), None, **QUICK)


def test_workers_are_as_many_as_cores_and_memory_allow(make_shot, lively_preset, monkeypatch):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    monkeypatch.setattr(farm, "free_memory", lambda: 100 * 2**30)
    assert farm.workers_here(jobs, threads=12) == 6
    monkeypatch.setattr(farm, "free_memory", lambda: 4 * 2**30)  # a task takes at most one GiB and a quarter
    assert farm.workers_here(jobs, threads=12) == 3
    monkeypatch.setattr(farm, "free_memory", lambda: 2**20)
    assert farm.workers_here(jobs, threads=12) == 1


@pytest.mark.parametrize(("said", "threads", "told"), [(None, None, "1"), ("5", None, "5"), ("5", 8, "4")])
def test_threads_are_divided_among_the_workers(monkeypatch, said, threads, told):
    monkeypatch.setattr(farm, "cores_of_process", lambda: 2)
    with patch.dict(os.environ, {} if said is None else {"OMP_NUM_THREADS": said}):
        if said is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        with engine_of(None, 2, threads):
            assert os.environ["OMP_NUM_THREADS"] == told


def test_a_task_runs_what_is_installed_whatever_folder_it_is_started_in(tmp_path, monkeypatch):
    (tmp_path / "vfxstyle").mkdir()
    (tmp_path / "vfxstyle" / "__init__.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    outcome = run_process(["analyze", "absent", "--preset", "golden"])
    assert (outcome.returncode, "absent" in outcome.reason) == (3, True)


def test_a_task_is_told_its_share_of_the_threads_and_not_all_of_them(tmp_path, monkeypatch):
    """What a task's process sees, which is where the number would count a second time."""
    seen = tmp_path / "seen.py"
    seen.write_text(
        "import os, sys\nprint('Error:', os.environ['OMP_NUM_THREADS'], 'VFXSTYLE_THREADS' in os.environ, "
        "file=sys.stderr)\nraise SystemExit(3)\n"
    )
    monkeypatch.setenv("VFXSTYLE_THREADS", "8")
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda words, **named: popen([sys.executable, seen], **named))
    with patch.dict(os.environ), engine_of(None, 2, 8):
        assert run_process(["grade"]).reason == "4 False"


def test_threads_of_other_machines_are_theirs(monkeypatch):
    told = r"tell the workers of tcp://10\.0\.0\.5:8786 by their \$OMP_NUM_THREADS"
    with pytest.raises(UsageError, match=told), engine_of("tcp://10.0.0.5:8786", 2, 8):
        pass
