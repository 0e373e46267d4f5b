"""The tasks that grade shots on a farm: steps that wait for each other, each a command line in one or more pieces.

Every engine (Open Job Description, Dask) runs the same steps. A task does only what is not there, so any of them may be
run again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.pipeline.grade import plan_grade
from vfxstyle.pipeline.library import find_preset, shipped_folder
from vfxstyle.pipeline.settings import GradeSettings, Overwrite

DEFAULT_CHUNK = 10
"""Frames of a task: its start takes about as long as a few frames of HD."""
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
    """``segments``, ``features``, ``transforms``, ``grade`` or ``check``."""
    after: str | None
    """The step that must have ended well before."""
    command: Arguments
    """Arguments of ``vfxstyle``; PIECE stands for a task's own."""
    parts: int = 0
    """Tasks that get ``1/parts`` to ``parts/parts`` for PIECE; 0 where a step does not come in parts."""
    frames: tuple[int, ...] = ()
    """Frames whose chunks are PIECE; empty where a step does not come in frames."""


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
    jobs: list[ShotJob] = []
    look = _preset_argument(preset)
    for shot in shots:
        target = None if output is None else Path(output)
        plan = plan_grade(shot, preset, target, frames=frames, settings=settings)
        if len(shots) > 1 and target is not None:
            if target.suffix.lower() == ".mov":
                raise UsageError(f"{target} is one movie and there are {len(shots)} shots; name a folder with -o.")
            target /= Path(plan_grade(shot, preset, None, frames=frames, settings=settings)["output"]).name
            plan = plan_grade(shot, preset, target, frames=frames, settings=settings)
        place = Path(plan["output"]).absolute()
        if any(job.output == place for job in jobs):
            raise UsageError(f"Two shots would be graded to {place}; give them folders of different names.")
        jobs.append(
            ShotJob(
                name=place.stem if place.suffix.lower() == ".mov" else place.name,
                shot=Path(shot).absolute(),
                preset=look,
                output=place,
                analysis=Path(plan["analysis"]).absolute(),
                frames=tuple(plan["frame_numbers"]),
                settings=settings,
            )
        )
    return jobs


def _preset_argument(preset: str) -> str:
    """A shipped preset by its name, which every machine knows; any other by its file."""
    path = find_preset(preset)
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
        if field.name in ("ocio", "weights"):
            value = Path(value).absolute()
        found += [option] if value is True else [option, str(value)]
    return tuple(found)


def steps_of(job: ShotJob, *, parts: int | None = None) -> list[Step]:
    """The steps of a shot. parts: tasks of the features; by default by the number of frames."""
    shot = ("--preset", job.preset, "--analysis", str(job.analysis))
    analyze = ("analyze", str(job.shot), *shot, *arguments_of(job.settings, analysing=True))
    grade = ("grade", str(job.shot), *shot, "-o", str(job.output))
    options = arguments_of(replace(job.settings, write_nuke=False), analysing=False)
    # finds every frame there and as it was written, or grades it; never all of them again
    last = arguments_of(replace(job.settings, overwrite=_once(job.settings.overwrite)), analysing=False)
    count = parts or min(_MOST_PARTS, math.ceil(len(job.frames) / _FRAMES_A_PART))
    return [
        Step(name="segments", after=None, command=(*analyze, "--stage", "segments")),
        Step(
            name="features", after="segments", command=(*analyze, "--stage", "features", "--part", PIECE), parts=count
        ),
        Step(name="transforms", after="features", command=(*analyze, "--stage", "transforms")),
        Step(name="grade", after="transforms", command=(*grade, *options, "-f", PIECE), frames=job.frames),
        Step(name="check", after="grade", command=(*grade, *last, "-f", ",".join(chunks(job.frames, len(job.frames))))),
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


def chunks(frames: Sequence[int], size: int) -> list[str]:
    """Ranges of at most ``size`` frames that cover ``frames``, as the command line takes them."""
    found = []
    for first, last in stretches(frames):
        for start in range(first, last + 1, size):
            end = min(start + size - 1, last)
            found.append(str(start) if start == end else f"{start}-{end}")
    return found
