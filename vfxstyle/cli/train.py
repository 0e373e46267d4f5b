"""``vfxstyle train``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.settings import TrainSettings
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("pairs", required=False)
@click.option("--name", help="Name of the look. [default: that of the file of -o, or of the look of --continue]")
@click.option("--shot", metavar="SHOT", help="Learn from graded frames of this shot instead of PAIRS.")
@click.option("--graded", metavar="FOLDER", help="The graded frames, numbered as in the shot.")
@click.option("-o", "--output", metavar="FILE", help="Preset file. [default: NAME in the user's preset folder]")
@click.option(
    "--continue",
    "start",
    metavar="PRESET",
    help="Go on from this look, after an edit or with pairs added, which is quicker than anew; give all pairs. It is "
    "saved in its place, unless --name or --output says otherwise.",
)
@flags.of("train", TrainSettings)
@flags.progress
def train(pairs: str | None, name: str | None, output: str | None, progress: Any, **chosen: Any) -> None:
    """Learn a look from PAIRS: a folder with before/ and after/, pictures matched by file name.

    Or, for one shot, from a few graded frames of it: --shot SHOT --graded FOLDER, matched by frame number. Beside the
    preset a page is written that shows how far it is, and what was learnt and what was not; and the same as text, a
    learning curve and a sheet of pictures.
    """
    pick(TrainSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.features import check_torch

    check_torch("Training")
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import TRAIN_SHARES
    from vfxstyle.cli.summaries import train_summary
    from vfxstyle.progress import Stage
    from vfxstyle.review.training_page import TrainingPage
    from vfxstyle.training import train as training
    from vfxstyle.training.preset_file import named, place_of_preset
    from vfxstyle.training.report import rows_of, write_training_report

    called, place = named(name, output, chosen["start"])
    file = place_of_preset(called, place).with_suffix(".html")
    with watching(progress, TRAIN_SHARES) as watch, TrainingPage(file, called, watch) as page:
        report = training.train(pairs, called, output=place, progress=page, **chosen)
        began = time.perf_counter()
        rows = rows_of(report)
        shown = None if chosen["no_suggest"] else chosen["shot"]
        files = write_training_report(report, rows)
        drawn = [page.finish(report, rows, shown), *files]
        report = replace(report, seconds={**report.seconds, Stage.REPORT: time.perf_counter() - began})
        watch.result(report)
    tell(progress, train_summary(report, drawn))
