"""What a grade is asked for. Everybody who wants frames graded, or asks about them, makes one of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.grading.corrections import Corrections, read_corrections
from vfxstyle.grading.plan import GradePlan, make_plan
from vfxstyle.grading.regions import Regions
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.plate import by_view, open_plate
from vfxstyle.settings import GradeSettings, GradeTarget
from vfxstyle.shots import OutputFormat


@dataclass(frozen=True, kw_only=True)
class GradeRequest(GradeTarget):
    """What a grade is asked for, once: shot, look, frames, places and settings."""

    shot: str | Path
    """What is graded, as :func:`vfxstyle.open_shot` takes it."""
    preset: str | Path
    """The look: an installed name or a preset file."""
    settings: GradeSettings
    """How the shot is read and analysed, and what comes out."""
    is_learnt_first: bool = False
    """Whether the look is a file that is made before the grade, so that it need not be there yet."""

    @contextmanager
    def open(self) -> Iterator[GradePlan]:
        """Open the plate and plan the grade; the plate is closed when the block ends.

        Raises what :func:`~vfxstyle.plates.plate.open_plate` and :func:`~vfxstyle.grading.plan.make_plan` raise.
        """
        preset = Path(self.preset) if self.is_learnt_first else find_preset(self.preset)
        adjust = self.settings.adjust
        corrections = Corrections(analysis="") if adjust is None else read_corrections(adjust)
        with ExitStack() as opened:
            plans = []
            for settings in by_view(self.shot, self.settings, self.within):
                plate = opened.enter_context(open_plate(self.shot, settings, self.within))
                plan = make_plan(self, settings, plate, preset)
                plan = replace(plan, regions=Regions.of(settings, plate.shot), corrections=corrections)
                opened.callback(plan.regions.close)
                plans.append(plan)
            if len(plans) > 1 and plans[0].format is not OutputFormat.EXR:
                raise UsageError(f"Only EXR holds several views; name one with --view for {plans[0].format.value}.")
            if len(plans) > 1 and corrections:
                raise UsageError("Corrections belong to one view; name it with --view.")
            yield replace(plans[0], others=tuple(plans[1:]))
