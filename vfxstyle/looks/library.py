"""Installed presets: those in the user's folder, and those that the package ships."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vfxstyle.errors import PresetError
from vfxstyle.looks.preset import SUFFIX, Preset, PresetInfo, read_info, read_preset

ENVIRONMENT = "VFXSTYLE_PRESETS"
"""Environment variable that names the user's preset folders, with colons between them; the first wins."""


def user_folders() -> list[Path]:
    """The user's preset folders: those of ``$VFXSTYLE_PRESETS``, or ``vfxstyle/presets`` in the data home."""
    named = [Path(folder) for folder in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if folder]
    if named:
        return named
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return [Path(home) / "vfxstyle" / "presets"]


def user_folder() -> Path:
    """The folder that presets are saved in: the first of :func:`user_folders`."""
    return user_folders()[0]


def shipped_folder() -> Path:
    """The folder of shipped presets: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def find_preset(name: str | Path) -> Path:
    """The file of a preset given by name or by path; the user's presets come before shipped ones.

    name: of an installed preset, or a path that ends in ``.safetensors`` or contains a slash.
    Raises :class:`~vfxstyle.errors.PresetError` if there is none.
    """
    text = str(name)
    if text.endswith(SUFFIX) or "/" in text:
        path = Path(text)
        if not path.is_file():
            raise PresetError(f"There is no preset file {path}; check the path or give an installed name.")
        return path
    for folder in (*user_folders(), shipped_folder()):
        path = folder / f"{text}{SUFFIX}"
        if path.is_file():
            return path
    known = ", ".join(sorted({path.stem for path, _ in _files()})) or "none"
    raise PresetError(f"There is no preset '{text}'; installed are: {known}. Give one of them or a preset file.")


def load_preset(name: str | Path) -> Preset:
    """Load a preset by installed name or file path.

    Raises :class:`~vfxstyle.errors.PresetError` if it is not found or is damaged.
    """
    return read_preset(find_preset(name))


def _files() -> Iterator[tuple[Path, str]]:
    for folder, source in (*((own, "user") for own in user_folders()), (shipped_folder(), "shipped")):
        if folder.is_dir():
            yield from ((path, source) for path in sorted(folder.glob(f"*{SUFFIX}")))


def shadowed(path: Path) -> Path | None:
    """The preset of an earlier folder that is found by this one's name instead of it."""
    for folder in (*user_folders(), shipped_folder()):
        other = folder / path.name
        if other == path:
            return None
        if other.is_file():
            return other
    return None


def installed_presets() -> list[tuple[PresetInfo | PresetError, Path, str]]:
    """Every installed preset: its description, or the error of reading it; its file; and "user" or "shipped"."""
    presets: list[tuple[PresetInfo | PresetError, Path, str]] = []
    for path, source in _files():
        try:
            presets.append((read_info(path), path, source))
        except PresetError as error:
            presets.append((error, path, source))
    return presets
