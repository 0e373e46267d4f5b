"""Open Job Description bundles, checked and run by its own command."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from deadline.client.job_bundle.parameters import apply_job_parameters, read_job_bundle_parameters
from deadline.client.job_bundle.submission import AssetReferences, split_parameter_args
from helpers import QUICK, farm_jobs, frames_of, write_cut
from PyOpenColorIO import Config

from vfxstyle import grade
from vfxstyle.errors import UsageError
from vfxstyle.farm.openjd import job_template, parameter_values, write_bundle
from vfxstyle.farm.tasks import memory_of, steps_of

OPENJD = shutil.which("openjd", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.fixture
def write(make_shot, tmp_path, lively_preset):
    """Writes a bundle for shots of five frames."""

    def of(*names):
        shots = [str(make_shot(name, frames=range(1001, 1006))) for name in names]
        jobs = farm_jobs(shots, str(lively_preset), None, None, **QUICK)
        write_bundle(tmp_path / "job", jobs, chunk=3, shards=2)
        return tmp_path / "job"

    return of


@pytest.fixture
def command(tmp_path):
    """A program that is this checkout's vfxstyle, for the template's parameter of that name."""
    script = tmp_path / "vfxstyle"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m vfxstyle "$@"\n')
    script.chmod(0o755)
    return f"Vfxstyle={script}"


def openjd(verb, bundle, *arguments):
    assert OPENJD, "the test extra installs openjd-cli"
    values = [] if verb == "check" else ["-p", f"file://{bundle / 'parameters.json'}"]
    command = [OPENJD, verb, str(bundle / "template.json"), *values, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def test_the_bundle_is_valid_and_names_its_files(write, tmp_path):
    bundle = write("a", "b")
    checked = openjd("check", bundle)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    summary = openjd("summary", bundle)
    assert summary.returncode == 0, summary.stdout + summary.stderr
    assert "a_lively features" in summary.stdout
    assets = json.loads((bundle / "asset_references.json").read_text())["assetReferences"]
    assert str(tmp_path / "a" / "a.1003.exr") in assets["inputs"]["filenames"]
    listed = json.loads((bundle / "parameter_values.json").read_text())["parameterValues"]
    assert {"name": "Folder1", "value": str(tmp_path)} in listed  # holds plates, results and the analyses in these
    assert [value["name"] for value in listed] == ["ChunkSize", "Preset", "Folder1"]
    template = json.loads((bundle / "template.json").read_text())
    assert len(template["steps"]) == 10
    for step in template["steps"]:
        run = step["script"]["actions"]["onRun"]
        assert run["cancelation"]["mode"] == "NOTIFY_THEN_TERMINATE"
        assert run["args"][-2:] == ["--progress", "openjd"]
        amounts = {amount["name"]: amount["min"] for amount in step["hostRequirements"]["amounts"]}
        assert amounts == {"amount.worker.vcpu": 1, "amount.worker.memory": 1280}


def test_a_gpu_is_asked_for_where_the_work_is_put_on_one(make_shot, lively_preset):
    shot = make_shot(frames=range(1, 3))
    jobs = farm_jobs([str(shot)], str(lively_preset), None, None, **{**QUICK, "device": "cuda"})
    asked = {
        step["name"].rpartition(" ")[2]
        for step in job_template(jobs)["steps"]
        if "amount.worker.gpu" in str(step["hostRequirements"])
    }
    assert asked == {"superpixels", "features", "transforms", "grade", "check"}


@pytest.mark.parametrize(
    ("size", "measured"), [((4096, 2160), 1.46), ((8192, 4320), 2.45)]
)  # docs/speed.md, peak memory in GiB
def test_memory_that_is_asked_for_is_what_was_measured_and_some(make_shot, lively_preset, size, measured):
    (job,) = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    grade_step = next(step for step in steps_of(job) if step.name == "grade")
    asked = memory_of(replace(job, size=size), grade_step)
    assert measured <= asked / 1024 <= 2 * measured
    stereo = replace(job, size=size, request=replace(job.request, settings=replace(job.settings, view="all")))
    assert asked <= memory_of(stereo, grade_step) <= 2 * asked


def test_memory_that_is_given_to_frames_is_asked_for_where_frames_are_graded(make_shot, lively_preset):
    options = {**QUICK, "memory": 6.0}
    (job,) = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **options)
    for step in steps_of(job):
        grades = step.name in ("grade", "check")
        assert (step.command[step.command.index("--memory") + 1] == "6.0") if grades else "--memory" not in step.command
        assert (memory_of(job, step) >= (6 + 1) * 1024) == grades


def test_long_names_of_steps_stay_distinct(make_shot, lively_preset):
    shots = [str(make_shot("x" * 70 + name, frames=range(1, 3))) for name in "ab"]
    names = [step["name"] for step in job_template(farm_jobs(shots, str(lively_preset), None, None, **QUICK))["steps"]]
    assert len(set(names)) == len(names) == 10
    assert max(map(len, names)) <= 64


def test_deadline_cloud_takes_the_bundle_and_only_what_the_job_reads(make_shot, tmp_path, lively_preset):
    """As AWS's own client reads it: plates and single files are uploaded, no folder that holds them is."""
    ocio, movie = tmp_path / "config.ocio", tmp_path / "m" / "m.mov"
    ocio.write_text(Config.CreateFromBuiltinConfig("cg-config-v1.0.0_aces-v1.3_ocio-v2.1").serialize())
    shots = [make_shot(name, frames=range(1001, 1004)) for name in ("a", "b")]
    settings = {**QUICK, "ocio": str(ocio)}
    jobs = farm_jobs([str(shots[0])], str(lively_preset), str(movie), None, **{**settings, "format": "prores422"})
    jobs += farm_jobs([str(shots[1])], str(lively_preset), None, None, **settings)
    (tmp_path / "b_analysis").mkdir()
    elsewhere = replace(jobs[1].request, analysis=str(tmp_path / "b_analysis"))
    write_bundle(tmp_path / "job", [jobs[0], replace(jobs[1], request=elsewhere)])
    parameters = read_job_bundle_parameters(str(tmp_path / "job"))
    written = json.loads((tmp_path / "job" / "asset_references.json").read_text())
    assets = AssetReferences.from_dict(written)
    apply_job_parameters([], str(tmp_path / "job"), parameters, assets)
    plates = {str(path) for shot in shots for path in shot.iterdir()}
    assert assets.input_filenames == plates | {str(ocio), str(lively_preset)}
    assert assets.input_directories == {str(tmp_path / "b_analysis")}  # is there, and need not be made again
    analyses = {str(jobs[0].analysis), str(tmp_path / "b_analysis")}
    sheets = {str(tmp_path)}  # a contact sheet lies beside its result
    assert assets.output_directories == analyses | sheets | {str(movie.parent), str(tmp_path / "b_lively")}
    assert assets.referenced_paths == {str(tmp_path)}
    _, sent = split_parameter_args(parameters, str(tmp_path / "job"))
    assert sent["Folder1"] == {"path": str(tmp_path)}
    assert sent["ChunkSize"] == {"int": "10"}
    template = (tmp_path / "job" / "template.json").read_text()
    assert "{{Param.Ocio}}" in template
    assert str(tmp_path) not in template, "a path that the worker does not have"


