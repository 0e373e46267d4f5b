"""State of many shots: done, partial, nothing yet, or failed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vfxstyle.errors import PartialError, VfxStyleError
from vfxstyle.farm.jobs import FarmJob, ShotJob, TimelineJob, TrainJob
from vfxstyle.grading.status import frame_states
from vfxstyle.looks.preset import read_info
from vfxstyle.shots import format_frames
from vfxstyle.timelines.clips import plan_timeline
from vfxstyle.timelines.grade import is_current_timeline
from vfxstyle.training.pair_digests import is_learnt_from

if TYPE_CHECKING:
    from vfxstyle.farm.run import Failure

State = Literal["done", "partial", "none", "failed"]


@dataclass(frozen=True, slots=True)
class ShotStatus:
    """How far a shot is."""

    name: str
    """Name of its job."""
    state: State
    """done: every frame is there and current. partial: some are. none: none is. failed: a task failed for good."""
    frames: int
    """Frames asked for; of a timeline none."""
    current: int
    """Those of them that are there, whole and made from this plate, preset and settings."""
    output: str
    """Where they are."""
    reason: str
    """Why it is not done, where more is known than that nobody has run it; else empty."""
    retryable: bool
    """Whether running it again can get further, as far as is known: what a run stopped at is known to that run."""
    by_reason: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Frames that are not done, by what is known of them."""


def status_of(job: FarmJob, failure: Failure | None = None) -> ShotStatus:
    """How far a job is, by what is on disk. failure: how a task of it failed."""
    wanted, place = (len(job.asked), job.output) if isinstance(job, ShotJob) else (0, job.target)
    found = ShotStatus(job.name, "none", wanted, 0, str(place), "", retryable=True)
    try:
        if isinstance(job, TrainJob):
            found = _status_of_look(job, found)
        else:
            found = _status_of_shot(job, found) if isinstance(job, ShotJob) else _status_of_timeline(job, found)
    except VfxStyleError as error:
        found = replace(found, state="failed", reason=str(error), retryable=error.retryable)
    if failure is None or (found.state == "done" and not _takes_a_look_of_the_run(job)):
        return found
    return replace(found, state="failed", reason=failure.reason, retryable=failure.retryable)


def _takes_a_look_of_the_run(job: FarmJob) -> bool:
    """Whether what is there can be of an earlier look, so that a failure counts although everything is there."""
    return isinstance(job, TrainJob) or (isinstance(job, ShotJob) and job.request.is_learnt_first)


def _status_of_look(job: TrainJob, nothing: ShotStatus) -> ShotStatus:
    if not job.target.is_file():
        return nothing
    if is_learnt_from(read_info(job.target), job.source, job.graded, job.settings.max_pixels):
        return replace(nothing, state="done", retryable=False)
    return replace(nothing, state="partial", reason="learnt from other graded frames than there are now")


def _status_of_shot(job: ShotJob, nothing: ShotStatus) -> ShotStatus:
    if job.request.is_learnt_first and not Path(job.preset).is_file():
        return nothing
    there = frame_states(job.request, job.run)
    current = len(there.current)
    if current == len(job.asked):
        return replace(nothing, state="done", current=current, retryable=False)
    begun = bool(current or there.ready)
    frames = {
        "damaged": there.damaged,
        "of another preset, plate, version or options": there.outdated,
        "not made yet": there.absent,
        "ready for the movie": there.ready,
        "cannot be read, so render them again": there.unreadable,
        "not in the plate, so render them": tuple(sorted(set(job.asked) - set(job.frames))),
    }
    frames = {what: numbers for what, numbers in frames.items() if numbers}
    said = {what: numbers for what, numbers in frames.items() if current or what != "not made yet"}
    left = len(job.frames) - len(there.unreadable) - current  # a run can do nothing about the others
    return replace(
        nothing,
        state="partial" if begun else "none",
        current=current,
        reason="; ".join(f"{what}: {format_frames(numbers)}" for what, numbers in said.items()),
        by_reason=frames,
        retryable=left > 0,
    )


def _status_of_timeline(job: TimelineJob, nothing: ShotStatus) -> ShotStatus:
    """How far the new timeline is; its clips have lines of their own."""
    if is_current_timeline(plan_timeline(job.request)):
        return replace(nothing, state="done", retryable=False)
    if not job.target.exists():
        return nothing
    return replace(nothing, state="partial", reason="the timeline there lacks clips, or is of other options")


def statuses_of(
    jobs: Sequence[FarmJob], failures: Mapping[str, Failure], refused: Mapping[str, VfxStyleError] | None = None
) -> list[ShotStatus]:
    """How far jobs are. A timeline is done only if all its clips are.

    failures: how some failed, by name. refused: shots that are no jobs, as resolve_jobs collects them.
    """
    found = {job.name: status_of(job, failures.get(job.name)) for job in jobs}
    for job in (job for job in jobs if isinstance(job, TimelineJob)):
        own = found[job.name]
        open_clips = [found[name] for name in job.after if found[name].state != "done"]
        if open_clips and own.state != "none":
            again = any(clip.retryable for clip in open_clips)
            state: State = "failed" if own.state == "failed" else "partial"
            found[job.name] = replace(own, state=state, reason=own.reason or "not all clips are done", retryable=again)
    return [
        *found.values(),
        *(ShotStatus(shot, "failed", 0, 0, "", str(why), why.retryable) for shot, why in (refused or {}).items()),
    ]


def check_done(statuses: Sequence[ShotStatus]) -> None:
    """That all shots are done. Raises :class:`~vfxstyle.errors.PartialError`, which says whether to run again."""
    open_ones = [one for one in statuses if one.state != "done"]
    if not open_ones:
        return
    names = ", ".join(one.name for one in open_ones[:5])
    again = any(one.retryable for one in open_ones)
    shots = [one for one in statuses if one.frames or one.state != "done"]  # without a look that was learnt first
    numbers = {number for own in shots[0].by_reason.values() for number in own} if len(shots) == 1 else set()
    error = PartialError(
        f"{len(open_ones)} of {len(statuses)} shots are not done: {names}{' ...' if len(open_ones) > 5 else ''}; "
        f"{'run again to go on' if again else 'see why, and mend that first'}.",
        frames=sorted(numbers),
    )
    error.retryable = again
    raise error


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
