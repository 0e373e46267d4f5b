"""A cut graded: every clip with its handles, and a timeline of the results."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from vfxstyle.errors import OutputError, PartialError, VfxStyleError
from vfxstyle.files import write_atomically
from vfxstyle.grading.grade import GradeReport, grade, plan_grade
from vfxstyle.grading.plan import make_plan
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.opening import open_plate
from vfxstyle.progress import Clock, Progress, Silent
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings
from vfxstyle.shots import format_frames
from vfxstyle.timelines.clips import ClipJob, Cut, Work, otio_library, read_cut


@dataclass(frozen=True, slots=True)
class TimelineReport:
    """What a run over a cut did."""

    timeline: Path
    """The new timeline."""
    clips: Sequence[tuple[ClipJob, GradeReport]]
    """Every clip with its report; clips of the same frames share one."""


def grade_timeline(
    cut: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    handles: int = DEFAULT_HANDLES,
    settings: GradeSettings | None = None,
    progress: Progress | None = None,
) -> TimelineReport:
    """Put a look on every clip of a cut.

    cut: an ``.otio`` file. output: a folder, by default CUT_PRESET beside the cut; each clip gets a folder (or a movie)
    in it, and the new timeline lies there too, with the plates kept as media references of the name ``plate``.
    handles: frames before and after each clip's cut that are graded as well, where the media has them.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; with ``on_error`` "skip" clips that fail are named at the end.
    """
    settings, watch = settings or GradeSettings(), progress or Silent()
    clock = Clock(watch)
    found = read_cut(Path(cut), preset, output, handles, settings)
    reports: dict[Work, GradeReport] = {}
    failed: list[str] = []
    once = found.works
    for index, job in enumerate(once):
        watch.job(index, len(once))
        clock.note(f"clip {job.name}: {job.shot}, frames {format_frames(job.frames)}")
        try:
            reports[job.work] = grade(
                job.shot, preset, job.output, within=job.frames, settings=settings, progress=watch
            )
        except VfxStyleError as error:
            if settings.on_error == "stop" and not isinstance(error, PartialError):
                raise
            failed.append(f"{job.name}: {error}")
            clock.note(f"left out: {failed[-1]}")
    try:
        first = {work: report.files[0] for work, report in reports.items()}
        write_atomically(found.target, _rewritten(found, first))
    except OSError as error:
        raise OutputError(f"{found.target} cannot be written: {error.strerror or error}.") from error
    if failed:
        raise PartialError(f"{len(failed)} clips failed. {' '.join(failed[:3])} The others are in {found.target}.")
    return TimelineReport(found.target, [(job, reports[job.work]) for _, job in found.clips])


def is_current_timeline(
    timeline: Path, cut: Path, preset: str | Path, output: Path, handles: int, settings: GradeSettings
) -> bool:
    """Whether a file is the timeline that :func:`grade_timeline` writes when no clip fails."""
    found = read_cut(cut, preset, output, handles, settings)
    expected = _rewritten(found, {job.work: _first_file(job, preset, settings) for job in found.works})
    try:
        return timeline.read_bytes() == expected
    except OSError:
        return False


def plan_timeline(
    cut: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    handles: int = DEFAULT_HANDLES,
    settings: GradeSettings | None = None,
) -> dict[str, Any]:
    """What :func:`grade_timeline` would do, as JSON values, without writing anything."""
    settings = settings or GradeSettings()
    found = read_cut(Path(cut), preset, output, handles, settings)
    clips = [
        {"clip": job.name, **plan_grade(job.shot, preset, job.output, within=job.frames, settings=settings)}
        for job in found.works
    ]
    return {"timeline": str(found.target), "clips": clips}


def _rewritten(cut: Cut, first: Mapping[Work, Path]) -> bytes:
    """The file of a new timeline, for which ``cut.timeline`` is changed.

    first: the first file, a frame or the movie, of every result that there is.
    """
    for clip, job in cut.clips:
        _rebase(clip, cut.path, cut.folder)
        if job.work in first:
            _refer(clip, job, cut.folder, first[job.work])
    cut.timeline.name = cut.target.stem
    return str(cut.timeline.to_json_string()).encode()


def _first_file(job: ClipJob, preset: str | Path, settings: GradeSettings) -> Path:
    """The first file of a clip's result: its first frame, or the movie."""
    with open_plate(job.shot, settings, job.frames) as plate:
        plan = make_plan(plate, find_preset(preset), job.output, None, None, settings)
        return plan.targets[plan.frames[0]]


def _refer(clip: Any, job: ClipJob, folder: Path, first: Path) -> None:
    """Make the result, of which ``first`` is the first file, the clip's media; the plate stays as a reference."""
    otio = otio_library()
    time = (job.start if job.start is not None else 0.0) + job.frames[0] - job.first
    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(time, job.rate), otio.opentime.RationalTime(len(job.frames), job.rate)
    )
    if job.output.suffix == ".mov":
        media = otio.schema.ExternalReference(job.output.relative_to(folder).as_posix(), span)
    else:
        name, number, suffix = re.match(r"(.*?)(-?\d+)(\.\w+)$", first.name).groups()  # type: ignore[union-attr]
        media = otio.schema.ImageSequenceReference(
            target_url_base=f"{job.output.relative_to(folder).as_posix()}/",
            name_prefix=name,
            name_suffix=suffix,
            start_frame=job.frames[0],
            rate=job.rate,
            frame_zero_padding=len(number),
            available_range=span,
        )
    clip.source_range = clip.trimmed_range()  # without one a clip shows all its media, and that has handles now
    # the clip lets go of its references when it gets others, and the library does not keep them alive
    others = {name: reference.clone() for name, reference in clip.media_references().items()}
    active = clip.active_media_reference_key
    clip.set_media_references({**others, "plate": clip.media_reference.clone(), active: media}, active)


def _rebase(clip: Any, cut: Path, folder: Path) -> None:
    """Let references relative to the cut's place be found from the new timeline's."""
    for reference in clip.media_references().values():
        for field in ("target_url", "target_url_base"):
            url = getattr(reference, field, None)
            if url and not urlparse(url).scheme and not Path(url).is_absolute():
                moved = os.path.relpath(cut.resolve().parent / url, folder.resolve())
                setattr(reference, field, f"{Path(moved).as_posix()}{'/' if url.endswith('/') else ''}")
