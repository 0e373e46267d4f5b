"""Exemplar pairs: pictures before and after a look, matched by file stem."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfxstyle.errors import PairsError
from vfxstyle.shots.images import PICTURE_EXTENSIONS


@dataclass(frozen=True, slots=True)
class ExemplarPair:
    """One picture before and after the look."""

    stem: str
    """File name without extension."""
    before: Path
    """The plate."""
    after: Path
    """The graded picture."""


def find_pairs(folder: Path) -> list[ExemplarPair]:
    """The pairs of a folder with ``before/`` and ``after/``, in the order of their stems.

    Raises :class:`~vfxstyle.errors.PairsError` if a folder is missing or empty, or a picture has no partner.
    """
    before, after = _pictures(folder, "before"), _pictures(folder, "after")
    lonely = sorted(before.keys() ^ after.keys())
    if lonely:
        example = lonely[0]
        where = "after" if example in before else "before"
        raise PairsError(
            f"{len(lonely)} pictures of {folder} have no partner, the first is '{example}' (missing in {where}/); "
            "give both the same file name or take it out."
        )
    return [ExemplarPair(stem, before[stem], after[stem]) for stem in sorted(before)]


def _pictures(folder: Path, side: str) -> dict[str, Path]:
    place = folder / side
    if not place.is_dir():
        raise PairsError(f"{folder} has no folder {side}/; put the pictures into before/ and after/.")
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if path.suffix.lower().lstrip(".") not in PICTURE_EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PairsError(f"{found[path.stem]} and {path} have one stem; keep one of them.")
        found[path.stem] = path
    if not found:
        raise PairsError(f"{place} holds no pictures ({', '.join(sorted(PICTURE_EXTENSIONS))}).")
    return found
