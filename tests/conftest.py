"""Shared fixtures: small shots, presets without training, and the real data where it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import REPOSITORY, make_preset, moving_picture, write_picture

from vfxstyle.looks import save_preset


@pytest.fixture(autouse=True)
def _own_preset_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the presets of whoever runs it."""
    monkeypatch.setenv("VFXSTYLE_PRESETS", str(tmp_path / "user_presets"))
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures beside a developer's checkout."""
    folder = Path(os.environ.get("VFXSTYLE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the development pictures in {folder} (or VFXSTYLE_TEST_DATA)")
    return folder


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
