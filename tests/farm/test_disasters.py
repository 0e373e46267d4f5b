"""What a machine, a disk or a colleague can do to a job: it ends with the right code, and no frame is ever wrong."""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
from helpers import QUICK, QUICK_FLAGS, command, frames_of, make_preset, moving_picture, write_picture

from vfxstyle import grade
from vfxstyle.looks import save_preset

pytestmark = pytest.mark.slow
FRAMES = range(1, 25)
PRIVATE = ["unshare", "--user", "--map-root-user", "--mount"]
"""Runs a command that may mount what nobody else sees."""


def grading(shot, preset, out, *more):
    return command("grade", shot, "--preset", preset, "-o", out, *QUICK_FLAGS, "--progress", "none", *more)


def start(*arguments):
    return subprocess.Popen(grading(*arguments), stderr=subprocess.PIPE, text=True)


def ended(process):
    """Exit code and last line."""
    told = process.communicate(timeout=300)[1]
    assert "Traceback" not in told, told
    return process.returncode, told.splitlines()[-1] if told else ""


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """A preset whose transforms differ from superpixel to superpixel."""
    return save_preset(make_preset(reacts=True), tmp_path_factory.mktemp("preset") / "lively.safetensors")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, lively):
    """A folder with a plate, and with the result of a run that nothing happened to, in ``out``."""
    place = tmp_path_factory.mktemp("finished")
    for number in FRAMES:
        write_picture(place / "plate" / f"plate.{number:04d}.exr", moving_picture(number - 1))
    grade(place / "plate", lively, place / "out", **QUICK)
    return place


@pytest.fixture(scope="module")
def undisturbed(finished):
    """The frames of that run, by name."""
    return frames_of(finished / "out")


@pytest.fixture
def shot(finished, tmp_path):
    """A plate of one's own."""
    return shutil.copytree(finished / "plate", tmp_path / "plate")


@contextmanager
def held_when_there(process, folder, name):
    """Hold a job as soon as it has written a file, and let it go on after the block."""
    try:
        while name not in {file for _, _, files in os.walk(folder) for file in files}:
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # all its threads stand still only some time after the signal
        yield
    except BaseException:
        process.kill()
        process.communicate()
        raise
    process.send_signal(signal.SIGCONT)


def can_mount():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*PRIVATE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount a small disk of their own")


