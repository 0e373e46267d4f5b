"""The paper's tables for clips, on DAVIS: III, IV, stability, and learning from a few frames of a shot.

What is measured, and how, is in ``benchmarks/clip_study.py``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from benchmarks.clip_study import (
    FEW,
    FEW_ROWS,
    LUT,
    MOST_FRAMES,
    ONE_FRAME,
    OURS,
    PAIRS,
    ROWS,
    TIMED_LOOK,
    ClipExamples,
    Figures,
    FloatArray,
    Study,
    rivals,
)
from benchmarks.image_tables import CPU, small
from benchmarks.styles import labelled_clip
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.vgg import Vgg16, random_weights
from vfxstyle.looks import read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.settings import TrainSettings
from vfxstyle.superpixels.tables import table_of


@dataclass
class VideoTables:
    """Figures of all clips and styles, gathered as they are measured."""

    figures: dict[tuple[str, str, str], Figures] = field(default_factory=dict)
    """By clip, style and row."""
    few: dict[tuple[str, str, int, str], Figures] = field(default_factory=dict)
    """By clip, style, number of graded frames and row."""
    lost: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """Mean L2 in Lab that superpixels alone cost, by clip, style and row of :data:`ROWS`."""
    training: dict[tuple[str, str, int], float] = field(default_factory=dict)
    """Seconds of extraction and learning, by clip, style and number of graded frames."""

    def measure(self, examples: ClipExamples, style: str, few: bool) -> None:
        """Everything of a clip in a style. few: whether also with fewer graded frames than ``PAIRS``."""
        study = examples.study
        truth = study.truth(style)
        learnt = study.exemplars(PAIRS)
        found = rivals(examples, truth, PAIRS)
        pictures = {row: study.graded(row, found.preset) for row in ROWS}
        pictures[ONE_FRAME] = study.graded(OURS, found.preset, one_frame_each=True)
        pictures[LUT] = [found.cube(plate) for plate in study.plates]
        pictures["U-Net"] = [found.unet(plate) for plate in study.plates]
        for row, frames in {"truth": truth, "plate": study.plates, **pictures}.items():
            self.figures[study.name, style, row] = study.measured(frames, truth, learnt)
            print(study.name, style, row, self.figures[study.name, style, row], flush=True)
        for row in ROWS:
            self.lost[study.name, style, row] = study.lost_to_superpixels(row, truth, learnt)
            print(study.name, style, row, "lost to superpixels", self.lost[study.name, style, row], flush=True)
        self.training[study.name, style, PAIRS] = found.seconds
        for row in FEW_ROWS:
            self.few[study.name, style, PAIRS, row] = self.figures[study.name, style, row]
        for count in FEW if few else ():
            if count != PAIRS:
                self._measure_few(study, examples, truth, style, count)

    def _measure_few(
        self, study: Study, examples: ClipExamples, truth: Sequence[FloatArray], style: str, count: int
    ) -> None:
        found, learnt = rivals(examples, truth, count), study.exemplars(count)
        pictures = (
            study.graded(OURS, found.preset),
            [found.cube(plate) for plate in study.plates],
            [found.unet(plate) for plate in study.plates],
        )
        self.training[study.name, style, count] = found.seconds
        for row, frames in zip(FEW_ROWS, pictures, strict=True):
            self.few[study.name, style, count, row] = study.measured(frames, truth, learnt)
            print(study.name, style, count, row, self.few[study.name, style, count, row], flush=True)


def _mean(figures: Sequence[Figures]) -> Figures:
    return Figures(*(float(np.mean([getattr(f, name.name) for f in figures])) for name in fields(Figures)))


def table_three(tables: VideoTables) -> list[str]:
    """Table III, as Markdown lines: a row for each way, a column for each style, means over the clips."""
    clips, styles, rows = (list(dict.fromkeys(key[i] for key in tables.figures)) for i in range(3))
    mean = {
        (style, row): _mean([tables.figures[clip, style, row] for clip in clips]) for style in styles for row in rows
    }
    lines = [
        f"**Table III**: mean L2 in Lab on the {MOST_FRAMES} first frames of {', '.join(clips)}, learnt from {PAIRS} "
        "of them, which are left out",
        "",
        f"| | {' | '.join(styles)} |",
        "|---" * (len(styles) + 1) + "|",
    ]
    for row in rows:
        if row != "truth":
            cells = " | ".join(f"{mean[style, row].distance:.2f}" for style in styles)
            lines.append(f"| {'distance (plate)' if row == 'plate' else row} | {cells} |")
    for row in ROWS:
        cells = " | ".join(f"{np.mean([tables.lost[clip, style, row] for clip in clips]):.2f}" for style in styles)
        lines.append(f"| one free transform per superpixel, {row} | {cells} |")
    lines += [
        "",
        "**Stability** of the same: warping error over the truth's; flicker of static superpixels, Lab; largest pop "
        "against the truth at a superpixel's birth or death, Lab; every row is watched through the 1000 superpixels",
        "",
        f"| | {' | '.join(styles)} |",
        "|---" * (len(styles) + 1) + "|",
    ]
    for row in rows:
        if row != "plate":
            cells = [mean[style, row] for style in styles]
            ratios = [cell.warping / mean[style, "truth"].warping for cell, style in zip(cells, styles, strict=True)]
            figures = " | ".join(f"{r:.2f}, {c.flicker:.2f}, {c.pop:.1f}" for r, c in zip(ratios, cells, strict=True))
            lines.append(f"| {row} | {figures} |")
    return [*lines, ""]


def table_few(tables: VideoTables) -> list[str]:
    """The table of few graded frames, as Markdown lines."""
    lines = [
        "**Per shot**: learnt from a few graded frames, all others measured; seconds are those of extraction and "
        "learning, which the U-Net had too",
        "",
        "| clip | style | graded frames | | PSNR, dB | mean CIEDE2000 | 95th percentile | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (clip, style, count, row), f in tables.few.items():
        seconds = "" if row == LUT else f"{tables.training[clip, style, count]:.0f}"
        figures = f"{f.psnr:.1f} | {f.delta_e:.2f} | {f.delta_e_95:.2f} | {seconds}"
        lines.append(f"| {clip} | {style} | {count} | {row} | {figures} |")
    return [*lines, ""]


def vgg_seconds(study: Study, frames: int = 1) -> dict[str, float]:
    """Seconds a frame that VGG-16 takes to describe its superpixels, with weights that mean nothing, by row."""
    backbone = Vgg16(CPU, random_weights())
    found = {}
    for row in ROWS:
        maps = study.label_maps(row)
        start = time.perf_counter()
        for index in np.linspace(0, len(maps) - 1, frames).astype(int):
            seen = run_network(backbone, [small(study.plates[index])])
            table, rows = table_of(maps[index], seen.labs[0])
            extract_features(seen, 0, Segmentation.whole(rows, table.centroids))
        found[row] = (time.perf_counter() - start) / frames
    return found


def table_four(studies: Sequence[Study], vgg: bool) -> list[str]:
    """Table IV, as Markdown lines."""
    lines = [
        "**Table IV**: frames chosen, and wall seconds of the stages",
        "",
        "| clip | | frames | chosen | superpixels | features | transforms | grade | total | over frame-based |"
        + (" with VGG-16 | over frame-based |" if vgg else ""),
        "|---|---|---|---|---|---|---|---|---|---|" + ("---|---|" if vgg else ""),
    ]
    for study in studies:
        deep = vgg_seconds(study) if vgg else {}
        total = {row: sum(seconds.values()) for row, seconds in study.seconds.items()}
        rest = {row: total[row] - study.seconds[row]["features"] for row in total}
        with_vgg = {row: rest[row] + study.chosen[row] * deep[row] for row in deep}
        for row, seconds in study.seconds.items():
            count = len(study.labelled)
            stages = " | ".join(f"{seconds[name]:.1f}" for name in ("superpixels", "features", "transforms", "grade"))
            ratio = total[row] / total["frame-based"]
            line = (
                f"| {study.name} | {row} | {count} | {study.chosen[row]} ({study.chosen[row] / count:.0%}) | "
                f"{stages} | {total[row]:.0f} | {ratio:.2f} |"
            )
            if vgg:
                line += f" {with_vgg[row]:.0f} | {with_vgg[row] / with_vgg['frame-based']:.2f} |"
            lines.append(line)
    return [*lines, ""]


def video_tables(
    davis: Path,
    *,
    tables: Sequence[str],
    clips: Sequence[str],
    styles: Sequence[str],
    few_styles: Sequence[str],
    vgg: bool,
    settings: TrainSettings,
) -> list[str]:
    """Tables of clips, as Markdown lines.

    tables: "3" with stability and few frames, "4". few_styles: those that are also learnt from fewer frames.
    """
    found, lines = VideoTables(), []
    with tempfile.TemporaryDirectory() as scratch:
        if "3" in tables:
            for clip in clips:
                examples = ClipExamples(Study(clip, labelled_clip(davis, clip)[:MOST_FRAMES], Path(scratch)), settings)
                for style in styles:
                    found.measure(examples, style, style in few_styles)
            lines += [*table_three(found), *table_few(found)]
        if "4" in tables:
            look = read_preset(find_preset(TIMED_LOOK))
            for frames in (2, MOST_FRAMES):  # the first time compiles
                place = Path(scratch) / f"timed {frames}"
                studies = [Study(clip, labelled_clip(davis, clip)[:frames], place) for clip in clips]
                for study in studies:
                    for row in ROWS:
                        study.graded(row, look)
            lines += table_four(studies, vgg)
    return lines
