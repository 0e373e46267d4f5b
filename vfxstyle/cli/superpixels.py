"""``vfxstyle superpixels``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import options
from vfxstyle.settings import DEFAULT_SUPERPIXELS, GradeSettings

_SHARES = {"superpixels": 100}


@click.command()
@click.argument("shot")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Folder for label maps and table.")
@click.option("-f", "--frames", metavar="RANGE", help="Frames, as in 1001-1100x2,1150. [default: all]")
@click.option("--overlay", is_flag=True, help="Also write pictures with the borders drawn on them.")
@click.option("--superpixels", type=int, default=DEFAULT_SUPERPIXELS, show_default=True, help="Requested in a frame.")
@click.option("--analysis-width", type=int, help="Width of the label maps, in px. [default: the plate's, up to 4096]")
@options.input_space
@options.ocio
@options.layer
@options.view
@options.missing
@options.max_pixels
@options.device
@options.progress
@options.seed
def superpixels(
    shot: str,
    output: str,
    frames: str | None,
    overlay: bool,
    analysis_width: int | None,
    progress: Any,
    **choices: Any,
) -> None:
    """Segment SHOT into temporal superpixels, without a look.

    FOLDER gets NAME.FRAME.exr, one label map a frame (a uint32 channel 'id', in Nuke: other.id); tsps.csv, a row for
    each superpixel and frame with birth, death, area in px, centroid and mean Lab; and with --overlay the pictures
    overlay/NAME.FRAME.png.
    """
    settings = _settings(choices)
    from vfxstyle.cli.progress import watching
    from vfxstyle.handover.superpixels import write_superpixels

    with watching(progress, _SHARES) as watch:
        report = write_superpixels(
            shot,
            output,
            frames=frames,
            analysis_width=analysis_width,
            overlay=overlay,
            settings=settings,
            progress=watch,
        )
    if progress != "none":
        click.echo(f"{len(report.written)} frames written, {report.superpixels} superpixels: {report.output}", err=True)


def _settings(choices: dict[str, Any]) -> GradeSettings:
    """How the plate is read and segmented, from the options of this command."""
    return GradeSettings(**choices)
