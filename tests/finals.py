"""Files of a run that are finished, to compare what runs have left."""

from __future__ import annotations

from pathlib import Path


def finals(folder: Path) -> dict[str, bytes]:
    """Return the contents of every file under a final name, by its path within the folder."""
    contents = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(".part" in part or part == ".features" for part in name.parts):
            contents[str(name)] = path.read_bytes()
    return contents
