"""A look on an opened shot, for commands that write something other than graded frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.request import GradeRequest
from vfxstyle.grading.transforms import ensure_transforms
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.plates.plate import one_view
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@dataclass(frozen=True)
class LookOnShot:
    """A look on an opened shot, without its analysis yet."""

    plan: GradePlan
    """What a grade with the same options would do."""
    run: Run
    """How the work is done."""

    @cached_property
    def wanted(self) -> WantedAnalysis:
        """The analysis: one of this plate that is there, whatever its settings, else that of the grade."""
        return WantedAnalysis.of(self.plan.plate, self.plan.analysis, self.plan.recipe(self.run)).or_existing()

    def frames(self, frames: Frames) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Frames of the shot, and those that the sequence lacks and that are left out; both ascending.

        Raises :class:`~vfxstyle.errors.UsageError` naming frames that the shot neither has nor lacks.
        """
        return self.plan.plate.requested(frame_numbers(frames))

    def transforms(self) -> tuple[AnalysisFolder, ShotTransforms]:
        """The analysis and the look's transforms, made as far as they are not there; without graded frames."""
        return ensure_transforms(self.plan, self.wanted, self.run, carried=False)

    def renderer(self) -> FrameRenderer:
        """What grades a frame."""
        analysis, transforms = ensure_transforms(self.plan, self.wanted, self.run)
        return FrameRenderer.of(self.plan, self.wanted.recipe, analysis, transforms)


@contextmanager
def open_look(
    shot: str | Path, preset: str | Path, target: GradeTarget, options: Mapping[str, object], run: Run
) -> Iterator[LookOnShot]:
    """Open a shot with a look. target: says what the shot consists of, and which analysis is used."""
    settings = pick(GradeSettings, options)
    one_view(settings, "This command")
    request = GradeRequest(shot=shot, preset=preset, settings=settings, **vars(target))
    with request.open() as plan:
        yield LookOnShot(plan, run)
