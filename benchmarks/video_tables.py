"""The paper's tables for clips, on DAVIS: III, IV, stability, and learning from a few frames of a shot.

Every clip is a shot of its own: ``PAIRS`` of its frames, evenly spread, are graded by the recipe with the clip's masks.
The look is learnt from these, and measured on all other frames, as they come out of the pipeline, at the clip's size.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.image_tables import CPU, learnt_preset, small
from benchmarks.rivals import Grading, learnt_cube, learnt_unet
from benchmarks.stability import Clip, flicker, largest_pop, warping_error
from benchmarks.styles import Labelled, graded, labelled_clip
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.features import Segmentation, backbone_class, describe, see
from vfxstyle.features.vgg import Vgg16, random_weights
from vfxstyle.pipeline.exemplars import PairPictures
from vfxstyle.pipeline.feature_file import StoredFeatures
from vfxstyle.pipeline.job import Job
from vfxstyle.pipeline.lessons import Lesson, lesson_of
from vfxstyle.pipeline.library import find_preset
from vfxstyle.pipeline.plan import make_plan
from vfxstyle.pipeline.plates import lab_of_picture
from vfxstyle.pipeline.progress import Clock, Silent
from vfxstyle.pipeline.render import predict_transforms
from vfxstyle.pipeline.settings import GradeSettings, TrainSettings
from vfxstyle.pipeline.store import AnalysisFolder
from vfxstyle.pipeline.tables import table_of
from vfxstyle.shots import open_shot
from vfxstyle.style import Preset, read_preset, save_preset

FloatArray = npt.NDArray[np.float32]

PAIRS = 5
"""Graded frames that tables III and stability learn from."""
FEW = (1, 3, 5)
"""Graded frames of the table of few."""
MOST_FRAMES = 30
"""Frames of a clip that are used, from the first on."""
ROWS: dict[str, GradeSettings] = {
    "ours, 1000": GradeSettings(superpixels=1000, format="png", device="cpu"),
    "ours, 1000, coverage .99": GradeSettings(superpixels=1000, coverage=0.99, format="png", device="cpu"),
    "ours, 3000": GradeSettings(superpixels=3000, format="png", device="cpu"),
    "frame-based": GradeSettings(frame_based=True, format="png", device="cpu"),
}
"""Ways to grade a clip with one look."""
TIMED_LOOK = "golden"
"""Preset that is graded with to measure time."""
OURS = "ours, 1000"
ONE_FRAME = "ours, 1000, each superpixel from one frame"
LUT = "learnt 33-cube LUT"
FEW_ROWS = (OURS, LUT, "U-Net")
"""Rows of the table of few."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a graded clip is from its truth, and how steady."""

    distance: float
    """Mean per-pixel L2 in Lab, frames that were learnt from left out."""
    psnr: float
    """dB, of sRGB values, mean over these frames."""
    delta_e: float
    """Mean CIEDE2000."""
    delta_e_95: float
    """95th percentile of CIEDE2000, mean over these frames."""
    warping: float
    """Warping error."""
    flicker: float
    """Lab units, see :func:`benchmarks.stability.flicker`."""
    pop: float
    """Lab units, see :func:`benchmarks.stability.largest_pop`."""


class OneFrameEach(AnalysisFolder):
    """An analysis in which only the frame that shows most of a superpixel speaks for it."""

    def read_features(self) -> Iterator[StoredFeatures]:
        """As before, without the superpixels that another frame shows more of."""
        most: dict[int, tuple[int, int]] = {}
        for index, shown in enumerate(super().read_features()):
            for label, area in zip(shown.labels.tolist(), shown.areas.tolist(), strict=True):
                most[label] = max(most.get(label, (0, 0)), (area, index))
        for index, shown in enumerate(super().read_features()):
            own = np.array([most[label][1] == index for label in shown.labels.tolist()])
            parts = {name: values[own] for name, values in shown.raw.parts.items()}
            yield StoredFeatures(shown.labels[own], shown.areas[own], replace(shown.raw, parts=parts))


