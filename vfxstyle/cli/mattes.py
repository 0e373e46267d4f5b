"""``vfxstyle mattes``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.cli.graded import with_analysis_of_grade
from vfxstyle.settings import DEFAULT_GROUPS, GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Folder for the Cryptomatte files.")
@click.option("--groups", type=int, default=DEFAULT_GROUPS, show_default=True, help="Groups of like transforms.")
@flags.frames
@flags.preset
@flags.graded_to
@flags.tokens
@flags.of("mattes", GradeTarget, GradeSettings, Run, defaults={"analysis": "that of grade with the same preset"})
@flags.progress
def mattes(shot: str, output: str, preset: str, progress: Any, **chosen: Any) -> None:
    """Write the temporal superpixels of SHOT, and groups that a look treats alike, as Cryptomatte EXR files."""
    pick(GradeSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import MATTES_SHARES
    from vfxstyle.cli.summaries import mattes_summary
    from vfxstyle.handover.mattes import mattes as write_mattes

    with watching(progress, MATTES_SHARES) as watch:
        options = with_analysis_of_grade(shot, preset, chosen)
        report = write_mattes(shot, output, preset, progress=watch, **options)
        watch.result(report)
    tell(progress, mattes_summary(report))
