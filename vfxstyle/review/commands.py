"""Commands that do what a page shows."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from vfxstyle.looks.library import find_preset
from vfxstyle.review.shown import ShownShot
from vfxstyle.settings import AnalysisSettings, GradeSettings
from vfxstyle.settings.table import options_of
from vfxstyle.shots import format_frames


def grade_command(view: ShownShot, preset: str, strength: float, adjust: Path | None) -> str:
    """The command that grades a shot as it is shown. strength: 0..1. adjust: the file of corrections, or None."""
    plan, recipe = view.plan, view.wanted.recipe
    settings = replace(
        plan.settings,
        adjust=None if adjust is None else str(adjust),
        **{own.name: getattr(recipe, own.name) for own in options_of(AnalysisSettings)},
    )
    words = ["vfxstyle", "grade", str(plan.shot.path), "--preset", preset, "--analysis", str(view.analysis.folder)]
    if plan.target.output is not None and find_preset(preset) == plan.preset_file:
        words += ["-o", str(plan.target.output)]
    words += ["--within", format_frames(plan.target.within)] if plan.target.within is not None else []
    words += ["--strength", f"{strength:g}"]  # at its default too: a show file may say another
    for own in options_of(GradeSettings, "grade"):
        words += own.arguments(getattr(settings, own.name)) if own.name != "strength" else ()
    return shlex.join(words)
