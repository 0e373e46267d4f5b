"""Jobs for Deadline 10, and how they are sent: to a stand-in of its command, as no repository was at hand."""

import json
import re
import shlex
import sys
from itertools import pairwise

import pytest
from helpers import QUICK, QUICK_FLAGS, farm_jobs, main_in_process, write_cut

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.farm.deadline import as_file, deadline_jobs, submit
from vfxstyle.farm.job_options import JobOptions

COMMAND = """
import pathlib, sys
place = pathlib.Path({place!r})
count = len(list(place.glob("*.job"))) // 2
if count == {fails}:
    print("Result=Failure\\nthe repository is full")
    raise SystemExit(1)
for kind, file in zip(("info", "plugin"), sys.argv[1:]):
    (place / f"{{count}}_{{kind}}.job").write_bytes(pathlib.Path(file).read_bytes())
print(f"Result=Success\\nJobID=5f{{count:022x}}\\n\\nThe job was submitted successfully.")
"""


@pytest.fixture
def program(tmp_path):
    """Writes a stand-in of ``deadlinecommand`` that keeps what it is given; ``fails`` counts from 0."""

    def write(fails=-1):
        place = tmp_path / "repository"
        place.mkdir(exist_ok=True)
        (tmp_path / "command.py").write_text(COMMAND.format(place=str(place), fails=fails))
        shell = tmp_path / "deadlinecommand"
        shell.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(tmp_path / "command.py"))} "$@"\n'
        )
        shell.chmod(0o755)
        return str(shell)

    return write


def of_file(path):
    lines = path.read_text().splitlines()
    assert all("=" in line for line in lines)
    return dict(line.split("=", 1) for line in lines)


def words_of(arguments):
    """The words of a line of arguments, as a process gets them."""
    return shlex.split(arguments.replace("<QUOTE>", '"'))


def test_every_step_is_a_job_that_waits_for_the_one_before(make_shot, tmp_path, lively_preset, program):
    shot = make_shot("my plate", frames=range(1001, 1031))
    jobs = farm_jobs([str(shot)], str(lively_preset), None, "1001-1010,1020", **QUICK)
    options = JobOptions(
        name="sq10 golden", priority=70, pool="comp", group="linux", limits=("vfx", "io"), max_workers=4
    )
    made = deadline_jobs(jobs, chunk=5, shards=3, command="/opt/vfxstyle/bin/vfxstyle", options=options)
    ids = submit(made, program())
    assert len(ids) == 6
    info = [of_file(tmp_path / "repository" / f"{index}_info.job") for index in range(6)]
    plugin = [of_file(tmp_path / "repository" / f"{index}_plugin.job") for index in range(6)]
    steps = ["superpixels", "features", "transforms", "grade", "grade", "check"]
    assert [own["Name"] for own in info] == [f"my plate_lively {step}" for step in steps]
    assert [own.get("JobDependencies") for own in info] == [None, *ids[:3], ids[2], ",".join(ids[3:5])]
    assert [(own["Frames"], own["ChunkSize"]) for own in info] == [
        ("0", "1"), ("1-3", "1"), ("0", "1"), ("1001-1010", "5"), ("1020-1020", "5"), ("0", "1")
    ]  # fmt: skip
    for own in info:
        told = [own[key] for key in ("BatchName", "Priority", "Pool", "Group", "LimitGroups", "MachineLimit")]
        assert told == ["sq10 golden", "70", "comp", "linux", "vfx,io", "4"]
        assert (own["Plugin"], own["OutputDirectory0"]) == ("CommandLine", str(tmp_path / "my plate_lively"))
    commands = [words_of(own["Arguments"]) for own in plugin]
    assert {own["Executable"] for own in plugin} == {"/opt/vfxstyle/bin/vfxstyle"}
    assert all(str(shot) in words for words in commands)  # in one piece, with its space
    assert all(words[-2:] == ["--progress", "deadline"] for words in commands)
    assert commands[1][commands[1].index("--shard") + 1] == "<STARTFRAME>/3"
    assert commands[3][commands[3].index("-f") + 1] == "<STARTFRAME>-<ENDFRAME>"
    assert commands[5][commands[5].index("-f") + 1] == "1001-1010,1020"


def test_looks_share_an_analysis_and_a_cut_waits_for_its_clips(make_shot, tmp_path, lively_preset, identity_preset):
    shot = str(make_shot(frames=range(1, 5)))
    made = deadline_jobs(farm_jobs([shot], f"{lively_preset},{identity_preset}", None, None, **QUICK))
    names = [job.info["Name"] for job in made]
    second = names.index("plate_identity superpixels")
    assert made[second].after == (names.index("plate_lively transforms"),)
    cut = write_cut(tmp_path, make_shot)
    made = deadline_jobs(farm_jobs([str(cut)], str(lively_preset), str(tmp_path / "out"), None, **QUICK, handles=1))
    names = [job.info["Name"] for job in made]
    assert made[-1].after == tuple(index for index, name in enumerate(names) if name.endswith(" check"))
    assert all(max(job.after, default=-1) < index for index, job in enumerate(made))


def test_a_job_that_is_not_taken_is_named_with_those_that_are_there(make_shot, lively_preset, program, tmp_path):
    made = deadline_jobs(farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK))
    with pytest.raises(
        ResourceError, match=r"plate_lively transforms: the repository is full\. Sent already.*: 5f0+, 5f0+1\."
    ):
        submit(made, program(fails=2))
    with pytest.raises(UsageError, match="install Deadline's client, or name it with --program"):
        submit(made, str(tmp_path / "absent"))


def test_what_deadline_cannot_say_is_refused(make_shot, lively_preset, tmp_path):
    shot = make_shot('a "b"', frames=range(1, 3))
    with pytest.raises(UsageError, match="it has a quote"):
        deadline_jobs(farm_jobs([str(shot)], str(lively_preset), None, None, **QUICK))
    below = make_shot("below", frames=range(1, 3))
    for path in sorted(below.glob("*.exr")):
        path.rename(path.with_name(path.name.replace(".0", ".-0")))
    with pytest.raises(UsageError, match="no frames below 0"):
        deadline_jobs(farm_jobs([str(below)], str(lively_preset), None, None, **QUICK))


def test_from_the_command_line(make_shot, lively_preset, program, tmp_path):
    shot = make_shot(frames=range(1, 3))
    words = ["farm", "deadline", shot, "--preset", lively_preset, *QUICK_FLAGS, "--program", program(), "--pool", "a"]
    planned = main_in_process(*words, "-n")
    jobs = json.loads(planned.stdout)
    assert [job["after"] for job in jobs] == [[], *([first] for first, _ in pairwise(range(5)))]
    assert not list((tmp_path / "repository").iterdir())
    sent = main_in_process(*words)
    assert sent.returncode == 0, sent.stderr
    *lines, estimate = sent.stderr.splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"about \S+ seconds of one core, 1\.25 GiB of memory a task, \S+ GB on disk", estimate)
    assert of_file(tmp_path / "repository" / "3_info.job")["Pool"] == "a"
    refused = main_in_process("farm", "template", shot, "--preset", lively_preset, "-o", tmp_path / "b", "--pool", "a")
    assert refused.returncode == 2
    assert "No such option '--pool'" in refused.stderr


def test_files_have_a_line_for_each_key():
    assert as_file({"Name": "a b", "ShellExecute": False}) == "Name=a b\nShellExecute=False\n"
