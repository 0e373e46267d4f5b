"""Options that several commands share."""

import click

from vfxstyle.pipeline.settings import DEFAULT_ANALYSIS_WIDTH

analysis_width = click.option(
    "--analysis-width",
    type=int,
    default=DEFAULT_ANALYSIS_WIDTH,
    show_default=True,
    help="Analysis width, in px.",
)
device = click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N")
progress = click.option("--progress", type=click.Choice(["auto", "bar", "none"]), default="auto", show_default=True)
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
input_space = click.option(
    "--input-space", metavar="SPACE", help="OpenColorIO name of the pictures' space. [default: from their tags]"
)
ocio = click.option("--ocio", metavar="FILE", help="OpenColorIO configuration. [default: $OCIO, else ACES studio]")
layer = click.option("--layer", metavar="NAME", help="Layer or part of EXR files to grade. [default: the main one]")
view = click.option("--view", metavar="NAME", help="View of EXR files to grade. [default: the file's first]")