@pytest.mark.slow
def test_the_job_runs_step_by_step_and_makes_the_frames_of_one_run(write, tmp_path, lively_preset, command):
    bundle = write("a")
    ran = openjd("run", bundle, "-p", command)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert ran.stdout.count("openjd_progress: 100") == 7  # superpixels, 2 shards, transforms, 2 chunks, check
    whole = grade(tmp_path / "a", lively_preset, tmp_path / "whole", **QUICK)
    assert frames_of(tmp_path / "a_lively") == frames_of(whole.output)


@pytest.mark.slow
def test_a_failing_task_fails_the_job_and_says_why(write, tmp_path, command):
    bundle = write("a")
    (tmp_path / "a" / "a.1002.exr").write_bytes(b"junk")
    ran = openjd("run", bundle, "-p", command, "--step", "a_lively superpixels")
    assert ran.returncode != 0
    assert "openjd_fail: " in ran.stdout
    assert "a.1002.exr" in ran.stdout


def test_braces_in_a_path_are_refused(make_shot, lively_preset):
    shot = make_shot("a{{b}}", frames=range(1, 3))
    with pytest.raises(UsageError, match="rename it"):
        job_template(farm_jobs([str(shot)], str(lively_preset), None, None, **QUICK))


def test_a_cut_becomes_a_step_that_waits_for_its_clips(make_shot, tmp_path, lively_preset):
    cut = write_cut(tmp_path, make_shot)
    jobs = farm_jobs([str(cut)], str(lively_preset), str(tmp_path / "out"), None, **QUICK, handles=1)
    write_bundle(tmp_path / "job", jobs)
    checked = openjd("check", tmp_path / "job")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    steps = {step["name"]: step for step in json.loads((tmp_path / "job" / "template.json").read_text())["steps"]}
    (last,) = (step for name, step in steps.items() if name.endswith(" timeline"))
    waits = [wait["dependsOn"] for wait in last["dependencies"]]
    assert waits == [name for name in steps if name.endswith(" check")]
    assert len(waits) == 3
    assert last["script"]["actions"]["onRun"]["args"][:2] == ["grade", "{{Param.Folder1}}/cut.otio"]
    assets = json.loads((tmp_path / "job" / "asset_references.json").read_text())["assetReferences"]
    assert {str(cut), str(tmp_path / "a" / "a.1003.exr")} <= set(assets["inputs"]["filenames"])


@pytest.mark.slow
def test_what_the_format_has_no_room_for(make_shot, tmp_path, lively_preset, monkeypatch):
    """Sixty shots of one place are few parameters, sixty places of one show are one; other sixty are too many."""
    shot = make_shot(frames=range(1001, 1004))
    for index in range(60):
        for place in (tmp_path / f"s{index}", tmp_path / f"p{index}" / "plate"):
            shutil.copytree(shot, place)
    near = farm_jobs([str(tmp_path / f"s{index}") for index in range(60)], str(lively_preset), None, None, **QUICK)
    write_bundle(tmp_path / "job", near)
    checked = openjd("check", tmp_path / "job")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    far = farm_jobs([str(tmp_path / f"p{i}" / "plate") for i in range(60)], str(lively_preset), None, None, **QUICK)
    assert [name for name in parameter_values(far, 10) if name.startswith("Folder")] == ["Folder1"]
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "commonpath", lambda _: "/")
        with pytest.raises(UsageError, match=r"61 folders and files.*make several bundles"):
            job_template(far)
    numbers = tuple(range(1001, 3001, 2))
    odd = [replace(near[0], request=replace(near[0].request, frames=numbers), asked=numbers)]
    write_bundle(tmp_path / "odd", odd)
    checked = openjd("check", tmp_path / "odd")
    assert checked.returncode == 0, checked.stdout + checked.stderr