@needs_mount
@pytest.mark.parametrize("full", ["frames", "analysis"])
def test_a_full_disk_can_be_tried_again_once_there_is_room(shot, undisturbed, tmp_path, lively, full):
    """What has a final name on the full disk is whole; with room the job ends as if nothing had happened."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    other = tmp_path / "other"
    out, analysis = (disk / "out", other) if full == "frames" else (other, disk / "analysis")
    job = " ".join(grading(shot, lively, out, "--analysis", analysis))
    room = 128 if full == "frames" else 64
    steps = f"""
        mount -t tmpfs -o size={room}k tmpfs {disk}
        {job}; echo "ended $?" >&2
        cp -r {out} {kept}/first 2>/dev/null; find {disk} -name '*.part*' >&2
        mount -o remount,size=200m {disk}
        {job} || exit 1
        cp -r {out} {kept}/second
    """
    kept.mkdir()
    done = subprocess.run([*PRIVATE, "sh", "-c", steps], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "No space left" in done.stderr or "did not read back complete" in done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1] == "ended 4", "something in the making was left behind"
    assert lines[-2].startswith("vfxstyle: FAILED code=output retryable=yes")
    first = frames_of(kept / "first")
    assert len(first) < len(undisturbed)
    assert (len(first) > 0) is (full == "frames")
    assert first.items() <= undisturbed.items()
    assert frames_of(kept / "second") == undisturbed


@needs_mount
def test_a_disk_that_cannot_be_written_is_named(shot, tmp_path, lively):
    disk = tmp_path / "disk"
    disk.mkdir()
    analysis = tmp_path / "analysis"
    job = " ".join(grading(shot, lively, disk / "out", "--analysis", analysis))
    steps = f"mount -t tmpfs -o ro tmpfs {disk} && {job}"
    done = subprocess.run([*PRIVATE, "sh", "-c", steps], capture_output=True, text=True, timeout=300)
    assert done.returncode == 4
    assert str(disk) in done.stderr
    assert "Read-only file system" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("vfxstyle: FAILED code=output retryable=yes")
    assert not analysis.exists(), "this was known before the shot was analysed"


def test_a_folder_that_somebody_clears_is_not_called_done(shot, undisturbed, tmp_path, lively):
    """Not even where the analysis lies elsewhere, and every frame that is left can be graded."""
    out, more = tmp_path / "out", ["--analysis", tmp_path / "analysis"]
    job = start(shot, lively, out, *more)
    with held_when_there(job, out, "out.0002.exr"):
        shutil.rmtree(out)
    code, last = ended(job)
    assert code == 4
    assert re.match(r"vfxstyle: FAILED code=(changed|output|resource) retryable=yes", last), last
    assert frames_of(out).items() <= undisturbed.items()
    assert ended(start(shot, lively, out, *more)) == (0, "")
    assert frames_of(out) == undisturbed


def test_a_plate_frame_replaced_while_the_job_runs_is_noticed(shot, tmp_path, lively):
    """The frame is not graded with the analysis of another picture; the next run makes all of the new plate."""
    out, last = tmp_path / "out", shot / "plate.0024.exr"
    other = write_picture(tmp_path / "other.exr", moving_picture(3, seed=9)[::-1].copy())
    job = start(shot, lively, out)
    with held_when_there(job, out, "out.0001.exr"):
        other.replace(last)
    code, line = ended(job)
    assert (code, line.split(" frames=")[0]) == (4, "vfxstyle: FAILED code=changed retryable=yes")
    assert line.endswith("24")
    assert not (out / "out.0024.exr").exists()
    assert ended(start(shot, lively, out)) == (0, "")
    assert frames_of(out) == frames_of(grade(shot, lively, tmp_path / "new" / "out", **QUICK).output)


def test_a_plate_frame_that_goes_while_the_shot_is_analysed_is_noticed(shot, tmp_path, lively):
    out, last = tmp_path / "out", shot / "plate.0024.exr"
    job = start(shot, lively, out)
    with held_when_there(job, out, "labels.0001.exr"):
        last.unlink()
    assert ended(job) == (4, "vfxstyle: FAILED code=changed retryable=yes frames=1-24")
    assert not list(out.glob("*.exr"))


def test_one_job_sent_twice_makes_one_result(shot, undisturbed, tmp_path, lively):
    out = tmp_path / "out"
    jobs = [start(shot, lively, out) for _ in range(2)]
    assert [ended(job) for job in jobs] == [(0, ""), (0, "")]
    assert frames_of(out) == undisturbed


def test_a_clock_set_back_changes_nothing(finished, shot, undisturbed, tmp_path, lively):
    """With everything on disk two days younger than now nothing is made again, and a new plate frame is seen."""
    out = shutil.copytree(finished / "out", tmp_path / "out")
    later = time.time() + 2 * 24 * 3600
    for place in (shot, out):
        for path in (place, *place.rglob("*")):
            os.utime(path, (later, later))
    assert ended(start(shot, lively, out)) == (0, "")
    assert frames_of(out) == undisturbed
    assert all(path.stat().st_mtime == pytest.approx(later, abs=2) for path in out.glob("*.exr"))
    write_picture(shot / "plate.0024.exr", moving_picture(3, seed=9)[::-1].copy())
    assert ended(start(shot, lively, out)) == (0, "")
    assert frames_of(out) == frames_of(grade(shot, lively, tmp_path / "new" / "out", **QUICK).output)
