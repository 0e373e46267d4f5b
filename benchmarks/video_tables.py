"""The paper's tables for clips, on DAVIS: III, IV, stability, and learning from a few frames of a shot.

What is measured, and how, is in ``benchmarks/clip_analysis.py``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from benchmarks.clip_analysis import (
    FEW,
    FEW_ROWS,
    LUT,
    MAX_FRAMES,
    ONE_FRAME,
    OURS,
    PAIRS,
    ROWS,
    TIMED_LOOK,
    ClipAnalysis,
    ClipExamples,
    Figures,
    rivals,
)
from benchmarks.image_sets import CPU, at_analysis_size
from benchmarks.labelled import labelled_clip
from benchmarks.stability import SEEN
from vfxstyle.arrays import FloatArray
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.vgg import Vgg16, random_weights
from vfxstyle.looks import read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.progress import Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.superpixels.tables import table_of

STAGES = (Stage.SUPERPIXELS, Stage.FEATURES, Stage.TRANSFORMS, Stage.GRADE)
"""Stages that table IV has columns for."""


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

    def measure(self, examples: ClipExamples, style: str, *, few: bool) -> None:
        """Measure a clip in a style. few: whether also with fewer graded frames than ``PAIRS``."""
        clip, truth = examples.analysis, examples.analysis.truth(style)
        learnt = clip.exemplars(PAIRS)
        learners = rivals(examples, truth, PAIRS)
        pictures = {row: clip.graded(row, learners.preset) for row in ROWS}
        pictures[ONE_FRAME] = clip.graded(OURS, learners.preset, one_frame_each=True)
        pictures[LUT] = [learners.cube(plate) for plate in clip.plates]
        pictures["U-Net"] = [learners.unet(plate) for plate in clip.plates]
        for row, frames in {"truth": truth, "plate": clip.plates, **pictures}.items():
            self.figures[clip.name, style, row] = clip.measured(frames, truth, learnt)
            print(clip.name, style, row, self.figures[clip.name, style, row], flush=True)
        for row in ROWS:
            self.lost[clip.name, style, row] = clip.lost_to_superpixels(row, truth, learnt)
            print(clip.name, style, row, "lost to superpixels", self.lost[clip.name, style, row], flush=True)
        self.training[clip.name, style, PAIRS] = learners.seconds
        for row in FEW_ROWS:
            self.few[clip.name, style, PAIRS, row] = self.figures[clip.name, style, row]
        for count in FEW if few else ():
            if count != PAIRS:
                self._measure_few(examples, truth, style, count)

    def _measure_few(self, examples: ClipExamples, truth: Sequence[FloatArray], style: str, count: int) -> None:
        clip = examples.analysis
        learners, learnt = rivals(examples, truth, count), clip.exemplars(count)
        pictures = (
            clip.graded(OURS, learners.preset),
            [learners.cube(plate) for plate in clip.plates],
            [learners.unet(plate) for plate in clip.plates],
        )
        self.training[clip.name, style, count] = learners.seconds
        for row, frames in zip(FEW_ROWS, pictures, strict=True):
            self.few[clip.name, style, count, row] = clip.measured(frames, truth, learnt)
            print(clip.name, style, count, row, self.few[clip.name, style, count, row], flush=True)

    @property
    def clips(self) -> list[str]:
        """The clips that were measured, in their order."""
        return list(dict.fromkeys(clip for clip, _, _ in self.figures))

    @property
    def styles(self) -> list[str]:
        """The styles that were measured, in their order."""
        return list(dict.fromkeys(style for _, style, _ in self.figures))

    @property
    def rows(self) -> list[str]:
        """The rows that were measured, in their order."""
        return list(dict.fromkeys(row for _, _, row in self.figures))

    def mean(self, style: str, row: str) -> Figures:
        """Return the figures of a style and row, averaged over the clips."""
        figures = [self.figures[clip, style, row] for clip in self.clips]
        return Figures(*(float(np.mean([getattr(f, name.name) for f in figures])) for name in fields(Figures)))


def table_three(tables: VideoTables) -> list[str]:
    """Return table III as Markdown lines: a row for each way, a column for each style, means over the clips."""
    lines = [
        f"**Table III**: mean L2 in Lab on the {MAX_FRAMES} first frames of {', '.join(tables.clips)}, learnt from "
        f"{PAIRS} of them, which are left out",
        "",
        *_header(tables.styles),
    ]
    for row in tables.rows:
        if row != "truth":
            cells = " | ".join(f"{tables.mean(style, row).distance:.2f}" for style in tables.styles)
            lines.append(f"| {'distance (plate)' if row == 'plate' else row} | {cells} |")
    for row in ROWS:
        lost = [np.mean([tables.lost[clip, style, row] for clip in tables.clips]) for style in tables.styles]
        cells = " | ".join(f"{mean:.2f}" for mean in lost)
        lines.append(f"| one free transform per superpixel, {row} | {cells} |")
    return [*lines, ""]


def table_of_stability(tables: VideoTables) -> list[str]:
    """Return the table of stability as Markdown lines, means over the clips."""
    lines = [
        "**Stability** of the same: warping error over the truth's; flicker of static superpixels, Lab; largest pop "
        "against the truth where a superpixel appears or disappears, Lab, and pixels in a million that jump by more "
        f"than {SEEN} there; every row is measured through the 1000 superpixels",
        "",
        *_header(tables.styles),
    ]
    for row in tables.rows:
        if row != "plate":
            cells = " | ".join(_stability(tables, style, row) for style in tables.styles)
            lines.append(f"| {row} | {cells} |")
    return [*lines, ""]


def _stability(tables: VideoTables, style: str, row: str) -> str:
    mean = tables.mean(style, row)
    warping = mean.warping / tables.mean(style, "truth").warping
    return f"{warping:.2f}, {mean.flicker:.2f}, {mean.pop:.1f}, {1e6 * mean.jumps:.0f}"


def _header(styles: Sequence[str]) -> list[str]:
    return [f"| | {' | '.join(styles)} |", "|---" * (len(styles) + 1) + "|"]


def table_few(tables: VideoTables) -> list[str]:
    """Return the table of few graded frames as Markdown lines."""
    lines = [
        "**Per shot**: learnt from a few graded frames, all others measured; CPU seconds are those of extraction and "
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


def vgg_seconds(clip: ClipAnalysis, frames: int = 1) -> dict[str, float]:
    """Return the seconds a frame that extraction with VGG-16 takes, by row. The weights are random."""
    backbone = Vgg16(CPU, random_weights())
    seconds = {}
    for row in ROWS:
        maps = clip.label_maps(row)
        start = time.perf_counter()
        for index in np.linspace(0, len(maps) - 1, frames).astype(int):
            output = run_network(backbone, [at_analysis_size(clip.plates[index])])
            table, rows = table_of(maps[index], output.labs[0])
            extract_features(output, 0, Segmentation.whole(rows, table.centroids))
        seconds[row] = (time.perf_counter() - start) / frames
    return seconds


def table_four(clips: Sequence[ClipAnalysis], vgg: bool) -> list[str]:
    """Return table IV as Markdown lines."""
    lines = [
        "**Table IV**: frames chosen, and wall seconds of the stages",
        "",
        "| clip | | frames | chosen | superpixels | features | transforms | grade | total | over frame-based |"
        + (" with VGG-16 | over frame-based |" if vgg else ""),
        "|---|---|---|---|---|---|---|---|---|---|" + ("---|---|" if vgg else ""),
    ]
    for clip in clips:
        lines += _rows_of_table_four(clip, vgg_seconds(clip) if vgg else {})
    return [*lines, ""]


def _rows_of_table_four(clip: ClipAnalysis, vgg: Mapping[str, float]) -> list[str]:
    """Return the rows of one clip. vgg: seconds a frame that VGG-16 takes, by row; empty if it was not timed."""
    count = len(clip.labelled)
    total = {row: sum(seconds.values()) for row, seconds in clip.seconds.items()}
    with_vgg = {
        row: total[row] - clip.seconds[row][Stage.FEATURES] + clip.chosen[row] * seconds for row, seconds in vgg.items()
    }
    lines = []
    for row, seconds in clip.seconds.items():
        stages = " | ".join(f"{seconds[name]:.1f}" for name in STAGES)
        line = (
            f"| {clip.name} | {row} | {count} | {clip.chosen[row]} ({clip.chosen[row] / count:.0%}) | "
            f"{stages} | {total[row]:.0f} | {total[row] / total['frame-based']:.2f} |"
        )
        if vgg:
            line += f" {with_vgg[row]:.0f} | {with_vgg[row] / with_vgg['frame-based']:.2f} |"
        lines.append(line)
    return lines


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
    """Return tables of clips as Markdown lines.

    tables: "3" with stability and few frames, "4". few_styles: those that are also learnt from fewer frames. vgg:
    whether table IV times VGG-16 too.
    """
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        if "3" in tables:
            measured = VideoTables()
            for clip in clips:
                examples = ClipExamples(_clip_of(davis, clip, MAX_FRAMES, Path(scratch)), settings)
                for style in styles:
                    measured.measure(examples, style, few=style in few_styles)
            lines += [*table_three(measured), *table_of_stability(measured), *table_few(measured)]
        if "4" in tables:
            lines += table_four(_timed(davis, clips, Path(scratch)), vgg)
    return lines


def _timed(davis: Path, clips: Sequence[str], scratch: Path) -> list[ClipAnalysis]:
    """Return clips that have been graded in every way, with the seconds that it took."""
    look = read_preset(find_preset(TIMED_LOOK))
    timed: list[ClipAnalysis] = []
    for frames in (2, MAX_FRAMES):  # the first time compiles
        timed = [_clip_of(davis, clip, frames, scratch / f"timed {frames}") for clip in clips]
        for clip in timed:
            for row in ROWS:
                clip.graded(row, look)
    return timed


def _clip_of(davis: Path, clip: str, frames: int, scratch: Path) -> ClipAnalysis:
    return ClipAnalysis(clip, labelled_clip(davis, clip)[:frames], scratch)
