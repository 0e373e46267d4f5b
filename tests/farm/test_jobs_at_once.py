"""Several processes over one analysis folder, as on a farm."""

import subprocess

import pytest
from helpers import QUICK, QUICK_FLAGS, command, frames_of

from vfxstyle import grade


def start(*arguments):
    return subprocess.Popen(command(*arguments, *QUICK_FLAGS, "--progress", "none"), stderr=subprocess.PIPE, text=True)


def finished(process):
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0, told


@pytest.mark.slow
def test_jobs_that_start_with_nothing_share_one_analysis_and_make_the_frames_of_one_run(
    make_shot, tmp_path, lively_preset
):
    shot = make_shot(frames=range(1, 7))
    whole = grade(shot, lively_preset, tmp_path / "whole", **QUICK)
    out, analysis = tmp_path / "out", tmp_path / "analysis"
    where = ["--preset", lively_preset, "-o", out, "--analysis", analysis]
    jobs = [start("grade", shot, "-f", frames, *where) for frames in ("1-2", "3-6", "2-5")]
    for job in jobs:
        finished(job)
    assert frames_of(out) == frames_of(whole.output)
    (own,) = analysis.iterdir()  # one analysis, and nothing of the making
    names = {path.name for path in own.iterdir()}
    assert names == {"analysis.json", "labels", "superpixels.npz", "features.npz", "transforms"}
