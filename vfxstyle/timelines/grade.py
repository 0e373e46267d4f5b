"""A timeline graded: every clip with its handles, and a timeline of the results."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import urlparse

from vfxstyle.errors import OutputError, PartialError, VfxStyleError
from vfxstyle.files import write_atomically
from vfxstyle.grading import grade as grading
from vfxstyle.grading.grade import GradeReport
from vfxstyle.otio import otio_library
from vfxstyle.progress import Clock, Progress
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings, Run
from vfxstyle.settings.keywords import GradeOptions
from vfxstyle.settings.table import check_known, pick
from vfxstyle.shots import format_frames
from vfxstyle.timelines.clips import Clip, TimelinePlan, TimelineRequest, plan_timeline

Media = tuple[str, tuple[int, ...]]
"""A shot and frames of it."""


@dataclass(frozen=True, slots=True)
class TimelineReport:
    """What a run over a timeline did."""

    timeline: Path
    """The new timeline."""
    clips: Sequence[tuple[Clip, GradeReport]]
    """Every clip with its report; clips of the same frames share one."""


def grade_timeline(
    timeline: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    handles: int = DEFAULT_HANDLES,
    progress: Progress | None = None,
    **options: Unpack[GradeOptions],
) -> TimelineReport:
    """Put a look on every clip of a timeline.

    timeline: an ``.otio`` file. output: a folder, by default TIMELINE_PRESET beside it; each clip gets a folder (or a
    movie) in it, and the new timeline lies there too, with the plates kept as media references of the name ``plate``.
    handles: frames before and after each clip that are graded as well, where the media has them. options: see
    docs/grade.md. Raises :class:`~vfxstyle.errors.VfxStyleError`; with ``on_error`` "skip" clips that fail are named at
    the end.
    """
    check_known(options, GradeOptions)
    request = TimelineRequest(
        timeline=Path(timeline),
        preset=preset,
        output=None if output is None else Path(output),
        handles=handles,
        settings=pick(GradeSettings, options),
    )
    return execute(plan_timeline(request), Run.of(options, progress))


def execute(plan: TimelinePlan, run: Run) -> TimelineReport:
    """Grade every clip and write the new timeline."""
    reports: dict[Media, GradeReport] = {}
    failed: list[str] = []
    clips = plan.distinct_clips
    for index, clip in enumerate(clips):
        run.clock.progress.job(index, len(clips))
        run.clock.note(f"clip {clip.name}: {clip.shot}, frames {format_frames(clip.frames)}")
        own = replace(run, clock=Clock(run.clock.progress))
        try:
            reports[clip.media] = grading.grade_request(plan.grade_of(clip), own)
        except VfxStyleError as error:
            if run.on_error == "stop" and not isinstance(error, PartialError):
                raise
            failed.append(f"{clip.name}: {error}")
            run.clock.warn(f"left out: {failed[-1]}")
    try:
        first = {media: report.files[0] for media, report in reports.items()}
        write_atomically(plan.target, _rewritten(plan, first))
    except OSError as error:
        raise OutputError(f"{plan.target} cannot be written: {error.strerror or error}.") from error
    if failed:
        raise PartialError(f"{len(failed)} clips failed. {' '.join(failed[:3])} The others are in {plan.target}.")
    return TimelineReport(plan.target, [(clip, reports[clip.media]) for _, clip in plan.clips])


def planned(plan: TimelinePlan, run: Run) -> dict[str, Any]:
    """What :func:`execute` would do with the same plan, as JSON values, without writing anything."""
    clips = []
    for clip in plan.distinct_clips:
        with plan.grade_of(clip).open() as grade:
            clips.append({"clip": clip.name, **grading.planned(grade, run)})
    return {"timeline": str(plan.target), "clips": clips}


def is_current_timeline(plan: TimelinePlan) -> bool:
    """Whether the new timeline is there as :func:`execute` writes it when no clip fails."""
    expected = _rewritten(plan, {clip.media: _first_file(plan, clip) for clip in plan.distinct_clips})
    try:
        return plan.target.read_bytes() == expected
    except OSError:
        return False


def _rewritten(plan: TimelinePlan, first: Mapping[Media, Path]) -> bytes:
    """The contents of the new timeline. first: the first file, a frame or the movie, of every result that there is."""
    timeline = plan.timeline.clone()
    for item, clip in zip(timeline.find_clips(), (clip for _, clip in plan.clips), strict=True):
        _rebase(item, plan.request.timeline, plan.folder)
        if clip.media in first:
            _refer(item, clip, plan.folder, first[clip.media])
    timeline.name = plan.target.stem
    return str(timeline.to_json_string()).encode()


def _first_file(plan: TimelinePlan, clip: Clip) -> Path:
    """The first file of a clip's result: its first frame, or the movie."""
    with plan.grade_of(clip).open() as grade:
        return grade.frame_files[grade.frames[0]]


def _refer(item: Any, clip: Clip, folder: Path, first: Path) -> None:
    """Make the result, of which ``first`` is the first file, the clip's media; the plate stays as a reference."""
    otio = otio_library()
    time = (clip.start if clip.start is not None else 0.0) + clip.frames[0] - clip.first
    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(time, clip.rate), otio.opentime.RationalTime(len(clip.frames), clip.rate)
    )
    if clip.output.suffix == ".mov":
        media = otio.schema.ExternalReference(clip.output.relative_to(folder).as_posix(), span)
    else:
        name, number, suffix = re.match(r"(.*?)(-?\d+)(\.\w+)$", first.name).groups()  # type: ignore[union-attr]
        media = otio.schema.ImageSequenceReference(
            target_url_base=f"{clip.output.relative_to(folder).as_posix()}/",
            name_prefix=name,
            name_suffix=suffix,
            start_frame=clip.frames[0],
            rate=clip.rate,
            frame_zero_padding=len(number),
            available_range=span,
        )
    item.source_range = item.trimmed_range()  # without one a clip shows all its media, and that has handles now
    # the clip lets go of its references when it gets others, and the library does not keep them alive
    others = {name: reference.clone() for name, reference in item.media_references().items()}
    active = item.active_media_reference_key
    item.set_media_references({**others, "plate": item.media_reference.clone(), active: media}, active)


def _rebase(item: Any, timeline: Path, folder: Path) -> None:
    """Let references relative to the timeline's place be found from the new timeline's."""
    for reference in item.media_references().values():
        for field in ("target_url", "target_url_base"):
            url = getattr(reference, field, None)
            if url and not urlparse(url).scheme and not Path(url).is_absolute():
                moved = os.path.relpath(timeline.resolve().parent / url, folder.resolve())
                setattr(reference, field, f"{Path(moved).as_posix()}{'/' if url.endswith('/') else ''}")
