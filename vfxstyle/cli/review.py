"""``vfxstyle review``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.cli.graded import with_place_of_grade
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@flags.preset
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine. [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Only print the address of the page.")
@flags.graded_to
@flags.tokens
@flags.of("review", GradeTarget, GradeSettings, Run, defaults={"analysis": "that of grade with the same preset"})
@flags.progress
def review(shot: str, progress: Any, no_browser: bool, **chosen: Any) -> None:
    """Look at SHOT under a look in a browser on this machine, and put it right by hand."""
    pick(GradeSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.cli.progress import watching
    from vfxstyle.cli.shares import REPORT_SHARES
    from vfxstyle.review.review import opened_review, serve

    with watching(progress, REPORT_SHARES) as watch:
        options = with_place_of_grade(shot, chosen["preset"], chosen)
        with opened_review(shot, progress=watch, **options) as server:
            click.echo(server.address)
            click.echo("Ctrl+C ends the review.", err=True)
            serve(server, browser=not no_browser)
