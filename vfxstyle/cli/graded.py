"""Where the grade is that a command shows or hands on, and its analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_analysis_of_grade(shot: str, preset: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command without ``to`` and ``tokens``, but with the analysis of the grade that these name.

    The analysis of a grade that is not there yet is left to the command. preset: the look, or several with commas.
    """
    options = {name: value for name, value in chosen.items() if name not in ("to", "tokens")}
    if chosen["to"] is None or chosen["analysis"] is not None:
        return options
    from vfxstyle.grading.request import GradeRequest
    from vfxstyle.settings import GradeSettings
    from vfxstyle.settings.table import pick

    for name in (name for name in preset.split(",") if name):
        settings = pick(GradeSettings, chosen)
        with GradeRequest(
            shot=shot, preset=name, output=chosen["to"], within=chosen["within"], settings=settings
        ).open() as plan:
            if plan.analysis.is_dir():
                return {**options, "analysis": plan.analysis}
    return options
