"""``vfxstyle analyze``."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from vfxstyle.cli import flags
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.cli.renamed import RenamingAnalyze
from vfxstyle.settings import AnalyzeStage, GradeTarget, Run, ShotSettings
from vfxstyle.settings.table import pick


def _shard(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    """``2/8`` as numbers."""
    first, _, last = text.partition("/")
    if not (first.isdigit() and last.isdigit()):
        raise click.BadParameter(f"'{text}' is no shard; write 2/8 for the second of eight.")
    return int(first), int(last)


@click.command(cls=RenamingAnalyze)
@click.argument("shot")
@click.option("--preset", metavar="NAME|FILE", help="A look to predict the transforms of as well.")
@flags.backbone
@click.option(
    "--any-light",
    is_flag=True,
    help="For looks for any light, as the shipped ones are; with --preset the look says so.",
)
@click.option(
    "--stage",
    type=click.Choice(get_args(AnalyzeStage)),
    default="all",
    show_default=True,
    help="One stage only, for a farm.",
)
@click.option(
    "--shard",
    callback=_shard,
    default="1/1",
    show_default=True,
    metavar="I/N",
    help="Which share: of --stage features of the chosen frames, of --stage superpixels of the sections of a long "
    "shot, which that stage joins when it is run without.",
)
@flags.of(
    "analyze",
    GradeTarget,
    ShotSettings,
    Run,
    defaults={"analysis": "with a preset where grade looks for it, else SHOT_analysis beside the shot"},
)
@flags.progress
@flags.dry_run
def analyze(shot: str, progress: Any, dry_run: bool, **chosen: Any) -> None:
    """Analyse SHOT: temporal superpixels and their features. Any look is then put on it by grade alone."""
    keep_freed_memory()
    settings = pick(ShotSettings, chosen)
    Run.of(chosen, None)  # wrong options are told before anything is loaded
    from vfxstyle.analysis.analyze import analyze_request, planned
    from vfxstyle.analysis.request import AnalyzeRequest

    asked = {name: chosen[name] for name in ("preset", "backbone", "any_light", "analysis", "within", "stage", "shard")}
    request = AnalyzeRequest(shot=shot, settings=settings, **asked)
    if dry_run:
        click.echo(json.dumps(planned(request, Run.of(chosen, None)), indent=2))
        return
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import ANALYSIS_SHARES
    from vfxstyle.cli.summaries import analyze_summary

    with watching(progress, ANALYSIS_SHARES) as watch:
        report = analyze_request(request, Run.of(chosen, watch))
        watch.result(report)
    tell(progress, analyze_summary(report))
