"""What a grade job will do, decided before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfxstyle.color import ColorConfig, ColorSpace
from vfxstyle.errors import ShotError, UsageError
from vfxstyle.plates.places import analysis_of_output, default_output
from vfxstyle.plates.spaces import PlateSpace, input_space, output_space
from vfxstyle.settings import (
    GradeSettings,
    GradeStage,
    parse_rate,
)
from vfxstyle.shots import OutputFormat, Shot, default_format, format_frames
from vfxstyle.shots.discover import MOVIE_EXTENSIONS
from vfxstyle.shots.exr import parse_compression
from vfxstyle.shots.images import PICTURE_EXTENSIONS
from vfxstyle.shots.writing import frame_file_name

DEFAULT_FRAME_RATE = 24
"""Frames per second of a movie made from frames that do not state a rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradePlan:
    """One grade job: which frames go where, in which format, with which analysis."""

    shot: Path
    """What the user pointed at."""
    preset: Path
    """The preset file."""
    frames: tuple[int, ...]
    """Frames asked for, ascending."""
    output: Path
    """The folder of frames, or the movie."""
    format: OutputFormat
    """File format of the output."""
    config: ColorConfig
    """The colour configuration."""
    input: PlateSpace
    """Colour space of the plate, and where that was learnt from."""
    output_space: ColorSpace
    """Colour space of the result."""
    frame_rate: Fraction | None
    """Frames per second of the result, or None where nobody states any."""
    targets: Mapping[int, Path]
    """The file of each frame; the same movie for all frames of a movie."""
    prepared: Mapping[int, Path]
    """Of a movie: where each frame is made ready by tasks, for another to encode; empty for frames."""
    analysis: Path
    """Folder of the shot analysis."""
    analysis_named: bool
    """Whether the user named that folder: then it is used as it is, and made again only where it must be."""
    layer: str
    """The layer and view that are graded, where the files hold several; else empty."""
    settings: GradeSettings
    """The options."""

    @property
    def records(self) -> Path:
        """Folder of the records of finished outputs."""
        folder = self.output.parent if self.format.is_movie else self.output
        return folder / ".vfxstyle" / "frames"

    @property
    def files(self) -> list[Path]:
        """Every picture or movie file asked for, each once."""
        return list(dict.fromkeys(self.targets.values()))

    def as_json(self, to_write: list[Path], support: list[Path]) -> dict[str, Any]:
        """The plan for people and scripts.

        to_write: the pictures or the movie that the run would write. support: the files beside them, of the
        analysis and the records.
        """
        return {
            "shot": str(self.shot),
            "preset": str(self.preset),
            "frames": format_frames(self.frames),
            "frame_numbers": list(self.frames),
            "output": str(self.output),
            "format": self.format.value,
            "ocio": self.config.name,
            "input_space": {"name": self.input.space.name, "from": self.input.source},
            "output_space": self.output_space.name,
            "layer": self.layer,
            "analysis": str(self.analysis),
            "settings": asdict(self.settings),
            "files": [str(path) for path in to_write],
            "support_files": [str(path) for path in support],
        }


def make_plan(
    shot: Shot,
    preset: Path,
    output: str | Path | None,
    frames: tuple[int, ...] | None,
    analysis: str | Path | None,
    settings: GradeSettings,
    stage: GradeStage = "all",
) -> GradePlan:
    """Resolve every default of a grade job.

    stage: "frames" if only frames of a movie are to be made ready.

    Raises :class:`~vfxstyle.errors.UsageError` for options that contradict each other or the shot, for an output
    that would land on the plate, and for a file where a folder is needed or the other way round;
    :class:`~vfxstyle.errors.ColorError` where the plate's colour space cannot be known.
    """
    chosen = shot.frames if frames is None else shot.select(frames)
    if not chosen:
        raise ShotError(f"{shot.path} has none of the frames asked for; render them first.", frames=shot.missing)
    target = None if output is None else Path(output)
    picked = _format(shot, target, settings)
    place = target or default_output(shot, preset, picked)
    if stage == "frames" and not picked.is_movie:
        raise UsageError("Frames are made ready for a movie; leave --stage out, or name a .mov with -o.")
    if (
        output is None and picked.is_movie and chosen != shot.frames and stage == "all"
    ):  # a part must not replace the whole
        place = place.with_name(f"{place.stem}.{format_frames(chosen)}.mov")
    _check_fitting(picked, settings)
    if picked.is_movie:
        targets = dict.fromkeys(chosen, place)
        folder = place.parent / ".vfxstyle" / f"{place.stem}.frames"
        prepared = {n: folder / f"{place.stem}.{n:04d}.npz" for n in chosen}
    else:
        shift = 0 if settings.start_frame is None else settings.start_frame - chosen[0]
        digits = settings.padding or shot.padding
        prepared = {}
        targets = {n: place / frame_file_name(_name_of(place), n + shift, digits, picked) for n in chosen}
    _check_place(shot, place, picked)
    config = ColorConfig.load(settings.ocio)
    plate = input_space(config, shot.info.color_tag, shot.file_of(chosen[0]), settings.input_space)
    return GradePlan(
        shot=shot.path,
        preset=preset,
        frames=chosen,
        output=place,
        format=picked,
        config=config,
        input=plate,
        output_space=output_space(config, picked, plate.space, settings.output_space),
        frame_rate=parse_rate(settings.fps) if settings.fps is not None else shot.info.frame_rate,
        targets=targets,
        prepared=prepared,
        layer=shot.info.layer,
        analysis=analysis_of_output(shot, place, picked) if analysis is None else Path(analysis),
        analysis_named=analysis is not None,
        settings=settings,
    )


def _format(shot: Shot, output: Path | None, settings: GradeSettings) -> OutputFormat:
    suffix = "" if output is None else output.suffix.lower()
    if suffix[1:] in (MOVIE_EXTENSIONS | PICTURE_EXTENSIONS) - {"mov"}:
        raise UsageError(f"The output {output} must be a folder for frames or a .mov file; name one of these.")
    to_movie = suffix == ".mov"
    if settings.format is None:
        return default_format(movie=shot.is_movie if output is None else to_movie, has_alpha=shot.info.has_alpha)
    picked = OutputFormat(settings.format)
    if output is not None and picked.is_movie != to_movie:
        raise UsageError(
            f"--format {picked.value} does not fit the output {output}; movies end in .mov, frames go into a folder."
        )
    return picked


def _check_fitting(picked: OutputFormat, settings: GradeSettings) -> None:
    if settings.compression is not None:
        if picked is not OutputFormat.EXR:
            raise UsageError(f"--compression is for EXR, not for {picked.value}; leave it out.")
        try:
            parse_compression(settings.compression)
        except ValueError as error:
            raise UsageError(f"--{error}") from error
    if picked.is_movie and (settings.start_frame is not None or settings.padding is not None):
        raise UsageError("A movie has no frame numbers; leave --start-frame and --padding out.")


def _check_place(shot: Shot, place: Path, picked: OutputFormat) -> None:
    if place.exists() and place.is_dir() == picked.is_movie:
        is_now, goes_into = ("a folder", "a file") if picked.is_movie else ("a file", "a folder")
        raise UsageError(f"The output {place} is {is_now}, but {picked.value} goes into {goes_into}; choose with -o.")
    plate = shot.file_of(shot.frames[0])
    if place.resolve() in (plate.resolve(), plate.resolve().parent):
        raise UsageError(f"The output {place} is where the plate is; choose another place with -o.")


def _name_of(folder: Path) -> str:
    """The folder's name as the user wrote it; "." and ".." by what they stand for."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name
