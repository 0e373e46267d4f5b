"""What is there of many shots: done, partial, nothing yet, or failed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from vfxstyle.errors import VfxStyleError
from vfxstyle.farm.jobs import CutJob, FarmJob
from vfxstyle.pipeline.grade import finished_frames

State = Literal["done", "partial", "none", "failed"]


@dataclass(frozen=True, slots=True)
class ShotStatus:
    """How far a shot is."""

    name: str
    """Name of its job."""
    state: State
    """done: every frame is there and current. partial: some are. none: none is. failed: a task failed for good."""
    frames: int
    """Frames asked for; of the timeline of a cut none."""
    current: int
    """Those of them that are there, whole and made from this plate, preset and settings."""
    output: str
    """Where they are."""
    reason: str
    """Why it failed; else empty."""


def status_of(job: FarmJob, reason: str = "") -> ShotStatus:
    """How far a job is, by what is on disk. reason: why a task of it failed, or empty."""
    if isinstance(job, CutJob):  # its clips have lines of their own, and decide whether it is done
        state: State = "failed" if reason else "done" if job.timeline.is_file() else "none"
        return ShotStatus(job.name, state, 0, 0, str(job.timeline), reason)
    wanted = len(job.asked)
    try:
        current = len(
            finished_frames(
                job.shot,
                job.preset,
                job.output,
                frames=job.frames,
                within=job.within,
                analysis=job.analysis,
                settings=job.settings,
            )
        )
    except VfxStyleError as error:
        return ShotStatus(job.name, "failed", wanted, 0, str(job.output), reason or str(error))
    if current == wanted:
        return ShotStatus(job.name, "done", wanted, current, str(job.output), "")
    state = "failed" if reason else "partial" if current else "none"
    return ShotStatus(job.name, state, wanted, current, str(job.output), reason)


def statuses_of(jobs: Sequence[FarmJob], reasons: Mapping[str, str]) -> list[ShotStatus]:
    """How far jobs are. reasons: why some failed, by name. A cut is done only if all its clips are."""
    found = {job.name: status_of(job, reasons.get(job.name, "")) for job in jobs}
    for job in jobs:
        own = found[job.name]
        if own.state == "done" and any(found[name].state != "done" for name in job.after):
            found[job.name] = replace(own, state="partial")
    return list(found.values())


def as_table(statuses: Sequence[ShotStatus]) -> str:
    """A line for each shot, and one for all."""
    width = max(len("shot"), *(len(status.name) for status in statuses))
    lines = [f"{'shot':<{width}}  {'state':<8} {'frames':>11}  why"]
    for status in statuses:
        count = f"{status.current}/{status.frames}"
        lines.append(f"{status.name:<{width}}  {status.state:<8} {count:>11}  {status.reason}".rstrip())
    done = sum(status.state == "done" for status in statuses)
    return "\n".join([*lines, f"{done} of {len(statuses)} shots done"])


def as_json(statuses: Sequence[ShotStatus]) -> list[dict[str, Any]]:
    """The same for scripts."""
    return [asdict(status) for status in statuses]
