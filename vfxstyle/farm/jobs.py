"""Jobs of a farm: the grades of shots and timelines, with every default resolved so that all machines do the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.grading.request import GradeRequest
from vfxstyle.looks.library import pinned
from vfxstyle.plates.naming import folder_of, is_template
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings, Run
from vfxstyle.timelines.clips import TimelineRequest


@dataclass(frozen=True, kw_only=True)
class FarmRequest:
    """What a farm is asked for: looks on some shots and timelines."""

    shots: tuple[str, ...]
    """Shots, and timelines (``.otio``)."""
    presets: tuple[str | Path, ...]
    """The looks, each an installed name or a preset file; all of them are put on every shot, over one analysis."""
    output: str | None = None
    """As for one grade; of several grades, a folder for theirs, or a template that tells them apart."""
    frames: tuple[int, ...] | None = None
    """Frames of every shot; None for all."""
    handles: int = DEFAULT_HANDLES
    """Frames graded before and after each clip of a timeline."""
    settings: GradeSettings
    """How every shot is read and analysed, and what comes out."""
    run: Run
    """How tasks do their work."""
    of_shots: Mapping[str, GradeSettings] = field(default_factory=dict)
    """How single shots are graded, where that differs."""

    def __post_init__(self) -> None:
        if self.settings.start_frame is not None:
            raise UsageError("Tasks do not know what the first frame of all is; leave --start-frame out on a farm.")
        if not self.presets:
            raise UsageError("No preset is named; name one with --preset, or several with commas between them.")
        twice = [name for name in self.presets if self.presets.count(name) > 1]
        if twice:
            raise UsageError(f"Preset '{twice[0]}' is named twice; once is enough.")
        is_movie = self.output is not None and self.output.lower().endswith(".mov")
        if is_movie and self.is_several and not is_template(self.output):
            shots = f"{len(self.shots)} shots" if len(self.shots) > 1 else "one shot"
            count = shots if len(self.presets) == 1 else f"{shots} with {len(self.presets)} looks"
            raise UsageError(f"{self.output} is one movie and there are {count}; name a folder with --to.")

    @property
    def is_several(self) -> bool:
        """Whether there is more than one grade."""
        return len(self.shots) * len(self.presets) > 1


@dataclass(frozen=True, kw_only=True)
class ShotJob:
    """The grade of one shot."""

    name: str
    """What it is called; no two of a run are called the same."""
    request: GradeRequest
    """The grade, with absolute paths and the frames that are there."""
    run: Run
    """How its tasks do their work."""
    asked: tuple[int, ...]
    """Frames asked for: those of the request, and those that the sequence lacks."""
    length: int
    """Frames of what is analysed."""
    size: tuple[int, int]
    """Width and height of a frame, in px."""
    digest: str
    """SHA-256 of the preset, which every task must find."""
    after: tuple[str, ...] = ()
    """Names of the jobs that come before: of several looks on a shot the one that makes the analysis."""

    @property
    def source(self) -> Path:
        """What is graded, absolute."""
        return self.shot

    @property
    def settings(self) -> GradeSettings:
        """The options of the grade."""
        return self.request.settings

    @property
    def preset(self) -> str:
        """Name of a shipped preset, or the absolute path of a preset file."""
        return str(self.request.preset)

    @property
    def pinned_preset(self) -> str:
        """The same with its content, as tasks are told."""
        return pinned(self.preset, self.digest)

    @property
    def shot(self) -> Path:
        """Folder, pattern, movie or picture, absolute."""
        return Path(self.request.shot)

    @property
    def output(self) -> Path:
        """Folder of frames, or movie, absolute."""
        return folder_of(self.target)

    @property
    def target(self) -> str:
        """What a task is told with -o: the output, or the folder with the names of frames."""
        assert self.request.output is not None  # resolved when the job was made
        return str(self.request.output)

    @property
    def analysis(self) -> Path:
        """Folder of the analysis, absolute."""
        assert self.request.analysis is not None  # resolved when the job was made
        return Path(self.request.analysis)

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames to grade, ascending."""
        return self.request.frames or ()

    @property
    def is_movie(self) -> bool:
        """Whether the result is one file."""
        return self.output.suffix.lower() == ".mov"


@dataclass(frozen=True, kw_only=True)
class TimelineJob:
    """A timeline whose clips are jobs of their own; what is left is to check them and to write the new timeline."""

    name: str
    """What it is called; no two of a run are called the same."""
    request: TimelineRequest
    """The grade of the timeline, with absolute paths."""
    run: Run
    """How its task does its work."""
    target: Path
    """The new timeline."""
    digest: str
    """SHA-256 of the preset, which the task must find."""
    after: tuple[str, ...]
    """Names of the clips' jobs, which must have ended before."""

    @property
    def settings(self) -> GradeSettings:
        """The options of the grades."""
        return self.request.settings

    @property
    def preset(self) -> str:
        """Name of a shipped preset, or the absolute path of a preset file."""
        return str(self.request.preset)

    @property
    def pinned_preset(self) -> str:
        """The same with its content, as tasks are told."""
        return pinned(self.preset, self.digest)

    @property
    def source(self) -> Path:
        """What is graded, absolute."""
        return Path(self.request.timeline)

    @property
    def output(self) -> Path:
        """Folder of the results, absolute."""
        return self.request.folder


FarmJob = ShotJob | TimelineJob
