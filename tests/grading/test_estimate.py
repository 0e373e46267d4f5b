"""What a plan says of time, memory and room."""

import pytest
from helpers import QUICK, planned_grade

from vfxstyle import grade
from vfxstyle.grading.estimate import memory_of_frames


def test_it_is_of_what_is_left_to_do(make_shot, identity_preset, tmp_path):
    shot, out = make_shot(frames=range(1, 9)), tmp_path / "out"
    whole = planned_grade(shot, identity_preset, out, **QUICK)["estimate"]
    half = planned_grade(shot, identity_preset, out, frames="1-4", **QUICK)["estimate"]
    assert whole["cpu_seconds"] > half["cpu_seconds"] > 2
    assert whole["disk_bytes"] > half["disk_bytes"]
    grade(shot, identity_preset, out, frames="1-4", **QUICK)
    left = planned_grade(shot, identity_preset, out, **QUICK)["estimate"]
    assert left["cpu_seconds"] < half["cpu_seconds"]  # the analysis is there
    assert left["disk_bytes"] == pytest.approx(4 * 72 * 128 * 3.9, rel=0.01)
    done = planned_grade(shot, identity_preset, out, frames="1-4", **QUICK)["estimate"]
    assert done == {"cpu_seconds": 0, "memory_bytes": 0, "disk_bytes": 0}
    movie = planned_grade(shot, identity_preset, tmp_path / "out.mov", **QUICK)["estimate"]
    assert movie["disk_bytes"] < whole["disk_bytes"]


@pytest.mark.parametrize(("size", "measured"), [((640, 360), 1.2), ((4096, 2160), 1.5), ((8192, 4320), 2.5)])
def test_memory_is_what_was_measured_and_some(size, measured):
    assert measured <= memory_of_frames(*size) / 1024 <= 1.5 * measured + 0.5
