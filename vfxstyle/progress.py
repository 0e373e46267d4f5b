"""Progress of a run: what it is doing, and how long each stage took."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import Protocol, runtime_checkable

LOGGER = "vfxstyle"
"""Name of the logger that is told what runs do: stages and notes are INFO, steps DEBUG, warnings WARNING."""
_log = logging.getLogger(LOGGER)
_log.addHandler(logging.NullHandler())  # where nobody listens nothing is printed


class Stage(StrEnum):
    """The stages that runs consist of."""

    PAIRS = "pairs"
    """Exemplar pairs are read and checked."""
    SUPERPIXELS = "superpixels"
    """The shot is segmented."""
    JOINING = "joining"
    """Sections of a long shot are joined."""
    FEATURES = "features"
    """The network is run."""
    TRANSFORMS = "transforms"
    """Transforms are predicted."""
    TRACKS = "tracks"
    """Frames are tracked to the graded frames of the shot."""
    GRADE = "grade"
    """Frames are graded and written."""
    PROOF = "proof"
    """Frames are drawn for people."""
    REPORT = "report"
    """Frames are shown and measured for a report."""
    MATTES = "mattes"
    """Cryptomatte files are written."""
    SAMPLING = "sampling"
    """Colours before and after the look are drawn."""
    FITTING = "fitting"
    """A LUT or CDL is fitted."""
    REGULARISATION = "regularisation"
    """Settings of training are tried out."""
    TRAINING = "training"
    """The predictor learns."""
    FRAMES = "frames"
    """Frames are looked at, to say which of them to grade next."""
    TASKS = "tasks"
    """Tasks of a farm are run."""


class Progress(Protocol):
    """What a run reports its progress to."""

    def stage(self, stage: Stage, total: int) -> AbstractContextManager[Callable[[], None]]:
        """A stage of ``total`` steps; the value it yields is called after each step."""
        ...

    def note(self, text: str) -> None:
        """One line for the user."""
        ...

    def job(self, index: int, total: int) -> None:
        """One of ``total`` jobs begins, counted from 0, whose stages have the same names."""
        ...


@runtime_checkable
class LearningProgress(Progress, Protocol):
    """A progress that also follows how networks learn."""

    def epoch(self, number: int, error: float) -> None:
        """The error of a network, mean L2 in Lab on what was kept from it, after its ``number``-th epoch."""
        ...


class Silent:
    """Reports nothing."""

    def stage(self, stage: Stage, total: int) -> AbstractContextManager[Callable[[], None]]:
        """A stage that nobody watches."""
        return nullcontext(lambda: None)

    def note(self, text: str) -> None:
        """Drop the line."""

    def job(self, index: int, total: int) -> None:
        """Nobody watches."""


class Clock:
    """Passes stages on to a :class:`Progress`, logs them, and adds up their seconds."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        """Who watches."""
        self.seconds: dict[Stage, float] = {}
        """Wall seconds of each stage so far, in the order in which they began."""
        self.peak_bytes: dict[Stage, int] = {}
        """The most memory that this process had taken by the end of each stage."""

    @contextmanager
    def stage(self, stage: Stage, total: int) -> Iterator[Callable[[], None]]:
        """A timed stage."""
        start, done = time.perf_counter(), 0

        def count() -> None:
            nonlocal done
            done += 1
            _log.debug("%s: %d of %d, %.3f s", stage, done, total, time.perf_counter() - start)
            step()

        try:
            with self.progress.stage(stage, total) as step:
                yield count
        finally:
            seconds = time.perf_counter() - start
            facts = {"stage": str(stage), "steps": done, "of": total, "seconds": round(seconds, 3)}
            _log.info("%s: %d of %d steps in %.3f s", stage, done, total, seconds, extra={"facts": facts})
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
            self.peak_bytes[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def epoch(self, number: int, error: float) -> None:
        """Pass the error of a network on, where somebody follows it."""
        if isinstance(self.progress, LearningProgress):
            self.progress.epoch(number, error)

    def note(self, text: str) -> None:
        """Pass a line on."""
        _log.info("%s", text.strip())
        self.progress.note(text)

    def warn(self, text: str) -> None:
        """Pass a line on that says that something is not as it should be."""
        _log.warning("%s", text.strip())
        self.progress.note(text)
