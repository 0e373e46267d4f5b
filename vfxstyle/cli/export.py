"""``vfxstyle export``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.cli.graded import with_analysis_of_grade
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@click.option("--lut", metavar="FILE", help="3D LUT to write: .cube or .clf.")
@click.option("--cdl", metavar="FILE", help="CDL to write: .cc.")
@click.option(
    "--space",
    metavar="SPACE",
    help="Space that they are applied in. [default: the plate's; a log space for a scene-linear plate]",
)
@click.option("--size", type=int, default=33, show_default=True, help="Nodes of the LUT along an axis.")
@click.option("--map", "map_file", metavar="FILE", help="PNG of where it falls short. [default: beside the file]")
@click.option("--residual", metavar="FOLDER", help="EXR mattes of where it falls short, one for each frame.")
@flags.frames
@flags.preset
@flags.graded_to
@flags.tokens
@flags.of("export", GradeTarget, GradeSettings, Run, defaults={"analysis": "that of grade with the same preset"})
@flags.progress
def export(shot: str, progress: Any, **chosen: Any) -> None:
    """Write the best global LUT or CDL for a look on SHOT, with what it lacks."""
    pick(GradeSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import EXPORT_SHARES
    from vfxstyle.cli.summaries import export_summary
    from vfxstyle.handover.export import export as write_export

    with watching(progress, EXPORT_SHARES) as watch:
        options = with_analysis_of_grade(shot, chosen["preset"], chosen)
        report = write_export(shot, progress=watch, **options)
        watch.result(report)
    tell(progress, export_summary(report))
