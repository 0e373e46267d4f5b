"""Folders that results for other programs must not go into."""

from __future__ import annotations

from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.plates.places import folders_of
from vfxstyle.shots import Shot


def check_folder(folder: Path, shot: Shot, option: str = "-o") -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` for a plate's folder, one of graded frames, and a file.

    option: that names the folder.
    """
    if folder.resolve() in folders_of(shot):
        raise UsageError(f"The output {folder} is where the plate is; choose another place with {option}.")
    if (folder / ".vfxstyle").exists():
        raise UsageError(f"The output {folder} holds graded frames; choose another place with {option}.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"The output {folder} is a file, and must be a folder; choose another place with {option}.")
