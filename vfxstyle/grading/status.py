"""State of every output frame of a grade."""

from __future__ import annotations

from dataclasses import dataclass

from vfxstyle.grading.outputs import Outputs
from vfxstyle.grading.request import GradeRequest
from vfxstyle.settings import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameStates:
    """State of every output frame; frames of a movie are in the state of the movie."""

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


def frame_states(request: GradeRequest, run: Run) -> FrameStates:
    """State of the frames that a request asks for. run: the one that makes them."""
    with request.open() as plan:
        outputs = Outputs.of(plan, run, recall=True)
        fresh, records, lost = outputs.current(run.overwrite), outputs.records, outputs.lost
        readable = [(number, path) for number, path in plan.targets.items() if number not in lost]
        current = tuple(number for number, path in readable if fresh[path])
        left = [(number, path) for number, path in readable if not fresh[path]]
        there = {path for path in plan.files if not fresh[path] and path.exists()}
        damaged = {path for path in there if records.was_made_from(path, outputs.key_of_file(path))}
        return FrameStates(
            current=current,
            damaged=tuple(number for number, path in left if path in damaged),
            outdated=tuple(number for number, path in left if path in there and path not in damaged),
            absent=tuple(number for number, path in left if path not in there),
            ready=tuple(number for number in ({} if current else plan.prepared) if outputs.is_prepared(number)),
            unreadable=tuple(sorted(lost)),
        )
