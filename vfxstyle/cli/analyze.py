"""``vfxstyle analyze``."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from vfxstyle.cli import options
from vfxstyle.settings import DEFAULT_BACKBONE, GradeSettings, Stage


def _part(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    """``2/8`` as numbers."""
    first, _, last = text.partition("/")
    if not (first.isdigit() and last.isdigit()):
        raise click.BadParameter(f"'{text}' is no shard; write 2/8 for the second of eight.")
    return int(first), int(last)


@click.command()
@click.argument("shot")
@click.option("--preset", metavar="NAME|FILE", help="A look to predict the transforms of as well.")
@click.option(
    "--backbone", default=DEFAULT_BACKBONE, show_default=True, help="Network of the features, without a preset."
)
@click.option("--analysis", metavar="FOLDER", help="Folder for it. [default: that of grade, or SHOT_analysis]")
@click.option(
    "--stage",
    type=click.Choice(get_args(Stage)),
    default="all",
    show_default=True,
    help="One step of it only, for a farm.",
)
@click.option(
    "--shard",
    "--part",
    callback=_part,
    default="1/1",
    show_default=True,
    metavar="I/N",
    help="Of --stage features: a part.",
)
@options.within
@options.superpixels
@options.frame_based
@options.coverage
@options.analysis_width
@options.input_space
@options.ocio
@options.layer
@options.view
@options.missing
@options.max_pixels
@options.on_error
@options.weights
@options.device
@options.overwrite
@options.progress
@click.option("-n", "--dry-run", is_flag=True, help="Print the files that would be written as JSON and stop.")
@options.seed
def analyze(
    shot: str,
    preset: str | None,
    backbone: str,
    analysis: str | None,
    stage: Stage,
    shard: tuple[int, int],
    within: tuple[int, ...] | None,
    progress: Any,
    dry_run: bool,
    **choices: Any,
) -> None:
    """Analyse SHOT: temporal superpixels and their features. Any look is then put on it by grade alone."""
    settings = GradeSettings(**choices)
    from vfxstyle.analysis import analyze as analysing

    where: dict[str, Any] = {
        "preset": preset,
        "backbone": backbone,
        "analysis": analysis,
        "within": within,
        "settings": settings,
    }
    if dry_run:
        click.echo(json.dumps(analysing.plan_analyze(shot, stage=stage, shard=shard, **where), indent=2))
        return
    from vfxstyle.cli.progress import ANALYSIS_SHARES, watching
    from vfxstyle.cli.summaries import analyze_summary

    with watching(progress, ANALYSIS_SHARES) as watch:
        report = analysing.analyze(shot, stage=stage, shard=shard, progress=watch, **where)
    if progress != "none":
        click.echo(analyze_summary(report), err=True)
