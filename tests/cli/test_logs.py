"""Logs of a command, and how much of it is on the terminal."""

import json
import re

import pytest
from helpers import QUICK_FLAGS, main_in_process

from vfxstyle.cli import configured


def graded(shot, out, *more):
    return main_in_process("grade", shot, "--preset", "golden", "-o", out, "-f", "1001", *QUICK_FLAGS, *more)


def test_a_log_has_every_stage_with_its_time(make_shot, tmp_path):
    shot, file = make_shot(frames=range(1001, 1003)), tmp_path / "logs" / "own.log"
    assert graded(shot, tmp_path / "out", "--log-file", file, "--progress", "json").returncode == 0
    lines = file.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING) ", line) for line in lines)
    text = file.read_text()
    for told in ("plate: 128x72", "superpixels: 2 of 2 steps in ", "grade: 1 of 1 steps in ", "1 frame written: "):
        assert told in text
    assert lines[-1].endswith("INFO ended well")
    assert "DEBUG" not in text

    told = graded(shot, tmp_path / "out", "--log-file", file, "--log-format", "json", "-v", "--strength", 0.5)
    rows = [json.loads(line) for line in file.read_text().splitlines()[len(lines) :]]  # after what was there
    assert {row["level"] for row in rows} == {"info", "debug"}
    assert any(re.match(r"grade: 1 of 1, \d", row["message"]) for row in rows)
    assert re.search(r"^\d\d:\d\d:\d\d\.\d+ grade: 1 of 1, \d", told.stderr, re.MULTILINE)


def test_a_failure_is_in_the_log(make_shot, tmp_path):
    file = tmp_path / "own.log"
    told = main_in_process("grade", make_shot(), "--preset", "absent", "--log-file", file)
    assert told.returncode == 3
    assert "ERROR There is no preset 'absent'" in file.read_text()
    assert told.stderr.count("no preset 'absent'") == 1


def test_quiet_says_warnings_and_errors_only(make_shot, tmp_path):
    shot = make_shot(frames=range(1001, 1003))
    told = graded(shot, tmp_path / "out", "-q")
    assert (told.returncode, told.stderr) == (0, "")
    told = graded(shot, tmp_path / "png", "-q", "--format", "png", "--output-space", "scene_linear")
    (line,) = told.stderr.splitlines()
    assert line.startswith("Warning: png of linear light clips what is above 1.0 and looks dark")
    assert line.endswith("name a display with --output-space")
    told = graded(shot, tmp_path / "png", "-q", "--strength", "9")
    assert told.returncode == 2
    assert "strength" in told.stderr
    told = graded(shot, tmp_path / "png", "-q", "-v")
    assert told.returncode == 2
    assert "contradict each other" in told.stderr


def test_a_log_that_cannot_be_written_is_told_before_work(make_shot, tmp_path):
    (tmp_path / "file").touch()
    told = graded(make_shot(), tmp_path / "out", "--log-file", tmp_path / "file" / "own.log")
    assert told.returncode == 4
    assert "choose another with --log-file" in told.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["environment", "command line"])
def test_threads_are_what_is_asked_for(make_shot, tmp_path, monkeypatch, place):
    told = []
    monkeypatch.setattr(configured, "limit_threads", told.append)
    flags = ["--threads", 3] if place == "command line" else []
    monkeypatch.setenv("VFXSTYLE_THREADS", "3" if place == "environment" else "5")
    planned = graded(make_shot(), tmp_path / "out", "-n", *flags)
    assert json.loads(planned.stdout)["said"]["threads"] == {"value": 3, "from": f"the {place}"}
    assert told == [3]


def test_quiet_leaves_a_stream_for_programs_alone(make_shot, tmp_path, monkeypatch):
    monkeypatch.setenv("VFXSTYLE_QUIET", "1")
    monkeypatch.setenv("VFXSTYLE_PROGRESS", "json")
    png = ["--format", "png", "--output-space", "scene_linear"]
    told = graded(make_shot(frames=range(1001, 1003)), tmp_path / "out", *png)
    events = [json.loads(line) for line in told.stderr.splitlines()]
    assert events[-1]["event"] == "done"
    assert (events[-1]["written"], events[-1]["output_space"]) == (1, "ACEScg")
    texts = [event.get("text") or "" for event in events]
    assert any(text.startswith("png of linear light clips what is above 1.0") for text in texts)
    told = main_in_process("farm", "template", tmp_path / "plate", "--preset", "golden", "-o", tmp_path / "job")
    assert (told.returncode, told.stderr) == (0, "")


def test_a_json_log_has_what_programs_ask_of_stages_and_failures(make_shot, tmp_path):
    shot, file = make_shot(frames=range(1001, 1004)), tmp_path / "own.log"
    options = ["--preset", "golden", "-o", tmp_path / "out", *QUICK_FLAGS, "--log-file", file, "--log-format", "json"]
    (shot / "plate.1002.exr").write_bytes(b"junk")
    assert main_in_process("grade", shot, *options, "--on-error", "skip").returncode == 1
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    (grade,) = [row for row in rows if row.get("stage") == "grade"]
    assert (grade["steps"], grade["of"], grade["seconds"] > 0) == (3, 3, True)
    assert (rows[-1]["code"], rows[-1]["retryable"], rows[-1]["frames"]) == ("partial", False, [1002])
    assert [row["message"] for row in rows if row["level"] == "warning"]
