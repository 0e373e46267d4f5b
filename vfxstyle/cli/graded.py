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
    options = _without_place(chosen)
    if chosen["to"] is None or chosen["analysis"] is not None:
        return options
    places = []
    for name in (name for name in preset.split(",") if name):
        with _request(shot, name, chosen).open() as plan:
            places.append(plan.analysis)
    found = [place for place in places if place.is_dir()] or ([] if there else places)
    return {**options, "analysis": found[0]} if found else options


def with_place_of_grade(shot: str, preset: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """As :func:`with_analysis_of_grade` of one look, and with the ``output`` of the grade, its tokens filled in."""
    options = _without_place(chosen)
    if chosen["to"] is None:
        return options
    with _request(shot, preset, chosen).open() as plan:
        analysis = plan.analysis if chosen["analysis"] is None else chosen["analysis"]
        return {**options, "output": str(plan.target.output), "analysis": analysis}


def _without_place(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command but those that say where the grade is."""
    return {name: value for name, value in chosen.items() if name not in ("to", "tokens")}


def _request(shot: str, preset: str, chosen: Mapping[str, Any]) -> GradeRequest:
    """The grade that a command shows or hands on."""
    from vfxstyle.grading.request import GradeRequest
    from vfxstyle.settings import GradeSettings
    from vfxstyle.settings.table import pick

    settings = pick(GradeSettings, chosen)
    return GradeRequest(shot=shot, preset=preset, output=chosen["to"], within=chosen["within"], settings=settings)
