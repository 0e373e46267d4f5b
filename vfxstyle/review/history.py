"""Corrections with their history: undo, redo, and what has been saved."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vfxstyle.errors import InputError, OutputError, PresetError
from vfxstyle.files import current_digest
from vfxstyle.grading.corrections import Correction, Corrections, read_corrections
from vfxstyle.looks.library import find_preset


class History:
    """The corrections of a review, in the order in which they were made. Several threads may change it."""

    def __init__(
        self, file: Path, analysis: str, made: tuple[Correction, ...] = (), saved: tuple[Correction, ...] = ()
    ) -> None:
        """file: where they are saved; a draft of what is not saved yet lies beside it. analysis: identity of theirs.

        made: what the review starts from. saved: what has been saved.
        """
        self.file, self.analysis = file, analysis
        self._states = [made]
        self._at = 0
        self._saved = saved
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
        self._keep()

    def _keep(self) -> None:
        """Keep a draft, so that nothing is lost where the review ends before it is saved."""
        with suppress(OutputError):  # told where they are saved
            Corrections(analysis=self.analysis, made=self.now).save(_draft(self.file))

    def undo(self) -> None:
        """Go back by one change, if there is one."""
        with self._turn:
            self._at = max(0, self._at - 1)
            self._keep()

    def redo(self) -> None:
        """Take back an undo, if there was one."""
        with self._turn:
            self._at = min(len(self._states) - 1, self._at + 1)
            self._keep()

    def save(self) -> None:
        """Store the corrections; those of another analysis are kept aside.

        Raises :class:`~vfxstyle.errors.OutputError`.
        """
        with self._turn:
            made, file = self.now, self.file
            other = _read(file)
            try:
                if other is not None and other.analysis not in ("", self.analysis):
                    file.replace(file.with_name(f"adjust.{other.analysis[:8]}.json"))
                Corrections(analysis=self.analysis, made=made).save(file)
            except OSError as error:
                raise OutputError(
                    f"Corrections cannot be saved in {file.parent}: {error.strerror or error}; check the folder."
                ) from error
            self._saved = made
            with suppress(OSError):  # a draft that says the same does no harm
                _draft(file).unlink(missing_ok=True)


def opened_history(file: Path, analysis: str, given: Corrections) -> History:
    """Go on from corrections that are given, or that a file or its draft has for this analysis.

    A look that they take and that has been learnt again since is taken as it is now.
    """
    stored = given.made or _stored(file, analysis) or ()
    draft = None if given else _stored(_draft(file), analysis)
    now = stored if draft is None else draft
    renewed = tuple(own if own.preset is None else replace(own, digest=_digest(own.preset)) for own in now)
    return History(file, analysis, renewed, saved=stored)


def _draft(file: Path) -> Path:
    return file.with_name(f"{file.stem}.draft{file.suffix}")


def _read(file: Path) -> Corrections | None:
    """The corrections of a file; None where there are none, or it cannot be read."""
    try:
        return read_corrections(file, checked=False)
    except InputError:
        return None


def _stored(file: Path, analysis: str) -> tuple[Correction, ...] | None:
    """The corrections of a file, if they belong to an analysis."""
    stored = _read(file)
    return stored.made if stored is not None and stored.analysis == analysis else None


def _digest(preset: str) -> str:
    """Hash of a look's file; empty where it is not there any more."""
    try:
        return current_digest(find_preset(preset))
    except PresetError:
        return ""
