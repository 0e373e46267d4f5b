"""Progress of a run: what it is doing, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """What a run reports its progress to."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """A stage of ``total`` steps; the value it yields is called after each step."""
        ...  # pragma: no cover

    def note(self, text: str) -> None:
        """One line for the user."""
        ...  # pragma: no cover

    def job(self, index: int, total: int) -> None:
        """One of ``total`` jobs begins, counted from 0, whose stages have the same names."""
        ...  # pragma: no cover


class Silent:
    """Reports nothing."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """A stage that nobody watches."""
        return nullcontext(lambda: None)

    def note(self, text: str) -> None:
        """Drop the line."""

    def job(self, index: int, total: int) -> None:
        """Nobody wants to know."""


class Clock:
    """Passes stages on to a :class:`Progress` and adds up their seconds by name."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}
        """Wall seconds of each stage so far, in the order in which they began."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        """A timed stage."""
        start = time.perf_counter()
        try:
            with self._progress.stage(name, total) as step:
                yield step
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def note(self, text: str) -> None:
        """Pass a line on."""
        self._progress.note(text)
