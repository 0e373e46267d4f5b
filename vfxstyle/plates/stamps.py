"""Stamps of a plate's files: their contents by hash, to tell whether they have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.errors import ChangedError, FrameError
from vfxstyle.files import current_digest, file_digest
from vfxstyle.shots import Frame, Shot


@dataclass(frozen=True, slots=True)
class PlateFile:
    """One file of the plate, to tell whether it has changed."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of last change; when it and the size agree the contents are not hashed again."""
    sha256: str
    """Hash of the contents."""


def stamp_plate(shot: Shot, known: Mapping[str, PlateFile], *, hash_new: bool = True) -> dict[str, PlateFile]:
    """Size, time and hash of every file of a shot, by file name.

    known: stamps of an earlier run; files of their size and time are not read again. hash_new: whether other files are
    hashed; without it, and with such a file among them, there are no stamps at all.
    Raises :class:`~vfxstyle.errors.FrameError` for a file that cannot be read.
    """
    stamps: dict[str, PlateFile] = {}
    for number in shot.frames:
        path = shot.file_of(number)
        if path.name in stamps:
            continue
        try:
            status = path.stat()
            old = known.get(path.name)
            if old is None or (old.size, old.mtime_ns) != (status.st_size, status.st_mtime_ns):
                if not hash_new:
                    return {}
                old = PlateFile(status.st_size, status.st_mtime_ns, file_digest(path))
        except OSError as error:
            raise FrameError(
                f"Frame {number} ({path}) cannot be read: {error.strerror or error}; render or copy it again.",
                frames=(number,),
            ) from error
        stamps[path.name] = old
    return stamps


def read_unchanged(shot: Shot, number: int, plate: Mapping[str, PlateFile]) -> Frame:
    """A frame, if its file is still what its stamp says. plate: the stamps by file name.

    Raises :class:`~vfxstyle.errors.ChangedError` if it was replaced or removed since, and
    :class:`~vfxstyle.errors.FrameError` if it cannot be read and never could.
    """
    path = shot.file_of(number)
    try:
        frame = shot.read(number)
    except FrameError:
        _check_unchanged(path, number, plate[path.name])
        raise
    _check_unchanged(path, number, plate[path.name])
    return frame


def _check_unchanged(path: Path, number: int, known: PlateFile) -> None:
    try:
        status = path.stat()
        same = (status.st_size, status.st_mtime_ns) == (known.size, known.mtime_ns)
        if same or current_digest(path) == known.sha256:
            return
        what = "was replaced"
    except FileNotFoundError:
        what = "has gone"
    except OSError as error:
        what = f"cannot be read any more ({error.strerror})"
    raise ChangedError(
        f"Frame {number} of the plate ({path}) {what} while the job ran; run again when the plate is complete.",
        frames=(number,),
    )
