"""Where the results of a grade go, in which format, and what their files are called."""

from __future__ import annotations

from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.plates.naming import FrameNames, filled, folder_of, frame_names, is_template, tokens_of
from vfxstyle.plates.places import default_output, folders_of
from vfxstyle.settings import GradeSettings, GradeTarget
from vfxstyle.shots import OutputFormat, Shot, default_format, format_frames
from vfxstyle.shots.formats import MOVIE_EXTENSIONS, PICTURE_EXTENSIONS
from vfxstyle.shots.writing import frame_file_name


def named_output(shot: Shot, preset: Path, target: GradeTarget, settings: GradeSettings) -> str | Path | None:
    """The output asked for, with its tokens replaced."""
    if target.output is None or not is_template(target.output):
        return target.output
    return filled(str(target.output), tokens_of(shot.path, shot.name, preset.stem, settings.tokens))


def output_format(shot: Shot, target: GradeTarget, settings: GradeSettings) -> OutputFormat:
    """The file format of a result. Raises :class:`~vfxstyle.errors.UsageError` where it does not fit the output."""
    if target.output is not None and not str(target.output).strip():
        raise UsageError("-o is empty; name a folder for frames, or a .mov file.")
    output = None if target.output is None else Path(target.output)
    names = None if output is None else frame_names(output)
    if names is not None:
        return _format_of_names(names, settings)
    suffix = "" if output is None else output.suffix.lower()
    if output is not None and suffix[1:] in (MOVIE_EXTENSIONS | PICTURE_EXTENSIONS) - {"mov"}:
        raise UsageError(_instead_of(output, suffix[1:]))
    to_movie = suffix == ".mov"
    if settings.format is None:
        return default_format(movie=shot.is_movie if output is None else to_movie, has_alpha=shot.info.has_alpha)
    picked = OutputFormat(settings.format)
    if output is not None and picked.is_movie != to_movie:
        raise UsageError(
            f"--format {picked.value} does not fit the output {output}; movies end in .mov, frames go into a folder."
        )
    return picked


def _format_of_names(names: FrameNames, settings: GradeSettings) -> OutputFormat:
    """The format of frames whose files the user has named."""
    kinds = {own.extension: own for own in OutputFormat if not own.is_movie} | {"tiff": OutputFormat.TIFF}
    if names.extension not in kinds:
        raise UsageError(f"Frames are not written as '{names.after}'; let the output end in {', '.join(kinds)}.")
    if settings.format is not None and settings.format != kinds[names.extension].value:
        raise UsageError(f"--format {settings.format} does not fit names that end in '{names.after}'; leave one out.")
    return kinds[names.extension]


def _instead_of(output: Path, extension: str) -> str:
    """What to write instead of an output that is a file of a kind that is not written."""
    if extension in MOVIE_EXTENSIONS:
        return f"The output {output} is no kind of movie that is written; write -o {output.with_suffix('.mov')}."
    own = {"tif": "tiff", "exr": "exr", "dpx": "dpx", "png": "png", "tiff": "tiff"}.get(extension, "png")
    return (
        f"The output {output} is a file, but frames go into a folder and are named after it; write "
        f"-o {output.with_suffix('')} --format {own}."
    )


def output_place(shot: Shot, preset: Path, picked: OutputFormat, target: GradeTarget, frames: tuple[int, ...]) -> Path:
    """The folder of frames, or the movie."""
    if target.output is not None:
        return folder_of(target.output)
    place = default_output(shot, preset, picked)
    is_part = frames != (shot.whole or shot.frames)
    if picked.is_movie and is_part and not target.prepare:  # a part must not replace the whole
        return place.with_name(f"{place.stem}.{format_frames(frames)}.mov")
    return place


def frame_files(
    shot: Shot,
    output: Path,
    picked: OutputFormat,
    frames: tuple[int, ...],
    target: GradeTarget,
    settings: GradeSettings,
) -> dict[int, Path]:
    """The file of each frame: named as the user says, else after the folder; the movie for all of its frames."""
    if picked.is_movie:
        return dict.fromkeys(frames, output)
    shift = 0 if settings.start_frame is None else settings.start_frame - frames[0]
    digits = settings.padding or shot.padding
    names = None if target.output is None else frame_names(Path(target.output))
    if names is not None:
        return {n: output / names.of(n + shift, digits) for n in frames}
    return {n: output / frame_file_name(_name_of(output), n + shift, digits, picked) for n in frames}


def prepared_files(movie: Path, frames: tuple[int, ...]) -> dict[int, Path]:
    """Where each frame of a movie is made ready."""
    folder = movie.parent / ".vfxstyle" / f"{movie.stem}.frames"
    return {number: folder / f"{movie.stem}.{number:04d}.npz" for number in frames}


def check_place(shot: Shot, place: Path, picked: OutputFormat) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` for a place that is taken by something else."""
    if place.exists() and place.is_dir() == picked.is_movie:
        is_now, goes_into = ("a folder", "a file") if picked.is_movie else ("a file", "a folder")
        raise UsageError(f"The output {place} is {is_now}, but {picked.value} goes into {goes_into}; choose with -o.")
    if place.resolve() in {shot.file_of(shot.frames[0]).resolve(), *folders_of(shot)}:
        raise UsageError(f"The output {place} is where the plate is; choose another place with -o.")


def _name_of(folder: Path) -> str:
    """The folder's name as the user wrote it; "." and ".." by what they stand for."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name
