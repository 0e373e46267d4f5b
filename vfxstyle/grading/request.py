"""What a grade is asked for. Everybody who wants frames graded, or asks about them, makes one of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.grading.plan import GradePlan, make_plan
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.plate import open_plate
from vfxstyle.settings import GradeSettings, GradeTarget


@dataclass(frozen=True, kw_only=True)
class GradeRequest(GradeTarget):
    """What a grade is asked for, once: shot, look, frames, places and settings."""

    shot: str | Path
    """What is graded, as :func:`vfxstyle.open_shot` takes it."""
    preset: str | Path
    """The look: an installed name or a preset file."""
    settings: GradeSettings
    """How the shot is read and analysed, and what comes out."""

    @contextmanager
    def open(self) -> Iterator[GradePlan]:
        """Open the plate and plan the grade; the plate is closed when the block ends.

        Raises what :func:`~vfxstyle.plates.plate.open_plate` and :func:`~vfxstyle.grading.plan.make_plan` raise.
        """
        preset = find_preset(self.preset)
        with open_plate(self.shot, self.settings, self.within) as plate:
            yield make_plan(self, self.settings, plate, preset)
