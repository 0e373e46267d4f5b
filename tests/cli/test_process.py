"""What the command line does to its process: memory, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
from vfxstyle.cli import main

def last():
    time.sleep(0.2)
    print("thread")

atexit.register(print, "at exit")
threading.Thread(target=last).start()
sys.argv = ["vfxstyle", *ARGUMENTS]
main()
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


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["grade"], 2), (["presets", "show", "none"], 3)])
def test_threads_and_what_runs_at_exit_come_before_the_end(arguments, code):
    done = run(ENDS.replace("ARGUMENTS", repr(arguments)))
    assert done.returncode == code
    assert done.stdout.splitlines()[-2:] == ["thread", "at exit"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_what_cannot_be_printed_at_the_end_fails():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", ENDS.replace("ARGUMENTS", '["doctor", "-h"]')], stdout=full, timeout=60
        )
    assert done.returncode != 0
