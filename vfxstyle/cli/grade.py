"""``vfxstyle grade``."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from vfxstyle.cli import options
from vfxstyle.pipeline.settings import (
    DEFAULT_HANDLES,
    Audio,
    FormatName,
    GradeSettings,
)


@click.command()
@click.argument("shot")
@options.preset
@click.option("-o", "--output", metavar="PATH", help="Folder for frames, or a .mov. [default: SHOT_PRESET]")
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(FormatName)),
    help="Output format. [default: exr for frames, prores422hq for a movie, prores4444 if it has alpha]",
)
@click.option("-f", "--frames", metavar="RANGE", help="Frames, as in 1001-1100x2,1150. [default: all]")
@click.option("--strength", type=float, default=1.0, show_default=True, help="0 to 1: mixes grade and plate.")
@options.superpixels
@options.frame_based
@options.coverage
@options.analysis_width
@options.input_space
@click.option("--output-space", metavar="SPACE", help="OpenColorIO name. [default: the plate's; EXR is linear]")
@options.ocio
@options.layer
@options.view
@click.option(
    "--compression", metavar="NAME", help="Of EXR: none, zip, zips, piz, dwaa:LEVEL ... [default: the plate's]"
)
@click.option("--start-frame", type=int, metavar="N", help="Number of the first frame out. [default: the plate's]")
@click.option("--padding", type=int, metavar="N", help="Digits of frame numbers out. [default: the plate's]")
@click.option("--fps", metavar="RATE", help="Frames per second out: 24, 24000/1001. [default: the plate's]")
@click.option(
    "--audio", type=click.Choice(get_args(Audio)), default="copy", show_default=True, help="Of a movie made of a movie."
)
@options.missing
@options.on_error
@click.option(
    "--handles",
    type=int,
    default=DEFAULT_HANDLES,
    show_default=True,
    help="Of an .otio cut: frames graded before and after each clip.",
)
@click.option("--write-nuke", is_flag=True, help="Write a Nuke script with plate, grade and a wipe beside the result.")
@click.option(
    "--analysis",
    metavar="FOLDER",
    help="Shot analysis. [default: SHOT_analysis if there, else .vfxstyle in the output]",
)
@options.weights
@options.device
@options.overwrite
@options.progress
@click.option("-n", "--dry-run", is_flag=True, help="Print the plan as JSON and stop.")
@options.seed
def grade(
    shot: str,
    preset: str,
    output: str | None,
    format_: FormatName | None,
    frames: str | None,
    analysis: str | None,
    progress: Any,
    dry_run: bool,
    handles: int,
    **choices: Any,
) -> None:
    """Put a look on SHOT: a folder of frames, a sequence pattern, a movie, one picture, or an .otio cut of shots."""
    settings = GradeSettings(format=format_, **choices)
    if shot.lower().endswith(".otio"):
        _grade_cut(shot, preset, output, frames, analysis, progress, dry_run, handles, settings)
        return
    from vfxstyle.pipeline import grade as pipeline

    where: dict[str, Any] = {"frames": frames, "analysis": analysis, "settings": settings}
    if dry_run:
        click.echo(json.dumps(pipeline.plan_grade(shot, preset, output, **where), indent=2))
        return
    from vfxstyle.farm.progress import GRADE_SHARES, watching
    from vfxstyle.farm.summary import grade_summary

    with watching(progress, GRADE_SHARES) as watch:
        report = pipeline.grade(shot, preset, output, progress=watch, **where)
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
    from vfxstyle.errors import UsageError
    from vfxstyle.pipeline import timeline as pipeline

    if frames is not None or analysis is not None:
        raise UsageError("A cut says itself which frames it shows; leave --frames and --analysis out.")
    if dry_run:
        planned = pipeline.plan_timeline(cut, preset, output, handles=handles, settings=settings)
        click.echo(json.dumps(planned, indent=2))
        return
    from vfxstyle.farm.progress import GRADE_SHARES, watching
    from vfxstyle.farm.summary import timeline_summary

    with watching(progress, GRADE_SHARES) as watch:
        report = pipeline.grade_timeline(cut, preset, output, handles=handles, settings=settings, progress=watch)
    if progress != "none":
        click.echo(timeline_summary(report), err=True)
