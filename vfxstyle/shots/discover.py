"""Opening a shot by what the user names: a folder, a sequence pattern, a movie or one picture."""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import fileseq

from vfxstyle.errors import ShotError, UsageError
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.shots.formats import MOVIE_EXTENSIONS, PICTURE_EXTENSIONS, SHEET_SUFFIXES
from vfxstyle.shots.images import ImageShot
from vfxstyle.shots.layers import LayerChoice
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.sequences import FrameFiles, SequencePattern, refuse_foreign_tokens, sequences_of, visible_files
from vfxstyle.shots.shot import Shot

MOST_FRAMES = 1_000_000
"""Largest number of frames in a range: eleven hours at 24 frames per second."""
_RANGE_AFTER_PATTERN = re.compile(r"^(?P<pattern>\S.*\S)\s+(?P<range>-?\d[\d,x:y-]*)$")


MissingPolicy = Literal["error", "skip", "hold"]
"""Treatment of missing frames in a sequence: an error, left out, or filled with the frame before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotOptions:
    """How a shot is opened."""

    reading: ReadOptions = field(default_factory=ReadOptions)
    """How its pictures are read."""
    missing: MissingPolicy = "error"
    """Treatment of frames that a sequence lacks."""


def open_shot(
    path: str | Path,
    *,
    layer: str | None = None,
    view: str | None = None,
    missing: MissingPolicy = "error",
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Shot:
    """Open a shot for reading.

    path: a folder with one sequence, a sequence pattern in any of fileseq's notations
        (``shot.####.exr``, ``shot.%04d.exr``, ``shot.1001-1100#.exr``, ``shot.%04d.exr 1001-1100``),
        a movie file, or one picture.
    layer, view: layer and view that are read of EXR files; by default the main ones.
    missing: treatment of frames that a sequence lacks: "error", "skip" (they are in ``missing`` of the shot), or
        "hold" the frame before them.
    max_pixels: largest number of pixels of a picture; a file that claims more is refused before memory is taken.
    Raises :class:`~vfxstyle.errors.ShotError` if the path names no shot or several, or if frames are missing;
    :class:`~vfxstyle.errors.FrameError` if no frame can be read; :class:`~vfxstyle.errors.UsageError` if a layer or
    view is given for a format without layers.
    """
    reading = ReadOptions(layers=LayerChoice(layer, view), max_pixels=max_pixels)
    return open_with(path, ShotOptions(reading=reading, missing=missing))


def open_with(path: str | Path, options: ShotOptions) -> Shot:
    """Open a shot as :func:`open_shot` does."""
    text = str(path)
    if not text.strip():
        raise ShotError("The shot is empty; name a folder, a pattern, a movie or a picture.")
    place = Path(text)
    try:
        is_folder, is_file = place.is_dir(), place.is_file()
    except (OSError, ValueError) as error:
        raise ShotError(f"'{text}' cannot be a path: {error}; check it.") from error
    if is_folder:
        return _open_folder(place, options)
    if is_file:
        return _open_file(place, options)
    return _open_pattern(text, options)


def parse_frames(text: str) -> tuple[int, ...]:
    """The frame numbers of a range in fileseq's syntax (``1001-1100x2,1150``), each once, ascending.

    Raises :class:`~vfxstyle.errors.UsageError` if it is not such a range or has more than :data:`MOST_FRAMES` frames.
    """
    try:
        frames = fileseq.FrameSet(text)
        if len(frames) > MOST_FRAMES:
            raise UsageError(f"'{text}' is {len(frames)} frames; more than {MOST_FRAMES} are no shot.")
        numbers = [int(number) for number in frames]
    except (fileseq.FileSeqException, ValueError) as error:
        raise UsageError(f"'{text}' is not a frame range; write for example 1001-1100x2,1150.") from error
    if not numbers:
        raise UsageError("The frame range is empty; leave it out or write for example 1001-1100x2,1150.")
    return tuple(sorted(set(numbers)))


def how_many_frames(count: int) -> str:
    """A number of frames, in words."""
    return "1 frame" if count == 1 else f"{count} frames"


def format_frames(numbers: tuple[int, ...]) -> str:
    """A compact range in fileseq's syntax, for messages and file lists."""
    return str(fileseq.FrameSet(numbers)) if numbers else ""


def named_frames(numbers: tuple[int, ...]) -> str:
    """The same with "frame" or "frames" before it."""
    return f"{'frame' if len(numbers) == 1 else 'frames'} {format_frames(numbers)}"


def _open_folder(folder: Path, options: ShotOptions) -> Shot:
    try:
        files = visible_files(folder)
    except OSError as error:
        raise ShotError(f"Folder {folder} cannot be listed: {error}; check its permissions.") from error
    frames = [path for path in files if _extension(path) in PICTURE_EXTENSIONS]
    pictures = sequences_of([path for path in frames if not path.name.endswith(SHEET_SUFFIXES)] or frames)
    if len(pictures) > 1:
        names = [sequence.pattern for sequence in pictures]
        raise ShotError(
            f"Folder {folder} holds {len(names)} sequences ({', '.join(names[:6])}"
            f"{' ...' if len(names) > 6 else ''}); name one of them, for example '{folder / names[0]}'."
        )
    if not pictures:
        movies = [path.name for path in files if _extension(path) in MOVIE_EXTENSIONS]
        if movies:
            raise ShotError(f"Folder {folder} holds no frames but a movie; name it: '{folder / movies[0]}'.")
        raise ShotError(f"Folder {folder} holds no frames ({', '.join(sorted(PICTURE_EXTENSIONS))}); check the path.")
    return _sequence_shot(pictures[0], folder.resolve().name, folder, options, complete=True)


def _extension(path: Path) -> str:
    return path.suffix.lower().lstrip(".")


def _open_file(path: Path, options: ShotOptions) -> Shot:
    extension = _extension(path)
    if extension in PICTURE_EXTENSIONS:
        (sequence,) = sequences_of([path])
        return _sequence_shot(sequence, sequence.stem, path, options, complete=False)
    from vfxstyle.shots.movie_files import is_movie_file
    from vfxstyle.shots.movies import MovieShot

    if extension not in MOVIE_EXTENSIONS and not is_movie_file(path):
        raise ShotError(
            f"{path} is neither a picture ({', '.join(sorted(PICTURE_EXTENSIONS))}) nor a movie "
            f"({', '.join(sorted(MOVIE_EXTENSIONS))}); hand in one of these."
        )
    if options.reading.layers:
        raise UsageError(f"{path} is a movie; leave --layer and --view out, they are for EXR.")
    return MovieShot(path, options.reading.max_pixels)


def _open_pattern(text: str, options: ShotOptions) -> Shot:
    split = _RANGE_AFTER_PATTERN.match(text)
    try:
        pattern = SequencePattern.parse(split["pattern"], split["range"]) if split else SequencePattern.parse(text)
        sequence = pattern.find()
    except (ValueError, OSError):
        sequence = None
    if sequence is None:
        refuse_foreign_tokens(text)
        raise ShotError(
            f"There is no folder, frame sequence or movie at '{text}'; check the path, and the frame padding (as in "
            "shot.####.exr)."
        )
    if sequence.extension not in PICTURE_EXTENSIONS:
        raise ShotError(f"'{text}' does not name pictures; use one of {', '.join(sorted(PICTURE_EXTENSIONS))}.")
    path = Path(split["pattern"] if split else text)
    if not pattern.frames:
        return _sequence_shot(sequence, sequence.stem, path, options, complete=True)
    return _sequence_shot(sequence, sequence.stem, path, options, requested=parse_frames(pattern.frames))


def _refuse_holes(sequence: FrameFiles, there: list[int], missing: list[int]) -> None:
    """Raise the error about missing frames, with the pattern that names those on disk."""
    frames = format_frames(tuple(there))
    name = next(iter(sequence.files.values())).parent / sequence.pattern
    raise ShotError(
        f"'{name}' has no frame {format_frames(tuple(missing))}; render the missing frames, grade the others with "
        f"--missing skip or hold, or name the frames that are there in the pattern: '{name} {frames}'.",
        frames=missing,
    )


def _sequence_shot(
    sequence: FrameFiles,
    name: str,
    path: Path,
    options: ShotOptions,
    *,
    complete: bool = False,
    requested: tuple[int, ...] | None = None,
) -> Shot:
    """The shot of a sequence on disk.

    complete: whether every frame between the first and the last belongs to it. requested: the frames that belong to
    it; by default those on disk.
    """
    on_disk = list(sequence.files)
    belongs = requested or (tuple(range(min(on_disk), max(on_disk) + 1)) if complete else tuple(on_disk))
    there = sorted(set(on_disk) & set(belongs))
    missing = sorted(set(belongs) - set(on_disk))
    if missing and (options.missing == "error" or not there):
        _refuse_holes(sequence, there, missing)
    files = {number: sequence.files[number] for number in there}
    if options.missing == "hold":
        files |= {number: files[there[max(bisect(there, number) - 1, 0)]] for number in missing}
    shot = ImageShot(name, path, files, sequence.padding, options.reading)
    shot.missing = tuple(missing)
    if sequence.note:
        shot.info = replace(shot.info, notes=(*shot.info.notes, sequence.note))
    return shot
