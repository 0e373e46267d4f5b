"""A job that is killed at any moment leaves whole files or none, and goes on where it was (benchmarks/faults.py)."""

import random
import subprocess
import time

import pytest
from finals import finals
from helpers import QUICK_FLAGS, command

KILLS = 3


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_is_undisturbed(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 17))
    words = command("grade", shot, "--preset", lively_preset, *QUICK_FLAGS, "--progress", "none")
    start = time.monotonic()
    subprocess.run([*words, "-o", str(tmp_path / "whole" / "out")], check=True, timeout=300)
    length, wanted = time.monotonic() - start, finals(tmp_path / "whole" / "out")
    draw, out = random.Random(3), tmp_path / "out"
    for index in range(KILLS):
        job = subprocess.Popen([*words, "-o", str(out)])
        try:
            job.wait(draw.uniform(0.3, 0.3 + 0.7 * (index + 1) / KILLS) * length)
        except subprocess.TimeoutExpired:
            job.kill()
        job.wait()
        there = finals(out)
        assert {name: data for name, data in there.items() if wanted.get(name) != data} == {}
    subprocess.run([*words, "-o", str(out)], check=True, timeout=300)
    assert finals(out) == wanted
