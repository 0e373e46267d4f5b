"""A cut: every clip of an OpenTimelineIO timeline graded with its handles, and a timeline of the results."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from vfxstyle.errors import OutputError, PartialError, ShotError, UsageError, VfxStyleError
from vfxstyle.files import write_atomically
from vfxstyle.pipeline.grade import GradeReport, grade, plan_grade
from vfxstyle.pipeline.library import find_preset
from vfxstyle.pipeline.plates import open_plate
from vfxstyle.pipeline.progress import Clock, Progress, Silent
from vfxstyle.pipeline.settings import DEFAULT_HANDLES, GradeSettings
from vfxstyle.shots import Shot, format_frames

SUFFIX = ".otio"
"""File name extension of a timeline."""
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class ClipJob:
    """One clip of a cut and what becomes of it."""

    name: str
    """Name of its result: the clip's, made fit for a file and distinct."""
    shot: str
    """What is graded, as :func:`vfxstyle.open_shot` takes it."""
    frames: tuple[int, ...]
    """Frames of the cut with their handles."""
    first: int
    """Frame of the shot that the media's time begins at."""
    rate: float
    """Frames per second of the media's time."""
    start: float | None
    """Media time of ``first``, in frames; None stands for 0."""
    output: Path
    """Folder of frames, or movie."""

    @property
    def work(self) -> tuple[str, tuple[int, ...]]:
        """What is to be graded; clips of the same work share a result."""
        return self.shot, self.frames


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
    timeline, folder, jobs = _planned(Path(cut), preset, output, handles, settings)
    reports: dict[tuple[str, tuple[int, ...]], GradeReport] = {}
    failed: list[str] = []
    once = list(_once(jobs))
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
    for clip, job in jobs:
        _rebase(clip, Path(cut), folder)
        if job.work in reports:
            _refer(clip, job, folder, reports[job.work])
    target = _target(folder, Path(cut), preset)
    timeline.name = target.stem
    try:
        write_atomically(target, timeline.to_json_string().encode())
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
    if failed:
        raise PartialError(f"{len(failed)} clips failed. {' '.join(failed[:3])} The others are in {target}.")
    return TimelineReport(target, [(job, reports[job.work]) for _, job in jobs])


def clips_of(
    cut: Path, preset: str | Path, output: Path | None, handles: int, settings: GradeSettings
) -> tuple[Path, list[ClipJob]]:
    """The timeline that :func:`grade_timeline` with the same arguments writes, and the grades that it makes for it."""
    _, folder, jobs = _planned(cut, preset, output, handles, settings)
    return _target(folder, cut, preset), _once(jobs)


def _target(folder: Path, cut: Path, preset: str | Path) -> Path:
    return folder / f"{cut.stem}_{find_preset(preset).stem}{SUFFIX}"


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
    _, folder, jobs = _planned(Path(cut), preset, output, handles, settings)
    clips = [
        {"clip": job.name, **plan_grade(job.shot, preset, job.output, within=job.frames, settings=settings)}
        for job in _once(jobs)
    ]
    return {"timeline": str(_target(folder, Path(cut), preset)), "clips": clips}


def _planned(
    cut: Path, preset: str | Path, output: str | Path | None, handles: int, settings: GradeSettings
) -> tuple[Any, Path, list[tuple[Any, ClipJob]]]:
    """The timeline, the folder of the results, and every clip with its job."""
    if handles < 0:
        raise UsageError(f"handles is {handles}; it must be at least 0.")
    if settings.start_frame is not None:
        raise UsageError("--start-frame is for one shot, not for a cut; leave it out.")
    timeline = _read(cut)
    folder = Path(output) if output is not None else cut.with_name(f"{cut.stem}_{find_preset(preset).stem}")
    if folder.suffix.lower() == ".mov" or folder.is_file():
        raise UsageError(f"The output of a cut is a folder, not {folder}; name one with -o.")
    jobs: list[tuple[Any, ClipJob]] = []
    for clip in timeline.find_clips():
        source = _source_of(clip, cut)
        with open_plate(source.shot, replace(settings, missing="skip")) as shot:
            frames, first = _frames_of(clip, source, shot, handles)
            movie = settings.format.startswith("prores") if settings.format else shot.is_movie
        twin = next((job for _, job in jobs if job.work == (source.shot, frames)), None)
        name = twin.name if twin else _distinct(clip.name or Path(source.shot).stem, {job.name for _, job in jobs})
        place = folder / (f"{name}.mov" if movie else name)
        jobs.append((clip, ClipJob(name, source.shot, frames, first, source.rate, source.start, place)))
    if not jobs:
        raise ShotError(f"{cut} has no clip; check the timeline.")
    return timeline, folder, jobs


def _once(jobs: Sequence[tuple[Any, ClipJob]]) -> list[ClipJob]:
    """One job for each work."""
    return list({job.work: job for _, job in jobs}.values())


