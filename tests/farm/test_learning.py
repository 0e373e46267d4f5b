"""Jobs that learn a look first, and then grade with it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from helpers import QUICK, farm_jobs, make_preset

from vfxstyle.cli import cli
from vfxstyle.errors import PartialError, UsageError
from vfxstyle.farm import run as farm
from vfxstyle.farm import status
from vfxstyle.farm.deadline import deadline_jobs
from vfxstyle.farm.openjd import asset_references, job_template, parameter_values
from vfxstyle.farm.processes import Outcome
from vfxstyle.farm.run import Failure, run_jobs
from vfxstyle.farm.status import ShotStatus, statuses_of
from vfxstyle.farm.tasks import steps_of
from vfxstyle.files import file_digest
from vfxstyle.grading.status import FrameStates
from vfxstyle.looks.preset import save_preset
from vfxstyle.progress import Silent


@pytest.fixture
def jobs(make_shot, tmp_path):
    shots = [str(make_shot(name, frames=range(1, 5))) for name in ("a", "b")]
    graded = make_shot("hand", frames=range(2, 4))
    return farm_jobs(shots, str(tmp_path / "looks" / "own.safetensors"), None, None, graded=str(graded), **QUICK)


def test_every_grade_waits_for_the_look(jobs, tmp_path):
    first, *grades = jobs
    (step,) = steps_of(first)
    assert step.command[:3] == ("train", "--name", "own")
    for flag, value in {"--shot": "a", "--graded": "hand", "-o": "looks/own.safetensors"}.items():
        assert step.command[step.command.index(flag) + 1] in (value, str(tmp_path / value))
    assert [job.after for job in grades] == [("own (look)",), ("own (look)",)]
    assert [job.output.name for job in grades] == ["a_own", "b_own"]
    grade = steps_of(grades[0])[3].command
    assert grade[grade.index("--preset") + 1] == str(tmp_path / "looks" / "own.safetensors")  # of no content yet


def test_engines_are_told_so(jobs, tmp_path):
    steps = {step["name"]: step for step in job_template(jobs)["steps"]}
    assert "dependencies" not in steps["own (look) train"]
    for shot in ("a", "b"):
        assert steps[f"{shot}_own superpixels"]["dependencies"] == [{"dependsOn": "own (look) train"}]
    words = steps["a_own grade"]["script"]["actions"]["onRun"]["args"]
    preset = words[words.index("--preset") + 1]
    for name, value in parameter_values(jobs, 10).items():
        preset = preset.replace(f"{{{{Param.{name}}}}}", str(value))
    assert preset == str(tmp_path / "looks" / "own.safetensors")
    files = asset_references(jobs)["assetReferences"]
    assert str(tmp_path / "hand" / "hand.0002.exr") in files["inputs"]["filenames"]
    assert not any(file.endswith("own.safetensors") for file in files["inputs"]["filenames"])
    assert str(tmp_path / "looks") in files["outputs"]["directories"]
    made = deadline_jobs(jobs)
    assert [made[index].after for index, job in enumerate(made) if job.info["Name"].endswith("superpixels")] == [
        (0,),
        (0,),
    ]


def test_a_look_that_cannot_be_learnt_stops_its_grades(jobs, monkeypatch, tmp_path):
    run = []

    def failing(arguments):
        run.append(arguments[0])
        return Outcome(3, "no frame of the shot is graded", 0.1, "here")

    monkeypatch.setattr(farm, "run_process", failing)
    with ThreadPoolExecutor(1) as engine:
        report = run_jobs(jobs, engine, Silent())
    assert run == ["train"]
    assert {name: failure.reason for name, failure in report.failures.items()} == {
        "own (look)": "train: no frame of the shot is graded",
        "a_own": "own (look) failed.",
        "b_own": "own (look) failed.",
    }
    assert [status.state for status in statuses_of(jobs, report.failures)] == ["failed"] * 3
    assert [status.state for status in statuses_of(jobs, {})] == ["none"] * 3


def test_what_was_learnt_is_put_on_the_shots(jobs, monkeypatch, lively_preset):
    """Learning itself is left to its own tests: here a look appears where the task would save it."""
    first, *grades = jobs

    def run(arguments):
        if arguments[0] == "train":
            first.target.parent.mkdir()
            first.target.write_bytes(lively_preset.read_bytes())
        else:
            cli.main([*arguments, "--progress", "none"], standalone_mode=False)
        return Outcome(0, "", 0.0, "here")

    monkeypatch.setattr(farm, "run_process", run)
    with ThreadPoolExecutor(1) as engine:
        report = run_jobs(jobs, engine, Silent())
    assert not report.failures
    assert [status.state for status in statuses_of(jobs, {})] == ["done"] * 3
    assert all(len(list(job.output.glob("*.exr"))) == 4 for job in grades)


def test_a_look_of_other_graded_frames_is_not_done(jobs, tmp_path):
    look, *_ = jobs
    look.target.parent.mkdir()
    plain = make_preset()

    def is_there(card):
        save_preset(replace(plain, info=replace(plain.info, card=card)), look.target)

    hashes = [file_digest(path) for path in sorted((tmp_path / "hand").glob("*.exr"))]
    for kept, state in ((hashes, "done"), (hashes[:1], "partial"), ([hashes[0], "0" * 64], "partial"), (None, "done")):
        is_there({} if kept is None else {"grades": kept})
        assert statuses_of([look], {})[0].state == state
    is_there({"grades": hashes})
    frame = sorted((tmp_path / "hand").glob("*.exr"))[0]
    frame.write_bytes((tmp_path / "a" / "a.0003.exr").read_bytes())
    (found,) = statuses_of([look], {})
    assert (found.state, found.retryable) == ("partial", True)
    assert "other graded frames" in found.reason


@pytest.mark.parametrize(
    ("preset", "shots", "graded", "message"),
    [
        ("golden", ["plate"], "hand", "the one file that the look is saved to"),
        ("a.safetensors", ["cut.otio"], "hand", "not learnt on a timeline"),
        ("a.safetensors", ["plate"], "absent", "no folder .*absent with graded frames"),
    ],
)
def test_what_cannot_be_is_said(make_shot, tmp_path, monkeypatch, preset, shots, graded, message):
    make_shot(frames=range(1, 3))
    make_shot("hand", frames=range(1, 2))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        farm_jobs(shots, preset, None, None, graded=graded, **QUICK)


def test_an_earlier_look_does_not_hide_that_it_could_not_be_learnt_again(jobs, monkeypatch, lively_preset):
    """The preset and all frames of an earlier run are there; what this run was to make is not."""
    learning, first, _ = jobs
    learning.target.parent.mkdir(parents=True)
    shutil.copy(lively_preset, learning.target)
    others = dict.fromkeys(("damaged", "outdated", "absent", "ready", "unreadable"), ())
    monkeypatch.setattr(status, "frame_states", lambda request, run: FrameStates(current=(1, 2, 3, 4), **others))
    assert [own.state for own in statuses_of([learning, first], {})] == ["done", "done"]
    failures = {learning.name: Failure("train: no luck", False), first.name: Failure(f"{learning.name} failed.", False)}
    assert [own.state for own in statuses_of([learning, first], failures)] == ["failed", "failed"]


def test_a_look_beside_its_frames_is_no_second_shot(make_shot, tmp_path):
    shot, graded = str(make_shot("a", frames=range(1, 5))), str(make_shot("hand", frames=range(2, 4)))
    jobs = farm_jobs(
        [shot], str(tmp_path / "out" / "look.safetensors"), str(tmp_path / "out"), None, graded=graded, **QUICK
    )
    assert jobs[0].output == jobs[1].output == tmp_path / "out"


def test_a_name_that_no_look_can_have_is_refused_before_anything_is_sent(make_shot, tmp_path):
    shot, graded = str(make_shot("a", frames=range(1, 5))), str(make_shot("hand", frames=range(2, 4)))
    with pytest.raises(UsageError, match="'my look' cannot name a look"):
        farm_jobs([shot], str(tmp_path / "my look.safetensors"), None, None, graded=graded, **QUICK)


def test_the_last_line_names_frames_of_the_one_shot_beside_its_look():
    look = ShotStatus("own (look)", "done", 0, 0, "own.safetensors", "", retryable=False)
    shot = ShotStatus("a", "partial", 4, 3, "a", "", retryable=True, by_reason={"damaged": (2,)})
    with pytest.raises(PartialError) as caught:
        status.check_done([look, shot])
    assert list(caught.value.frames) == [2]
    refused = ShotStatus("b", "failed", 0, 0, "b", "no shot", retryable=False)
    with pytest.raises(PartialError) as caught:
        status.check_done([look, shot, refused])
    assert not caught.value.frames  # whose would they be?
