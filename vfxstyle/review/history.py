"""Corrections with their history: undo, redo, and what has been saved."""

from __future__ import annotations

import threading

from vfxstyle.grading.corrections import Correction


class History:
    """The corrections of a review, in the order in which they were made. Several threads may change it."""

    def __init__(self, made: tuple[Correction, ...] = ()) -> None:
        """made: what the review starts from, and what counts as saved."""
        self._states = [made]
        self._at = 0
        self._saved = made
        self._turn = threading.Lock()

    @property
    def now(self) -> tuple[Correction, ...]:
        """The corrections as they are."""
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to go back by."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undo to take back."""
        return self._at + 1 < len(self._states)

    @property
    def is_saved(self) -> bool:
        """Whether they are as they were saved last."""
        return self._saved == self.now

    def add(self, own: Correction) -> None:
        """Lay a correction over all others."""
        with self._turn:
            self._change((*self.now, own))

    def remove(self, index: int) -> None:
        """Take a correction away. Raises IndexError where there is none."""
        with self._turn:
            if not 0 <= index < len(self.now):
                raise IndexError(index)
            self._change(self.now[:index] + self.now[index + 1 :])

    def _change(self, made: tuple[Correction, ...]) -> None:
        self._states = [*self._states[: self._at + 1], made]
        self._at += 1

    def undo(self) -> None:
        """Go back by one change, if there is one."""
        with self._turn:
            self._at = max(0, self._at - 1)

    def redo(self) -> None:
        """Take back an undo, if there was one."""
        with self._turn:
            self._at = min(len(self._states) - 1, self._at + 1)

    def save(self) -> None:
        """Count the corrections as saved."""
        self._saved = self.now
