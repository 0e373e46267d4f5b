"""``vfxstyle train``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import options
from vfxstyle.settings import DEFAULT_SUPERPIXELS, TrainSettings


@click.command()
@click.argument("pairs", required=False)
@click.option("--name", required=True, help="Name of the look.")
@click.option("--shot", metavar="SHOT", help="Learn from graded frames of this shot instead of PAIRS.")
@click.option("--graded", metavar="FOLDER", help="The graded frames, numbered as in the shot.")
@click.option("-o", "--output", metavar="FILE", help="Preset file. [default: NAME in the user's preset folder]")
@click.option("--description", default="", help="One line about the look, stored in the preset.")
@click.option("--data-note", default="", help="Origin and licence of the pairs, stored in the preset.")
@click.option(
    "--superpixels", type=int, default=DEFAULT_SUPERPIXELS, show_default=True, help="Learnt from per picture."
)
@options.analysis_width
@options.input_space
@options.ocio
@click.option("--epochs", type=int, help="Passes over the pairs. [default: 24, more of few pairs]")
@click.option(
    "--held-out",
    type=float,
    default=TrainSettings().held_out,
    show_default=True,
    help="Share of the pairs kept from training to measure the look; used with 10 pairs or more.",
)
@options.max_pixels
@options.backbone
@options.weights
@options.device
@options.progress
@options.seed
def train(
    pairs: str | None,
    name: str,
    shot: str | None,
    graded: str | None,
    output: str | None,
    progress: Any,
    **choices: Any,
) -> None:
    """Learn a look from PAIRS: a folder with before/ and after/, pictures matched by file name.

    Or, for one shot, from a few graded frames of it: --shot SHOT --graded FOLDER, matched by frame number. Beside the
    preset a page, a learning curve and a sheet of pictures are written.
    """
    settings = TrainSettings(**choices)
    from vfxstyle.cli.progress import TRAIN_SHARES, watching
    from vfxstyle.cli.summaries import train_summary
    from vfxstyle.training import train as training
    from vfxstyle.training.report import write_training_report

    with watching(progress, TRAIN_SHARES) as watch:
        report = training.train(pairs, name, shot=shot, graded=graded, output=output, settings=settings, progress=watch)
        drawn = write_training_report(report, settings)
    if progress != "none":
        click.echo(train_summary(report, drawn), err=True)
