"""``vfxstyle mattes``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import options
from vfxstyle.settings import DEFAULT_GROUPS, GradeSettings


@click.command()
@click.argument("shot")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Folder for the Cryptomatte files.")
@click.option("--groups", type=int, default=DEFAULT_GROUPS, show_default=True, help="Groups of like transforms.")
@click.option("-f", "--frames", metavar="RANGE", help="Frames, as in 1001-1100x2,1150. [default: all]")
@options.of_an_analysed_shot
def mattes(
    shot: str,
    output: str,
    preset: str,
    groups: int,
    frames: str | None,
    analysis: str | None,
    progress: Any,
    **choices: Any,
) -> None:
    """Write the temporal superpixels of SHOT, and groups that a look treats alike, as Cryptomatte EXR files."""
    settings = GradeSettings(**choices)
    from vfxstyle.cli.progress import MATTES_SHARES, watching
    from vfxstyle.cli.summaries import mattes_summary
    from vfxstyle.handover.mattes import mattes as write_mattes

    with watching(progress, MATTES_SHARES) as watch:
        report = write_mattes(
            shot,
            output,
            preset,
            groups=groups,
            frames=frames,
            analysis=analysis,
            settings=settings,
            progress=watch,
        )
    if progress != "none":
        click.echo(mattes_summary(report), err=True)
