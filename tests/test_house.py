"""What we hold each other to, as far as a machine can check it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import REPOSITORY

import vfxstyle
from vfxstyle import errors

PACKAGES = ("vfxstyle", "tsp")
MODULES = sorted(p for package in PACKAGES for p in (REPOSITORY / package).rglob("*.py"))


def run(*command):
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def tool(name):
    return str(Path(sys.executable).parent / name)


def test_ruff_finds_nothing():
    run(tool("ruff"), "check", ".")
    run(tool("ruff"), "format", "--check", ".")


def test_mypy_strict_finds_nothing():
    run(tool("mypy"))


def test_rooms_import_only_rooms_below_them():
    run(tool("lint-imports"), "--no-cache")


def test_public_names_are_the_documented_ones():
    assert vfxstyle.__all__ == ["__version__", "analyze", "grade", "load_preset", "open_shot", "train"]
    assert dir(vfxstyle) == sorted(vfxstyle.__all__)
    for name in vfxstyle.__all__:
        assert getattr(vfxstyle, name) is not None
    readme = (REPOSITORY / "README.md").read_text()
    for name in ("grade", "load_preset", "open_shot", "train"):
        assert f"{name}(" in readme
    with pytest.raises(AttributeError, match="absent"):
        _ = vfxstyle.absent


def family():
    todo = [errors.VfxStyleError]
    while todo:
        todo += (kind := todo.pop()).__subclasses__()
        yield kind


def test_the_tree_of_errors_is_drawn_as_it_is():
    for kind in family():
        if kind is not errors.VfxStyleError:
            line = next(line for line in errors.__doc__.splitlines() if f" {kind.__name__} " in f"{line} ")
            if kind not in (errors.InputError, errors.ResourceError):
                assert kind.code in line.split()
        assert kind.exit_code in (1, 2, 3, 4, 130)


def test_modules_stay_small():
    long = {str(p): n for p in MODULES if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}


def test_nothing_that_can_run_code_is_read_from_files():
    for path in MODULES:
        text = path.read_text()
        assert "pickle.load" not in text, path
        assert "import pickle" not in text, path
        for line in text.splitlines():
            assert "torch.load(" not in line or "weights_only=True" in line, path
            assert "np.load(" not in line or "allow_pickle=False" in line, path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_file_that_is_read_can_run_code(path):
    """No pickles and no evaluation anywhere; torch reads weights as data only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None) or ""}
            assert not names & {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert called not in ("eval", "exec", "compile", "os.system")
            assert given.get("shell") != "True"
            assert called != "torch.load" or given.get("weights_only") == "True"
            assert called != "np.load" or given.get("allow_pickle") == "False"
