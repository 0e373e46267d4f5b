"""``vfxstyle report``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand, said_options
from vfxstyle.cli.graded import with_analysis_of_grade
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@flags.preset
@click.option("-o", "--output", required=True, metavar="FILE", help="A .html, one self-contained page, or a .json.")
@flags.graded_to
@flags.tokens
@flags.of("report", GradeTarget, GradeSettings, Run, defaults={"analysis": "that of grade with the same preset"})
@flags.progress
def report(shot: str, preset: str, output: str, progress: Any, **chosen: Any) -> None:
    """Write pictures and figures of what a look does to SHOT, and where everything came from."""
    pick(GradeSettings, chosen)  # wrong options are told before anything is loaded
    said = said_options()
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import REPORT_SHARES
    from vfxstyle.cli.summaries import report_summary
    from vfxstyle.review.report import report as write

    with watching(progress, REPORT_SHARES) as watch:
        options = with_analysis_of_grade(shot, preset, chosen)
        made = write(shot, preset, output, said=said, progress=watch, **options)
        watch.result(made)
    tell(progress, report_summary(made))
