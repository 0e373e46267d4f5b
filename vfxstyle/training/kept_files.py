"""Arrays on disk for the trainings to come, in a folder that may take so much room and no more."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from vfxstyle.arrays import AnyArray
from vfxstyle.errors import OutputError
from vfxstyle.files import drop_abandoned, user_place, writing_atomically

CACHE = "VFXSTYLE_CACHE"
"""Environment variable that names the folder of what is kept between trainings."""
MOST_KEPT = 2 * 2**30
"""Bytes that the files of :func:`kept_folder` may take; those that were not used for longest go first."""
_FILE = re.compile(r"[0-9a-f]{32}\.npz")


def kept_folder() -> Path | None:
    """The folder of what is kept between trainings: ``plates`` in ``$VFXSTYLE_CACHE``, or in the user's cache folder.

    None for a user without a home.
    """
    if named := os.environ.get(CACHE):
        return Path(named) / "plates"
    home = user_place("XDG_CACHE_HOME", ".cache")
    return None if home is None else home / "vfxstyle" / "plates"


class KeptFiles:
    """Arrays in files that are named by a hash of all that decides what they hold."""

    def __init__(self, folder: Path, most: int | None = MOST_KEPT) -> None:
        """Name a folder; it is made when the first file is stored.

        most: bytes that the files may take; None for as many as there are.
        """
        self.folder, self.most = folder, most

    def load(self, digest: str) -> dict[str, AnyArray] | None:
        """The arrays of a file by name; None where there is none, or only a damaged one. digest: SHA-256, in hex."""
        file = self._file(digest)
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except Exception:  # a file cut off by whatever stopped the run is made again, whatever it looks like
            return None
        with suppress(OSError):
            os.utime(file)  # it was used now
        return arrays

    def store(self, digest: str, arrays: Mapping[str, AnyArray]) -> None:
        """Store arrays. Raises :class:`~vfxstyle.errors.OutputError` if they cannot be written."""
        try:
            with writing_atomically(self._file(digest)) as file:
                np.savez(file, allow_pickle=False, **arrays)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be written: {error.strerror}; free space, or see to its permissions."
            ) from error
        if self.most is not None:
            self._make_room(self.most)

    def remove(self) -> None:
        """Remove the files, and the folder if nothing else is in it."""
        drop_abandoned(self.folder)
        with suppress(OSError):  # what another training still makes there, or may not be removed, stays
            for path in self._files():
                path.unlink(missing_ok=True)
            self.folder.rmdir()

    def _file(self, digest: str) -> Path:
        return self.folder / f"{digest[:32]}.npz"

    def _files(self) -> list[Path]:
        """The files of this kind of folder; whatever else lies there is somebody else's."""
        return [path for path in self.folder.glob("*.npz") if _FILE.fullmatch(path.name)]

    def _make_room(self, most: int) -> None:
        """Remove what was not used for longest, as far as the rest takes no more than so many bytes."""
        drop_abandoned(self.folder)
        known = []
        for path in self._files():
            with suppress(OSError):  # another training may remove files at the same time
                known.append((path.stat().st_mtime, path.stat().st_size, path))
        taken = 0
        for _, size, path in sorted(known, reverse=True):
            taken += size
            if taken > most:
                with suppress(OSError):  # somebody else's, where several users share the folder
                    path.unlink()
