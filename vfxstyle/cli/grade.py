"""``vfxstyle grade``."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from vfxstyle.cli import options
from vfxstyle.errors import UsageError
from vfxstyle.settings import GradeSettings, GradeStage


@click.command()
@click.argument("shot")
@options.preset
@click.option("-o", "--output", metavar="PATH", help="Folder for frames, or a .mov. [default: SHOT_PRESET]")
@click.option("-f", "--frames", metavar="RANGE", help="Frames, as in 1001-1100x2,1150. [default: all]")
@options.within
@options.of_a_grade
@options.handles
@click.option(
    "--analysis",
    metavar="FOLDER",
    help="Shot analysis. [default: SHOT_analysis if there, else .vfxstyle in the output]",
)
@click.option(
    "--stage",
    type=click.Choice(get_args(GradeStage)),
    default="all",
    show_default=True,
    help="Of a movie: make its frames ready only; the run without this encodes them.",
)
@options.progress
@click.option("-n", "--dry-run", is_flag=True, help="Print the plan as JSON and stop.")
def grade(
    shot: str,
    preset: str,
    output: str | None,
    frames: str | None,
    within: tuple[int, ...] | None,
    analysis: str | None,
    stage: GradeStage,
    progress: Any,
    dry_run: bool,
    handles: int,
    **choices: Any,
) -> None:
    """Put a look on SHOT: a folder of frames, a sequence pattern, a movie, one picture, or an .otio cut of shots."""
    settings = GradeSettings(**choices)
    if shot.lower().endswith(".otio"):
        if stage != "all" or within is not None:
            raise UsageError(
                "A cut is graded in one stage, and says what its shots are; leave --stage and --within out."
            )
        _grade_cut(shot, preset, output, frames, analysis, progress, dry_run, handles, settings)
        return
    from vfxstyle.grading import grade as grading

    where: dict[str, Any] = {
        "frames": frames,
        "within": within,
        "analysis": analysis,
        "stage": stage,
        "settings": settings,
    }
    if dry_run:
        click.echo(json.dumps(grading.plan_grade(shot, preset, output, **where), indent=2))
        return
    from vfxstyle.cli.progress import GRADE_SHARES, watching
    from vfxstyle.cli.summaries import grade_summary

    with watching(progress, GRADE_SHARES) as watch:
        report = grading.grade(shot, preset, output, progress=watch, **where)
    if progress != "none":
        click.echo(grade_summary(report), err=True)


def _grade_cut(
    cut: str,
    preset: str,
    output: str | None,
    frames: str | None,
    analysis: str | None,
    progress: Any,
    dry_run: bool,
    handles: int,
    settings: GradeSettings,
) -> None:
    from vfxstyle.timelines import grade as timelines

    if frames is not None or analysis is not None:
        raise UsageError("A cut says itself which frames it shows; leave --frames and --analysis out.")
    if dry_run:
        planned = timelines.plan_timeline(cut, preset, output, handles=handles, settings=settings)
        click.echo(json.dumps(planned, indent=2))
        return
    from vfxstyle.cli.progress import GRADE_SHARES, watching
    from vfxstyle.cli.summaries import timeline_summary

    with watching(progress, GRADE_SHARES) as watch:
        report = timelines.grade_timeline(cut, preset, output, handles=handles, settings=settings, progress=watch)
    if progress != "none":
        click.echo(timeline_summary(report), err=True)