def _otio() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        raise UsageError("A cut needs OpenTimelineIO; install it with pip install 'vfxstyle[otio]'.") from error
    return opentimelineio


def _read(cut: Path) -> Any:
    otio = _otio()
    try:
        found = otio.adapters.read_from_file(str(cut))
    except (OSError, ValueError, otio.exceptions.OTIOError) as error:
        raise ShotError(f"Timeline {cut} cannot be read: {error}; export it again.") from error
    if not hasattr(found, "find_clips"):
        raise ShotError(f"{cut} is no timeline but a {type(found).__name__}; export it again.")
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    """The media of a clip."""

    shot: str
    """What it is, as open_shot takes it."""
    rate: float
    """Frames per second of its time."""
    start: float | None
    """Media time of its first frame, in frames; None where the timeline does not say."""
    number: int | None
    """Number of that frame in the file names; None for movies and where the timeline does not say."""


def _source_of(clip: Any, cut: Path) -> _Source:
    otio, media = _otio(), clip.media_reference
    known = media.available_range
    rate = known.start_time.rate if known is not None else clip.trimmed_range().start_time.rate
    start = None if known is None else known.start_time.value
    if isinstance(media, otio.schema.ImageSequenceReference):
        name = f"{media.name_prefix}%0{media.frame_zero_padding or 1}d{media.name_suffix}"
        if media.frame_step != 1:
            raise ShotError(f"Clip {clip.name} of {cut} has every {media.frame_step}. frame only; give it all of them.")
        return _Source(str(_path(media.target_url_base, cut) / name), rate, start, media.start_frame)
    if isinstance(media, otio.schema.ExternalReference):
        return _Source(str(_path(media.target_url, cut)), rate, start, None)
    raise ShotError(f"Clip {clip.name} of {cut} has no media ({type(media).__name__}); link it and export again.")


def _path(url: str, cut: Path) -> Path:
    """The file of a media address; a relative one lies beside the timeline."""
    parsed = urlparse(url)
    if parsed.scheme not in ("", "file"):
        raise ShotError(f"Media {url} of {cut} is no file; link it to a file on disk.")
    return cut.parent / (unquote(parsed.path) if parsed.scheme else url)


def _frames_of(clip: Any, source: _Source, shot: Shot, handles: int) -> tuple[tuple[int, ...], int]:
    """Frames of the shot that a clip shows, with handles, and the frame that media time begins at."""
    used = clip.trimmed_range()
    begin, length = used.start_time.rescaled_to(source.rate).value, used.duration.rescaled_to(source.rate).value
    start = source.start if source.start is not None else 0.0
    origin = source.number if source.number is not None else shot.frames[0]
    if source.number is None and not shot.is_movie and shot.frames[0] <= start <= shot.frames[-1]:
        origin = round(start)  # an address of a sequence, whose media time counts its frame numbers
    first = origin + round(begin - start)
    speed = max((abs(e.time_scalar) for e in clip.effects if hasattr(e, "time_scalar")), default=1.0)
    before, after = (_frames(offset, source.rate) for offset in clip.parent().handles_of_child(clip))
    wanted = range(first - before - handles, first + math.ceil(length * max(speed, 1.0)) + after + handles)
    there = {*shot.frames, *shot.missing}
    frames = tuple(number for number in wanted if number in there)
    if not set(range(first, first + max(1, round(length)))) & there:
        raise ShotError(
            f"Clip {clip.name} shows frames {first}-{first + round(length) - 1} of {source.shot}, which has "
            f"{format_frames(shot.frames)}; link it to the right media."
        )
    return frames, origin


def _frames(offset: Any, rate: float) -> int:
    return 0 if offset is None else math.ceil(offset.rescaled_to(rate).value)


def _distinct(name: str, taken: set[str]) -> str:
    """A name that is fit for a file and not taken."""
    safe = _UNSAFE.sub("_", name).strip("._") or "clip"
    tries = itertools.chain([safe], (f"{safe}_{count}" for count in itertools.count(2)))
    return next(candidate for candidate in tries if candidate not in taken)


def _refer(clip: Any, job: ClipJob, folder: Path, report: GradeReport) -> None:
    """Make the result the clip's media, and keep the plate as a reference of its own."""
    otio = _otio()
    time = (job.start if job.start is not None else 0.0) + job.frames[0] - job.first
    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(time, job.rate), otio.opentime.RationalTime(len(job.frames), job.rate)
    )
    if report.output.suffix == ".mov":
        media = otio.schema.ExternalReference(report.output.relative_to(folder).as_posix(), span)
    else:
        written = min(path.name for path in report.files)
        name, number, suffix = re.match(r"(.*?)(-?\d+)(\.\w+)$", written).groups()  # type: ignore[union-attr]
        media = otio.schema.ImageSequenceReference(
            target_url_base=f"{report.output.relative_to(folder).as_posix()}/",
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
