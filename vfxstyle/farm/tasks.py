"""The tasks that grade shots on a farm: steps that wait for each other, each a command line in one or more pieces.

Every engine runs the same steps. A task does only what is not there, so any of them may be run again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vfxstyle.farm.jobs import FarmJob, ShotJob, TimelineJob, TrainJob
from vfxstyle.grading.estimate import memory_of_frames
from vfxstyle.settings import GradeSettings, Overwrite, Run
from vfxstyle.settings.table import options_of
from vfxstyle.settings.values import ALL_VIEWS, DEFAULT_MEMORY

_FRAMES_PER_SHARD = 25  # of the shot, for a shard of its features: the network sees about every third to second of them
_MOST_SHARDS = 8
_PINNED = ("--config", "none")  # what whoever submits has decided is in the command; no other machine has a say

Arguments = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a shot: one command, in as many tasks as it has pieces."""

    name: str
    """``sections`` of a long shot, ``superpixels``, ``features``, ``transforms``, ``grade``, and ``check`` of frames or
    ``movie``; of a timeline ``timeline``, of a look ``train``."""
    after: str | None
    """The step that must have ended well before."""
    command: Arguments
    """Arguments of ``vfxstyle``; PIECE stands for a task's own."""
    shards: int = 0
    """Tasks that get ``1/shards`` to ``shards/shards`` for PIECE; 0 where a step does not come in shards."""
    frames: tuple[int, ...] = ()
    """Frames whose chunks are PIECE; empty where a step does not come in frames."""
    in_one: bool = False
    """Whether all frames are one PIECE."""


ANALYSED = "transforms"
"""The step after which the analysis of a shot is there, for other looks too."""
PIECE = "{piece}"
"""Stands for a shard or a range of frames in a command."""


def arguments_of(settings: GradeSettings, run: Run, command: str) -> Arguments:
    """Options of the command line that stand for settings, as far as a command takes them; defaults are left out."""
    words: list[str] = []
    for values in (settings, run):
        for own in options_of(type(values), command):
            words += own.arguments(getattr(values, own.name))
    return tuple(words)


def steps_of(job: FarmJob, *, shards: int | None = None) -> list[Step]:
    """The steps of a job. shards: tasks of the features; by default by the number of frames."""
    if isinstance(job, TrainJob):
        return [_train_step(job)]
    return [_timeline_step(job)] if isinstance(job, TimelineJob) else _steps_of_shot(job, shards)


def _train_step(job: TrainJob) -> Step:
    places = ("--shot", str(job.source), "--graded", str(job.graded), "-o", str(job.target), *_PINNED)
    options = arguments_of(job.settings, job.run, "train")
    return Step(name="train", after=None, command=("train", "--name", job.target.stem, *places, *options))


def _timeline_step(job: TimelineJob) -> Step:
    once = replace(job.run, overwrite=_never_all(job.run.overwrite), memory=DEFAULT_MEMORY)  # its clips are there
    places = (str(job.request.timeline), "--preset", job.pinned_preset, "-o", str(job.output), *_PINNED)
    command = ("grade", *places, "--handles", str(job.request.handles), *arguments_of(job.settings, once, "grade"))
    return Step(name="timeline", after=None, command=command)


def _steps_of_shot(job: ShotJob, shards: int | None) -> list[Step]:
    shot: Arguments = ("--preset", job.pinned_preset, "--analysis", str(job.analysis), *_PINNED)
    if job.request.within is not None:
        shot += ("--within", whole_range(job.request.within))
    analyze = ("analyze", str(job.shot), *shot, *arguments_of(job.settings, job.run, "analyze"), "--stage")
    grade = ("grade", str(job.shot), *shot, "-o", job.target)
    options = arguments_of(replace(job.settings, write_nuke=False, write_review=False), job.run, "grade")
    # finds every frame there and as it was written, or grades it, never all of them again; a movie it encodes
    overwrite = job.run.overwrite if job.is_movie else _never_all(job.run.overwrite)
    last = arguments_of(job.settings, replace(job.run, overwrite=overwrite), "grade")
    count = shards or min(_MOST_SHARDS, math.ceil(job.length / _FRAMES_PER_SHARD))
    sections = job.settings.sections(job.length)
    apart = [Step(name="sections", after=None, command=(*analyze, "superpixels", "--shard", PIECE), shards=sections)]
    return [
        *(apart if sections > 1 else []),
        Step(name="superpixels", after="sections" if sections > 1 else None, command=(*analyze, "superpixels")),
        Step(name="features", after="superpixels", command=(*analyze, "features", "--shard", PIECE), shards=count),
        Step(name="transforms", after="features", command=(*analyze, "transforms")),
        Step(
            name="grade",
            after="transforms",
            command=(*grade, *options, *(("--prepare",) if job.is_movie else ("--proof", "none")), "-f", PIECE),
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


def memory_of(job: FarmJob, step: Step, room: float | None = None) -> int:
    """Memory that a task of a step takes at most, in MiB.

    room: GiB for frames under way; None for what the job gives them.
    """
    width, height = job.size if isinstance(job, ShotJob) else (0, 0)
    views = 2 if isinstance(job, ShotJob) and job.settings.view == ALL_VIEWS else 1
    if not isinstance(job, ShotJob) or step.name in ("sections", "superpixels", "features", ANALYSED):
        return memory_of_frames(width, height, views, one_by_one=isinstance(job, ShotJob))
    return memory_of_frames(width, height, views, room=job.run.memory if room is None else room)


def _never_all(overwrite: Overwrite) -> Overwrite:
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
