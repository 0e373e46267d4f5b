import pytest
from helpers import QUICK, farm_jobs

from vfxstyle.errors import UsageError
from vfxstyle.farm.run import tasks_of
from vfxstyle.farm.tasks import chunks, steps_of, stretches


def test_chunks_cover_every_frame_once_and_none_between():
    assert stretches([3, 1, 2, 7, 9, 8]) == [(1, 3), (7, 9)]
    assert chunks([*range(1001, 1008), 1010], 3) == ["1001-1003", "1004-1006", "1007", "1010"]
    assert chunks([-2, -1, 0, 5], 2) == ["-2--1", "0", "5"]


def test_a_shot_becomes_steps_that_wait_for_each_other(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 61))
    settings = {"superpixels": 40, "strength": 0.5, "write_nuke": True, "overwrite": "always"}
    (job,) = farm_jobs([str(shot)], str(lively_preset), None, "1-50x7,60", **settings)
    steps = {step.name: step for step in steps_of(job)}
    assert [step.after for step in steps.values()] == [None, "superpixels", "features", "transforms", "grade"]
    assert steps["features"].shards == 3  # of the whole shot, whatever is graded of it
    assert steps["grade"].frames == (1, 8, 15, 22, 29, 36, 43, 50, 60)
    for name, step in steps.items():
        at = step.command.index("--superpixels")
        assert step.command[at + 1] == "40"
        assert ("--strength" in step.command) == (name in ("grade", "check"))
        assert ("--write-nuke" in step.command) == (name == "check")
        assert ("always" in step.command) == (name != "check")
        assert step.in_one == (name == "check")
        assert str(job.analysis) in step.command
    assert len(tasks_of(job, steps["grade"], 10)) == 9
    assert len(tasks_of(job, steps_of(job, shards=4)[1], 10)) == 4


def test_of_several_shots_each_has_its_place(make_shot, tmp_path, lively_preset):
    shots = [str(make_shot(name, frames=range(1, 3))) for name in ("a", "b")]
    jobs = farm_jobs(shots, str(lively_preset), str(tmp_path / "out"), None, **QUICK)
    assert [job.output for job in jobs] == [tmp_path / "out" / "a_lively", tmp_path / "out" / "b_lively"]
    assert [job.name for job in jobs] == ["a_lively", "b_lively"]
    with pytest.raises(UsageError, match="one movie and there are 2 shots"):
        farm_jobs(shots, str(lively_preset), str(tmp_path / "out.mov"), None, **QUICK)
    with pytest.raises(UsageError, match="folders of different names"):
        farm_jobs([shots[0], shots[0]], str(lively_preset), None, None, **QUICK)
    with pytest.raises(UsageError, match="--start-frame"):
        farm_jobs(shots, str(lively_preset), None, None, start_frame=1)
    (shipped,) = farm_jobs(shots[:1], "golden", None, None, **QUICK)
    assert shipped.preset == "golden"  # every machine has it, wherever it is installed there


def test_shots_of_one_name_are_told_apart(make_shot, tmp_path, lively_preset):
    for folder in ("s1", "s2"):
        make_shot("plate", frames=range(1, 3)).rename(tmp_path / folder)
        (tmp_path / folder / "plate").mkdir()
        for path in (tmp_path / folder).glob("*.exr"):
            path.rename(tmp_path / folder / "plate" / path.name)
    shots = [str(tmp_path / folder / "plate") for folder in ("s1", "s2")]
    jobs = farm_jobs(shots, str(lively_preset), None, None, **QUICK)
    assert [job.name for job in jobs] == ["plate_lively", "plate_lively (2)"]
    assert jobs[0].output != jobs[1].output


def test_a_shot_that_is_called_as_the_second_of_another_keeps_a_name_of_its_own(make_shot, tmp_path, lively_preset):
    shots = [str(make_shot(name, frames=range(1, 3))) for name in ("sh010 (2)", "sh010")]
    jobs = farm_jobs(shots, str(lively_preset), str(tmp_path / "out" / "{plate}"), None, **QUICK)
    assert [job.name for job in jobs] == ["sh010 (2)", "sh010"]


def test_what_the_environment_says_goes_with_the_tasks(make_shot, lively_preset, monkeypatch):
    monkeypatch.setenv("OCIO", "ocio://default")
    (job,) = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    for step in steps_of(job):
        assert step.command[step.command.index("--ocio") + 1] == "ocio://default"


def test_frames_that_are_missing_are_asked_for_by_the_check(make_shot, lively_preset):
    shot = make_shot(frames=range(1, 6))
    (shot / "plate.0003.exr").unlink()
    (job,) = farm_jobs([str(shot)], str(lively_preset), None, None, missing="skip")
    assert (job.frames, job.asked) == ((1, 2, 4, 5), (1, 2, 3, 4, 5))
    *_, grades, check = steps_of(job)
    assert [task.arguments[-1] for task in tasks_of(job, grades, 10)] == ["1-2", "4-5"]
    assert [task.arguments[-1] for task in tasks_of(job, check, 10)] == ["1-5"]
