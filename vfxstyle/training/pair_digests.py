"""What stands for the pictures of pairs: hashes, by which a look knows what it was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vfxstyle.files import file_digest
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.looks.info import PresetInfo
from vfxstyle.settings import TrainSettings
from vfxstyle.shots.formats import PICTURE_EXTENSIONS
from vfxstyle.training.pairs import ExemplarPair, PictureReader, PictureRef, find_graded_frames

PairDigest = tuple[str, str]
"""A line for each picture of a pair: its file's name, the number of the frame, and the SHA-256 of the file."""


def digests_of(pairs: Sequence[ExemplarPair], reader: PictureReader) -> list[PairDigest]:
    """Return what stands for the pictures of each pair; a file is hashed once, however many of its frames are used."""
    hashes: dict[Path, str] = {}
    return [(_line_of(pair.before, reader, hashes), _line_of(pair.after, reader, hashes)) for pair in pairs]


def _line_of(picture: PictureRef, reader: PictureReader, hashes: dict[Path, str]) -> str:
    """What stands for a picture. hashes: of the files that were hashed so far, added to."""
    shot = reader.shot(picture.shot)
    path = shot.file_of(shot.frames[0] if picture.frame is None else picture.frame)
    if path not in hashes:
        hashes[path] = file_digest(path)
    return f"{path.name} {picture.frame} {hashes[path]}"


def plates_of(digests: Sequence[PairDigest]) -> tuple[str, ...]:
    """What stands for the plates of pairs, however their files are called and numbered.

    It is the SHA-256 of a picture's file; of a movie's, the number of the frame comes before it.
    """
    return tuple(_without_name(before) for before, _ in digests)


def grades_of(digests: Sequence[PairDigest]) -> tuple[str, ...]:
    """What stands for the graded pictures of pairs, as :func:`plates_of` does for their plates."""
    return tuple(_without_name(after) for _, after in digests)


def _without_name(line: str) -> str:
    """What stands for a picture, however its file is called and numbered."""
    name, frame, sha = line.rsplit(" ", 2)
    is_picture = Path(name).suffix.lower().lstrip(".") in PICTURE_EXTENSIONS
    return sha if is_picture else f"{frame} {sha}"


def is_learnt_from(info: PresetInfo, shot: Path, graded: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> bool:
    """Whether a look was learnt from the very graded frames that a folder has now; earlier versions did not say.

    shot: what they are graded frames of. max_pixels: pixels that a picture may have. Raises the errors of
    :func:`~vfxstyle.training.pairs.find_graded_frames`.
    """
    kept, pairs = info.card.get("grades"), find_graded_frames(shot, graded, max_pixels)
    if not isinstance(kept, list):
        return True
    hashes: dict[Path, str] = {}
    with PictureReader(TrainSettings(max_pixels=max_pixels)) as reader:
        return [_without_name(_line_of(pair.after, reader, hashes)) for pair in pairs] == kept
