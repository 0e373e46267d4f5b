"""``vfxstyle superpixels``."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.progress import Stage
from vfxstyle.settings import DEFAULT_WRITTEN_SUPERPIXELS, Run, ShotSettings
from vfxstyle.settings.table import pick

_SHARES = {Stage.SUPERPIXELS: 1}
_DEFAULTS = {"superpixels": str(DEFAULT_WRITTEN_SUPERPIXELS), "analysis_width": "the plate's own, up to 4096"}


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Folder for label maps and table.")
@click.option("--overlay", is_flag=True, help="Also write pictures with the borders drawn on them.")
@flags.frames
@flags.of("superpixels", ShotSettings, Run, defaults=_DEFAULTS)
@flags.progress
def superpixels(shot: str, output: str, progress: Any, **chosen: Any) -> None:
    """Segment SHOT into temporal superpixels, without a look.

    FOLDER gets NAME.FRAME.exr, one label map a frame (a uint32 channel 'id', in Nuke: other.id); tsps.csv, a row for
    each superpixel and frame with birth, death, area in px, centroid and mean Lab; and with --overlay the pictures
    overlay/NAME.FRAME.png.
    """
    pick(ShotSettings, chosen)  # wrong options are told before anything is loaded
    if click.get_current_context().get_parameter_source("analysis_width") is ParameterSource.DEFAULT:
        del chosen["analysis_width"]  # the table's default is the analysis', not the plate's own width
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.handover.superpixels import write_superpixels
    from vfxstyle.shots.discover import how_many_frames

    with watching(progress, _SHARES) as watch:
        report = write_superpixels(shot, output, progress=watch, **chosen)
        watch.result(report)
    tell(
        progress,
        f"{how_many_frames(len(report.written))} written, {report.superpixels} superpixels: {report.output}",
    )
