"""What a shot analysis was made of: the plate's files by their contents, and a hash of all that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from vfxstyle.errors import AnalysisError
from vfxstyle.files import file_digest
from vfxstyle.pipeline.settings import AnalysisSettings
from vfxstyle.shots import Shot

SCHEMA = 6
"""Version of the analysis' format and of what is computed; raise it when either changes."""


@dataclass(frozen=True, slots=True)
class PlateFile:
    """One file of the plate, to tell whether it has changed."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of last change; when it and the size agree the contents are not hashed again."""
    sha256: str
    """Hash of the contents."""


def stamp_plate(shot: Shot, known: Mapping[str, PlateFile]) -> dict[str, PlateFile]:
    """Size, time and hash of every file of a shot, by file name; unchanged ``known`` ones are not re-read."""
    stamps: dict[str, PlateFile] = {}
    for number in shot.frames:
        path = shot.file_of(number)
        if path.name in stamps:
            continue
        try:
            status = path.stat()
            old = known.get(path.name)
            if old is None or (old.size, old.mtime_ns) != (status.st_size, status.st_mtime_ns):
                old = PlateFile(status.st_size, status.st_mtime_ns, file_digest(path))
        except OSError as error:
            raise AnalysisError(
                f"Frame {number} ({path}) cannot be read: {error.strerror}.", frames=(number,)
            ) from error
        stamps[path.name] = old
    return stamps


def identity_of(shot: Shot, plate: Mapping[str, PlateFile], settings: AnalysisSettings, space: str) -> str:
    """Hash of everything that decides what an analysis contains.

    space: stands for the plate's colour space, see :func:`~vfxstyle.pipeline.spaces.identity_of_space`.
    """
    text = json.dumps(
        {
            "schema": SCHEMA,
            "settings": asdict(settings),
            "frames": list(shot.frames),
            "held": [number for number in shot.missing if number in shot.frames],
            "space": space,
            "layer": shot.info.layer,
            "plate": {name: file.sha256 for name, file in plate.items()},
        },
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()
