"""Output folders."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vfxstyle.errors import OutputError


def make_folder(folder: Path) -> None:
    """Create an output folder and check that files can be created in it.

    Raises :class:`~vfxstyle.errors.OutputError` if they cannot.
    """
    with _errors_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Check that files can be created in an output folder or, where it does not exist, that it can be created.

    Nothing is left behind. Raises :class:`~vfxstyle.errors.OutputError` if they cannot.
    """
    with _errors_of(folder):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            pass


@contextmanager
def _errors_of(folder: Path) -> Iterator[None]:
    """Turn errors of the operating system into one that names the folder."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Folder {folder} cannot be written: {error.strerror or error}; choose another with -o or change its "
            "permissions."
        ) from error
