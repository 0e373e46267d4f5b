"""Jobs of a farm: the grades of shots and timelines, with every default resolved so that all machines do the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.grading.estimate import Estimate
from vfxstyle.grading.request import GradeRequest
from vfxstyle.looks.library import pinned
from vfxstyle.looks.preset import SUFFIX
from vfxstyle.plates.naming import folder_of, is_template
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings, Run
from vfxstyle.timelines.clips import SUFFIX as TIMELINE_SUFFIX
from vfxstyle.timelines.clips import TimelineRequest


@dataclass(frozen=True, kw_only=True)
class FarmRequest:
    """What a farm is asked for: looks on some shots and timelines."""

    shots: tuple[str, ...]
    """Shots, and timelines (``.otio``)."""
    presets: tuple[str | Path, ...]
    """The looks, each an installed name or a preset file; all of them are put on every shot, over one analysis
    where they are of one kind."""
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
    graded: str | None = None
    """Folder of graded frames of the first shot, from which the look is learnt first, into the preset file."""

    def __post_init__(self) -> None:
        if self.settings.start_frame is not None:
            raise UsageError("Tasks do not know what the first frame of all is; leave --start-frame out on a farm.")
        if not self.presets:
            raise UsageError("No preset is named; name one with --preset, or several with commas between them.")
        twice = [name for name in self.presets if self.presets.count(name) > 1]
        if twice:
            raise UsageError(f"Preset '{twice[0]}' is named twice; once is enough.")
        if self.graded is not None:
            self._check_learning()
        is_movie = self.output is not None and self.output.lower().endswith(".mov")
        if is_movie and self.is_several and not is_template(self.output):
            shots = f"{len(self.shots)} shots" if len(self.shots) > 1 else "one shot"
            count = shots if len(self.presets) == 1 else f"{shots} with {len(self.presets)} looks"
            raise UsageError(f"{self.output} is one movie and there are {count}; name a folder with --to.")

    def _check_learning(self) -> None:
        if len(self.presets) > 1 or not str(self.presets[0]).endswith(SUFFIX):
            raise UsageError(f"With --graded, --preset is the one file that the look is saved to; it ends in {SUFFIX}.")
        if any(shot.lower().endswith(TIMELINE_SUFFIX) for shot in self.shots):
            raise UsageError("With --graded, name shots; a look is not learnt on a timeline.")

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
    """SHA-256 of the preset, which every task must find; empty for one that is learnt first."""
    estimate: Estimate
    """What it will take where no frame is there yet."""
    after: tuple[str, ...] = ()
    """Names of the jobs that come before: of several looks on a shot the one that makes the analysis, and the one that
    learns the look."""

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
        return pinned(self.preset, self.digest) if self.digest else self.preset

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


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """A look that is learnt from graded frames of a shot, before shots are graded with it."""

    name: str
    """What it is called; no two of a run are called the same."""
    source: Path
    """The shot, absolute."""
    graded: Path
    """Folder of the graded frames, absolute."""
    target: Path
    """The preset file, absolute."""
    settings: GradeSettings
    """How the shot is read."""
    run: Run
    """How the task does its work."""
    digest: str = ""
    """Nobody knows it yet."""
    after: tuple[str, ...] = ()
    """It waits for nothing."""

    @property
    def preset(self) -> str:
        """The preset file."""
        return str(self.target)

    @property
    def pinned_preset(self) -> str:
        """The same."""
        return self.preset

    @property
    def output(self) -> Path:
        """The folder that is written to."""
        return self.target.parent


FarmJob = ShotJob | TimelineJob | TrainJob


def estimate_in_words(jobs: Sequence[FarmJob]) -> str:
    """What jobs will take all together, in a line for people."""
    own = [job.estimate for job in jobs if isinstance(job, ShotJob)]
    hours, room = sum(each.cpu_seconds for each in own) / 3600, sum(each.disk_bytes for each in own) / 1e9
    memory = max((each.memory_bytes for each in own), default=0) / 2**30
    learning = ", and learning the look" if any(isinstance(job, TrainJob) for job in jobs) else ""
    time = f"{hours:.2g} hours" if hours >= 0.1 else f"{3600 * hours:.2g} seconds"
    return f"about {time} of one core{learning}, {memory:.3g} GiB of memory a task, {room:.2g} GB on disk"
