"""What was made from what: a small file for each output, so that a second run does only what has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vfxstyle.errors import OutputError
from vfxstyle.files import file_digest, write_atomically


class Records:
    """Records of output files, one JSON file each, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, output: Path) -> Path:
        """The record of an output file."""
        return self.folder / f"{output.name}.json"

    def _said_of(self, output: Path) -> dict[str, Any]:
        """What the record of an output says; nothing where there is none."""
        try:
            found = json.loads(self.file_of(output).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def key_of(self, output: Path) -> str | None:
        """The key of what ``output`` was made from; None where there is no record of it."""
        return self._said_of(output).get("key")

    def was_made_from(self, output: Path, key: str) -> bool:
        """Whether ``output`` was made from what ``key`` stands for, whatever has become of it."""
        return self.key_of(output) == key

    def is_current(self, output: Path, key: str) -> bool:
        """Whether ``output`` is there, was made from what ``key`` stands for, and has not changed since."""
        said = self._said_of(output)
        try:
            return bool(said.get("key") == key and said.get("sha256") == file_digest(output))
        except OSError:
            return False

    def has(self, output: Path, digest: str) -> bool:
        """Whether ``output`` was written by a grade with contents of this hash."""
        return bool(self._said_of(output).get("sha256") == digest)

    def frames_of(self, output: Path) -> tuple[int, ...]:
        """The frames that are in ``output``, where its record says so; else none."""
        try:
            return tuple(int(number) for number in self._said_of(output).get("frames", ()))
        except (ValueError, OverflowError, TypeError):
            return ()

    def untouched_of(self, output: Path) -> dict[int, int]:
        """Pixels that were left as they are, by the frames in ``output`` that have any, where its record says so."""
        try:
            return {int(number): int(count) for number, count in self._said_of(output).get("untouched", {}).items()}
        except (ValueError, OverflowError, TypeError, AttributeError):
            return {}

    def store(
        self, output: Path, key: str, frames: Sequence[int] = (), untouched: Mapping[int, int] | None = None
    ) -> None:
        """Record that ``output`` was made from what ``key`` stands for.

        frames: those in it, where it has several. untouched: as :meth:`untouched_of` returns them.
        """
        record = self.file_of(output)
        values: dict[str, Any] = {"frames": list(frames), "untouched": dict(untouched or {})}
        told = {name: value for name, value in values.items() if value}
        try:
            write_atomically(record, json.dumps({"key": key, "sha256": file_digest(output), **told}).encode())
        except OSError as error:
            raise OutputError(f"{record} cannot be written: {error.strerror}; check the disk's space.") from error
