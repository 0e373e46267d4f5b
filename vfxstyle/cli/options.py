"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.settings import (
    DEFAULT_ANALYSIS_WIDTH,
    DEFAULT_BACKBONE,
    DEFAULT_HANDLES,
    DEFAULT_STILL_SUPERPIXELS,
    DEFAULT_SUPERPIXELS,
    Audio,
    FormatName,
    Missing,
    OnError,
    Overwrite,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def _frames(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """A range as numbers."""
    from vfxstyle.shots import parse_frames

    return None if text is None else parse_frames(text)


analysis_width = click.option(
    "--analysis-width",
    type=int,
    default=DEFAULT_ANALYSIS_WIDTH,
    show_default=True,
    help="Analysis width, in px.",
)
device = click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N")
progress = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "openjd", "deadline", "alf", "json", "none"]),
    default="auto",
    show_default=True,
    help="auto: a bar on a terminal, lines elsewhere; or what a farm reads.",
)
frame_based = click.option(
    "--frame-based", is_flag=True, help="Analyse every frame by itself, as a still: slower, and it flickers."
)
coverage = click.option(
    "--coverage",
    type=float,
    default=1.0,
    show_default=True,
    help="Share of the shot whose superpixels the network sees; the rest follow neighbours of like colour.",
)
missing = click.option(
    "--missing",
    type=click.Choice(get_args(Missing)),
    default="error",
    show_default=True,
    help="Holes in a sequence: stop, leave them out (exit 1), or hold the frame before.",
)
on_error = click.option(
    "--on-error",
    type=click.Choice(get_args(OnError)),
    default="stop",
    show_default=True,
    help="Frames that cannot be read: stop, or leave them out (a grade then exits with 1).",
)
max_pixels = click.option(
    "--max-pixels",
    type=int,
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    help="Pictures that claim more are refused before memory is taken.",
)
overwrite = click.option(
    "--overwrite",
    type=click.Choice(get_args(Overwrite)),
    default="changed",
    show_default=True,
    help="What happens to what is there already.",
)
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
input_space = click.option(
    "--input-space", metavar="SPACE", help="OpenColorIO name of the pictures' space. [default: from their tags]"
)
ocio = click.option("--ocio", metavar="FILE", help="OpenColorIO configuration. [default: $OCIO, else ACES studio]")
layer = click.option("--layer", metavar="NAME", help="Layer or part of EXR files to grade. [default: the main one]")
view = click.option("--view", metavar="NAME", help="View of EXR files to grade. [default: the file's]")
within = click.option(
    "--within",
    metavar="RANGE",
    callback=_frames,
    help="Frames that the shot is taken to consist of, for the analysis too. [default: all]",
)
superpixels = click.option(
    "--superpixels",
    type=int,
    help=f"Requested per frame. [default: {DEFAULT_SUPERPIXELS}, of a still {DEFAULT_STILL_SUPERPIXELS}]",
)
backbone = click.option(
    "--backbone",
    default=DEFAULT_BACKBONE,
    show_default=True,
    help="Network that the features come from: efficientnet-lite0, or vgg16 with weights of your own.",
)
weights = click.option(
    "--weights", metavar="FILE", help="Weight file of vgg16. [default: $VFXSTYLE_WEIGHTS, else torchvision's cache]"
)
handles = click.option(
    "--handles",
    type=int,
    default=DEFAULT_HANDLES,
    show_default=True,
    help="Of an .otio cut: frames graded before and after each clip.",
)
preset = click.option("--preset", required=True, metavar="NAME|FILE", help="Installed preset or preset file.")
_GRADE = (
    click.option(
        "--format",
        type=click.Choice(get_args(FormatName)),
        help="Output format. [default: exr for frames, prores422hq for a movie, prores4444 if it has alpha]",
    ),
    click.option("--strength", type=float, default=1.0, show_default=True, help="0 to 1: mixes grade and plate."),
    superpixels,
    frame_based,
    coverage,
    analysis_width,
    input_space,
    click.option("--output-space", metavar="SPACE", help="OpenColorIO name. [default: the plate's; EXR is linear]"),
    ocio,
    layer,
    view,
    click.option(
        "--compression", metavar="NAME", help="Of EXR: none, zip, zips, piz, dwaa:LEVEL ... [default: the plate's]"
    ),
    click.option("--start-frame", type=int, metavar="N", help="Number of the first frame out. [default: the plate's]"),
    click.option("--padding", type=int, metavar="N", help="Digits of frame numbers out. [default: the plate's]"),
    click.option("--fps", metavar="RATE", help="Frames per second out: 24, 24000/1001. [default: the plate's]"),
    click.option(
        "--audio",
        type=click.Choice(get_args(Audio)),
        default="copy",
        show_default=True,
        help="Of a movie made of a movie.",
    ),
    missing,
    on_error,
    max_pixels,
    click.option(
        "--write-nuke", is_flag=True, help="Write a Nuke script with plate, grade and a wipe beside the result."
    ),
    weights,
    device,
    overwrite,
    seed,
)


def of_a_grade(command: Command) -> Command:
    """The options that say how a shot is graded: those of :class:`~vfxstyle.settings.GradeSettings`."""
    for option in reversed(_GRADE):
        command = option(command)
    return command


_existing_analysis = click.option(
    "--analysis", metavar="FOLDER", help="Shot analysis. [default: that of grade with the same preset]"
)


def of_an_analysed_shot(command: Command) -> Command:
    """The options of a command that needs a look and the analysis of a shot, but writes no graded frames."""
    shared = (preset, superpixels, analysis_width, weights, _existing_analysis, input_space, ocio, layer, view)
    for option in reversed((*shared, max_pixels, device, progress, seed)):
        command = option(command)
    return command