@dataclass
class Study:
    """A clip with its analyses."""

    name: str
    """Name of the clip."""
    labelled: list[Labelled]
    """Its frames."""
    scratch: Path
    """Folder for analyses and presets."""
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    """Wall seconds of each stage of the analysis, and of grading with the first look, by row."""
    chosen: dict[str, int] = field(default_factory=dict)
    """Frames chosen, by row."""

    @property
    def folder(self) -> Path:
        """The clip's frames."""
        return self.labelled[0].picture.parent

    @cached_property
    def plates(self) -> list[FloatArray]:
        """Every frame, float32 (H, W, 3), sRGB, 0..1."""
        return [labelled.read()[0] for labelled in self.labelled]

    @cached_property
    def labs(self) -> list[FloatArray]:
        """The same in CIELab."""
        return [lab_of_picture(plate) for plate in self.plates]

    @cached_property
    def clip(self) -> Clip:
        """What stability is measured with: the superpixels are those of the first row."""
        analysis = AnalysisFolder(self.scratch / self.name / OURS)
        with open_shot(self.folder) as shot:
            numbers = shot.frames[: len(self.labelled)]
        return Clip.of(self.plates, self.labs, [analysis.read_labels(number) for number in numbers])

    def truth(self, style: str) -> list[FloatArray]:
        """Every frame after the recipe."""
        return [graded(style, *labelled.read()) for labelled in self.labelled]

    def exemplars(self, count: int) -> list[int]:
        """Frames to learn from: ``count``, evenly spread, none at either end."""
        return np.linspace(0, len(self.labelled) - 1, 2 * count + 1).round().astype(int)[1::2].tolist()

    @contextmanager
    def job(self, row: str, preset: Preset) -> Iterator[tuple[Job, Clock]]:
        """A grade as the command would make it, up to where frames are written."""
        place = self.scratch / self.name / row
        place.mkdir(parents=True, exist_ok=True)
        path = save_preset(preset, place / "look.safetensors")
        with open_shot(self.folder) as shot:
            shot.limit(shot.frames[: len(self.labelled)])
            plan = make_plan(shot, path, place / "frames", None, place, ROWS[row])
            yield Job(plan, shot, read_preset(path)), Clock(Silent())

    def graded(self, row: str, preset: Preset, *, one_frame_each: bool = False) -> list[FloatArray]:
        """Every frame after a look, sRGB."""
        with self.job(row, preset) as (job, clock):
            analysis = job.analyse(clock)
            renderer = job.renderer(analysis, clock)
            if one_frame_each:
                alone = OneFrameEach(analysis.folder, analysis.identity)
                renderer = replace(renderer, transforms=predict_transforms(alone, job.preset, "cpu"))
            with clock.stage("grade", len(job.plan.frames)):
                frames = [renderer.render(job.shot.read(number)).frame.rgb for number in job.plan.frames]
        if "features" in clock.seconds:
            self.chosen[row] = len(analysis.manifest["chosen_frames"])
            self.seconds[row] = dict(clock.seconds)
        return [np.clip(frame, 0, 1) for frame in frames]

    def measured(self, pictures: Sequence[FloatArray], truth: Sequence[FloatArray], learnt: Sequence[int]) -> Figures:
        """The figures of a graded clip."""
        lab, true_lab = [lab_of_picture(p) for p in pictures], [lab_of_picture(p) for p in truth]
        unseen = [t for t in range(len(pictures)) if t not in set(learnt)]
        differences = [delta_e_2000(lab[t], true_lab[t]) for t in unseen]
        return Figures(
            float(np.mean([np.linalg.norm(lab[t] - true_lab[t], axis=-1).mean() for t in unseen])),
            float(np.mean([-10 * np.log10(max(((pictures[t] - truth[t]) ** 2).mean(), 1e-12)) for t in unseen])),
            float(np.mean([d.mean() for d in differences])),
            float(np.mean([np.percentile(d, 95) for d in differences])),
            warping_error(self.clip, list(pictures)),
            flicker(self.clip, lab),
            largest_pop(self.clip, lab, true_lab),
        )


@dataclass
class Lessons:
    """Frames of a clip described to learn from, each once for all styles."""

    study: Study
    """The clip."""
    settings: TrainSettings
    """How looks are learnt."""
    described: dict[int, tuple[Lesson, float]] = field(default_factory=dict)
    """By index of the frame: the lesson, and seconds that it took."""

    def of(self, indices: Sequence[int], truth: Sequence[FloatArray]) -> tuple[list[Lesson], float]:
        """Lessons of some frames in a style, and the seconds that describing them took."""
        missing = [index for index in indices if index not in self.described]
        backbone = backbone_class(self.settings.backbone).load(CPU) if missing else None
        for index in missing:
            start = time.perf_counter()
            picture = small(self.study.plates[index])
            pair = PairPictures(picture, picture, ((0, 0), (0, 0)), ("", ""))
            lesson = lesson_of(
                pair, backbone, self.settings, self.settings.superpixels, np.random.default_rng([0, index])
            )
            self.described[index] = lesson, time.perf_counter() - start
        found = []
        for index in indices:
            lesson = self.described[index][0]
            after = lab_of_picture(small(truth[index])).reshape(-1, 3)[lesson.pixels]
            found.append(replace(lesson, after=after))
        return found, sum(self.described[index][1] for index in indices)


