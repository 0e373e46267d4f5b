"""The tasks that grade shots on a farm: steps that wait for each other, each a command line in one or more pieces.

Every engine (Open Job Description, Dask) runs the same steps. A task does only what is not there, so any of them may be
run again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.features import backbone_class
from vfxstyle.pipeline.library import find_preset, shipped_folder
from vfxstyle.pipeline.plan import make_plan
from vfxstyle.pipeline.plates import open_plate
from vfxstyle.pipeline.settings import GradeSettings, Overwrite
from vfxstyle.shots import parse_frames
from vfxstyle.style.preset import PresetInfo, read_info

_FRAMES_A_PART = 25  # of the shot, for a part of its features: the network sees about every third to second of them
_MOST_PARTS = 8
_ONLY_OF_GRADES = {"format", "strength", "output_space", "compression", "start_frame", "padding", "fps", "audio"}
_ONLY_OF_GRADES |= {"write_nuke"}

Arguments = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotJob:
    """One shot to be graded, with every default resolved."""

    name: str
    """What it is called; no two of a run are called the same."""
    shot: Path
    """Folder, pattern, movie or picture, absolute."""
    preset: str
    """Name of a shipped preset, or the absolute path of a preset file."""
    output: Path
    """Folder of frames, or movie, absolute."""
    analysis: Path
    """Folder of the analysis, absolute."""
    frames: tuple[int, ...]
    """Frames to grade, ascending."""
    asked: tuple[int, ...]
    """Frames asked for: the same, and those that the sequence lacks."""
    length: int
    """Frames of the whole shot, which is what is analysed."""
    settings: GradeSettings
    """The options."""

    @property
    def is_movie(self) -> bool:
        """Whether the result is one file."""
        return self.output.suffix.lower() == ".mov"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a shot: one command, in as many tasks as it has pieces."""

    name: str
    """``segments``, ``features``, ``transforms``, ``grade``, and ``check`` of frames or ``movie``."""
    after: str | None
    """The step that must have ended well before."""
    command: Arguments
    """Arguments of ``vfxstyle``; PIECE stands for a task's own."""
    parts: int = 0
    """Tasks that get ``1/parts`` to ``parts/parts`` for PIECE; 0 where a step does not come in parts."""
    frames: tuple[int, ...] = ()
    """Frames whose chunks are PIECE; empty where a step does not come in frames."""
    in_one: bool = False
    """Whether all frames are one PIECE."""


PIECE = "{piece}"
"""Stands for a part or a range of frames in a command."""


def resolve_jobs(
    shots: Sequence[str], preset: str, output: str | None, frames: str | None, settings: GradeSettings
) -> list[ShotJob]:
    """The jobs of some shots; of several, each gets a folder of its own in ``output``.

    Raises :class:`~vfxstyle.errors.VfxStyleError` for a shot, preset or option that cannot be used.
    """
    if settings.start_frame is not None:
        raise UsageError("Tasks do not know what the first frame of all is; leave --start-frame out on a farm.")
    if output is not None and len(shots) > 1 and output.lower().endswith(".mov"):
        raise UsageError(f"{output} is one movie and there are {len(shots)} shots; name a folder with --to.")
    path = find_preset(preset)
    settings = _pinned(settings, read_info(path))
    jobs: list[ShotJob] = []
    for shot in shots:
        with open_plate(shot, settings) as plate:
            asked = parse_frames(frames) if frames is not None else tuple(sorted({*plate.frames, *plate.missing}))
            absent = set(plate.missing) - set(plate.frames)
            numbers = tuple(number for number in asked if number not in absent)
            target = None if output is None else Path(output)
            if target is not None and len(shots) > 1:
                target /= make_plan(plate, path, None, numbers, None, settings).output.name
            plan = make_plan(plate, path, target, numbers, None, settings)
            length = len(plate)
        place = plan.output.absolute()
        if any(job.output == place for job in jobs):
            raise UsageError(f"Two shots would be graded to {place}; give them folders of different names.")
        name = place.stem if plan.format.is_movie else place.name
        alike = sum(job.name == name or job.name.startswith(f"{name} (") for job in jobs)
        jobs.append(
            ShotJob(
                name=f"{name} ({alike + 1})" if alike else name,
                shot=Path(shot).absolute(),
                preset=_preset_argument(path),
                output=place,
                analysis=plan.analysis.absolute(),
                frames=plan.frames,
                asked=asked,
                length=length,
                settings=settings,
            )
        )
    return jobs


