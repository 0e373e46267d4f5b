"""The public functions are typed where users call them."""

import subprocess
import sys

import pytest
from helpers import REPOSITORY

PROGRAM = """
from pathlib import Path

import vfxstyle

report = vfxstyle.grade("shot", "golden", Path("out"), frames="1-8", strength=0.6, format="png", device="cpu")
names: list[str] = [path.name for path in report.files]
analysis: Path = vfxstyle.analyze("shot", coverage=0.99, overwrite="always").analysis
look: Path = vfxstyle.train("pairs", "dusk", epochs=3, description="warm").path
worst: float = max(one.mean for one in vfxstyle.export("shot", "golden", lut="a.cube", strength=1.0).residuals.values())
with vfxstyle.open_shot("shot", missing="skip") as shot:
    sizes = {frame.rgb.shape for frame in shot}
print(names, analysis, look, worst, sizes, vfxstyle.load_preset("golden").info.card)
"""
MISTAKES = {
    'vfxstyle.grade("shot", "golden", strenght=0.5)': "strenght",
    'vfxstyle.grade("shot", "golden", strength="half")': "strength",
    'vfxstyle.grade("shot", "golden", format="gif")': "format",
    'vfxstyle.analyze("shot", strength=0.5)': "strength",
    'vfxstyle.train("pairs", "dusk", epochs="many")': "epochs",
    'vfxstyle.export("shot", "golden", padding=4)': "padding",
    'vfxstyle.grade("shot", "golden").pictures': "pictures",
}


@pytest.mark.slow
def test_a_users_program_is_checked(tmp_path):
    """A right program passes, and every wrong line of another is named."""
    (tmp_path / "right.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text("\n".join(["import vfxstyle", *MISTAKES]) + "\n")
    # strictly, and with the cache of the project's own check, which finds half of its work done
    settings = ["--config-file", REPOSITORY / "pyproject.toml", "--cache-dir", REPOSITORY / ".mypy_cache"]
    command = [sys.executable, "-m", "mypy", *settings, "right.py", "wrong.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    errors = [line for line in ran.stdout.splitlines() if ": error: " in line]
    assert not [line for line in errors if line.startswith("right.py")], ran.stdout + ran.stderr
    for number, (mistake, word) in enumerate(MISTAKES.items(), start=2):
        own = [line for line in errors if line.startswith(f"wrong.py:{number}:")]
        assert any(word in line for line in own), f"{mistake}: {own}"