@dataclass(frozen=True, slots=True)
class Rivals:
    """What was learnt from the same frames."""

    preset: Preset
    """Ours."""
    cube: Grading
    """One LUT."""
    unet: Grading
    """A small network, trained as long as ours was described and learnt."""
    seconds: float
    """How long that was."""


def rivals(lessons: Lessons, truth: Sequence[FloatArray], count: int) -> Rivals:
    """Ours, a LUT and a U-Net from ``count`` frames."""
    indices = lessons.study.exemplars(count)
    found, describing = lessons.of(indices, truth)
    start = time.perf_counter()
    preset = learnt_preset(found, lessons.settings)
    seconds = describing + time.perf_counter() - start
    pairs = [(lessons.study.plates[index], truth[index]) for index in indices]
    unet, _ = learnt_unet(pairs, seconds)
    return Rivals(preset, learnt_cube(pairs), unet, seconds)


@dataclass
class VideoTables:
    """Figures of all clips and styles, gathered as they are measured."""

    figures: dict[tuple[str, str, str], Figures] = field(default_factory=dict)
    """By clip, style and row."""
    few: dict[tuple[str, str, int, str], Figures] = field(default_factory=dict)
    """By clip, style, number of graded frames and row."""
    training: dict[tuple[str, str, int], float] = field(default_factory=dict)
    """Seconds of describing and learning, by clip, style and number of graded frames."""

    def measure(self, lessons: Lessons, style: str, few: bool) -> None:
        """Everything of a clip in a style. few: whether also with fewer graded frames than ``PAIRS``."""
        study = lessons.study
        truth = study.truth(style)
        learnt = study.exemplars(PAIRS)
        found = rivals(lessons, truth, PAIRS)
        pictures = {row: study.graded(row, found.preset) for row in ROWS}
        pictures[ONE_FRAME] = study.graded(OURS, found.preset, one_frame_each=True)
        pictures[LUT] = [found.cube(plate) for plate in study.plates]
        pictures["U-Net"] = [found.unet(plate) for plate in study.plates]
        for row, frames in {"truth": truth, "plate": study.plates, **pictures}.items():
            self.figures[study.name, style, row] = study.measured(frames, truth, learnt)
            print(study.name, style, row, self.figures[study.name, style, row], flush=True)
        self.training[study.name, style, PAIRS] = found.seconds
        for row in FEW_ROWS:
            self.few[study.name, style, PAIRS, row] = self.figures[study.name, style, row]
        for count in FEW if few else ():
            if count != PAIRS:
                self._measure_few(study, lessons, truth, style, count)

    def _measure_few(self, study: Study, lessons: Lessons, truth: Sequence[FloatArray], style: str, count: int) -> None:
        found, learnt = rivals(lessons, truth, count), study.exemplars(count)
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
        "**Per shot**: learnt from a few graded frames, all others measured; seconds are those of describing and "
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


def vgg_seconds(study: Study, frames: int = 2) -> dict[str, float]:
    """Seconds a frame that VGG-16 takes to describe its superpixels, with weights that mean nothing, by row."""
    backbone = Vgg16(CPU, random_weights())
    found = {}
    for row in ROWS:
        analysis = AnalysisFolder(study.scratch / study.name / row)
        with open_shot(study.folder) as shot:
            numbers = {i: shot.frames[i] for i in np.linspace(0, len(study.labelled) - 1, frames).astype(int)}
        start = time.perf_counter()
        for index, number in numbers.items():
            seen = see(backbone, [small(study.plates[index])])
            table, rows = table_of(analysis.read_labels(number), seen.labs[0])
            describe(seen, 0, Segmentation.whole(rows, table.centroids))
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
                lessons = Lessons(Study(clip, labelled_clip(davis, clip)[:MOST_FRAMES], Path(scratch)), settings)
                for style in styles:
                    found.measure(lessons, style, style in few_styles)
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
