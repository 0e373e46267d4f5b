"""Compiled kernels are kept for as long as the sources stay the same, and no longer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import REPOSITORY

from tsp import compiled

CALLER = """
from pathlib import Path
from package.callee import answer
from tsp.compiled import compiler

@compiler(Path(__file__).parent)()
def ask():
    return answer() + 1
"""
CALLEE = """
from pathlib import Path
from tsp.compiled import compiler

@compiler(Path(__file__).parent)()
def answer():
    return {}
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "caller.py").write_text(CALLER)
    (folder / "callee.py").write_text(CALLEE.format(1))
    return folder


def ask(package, **variables):
    program = "from package.caller import ask; print(ask(), sum(ask.stats.cache_hits.values()))"
    paths = {"PYTHONPATH": f"{package.parent}{os.pathsep}{REPOSITORY}", "HOME": str(package.parent / "home")}
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | paths | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    answer, hits = result.stdout.split()
    return int(answer), int(hits)


def test_a_kernel_is_compiled_once(package):
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 1)
    assert list((package / "__pycache__").glob("kernels-*"))


def test_a_kernel_follows_a_change_in_another_file(package):
    assert ask(package) == (2, 0)
    (package / "callee.py").write_text(CALLEE.format(5))
    assert ask(package) == (6, 0)


def test_a_kernel_is_not_compiled_again_for_a_change_elsewhere(package):
    (package / "other.py").write_text("LIMIT = 1\n")
    assert ask(package) == (2, 0)
    (package / "other.py").write_text("LIMIT = 2\n")
    assert ask(package) == (2, 1)


def test_a_kernel_follows_a_change_in_a_constant_that_it_imports(package):
    (package / "constants.py").write_text("ONE = 1\n")
    callee = CALLEE.format("ONE").replace("from tsp", "from package.constants import ONE\nfrom tsp")
    (package / "callee.py").write_text(callee)
    assert ask(package) == (2, 0)
    (package / "constants.py").write_text("ONE = 7\n")
    assert ask(package) == (8, 0)


def test_the_users_choice_of_a_folder_is_kept(package, tmp_path):
    chosen = tmp_path / "chosen"
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == (2, 0)
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == (2, 1)
    assert not list((package / "__pycache__").glob("kernels-*"))


def test_a_package_that_cannot_be_written_keeps_its_kernels_with_the_user(package):
    (package / "__pycache__").write_text("not a folder")
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 1)
    assert list((package.parent / "home" / ".cache" / "package").glob("kernels-*"))


def test_a_user_without_a_home_compiles_every_time(package, monkeypatch):
    """As in a container whose user has no entry: there is no home folder to ask for."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(RuntimeError):
        Path.home()
    assert compiled._folder_of((package,)).parent == package / "__pycache__"
    (package / "__pycache__").rename(package / "away")
    (package / "__pycache__").write_text("not a folder")
    assert compiled._folder_of((package,)) is None


def test_without_sources_nothing_is_kept(tmp_path):
    assert compiled._folder_of((tmp_path,)) is None


def test_a_dangling_link_among_the_sources_is_no_source(package):
    (package / ".#callee.py").symlink_to("nowhere")
    assert ask(package) == (2, 0)


def test_folders_that_nobody_uses_go_after_a_month(package):
    old, recent = (package / "__pycache__" / f"kernels-{age}" for age in ("old", "recent"))
    for folder in (old, recent):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    ask(package)
    assert not old.exists()
    assert recent.exists()


def test_where_nothing_can_be_written_kernels_still_run(package):
    (package / "__pycache__").write_text("not a folder")
    (package.parent / "home").write_text("not a folder either")
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 0)
