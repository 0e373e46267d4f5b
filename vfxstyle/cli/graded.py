"""Where the grade is that a command shows or hands on, and its analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vfxstyle.grading.request import GradeRequest


def with_analysis_of_grade(shot: str, preset: str, chosen: Mapping[str, Any], *, there: bool = False) -> dict[str, Any]:
    """The options of a command without ``to`` and ``tokens``, but with the analysis of the grade that these name.

    preset: the look, or several with commas between them, of which the first counts whose grade is there, else the
    first. there: whether an analysis that is not there yet is left to the command.
    """
    options = {name: value for name, value in chosen.items() if name not in ("to", "tokens")}
    if chosen["to"] is None or chosen["analysis"] is not None:
        return options
    places = []
    for name in (name for name in preset.split(",") if name):
        with _request(shot, name, chosen).open() as plan:
            places.append(plan.analysis)
    found = [place for place in places if place.is_dir()] or ([] if there else places)
    return {**options, "analysis": found[0]} if found else options


def place_of_grade(shot: str, preset: str, chosen: Mapping[str, Any]) -> str | None:
    """Where the grade is that ``to`` and ``tokens`` name, with the tokens filled in; None where they name none."""
    if chosen["to"] is None:
        return None
    with _request(shot, preset, chosen).open() as plan:
        return str(plan.target.output)


def _request(shot: str, preset: str, chosen: Mapping[str, Any]) -> GradeRequest:
    """The grade that a command shows or hands on."""
    from vfxstyle.grading.request import GradeRequest
    from vfxstyle.settings import GradeSettings
    from vfxstyle.settings.table import pick

    settings = pick(GradeSettings, chosen)
    return GradeRequest(shot=shot, preset=preset, output=chosen["to"], within=chosen["within"], settings=settings)
