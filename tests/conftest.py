"""Shared fixtures: small shots, presets without training, and the real data where it is."""

from __future__ import annotations

import os

# Tests run side by side: a thread that waits for its team must leave its core to another process.
# The library that serves threads reads this once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# OpenBLAS does not read it; with two workers on two cores its threads took half of the time of the tests of training.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import sys
from ctypes.util import find_library

# Kernels for a GPU run in Triton's interpreter where there is none; Triton reads this once, when it is loaded.
if find_library("cuda") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from helpers import REPOSITORY, make_preset, moving_picture, write_picture

from vfxstyle.looks import save_preset

PLUGIN = str(Path(__file__).parent / "plugin")
"""A package that brings a backbone: this process finds it, and so do those that tests start."""
sys.path.insert(0, PLUGIN)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (PLUGIN, os.environ.get("PYTHONPATH"))))
CHROMIUM = os.environ.get("VFXSTYLE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
REAL_DATA = Path(os.environ.get("VFXSTYLE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
"""Where the development pictures lie."""
WITHOUT_DATA = "without the development pictures"
"""What tests are counted as that want them where they are not."""


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count tests that lack the development pictures by themselves, so that one line stands for all of them."""
    return (WITHOUT_DATA, "s", "SKIPPED") if report.skipped and WITHOUT_DATA in str(report.longrepr) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests lacked the development pictures, and how to have them."""
    skipped = len(terminalreporter.stats.get(WITHOUT_DATA, ()))
    if skipped:
        terminalreporter.write_line(
            f"{skipped} tests were skipped because the development pictures are not in {REAL_DATA}; "
            "set VFXSTYLE_TEST_DATA.",
            yellow=True,
        )


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Commands tell libraries by the environment how many threads they may run; no test leaves that to the next."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures of many tests learn is kept among the tests' own files too."""
    with patch.dict(os.environ, {"VFXSTYLE_CACHE": str(tmp_path_factory.mktemp("cache"))}):
        yield


@pytest.fixture(autouse=True)
def _later_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands print in this process does not depend on whether an earlier test has compiled kernels."""
    monkeypatch.setattr("vfxstyle.cli.progress.kernels_are_there", lambda: True)


@pytest.fixture(autouse=True)
def _own_preset_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the presets of whoever runs it."""
    monkeypatch.setenv("VFXSTYLE_PRESETS", str(tmp_path / "user_presets"))
    monkeypatch.setenv("VFXSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures beside a developer's checkout."""
    if not REAL_DATA.is_dir():
        pytest.skip(WITHOUT_DATA)
    return REAL_DATA


@pytest.fixture
def make_shot(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``tmp_path/NAME/NAME.FRAME.EXT`` and returns the folder."""

    def make(name: str = "plate", frames: range = range(1001, 1005), extension: str = "exr", **options: object) -> Path:
        kind = {"exr": "half", "png": "uint16", "tif": "uint16", "dpx": "uint16", "jpg": "uint8"}[extension]
        for number in frames:
            pixels = moving_picture(number - frames[0])
            if kind != "half":
                top = 255 if kind == "uint8" else 65535
                pixels = (pixels * top + 0.5).astype(kind)
            write_picture(tmp_path / name / f"{name}.{number:04d}.{extension}", pixels, kind=kind, **options)
        return tmp_path / name

    return make


@pytest.fixture
def identity_preset(tmp_path: Path) -> Path:
    """A preset file that leaves every picture alone."""
    return save_preset(make_preset(), tmp_path / "identity.safetensors")


@pytest.fixture
def lively_preset(tmp_path: Path) -> Path:
    """A preset file whose transforms differ from superpixel to superpixel."""
    return save_preset(make_preset(reacts=True), tmp_path / "lively.safetensors")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser, for all tests of a file."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if CHROMIUM is None:
        pytest.skip("needs a browser: Chromium on the path, or named by $VFXSTYLE_CHROMIUM")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
