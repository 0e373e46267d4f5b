"""What was made from what: a small file for each output, so that a second run does only what has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vfxstyle.errors import OutputError
from vfxstyle.files import file_digest, write_atomically


def key_of(**ingredients: Any) -> str:
    """Hash of everything that decides what an output file contains."""
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


class Records:
    """Records of output files, one JSON file each, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, output: Path) -> Path:
        """The record of an output file."""
        return self.folder / f"{output.name}.json"

    def is_current(self, output: Path, key: str) -> bool:
        """Whether ``output`` is there, was made from what ``key`` stands for, and has not changed since."""
        try:
            record = json.loads(self.file_of(output).read_text())
            return bool(record["key"] == key and record["sha256"] == file_digest(output))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def frames_of(self, output: Path) -> tuple[int, ...]:
        """The frames that are in ``output``, where its record says so; else none."""
        try:
            return tuple(int(number) for number in json.loads(self.file_of(output).read_text())["frames"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def store(self, output: Path, key: str, frames: Sequence[int] = ()) -> None:
        """Record that ``output``, with these frames where it has several, was made from what ``key`` stands for."""
        record = self.file_of(output)
        try:
            values = {"key": key, "sha256": file_digest(output), **({"frames": list(frames)} if frames else {})}
            write_atomically(record, json.dumps(values).encode())
        except OSError as error:
            raise OutputError(f"{record} cannot be written: {error.strerror}; check the disk's space.") from error