def _pinned(settings: GradeSettings, info: PresetInfo) -> GradeSettings:
    """The settings with what the environment of whoever submits decides, so that all machines do the same."""
    weights = settings.weights
    if info.weights and weights is None:
        weights = str(backbone_class(info.backbone).find_weights(None))
    return replace(settings, ocio=settings.ocio or os.environ.get("OCIO") or None, weights=weights)


def _preset_argument(path: Path) -> str:
    """A shipped preset by its name, which every machine knows; any other by its file."""
    return path.stem if path.parent == shipped_folder() else str(path.absolute())


def arguments_of(settings: GradeSettings, *, analysing: bool) -> Arguments:
    """Options of the command line that stand for settings, defaults left out.

    analysing: whether they are for ``analyze``, which knows fewer.
    """
    plain, found = asdict(GradeSettings()), []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value == plain[field.name] or (analysing and field.name in _ONLY_OF_GRADES):
            continue
        option = f"--{field.name.replace('_', '-')}"
        if field.name in ("ocio", "weights") and Path(value).exists():  # a configuration can be an address too
            value = Path(value).absolute()
        found += [option] if value is True else [option, str(value)]
    return tuple(found)


def steps_of(job: ShotJob, *, parts: int | None = None) -> list[Step]:
    """The steps of a shot. parts: tasks of the features; by default by the number of frames."""
    shot = ("--preset", job.preset, "--analysis", str(job.analysis))
    analyze = ("analyze", str(job.shot), *shot, *arguments_of(job.settings, analysing=True))
    grade = ("grade", str(job.shot), *shot, "-o", str(job.output))
    options = arguments_of(replace(job.settings, write_nuke=False), analysing=False)
    # finds every frame there and as it was written, or grades it, never all of them again; encodes a movie
    last = arguments_of(replace(job.settings, overwrite=_once(job.settings.overwrite)), analysing=False)
    count = parts or min(_MOST_PARTS, math.ceil(job.length / _FRAMES_A_PART))
    return [
        Step(name="segments", after=None, command=(*analyze, "--stage", "segments")),
        Step(
            name="features", after="segments", command=(*analyze, "--stage", "features", "--part", PIECE), parts=count
        ),
        Step(name="transforms", after="features", command=(*analyze, "--stage", "transforms")),
        Step(
            name="grade",
            after="transforms",
            command=(*grade, *options, *(("--stage", "frames") if job.is_movie else ()), "-f", PIECE),
            frames=job.frames,
        ),
        Step(
            name="movie" if job.is_movie else "check",
            after="grade",
            command=(*grade, *last, "-f", PIECE),
            frames=job.asked,
            in_one=True,
        ),
    ]


def _once(overwrite: Overwrite) -> Overwrite:
    return "changed" if overwrite == "always" else overwrite


def stretches(frames: Sequence[int]) -> list[tuple[int, int]]:
    """First and last frame of every stretch without a hole."""
    found: list[tuple[int, int]] = []
    for number in sorted(frames):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def whole_range(frames: Sequence[int]) -> str:
    """All frames as one range."""
    return ",".join(chunks(frames, len(frames)))


def chunks(frames: Sequence[int], size: int) -> list[str]:
    """Ranges of at most ``size`` frames that cover ``frames``, as the command line takes them."""
    found = []
    for first, last in stretches(frames):
        for start in range(first, last + 1, size):
            end = min(start + size - 1, last)
            found.append(str(start) if start == end else f"{start}-{end}")
    return found
