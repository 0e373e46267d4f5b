"""``vfxstyle export``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import options
from vfxstyle.settings import GradeSettings


@click.command()
@click.argument("shot")
@click.option("--lut", metavar="FILE", help="3D LUT to write: .cube or .clf.")
@click.option("--cdl", metavar="FILE", help="CDL to write: .cc.")
@click.option("--space", metavar="SPACE", help="Space that they are applied in. [default: the plate's; log for light]")
@click.option("--size", type=int, default=33, show_default=True, help="Nodes of the LUT along an axis.")
@click.option("--map", "map_file", metavar="FILE", help="PNG of where it falls short. [default: beside the file]")
@click.option("-f", "--frames", metavar="RANGE", help="Frames to fit to, as in 1001-1100x2. [default: all]")
@click.option("--strength", type=float, default=1.0, show_default=True, help="0 to 1: mixes grade and plate.")
@options.of_an_analysed_shot
def export(
    shot: str,
    preset: str,
    lut: str | None,
    cdl: str | None,
    space: str | None,
    size: int,
    map_file: str | None,
    frames: str | None,
    analysis: str | None,
    progress: Any,
    **choices: Any,
) -> None:
    """Write the best global LUT or CDL for a look on SHOT, with what it lacks."""
    settings = GradeSettings(**choices)
    from vfxstyle.cli.progress import EXPORT_SHARES, watching
    from vfxstyle.cli.summaries import export_summary
    from vfxstyle.handover.export import export as write_export

    with watching(progress, EXPORT_SHARES) as watch:
        report = write_export(
            shot,
            preset,
            lut=lut,
            cdl=cdl,
            space=space,
            size=size,
            map_file=map_file,
            frames=frames,
            analysis=analysis,
            settings=settings,
            progress=watch,
        )
    if progress != "none":
        click.echo(export_summary(report), err=True)
