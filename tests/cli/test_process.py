"""What the command line does to its process: memory, and how it ends."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import QUICK_FLAGS, command

FAULTS_OF_A_SECOND_PICTURE = """
import resource
from vfxstyle.cli.allocator import keep_freed_memory

def faults_of_a_picture():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(200_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if KEEPS:
    keep_freed_memory()
print(faults_of_a_picture(), faults_of_a_picture())
"""
ENDS = """
import atexit, sys, threading, time
from vfxstyle.cli import run

class Left:
    def __del__(self):
        print("taken apart", flush=True)

def last():
    time.sleep(0.2)
    print("thread")

left = Left()
left.itself = left
atexit.register(print, "at exit")
threading.Thread(target=last).start()
sys.argv = ["vfxstyle", *ARGUMENTS]
BEFORE
run()
"""


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **options)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of the C library of Linux")
@pytest.mark.parametrize(
    ("keeps", "environment", "kept"), [(1, {}, True), (0, {}, False), (1, {"MALLOC_CHECK_": "0"}, False)]
)
def test_memory_of_a_picture_is_kept_for_the_next_unless_the_environment_says_how(keeps, environment, kept):
    if os.confstr("CS_GNU_LIBC_VERSION") is None:
        pytest.skip("another C library")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = run(FAULTS_OF_A_SECOND_PICTURE.replace("KEEPS", str(keeps)), env=plain | environment)
    first, second = map(int, done.stdout.split())
    assert first > 50
    assert (second < first / 10) is kept


def ending(arguments, before=""):
    return ENDS.replace("ARGUMENTS", repr(arguments)).replace("BEFORE", before)


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["grade"], 2), (["presets", "show", "none"], 3)])
def test_a_process_ends_at_once_after_threads_and_what_runs_at_exit(arguments, code):
    done = run(ending(arguments))
    assert done.returncode == code
    assert done.stdout.splitlines()[-2:] == ["thread", "at exit"]


def test_a_program_that_calls_the_command_line_keeps_its_own_exit_code():
    done = run(
        "import sys; from vfxstyle.cli import main; sys.argv = ['vfxstyle', 'grade']\n"
        "try:\n    main()\nexcept SystemExit as leave:\n    print(leave.code)\n"
    )
    assert (done.returncode, done.stdout) == (0, "2\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_what_cannot_be_printed_at_the_end_is_an_error():
    with Path("/dev/full").open("w") as full:
        silent = "import vfxstyle.cli as own; own.cli.main = lambda **_: None"
        words = [sys.executable, "-c", ending([], silent)]  # "thread" is what cannot be printed
        plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=plain)
    assert done.returncode == 4
    assert "code=resource" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="of a POSIX shell")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-", "2>&1 | true", "--log-file /dev/full"])
def test_a_run_goes_on_where_nobody_listens(make_shot, identity_preset, tmp_path, redirection):
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "out"
    words = shlex.join(command("grade", shot, "--preset", identity_preset, "-o", out, *QUICK_FLAGS))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{words} {redirection}"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0
    assert len(list(out.glob("*.exr"))) == 3
    assert done.stderr.count("cannot be written") == ("log" in redirection)


@pytest.mark.skipif(os.name != "posix", reason="of a POSIX shell")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "| true"])
def test_nothing_is_said_where_nobody_listens(redirection):
    words = f"{shlex.join(command('presets', 'show', 'none'))} {redirection}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
