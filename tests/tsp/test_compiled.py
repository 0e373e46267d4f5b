"""Compiled kernels are kept for as long as the sources stay the same, and no longer."""

import os
import shutil
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


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


@pytest.fixture
def package(tmp_path):
    """A package of two kernels beside a copy of the library, so that nothing is left in the library's own folder."""
    folder = tmp_path / "site" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "caller.py").write_text(CALLER)
    (folder / "callee.py").write_text(CALLEE.format(1))
    shutil.copytree(REPOSITORY / "tsp", tmp_path / "site" / "tsp", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def ask(package, *, read_only=False, **variables):
    """What the caller answers in a new process, and whether its kernel had been compiled before."""
    program = "from package.caller import ask; print(ask(), sum(ask.stats.cache_hits.values()))"
    paths = {"PYTHONPATH": str(package.parent), "HOME": str(package.parents[1] / "home")}
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", program]
    if read_only and os.getuid() == 0:  # whom permissions do not stop
        command = ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", package.parent, *command]
    elif read_only:
        for path in (package.parent, *package.parent.rglob("*")):
            path.chmod(path.stat().st_mode & 0o555)
    result = subprocess.run(
        command,
        env=environment | paths | variables,
        capture_output=True,
        text=True,
        check=False,
        cwd=package.parents[1],
    )
    if "unshare" in result.stderr:
        pytest.skip(f"this machine lets nobody mount a folder read-only: {result.stderr}")
    assert result.returncode == 0, result.stderr
    answer, hits = result.stdout.split()
    return int(answer), int(hits)


def test_a_kernel_is_compiled_once(package):
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 1)
    assert list((package / "__pycache__").glob("kernels-*"))


def test_a_kernel_follows_a_change_in_another_file(package):
    assert ask(package) == (2, 0)
    callee = package / "callee.py"
    later = callee.stat().st_mtime + 2  # else Python takes a file of that size and that second for what it has compiled
    callee.write_text(CALLEE.format(5))
    os.utime(callee, (later, later))
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
    (package / "constants.py").write_text("ONE = 70\n")  # of another size, else Python may take what it has compiled
    assert ask(package) == (71, 0)


def test_the_users_choice_of_a_folder_is_kept(package, tmp_path):
    chosen = tmp_path / "chosen"
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == (2, 0)
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == (2, 1)
    assert not list((package / "__pycache__").glob("kernels-*"))


def test_a_package_that_cannot_be_written_keeps_its_kernels_with_the_user(package):
    (package / "__pycache__").write_text("not a folder")
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 1)
    assert list((package.parents[1] / "home" / ".cache" / "package").glob("kernels-*"))


def test_a_user_without_a_home_compiles_every_time(package, monkeypatch):
    """As in a container whose user has no entry: there is no home folder to ask for."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(RuntimeError):
        Path.home()
    assert compiled.kernel_folders((package,)).written.parent == package / "__pycache__"
    (package / "__pycache__").rename(package / "away")
    (package / "__pycache__").write_text("not a folder")
    assert compiled.kernel_folders((package,)).written is None


def test_without_sources_nothing_is_kept(tmp_path):
    assert compiled.kernel_folders((tmp_path,)) is None


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
    (package.parents[1] / "home").write_text("not a folder either")
    assert ask(package) == (2, 0)
    assert ask(package) == (2, 0)


def test_kernels_of_a_read_only_installation_are_used(package):
    assert ask(package) == (2, 0)
    assert ask(package, read_only=True) == (2, 1)


def test_what_a_read_only_installation_lacks_goes_to_the_users_folder(package):
    assert ask(package, read_only=True) == (2, 0)
    assert ask(package, read_only=True) == (2, 1)


def test_a_named_folder_that_cannot_be_written_is_read(package, tmp_path):
    chosen = package / "chosen"
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == (2, 0)
    assert ask(package, read_only=True, NUMBA_CACHE_DIR=str(chosen)) == (2, 1)


def test_kernels_go_where_the_installation_goes(package):
    assert ask(package) == (2, 0)
    elsewhere = package.parents[1] / "elsewhere" / "package"
    shutil.copytree(package.parent, elsewhere.parent)
    assert ask(elsewhere) == (2, 1)


def test_kernels_for_a_kind_of_processor_are_found_without_naming_it(package):
    target = next(name for name in reversed(compiled._LEVELS) if compiled.runs_on_this_processor(name))
    assert ask(package, NUMBA_CPU_NAME=target) == (2, 0)
    assert ask(package) == (2, 1)
    assert [path.name.endswith(f"-{target}") for path in (package / "__pycache__").glob("kernels-*")] == [True]


def test_kernels_that_do_not_run_on_this_processor_are_left_alone(package, monkeypatch):
    assert ask(package) == (2, 0)
    (folder,) = (package / "__pycache__").glob("kernels-*")
    shutil.copytree(folder, folder.with_name(f"{folder.name}-x86-64-v4"))
    monkeypatch.setattr(compiled.llvm, "get_host_cpu_features", lambda: {"avx2": True})
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    monkeypatch.setattr(compiled.config, "CPU_NAME", None)
    found = compiled.kernel_folders((package,))
    assert found.written == folder
    assert found.count == 2


ARRAYS = """
from pathlib import Path
import numpy as np
from numba import prange
from tsp.compiled import compiler

@compiler(Path(__file__).parent)(parallel=True)
def sums(values):
    found = np.empty(len(values))
    for row in prange(len(values)):
        own = np.exp(values[row]) * 2
        found[row] = own[0] + own[1]
    return found
"""
CALLED = """
import numpy as np
from unittest.mock import patch
from numba.core.base import BaseContext
from package.arrays import sums
values = np.log(np.arange(1.0, 7.0)).reshape(3, 2)
with patch.object(BaseContext, "refresh", autospec=True, side_effect=BaseContext.refresh) as refreshed:
    first = sums(values)
ready = refreshed.called
other = sums(values.astype(np.float32))
print(np.allclose(first, [6, 14, 22]), np.allclose(other, first), sum(sums.stats.cache_hits.values()), ready)
"""


def test_what_is_compiled_already_runs_before_numba_is_ready_to_compile(package):
    """Arrays, threads and functions of mathematics need nothing more, and another kind of array is compiled after."""
    (package / "arrays.py").write_text(ARRAYS)
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "HOME": str(package.parents[1] / "home")}
    environment.pop("NUMBA_CACHE_DIR", None)
    called = CALLED.replace("values.astype(np.float32)", "values")
    for program, told in ((called, "True True 0 True"), (called, "True True 1 False"), (CALLED, "True True 1 False")):
        ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.split() == told.split()
