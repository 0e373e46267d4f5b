"""What is there of the frames of a grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.grading.grade import frames_asked
from vfxstyle.grading.job import Job
from vfxstyle.grading.plan import make_plan
from vfxstyle.looks import read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.opening import open_plate
from vfxstyle.settings import GradeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameStates:
    """What is there of the frames of a grade; those of a movie are what it is."""

    current: tuple[int, ...]
    """Frames that are whole and made from this plate, preset and settings; or just there, if they are to be kept."""
    damaged: tuple[int, ...]
    """Frames that were made from all of it, and have changed since."""
    outdated: tuple[int, ...]
    """Frames that are there and were made from something else."""
    absent: tuple[int, ...]
    """Frames that are not there."""
    ready: tuple[int, ...]
    """Frames that are made ready for a movie that is not there."""
    unreadable: tuple[int, ...]
    """Frames of the plate that the analysis could not read; a movie holds the frame before."""


def frame_states(
    shot: str | Path,
    preset: str | Path,
    output: Path,
    *,
    frames: Sequence[int],
    within: Sequence[int] | None,
    analysis: Path,
    settings: GradeSettings,
) -> FrameStates:
    """What is there of the frames that :func:`~vfxstyle.grading.grade.grade` with the same arguments makes."""
    with open_plate(shot, settings, within) as plate:
        plan = make_plan(plate, find_preset(preset), output, frames_asked(frames, plate), analysis, settings)
        job = Job(plan, plate, read_preset(plan.preset))
        job.recall_unreadable()
        fresh, records = job.fresh(), job.records
        readable = [(number, path) for number, path in plan.targets.items() if number not in job.failed]
        current = tuple(number for number, path in readable if fresh[path])
        left = [(number, path) for number, path in readable if not fresh[path]]
        there = {path for path in plan.files if not fresh[path] and path.exists()}
        damaged = {path for path in there if records.was_made_from(path, job.key_of_file(path))}
        prepared = {} if current else plan.prepared
        return FrameStates(
            current=current,
            damaged=tuple(number for number, path in left if path in damaged),
            outdated=tuple(number for number, path in left if path in there and path not in damaged),
            absent=tuple(number for number, path in left if path not in there),
            ready=tuple(n for n, path in prepared.items() if records.is_current(path, job.key_of_frames([n]))),
            unreadable=tuple(sorted(job.failed)),
        )
