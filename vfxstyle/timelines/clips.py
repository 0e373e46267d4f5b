"""What a timeline asks for: which clips of an OpenTimelineIO file show which frames of which shots."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from vfxstyle.errors import ShotError, UsageError
from vfxstyle.grading.request import GradeRequest
from vfxstyle.looks.library import find_preset
from vfxstyle.otio import otio_library
from vfxstyle.plates.naming import is_template
from vfxstyle.plates.plate import open_plate
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings
from vfxstyle.shots import Shot, format_frames
from vfxstyle.shots.mattes import CHANNEL, CRYPTOMATTE

SUFFIX = ".otio"
"""File name extension of a timeline."""
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, kw_only=True)
class TimelineRequest:
    """What the grade of a timeline is asked for. Raises :class:`~vfxstyle.errors.UsageError`."""

    timeline: Path
    """The ``.otio`` file."""
    preset: str | Path
    """The look: an installed name or a preset file."""
    output: Path | None = None
    """Folder of the results; None for TIMELINE_PRESET beside the timeline."""
    handles: int = DEFAULT_HANDLES
    """Frames graded before and after each clip, where the media has them."""
    settings: GradeSettings
    """How every shot is read and analysed, and what comes out."""

    def __post_init__(self) -> None:
        if self.handles < 0:
            raise UsageError(f"handles is {self.handles}; it must be at least 0.")
        if self.settings.start_frame is not None:
            raise UsageError("--start-frame is for one shot, not for a timeline; leave it out.")
        if is_template(self.output):
            raise UsageError(f"The clips of a timeline have folders of their own; name a plain one, not {self.output}.")

    @property
    def name(self) -> str:
        """What the new timeline and the folder are called."""
        return f"{self.timeline.stem}_{find_preset(self.preset).stem}"

    @property
    def folder(self) -> Path:
        """Folder of the results. Raises :class:`~vfxstyle.errors.UsageError` where it cannot be one."""
        folder = self.output if self.output is not None else self.timeline.with_name(self.name)
        if folder.suffix.lower() == ".mov" or folder.is_file():
            raise UsageError(f"The output of a timeline is a folder, not {folder}; name one with -o.")
        return folder


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip of a timeline and what becomes of it."""

    name: str
    """Name of its result: the clip's, made fit for a file and distinct."""
    shot: str
    """What is graded, as :func:`vfxstyle.open_shot` takes it."""
    frames: tuple[int, ...]
    """Frames of the clip with their handles."""
    first: int
    """Frame of the shot that the media's time begins at."""
    rate: float
    """Frames per second of the media's time."""
    start: float | None
    """Media time of ``first``, in frames; None stands for 0."""
    output: Path
    """Folder of frames, or movie."""

    @property
    def media(self) -> tuple[str, tuple[int, ...]]:
        """Shot and frames; clips of the same media share a result."""
        return self.shot, self.frames


@dataclass(frozen=True, slots=True)
class TimelinePlan:
    """A timeline with what becomes of its clips."""

    request: TimelineRequest
    """What was asked for."""
    timeline: Any
    """OpenTimelineIO's object."""
    folder: Path
    """Folder of the results."""
    target: Path
    """The new timeline."""
    clips: list[tuple[Any, Clip]]
    """Every clip, as OpenTimelineIO's object, with what becomes of it."""

    @property
    def distinct_clips(self) -> list[Clip]:
        """One clip for all that share a result."""
        return list({clip.media: clip for _, clip in self.clips}.values())

    def grade_of(self, clip: Clip) -> GradeRequest:
        """The grade of a clip: as if its frames were all there is of the shot."""
        return GradeRequest(
            shot=clip.shot,
            preset=self.request.preset,
            output=str(clip.output),
            within=clip.frames,
            settings=self.request.settings,
        )


def plan_timeline(request: TimelineRequest) -> TimelinePlan:
    """Read a timeline and find the media of its clips.

    Raises :class:`~vfxstyle.errors.ShotError` for a timeline, or media, that cannot be used.
    """
    _check_regions(request.settings)
    timeline, folder = _read(request.timeline), request.folder
    clips: list[tuple[Any, Clip]] = []
    for item in timeline.find_clips():
        source = _source_of(item, request.timeline)
        with open_plate(source.shot, replace(request.settings, missing="skip")) as plate:
            frames, first = _frames_of(item, source, plate.shot, request.handles)
            wanted = request.settings.format
            movie = wanted.startswith("prores") if wanted else plate.shot.is_movie
        twin = next((clip for _, clip in clips if clip.media == (source.shot, frames)), None)
        name = twin.name if twin else _distinct(item.name or Path(source.shot).stem, {clip.name for _, clip in clips})
        place = folder / (f"{name}.mov" if movie else name)
        clips.append((item, Clip(name, source.shot, frames, first, source.rate, source.start, place)))
    if not clips:
        raise ShotError(f"{request.timeline} has no clip; check the timeline.")
    return TimelinePlan(request, timeline, folder, folder / f"{request.name}{SUFFIX}", clips)


def _check_regions(settings: GradeSettings) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` for regions that are of one shot and not of every clip."""
    names = [*settings.region, *([] if settings.matte is None else [settings.matte])]
    own = [name for name in names if not name.startswith((CRYPTOMATTE, CHANNEL))]
    if own or settings.adjust is not None:
        raise UsageError(
            f"{own[0] if own else settings.adjust} is of one shot, and a timeline has several; grade that clip by "
            "itself, or use mattes of the plates' own files (crypto:, channel:)."
        )


def _read(timeline: Path) -> Any:
    otio = otio_library()
    try:
        found = otio.adapters.read_from_file(str(timeline))
    except (OSError, ValueError, otio.exceptions.OTIOError) as error:
        raise ShotError(f"Timeline {timeline} cannot be read: {error}; export it again.") from error
    if not hasattr(found, "find_clips"):
        raise ShotError(f"{timeline} is no timeline but a {type(found).__name__}; export it again.")
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


def _source_of(clip: Any, timeline: Path) -> _Source:
    otio, media = otio_library(), clip.media_reference
    known = media.available_range
    rate = known.start_time.rate if known is not None else clip.trimmed_range().start_time.rate
    start = None if known is None else known.start_time.value
    if isinstance(media, otio.schema.ImageSequenceReference):
        is_address = bool(urlparse(media.target_url_base).scheme)
        before, after = (unquote(part) if is_address else part for part in (media.name_prefix, media.name_suffix))
        name = f"{before}%0{media.frame_zero_padding or 1}d{after}"
        if media.frame_step != 1:
            raise ShotError(
                f"Clip {clip.name} of {timeline} has every {media.frame_step}. frame only; give it all of them."
            )
        return _Source(str(_path(media.target_url_base, timeline) / name), rate, start, media.start_frame)
    if isinstance(media, otio.schema.ExternalReference):
        return _Source(str(_path(media.target_url, timeline)), rate, start, None)
    raise ShotError(f"Clip {clip.name} of {timeline} has no media ({type(media).__name__}); link it and export again.")


def _path(url: str, timeline: Path) -> Path:
    """The file of a media address; a relative one lies beside the timeline."""
    parsed = urlparse(url)
    if parsed.scheme not in ("", "file"):
        raise ShotError(f"Media {url} of {timeline} is no file; link it to a file on disk.")
    return timeline.parent / (unquote(parsed.path) if parsed.scheme else url)


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
