"""Files that a training run writes beside its preset: a learning curve, a sheet of pictures, and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from vfxstyle.arrays import ByteArray, FloatArray
from vfxstyle.errors import OutputError
from vfxstyle.features import pick_device
from vfxstyle.features.registry import load_backbone
from vfxstyle.files import write_atomically, writing_atomically
from vfxstyle.looks import Preset
from vfxstyle.looks.cards import model_card
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS
from vfxstyle.shots.lettering import band, beside
from vfxstyle.shots.sheets import write_sheet
from vfxstyle.training.kept_stills import KeptStills
from vfxstyle.training.pairs import PairPictures, PictureReader
from vfxstyle.training.stills import graded_with
from vfxstyle.training.train import TrainReport

MAX_ROWS = 8
"""Pairs on a sheet, and in the page's table of pairs, at most."""
PICTURE_WIDTH, MOST_ROWS = 480, 960
"""Width of each picture on a sheet, in px."""
MISSED_WHITE = 20.0
"""L2 in Lab at which the map of what was missed is white."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair with its prediction."""

    name: str
    """The pair."""
    pictures: tuple[FloatArray, ...]
    """float32 (H, W, 3), sRGB, 0..1: before, after, predicted, and the map of what was missed."""


def write_training_report(report: TrainReport, pairs: Sequence[PairRow]) -> list[Path]:
    """Write NAME.curve.png, NAME.sheet.png and NAME.md beside a preset, and return their paths.

    pairs: see :func:`rows_of`. The sheet has a row for each, with words: before, after, predicted, and how far the
    prediction is off. Raises :class:`~vfxstyle.errors.OutputError` if a file cannot be written.
    """
    base = report.path.with_suffix("")
    files = [Path(f"{base}.curve.png"), Path(f"{base}.sheet.png"), Path(f"{base}.md")]
    try:
        _draw_curve(report, files[0])
        write_sheet(files[1], _stacked([part for row in pairs for part in _captioned(row)]) / 255)
        write_atomically(files[2], training_page(report).encode(errors="replace"))
    except OSError as error:
        raise OutputError(f"{base}.* cannot be written: {error.strerror or error}; the preset is there.") from error
    return files


def training_page(report: TrainReport) -> str:
    """Return the model card, and what was not learnt, as Markdown."""
    lines = [model_card(report.preset.info), "## What was not learnt", ""]
    if report.preset.graded is not None:
        lines += ["By the plain look: on its shot the graded frames are carried along, and put this right.", ""]
    lines += ["| plate colours | share of pixels | plate to graded, L2 in Lab | missed |", "|---|---|---|---|"]
    for error in report.by_colour:
        lines.append(f"| {error.name} | {error.share:.0%} | {error.distance:.2f} | {error.missed:.2f} |")
    lines += ["", "| pair | missed, mean L2 in Lab | most where |", "|---|---|---|"]
    for name, of_pair in list(report.by_pair.items())[:MAX_ROWS]:
        lines.append(f"| {name} | {of_pair.missed:.2f} | {of_pair.region}, {of_pair.missed_there:.2f} |")
    if report.subject is not None:
        own = report.subject
        lines += [
            "",
            f"The subject by its matte: the plain look misses {own.subject:.2f} inside, {own.rest:.2f} outside.",
        ]
    if report.next_frames:
        lines += ["", f"Frames whose grading would help most: {', '.join(map(str, report.next_frames))}"]
    if report.notes:
        lines += ["", "Notes on the pairs:", "", *(f"- {note}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _captioned(row: PairRow) -> tuple[ByteArray, ByteArray]:
    """A pair's words and its pictures, as wide as each other."""
    words = ("before", "graded", "as the plain look grades it", f"missed: white is {MISSED_WHITE:.0f} Lab units")
    pictures = [(np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8) for picture in row.pictures]
    bands = [band(f"{row.name}  {text}", own.shape[1]) for text, own in zip(words, pictures, strict=True)]
    return beside(bands), beside(pictures)


def _stacked(rows: Sequence[ByteArray]) -> ByteArray:
    """Rows of a sheet below each other, with black to the right of those that are narrower."""
    widest = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in rows])


def _draw_curve(report: TrainReport, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    epochs = [epoch.number for epoch in report.curve]
    axes.plot(epochs[1:], [epoch.loss for epoch in report.curve[1:]], label="training loss")
    axes.plot(epochs, [epoch.error for epoch in report.curve], label="error on what was kept out")
    axes.axhline(report.errors.global_oracle, color="grey", linestyle=":", label="best transform of each picture")
    axes.set(xlabel="epoch", ylabel="mean L2 in Lab", title=report.preset.info.name, ylim=(0, None))
    axes.legend()
    with writing_atomically(path) as file:
        canvas.print_figure(file, format="png", metadata={"Software": None})


def rows_of(report: TrainReport) -> list[PairRow]:
    """At most :data:`MAX_ROWS` pairs with their predictions, the worst first; those held out where some were."""
    measured = {pair.name: pair for pair in report.held_out or report.pairs}
    ordered = [measured[name] for name in report.by_pair if name in measured]
    places = np.unique(np.linspace(0, len(ordered) - 1, MAX_ROWS).round().astype(int))
    settings = report.settings
    device = pick_device(settings.device)
    backbone = cache(lambda: load_backbone(settings.backbone, device, settings.weights))
    stills = KeptStills(report.preset.info, device, backbone, pairs=len(report.pairs))
    with PictureReader(replace(settings, any_light=False)) as reader:  # pictures as people know them
        return [
            PairRow(ordered[place].name, _row_of(reader.pair(ordered[place]), report.preset, stills))
            for place in places
        ]


def _row_of(pictures: PairPictures, preset: Preset, stills: KeptStills) -> tuple[FloatArray, ...]:
    """Return before, after, predicted and the map of what was missed, float32 (H, W, 3) each, sRGB, 0..1."""
    features = partial(stills.features, superpixels=DEFAULT_STILL_SUPERPIXELS)
    predicted = graded_with(pictures.before, preset, features)
    distance = np.linalg.norm(lab_of_picture(predicted) - lab_of_picture(pictures.after), axis=-1, keepdims=True)
    missed = np.repeat(np.clip(distance / MISSED_WHITE, 0, 1), 3, axis=2)
    return tuple(_shrunk(picture) for picture in (pictures.before, pictures.after, predicted, missed))


def _shrunk(picture: FloatArray) -> FloatArray:
    rows, columns = picture.shape[:2]
    scale = min(PICTURE_WIDTH / columns, MOST_ROWS / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return np.asarray(cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
