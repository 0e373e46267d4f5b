"""What a cut asks for: which clips of an OpenTimelineIO timeline show which frames of which shots."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from vfxstyle.errors import ShotError, UsageError
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.opening import open_plate
from vfxstyle.settings import GradeSettings
from vfxstyle.shots import Shot, format_frames

SUFFIX = ".otio"
"""File name extension of a timeline."""
Work = tuple[str, tuple[int, ...]]
"""What is to be graded: a shot and frames of it."""
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
    def work(self) -> Work:
        """What is to be graded; clips of the same work share a result."""
        return self.shot, self.frames


@dataclass(frozen=True, slots=True)
class Cut:
    """A timeline with what becomes of its clips."""

    path: Path
    """Its file."""
    timeline: Any
    """OpenTimelineIO's object."""
    folder: Path
    """Folder of the results."""
    target: Path
    """The new timeline."""
    clips: list[tuple[Any, ClipJob]]
    """Every clip, as OpenTimelineIO's object, with its grade."""

    @property
    def works(self) -> list[ClipJob]:
        """One grade for all clips of the same work."""
        return list({job.work: job for _, job in self.clips}.values())


def read_cut(cut: Path, preset: str | Path, output: str | Path | None, handles: int, settings: GradeSettings) -> Cut:
    """Read a cut and find the media of its clips; see :func:`~vfxstyle.timelines.grade.grade_timeline`."""
    if handles < 0:
        raise UsageError(f"handles is {handles}; it must be at least 0.")
    if settings.start_frame is not None:
        raise UsageError("--start-frame is for one shot, not for a cut; leave it out.")
    timeline, name = _read(cut), f"{cut.stem}_{find_preset(preset).stem}"
    folder = Path(output) if output is not None else cut.with_name(name)
    if folder.suffix.lower() == ".mov" or folder.is_file():
        raise UsageError(f"The output of a cut is a folder, not {folder}; name one with -o.")
    jobs: list[tuple[Any, ClipJob]] = []
    for clip in timeline.find_clips():
        source = _source_of(clip, cut)
        with open_plate(source.shot, replace(settings, missing="skip")) as shot:
            frames, first = _frames_of(clip, source, shot, handles)
            movie = settings.format.startswith("prores") if settings.format else shot.is_movie
        twin = next((job for _, job in jobs if job.work == (source.shot, frames)), None)
        name_of_clip = (
            twin.name if twin else _distinct(clip.name or Path(source.shot).stem, {job.name for _, job in jobs})
        )
        place = folder / (f"{name_of_clip}.mov" if movie else name_of_clip)
        jobs.append((clip, ClipJob(name_of_clip, source.shot, frames, first, source.rate, source.start, place)))
    if not jobs:
        raise ShotError(f"{cut} has no clip; check the timeline.")
    return Cut(cut, timeline, folder, folder / f"{name}{SUFFIX}", jobs)


def otio_library() -> Any:
    """OpenTimelineIO. Raises :class:`~vfxstyle.errors.UsageError` where it is not installed."""
    try:
        import opentimelineio
    except ImportError as error:
        raise UsageError("A cut needs OpenTimelineIO; install it with pip install 'vfxstyle[otio]'.") from error
    return opentimelineio


def _read(cut: Path) -> Any:
    otio = otio_library()
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
    otio, media = otio_library(), clip.media_reference
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
