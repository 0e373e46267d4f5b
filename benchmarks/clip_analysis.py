"""What the tables of clips measure: a clip with its analyses and grades, and what was learnt from some of its frames.

Every clip is a shot of its own: ``PAIRS`` of its frames, evenly spread, are graded by the recipe with the clip's masks.
The look is learnt from these, and measured on all other frames, as they come out of the grade, at the clip's size.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.image_sets import CPU, at_analysis_size, ungraded_pair, with_after
from benchmarks.image_tables import fitted_per_superpixel, learnt_preset
from benchmarks.labelled import Labelled
from benchmarks.rivals import Grading, learnt_cube, learnt_unet
from benchmarks.stability import Clip, flicker, jumps, warping_error
from benchmarks.styles import graded
from vfxstyle.analysis.arrays import StoredFeatures
from vfxstyle.analysis.shot_vectors import ShotVectors
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.features.registry import load_backbone
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.grading.request import GradeRequest
from vfxstyle.grading.transforms import ensure_transforms
from vfxstyle.looks import Preset, save_preset
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Stage
from vfxstyle.settings import GradeSettings, Run, TrainSettings
from vfxstyle.shots import open_shot
from vfxstyle.training.examples import TrainingExample, example_of

PAIRS = 5
"""Graded frames that table III and the stability table learn from."""
FEW = (1, 3, 5)
"""Numbers of graded frames in the table of few."""
MAX_FRAMES = 30
"""Frames of a clip that are used at most, from the first on."""
ROWS: dict[str, GradeSettings] = {
    "ours, 1000": GradeSettings(superpixels=1000, format="png"),
    "ours, 1000, coverage .99": GradeSettings(superpixels=1000, coverage=0.99, format="png"),
    "ours, 3000": GradeSettings(superpixels=3000, format="png"),
    "frame-based": GradeSettings(frame_based=True, format="png"),
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
    """How far a graded clip is from its truth, and how steady it is."""

    distance: float
    """Mean per-pixel L2 in Lab, without the frames that were learnt from."""
    psnr: float
    """Mean over these frames, dB of sRGB values."""
    delta_e: float
    """Mean CIEDE2000."""
    delta_e_95: float
    """95th percentile of CIEDE2000, mean over these frames."""
    warping: float
    """Warping error, see :func:`benchmarks.stability.warping_error`."""
    flicker: float
    """Lab units, see :func:`benchmarks.stability.flicker`."""
    pop: float
    """Lab units, see :class:`benchmarks.stability.Jumps`."""
    jumps: float
    """Share of pixels, 0..1, see :class:`benchmarks.stability.Jumps`."""


class OneFrameEach(AnalysisFolder):
    """An analysis that takes the features of a superpixel from the one frame that shows most of it."""

    def read_features(self) -> Iterator[StoredFeatures]:
        """Yield stored features as usual, without the superpixels that another frame shows more of."""
        largest: dict[int, tuple[int, int]] = {}
        for index, stored in enumerate(super().read_features()):
            for label, area in zip(stored.labels.tolist(), stored.areas.tolist(), strict=True):
                largest[label] = max(largest.get(label, (0, 0)), (area, index))
        for index, stored in enumerate(super().read_features()):
            own = np.array([largest[label][1] == index for label in stored.labels.tolist()])
            blocks = {name: values[own] for name, values in stored.raw.blocks.items()}
            yield StoredFeatures(stored.labels[own], stored.areas[own], replace(stored.raw, blocks=blocks))


@dataclass
class ClipAnalysis:
    """A clip of T frames with its analyses."""

    name: str
    """Name of the clip."""
    labelled: list[Labelled]
    """Its frames."""
    scratch: Path
    """Folder for analyses and presets."""
    seconds: dict[str, dict[Stage, float]] = field(default_factory=dict)
    """Wall seconds of each stage of the analysis, and of grading with the first look, by row."""
    chosen: dict[str, int] = field(default_factory=dict)
    """Number of frames chosen, by row."""
    ways: Mapping[str, GradeSettings] = field(default_factory=lambda: ROWS)
    """Ways to grade it, by row."""

    @property
    def folder(self) -> Path:
        """The folder of the clip's frames."""
        return self.labelled[0].picture.parent

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its frames."""
        with open_shot(self.folder) as shot:
            return shot.frames[: len(self.labelled)]

    @cached_property
    def plates(self) -> list[FloatArray]:
        """Every frame, float32 (H, W, 3), sRGB, 0..1."""
        return [labelled.read()[0] for labelled in self.labelled]

    @cached_property
    def labs(self) -> list[FloatArray]:
        """Every frame, float32 (H, W, 3), CIELab."""
        return [lab_of_picture(plate) for plate in self.plates]

    @cached_property
    def clip(self) -> Clip:
        """What stability is measured against; the superpixels are those of the first row."""
        return Clip.of(self.plates, self.labs, self.label_maps(OURS))

    def label_maps(self, row: str) -> list[LabelArray]:
        """Return the superpixels of every frame, int32 (h, w) each, of a row that has been graded."""
        analysis = AnalysisFolder(self.scratch / self.name / row)
        return [analysis.read_labels(number) for number in self.numbers]

    def truth(self, style: str) -> list[FloatArray]:
        """Return every frame after the recipe, float32 (H, W, 3), sRGB, 0..1."""
        return [graded(style, *labelled.read()) for labelled in self.labelled]

    def exemplars(self, count: int) -> list[int]:
        """Return the indices of ``count`` frames to learn from, evenly spread, none at either end."""
        places = np.linspace(0, len(self.labelled) - 1, 2 * count + 1).round().astype(int)
        return [int(place) for place in places[1::2]]

    def graded(self, row: str, preset: Preset, *, one_frame_each: bool = False) -> list[FloatArray]:
        """Return every frame after a look, float32 (H, W, 3), sRGB, 0..1; graded as the command does, but not written.

        one_frame_each: take the features of each superpixel from one frame only.
        """
        run = Run(device="cpu")
        with self._request(row, preset).open() as plan:
            wanted = WantedAnalysis.of(plan.plate, plan.analysis, plan.recipe(run))
            analysis, transforms = ensure_transforms(plan, wanted, run)
            if one_frame_each:
                alone = OneFrameEach(analysis.folder, analysis.identity)
                predicted = ShotVectors(alone, plan.preset).mean(plan.preset.predict)
                transforms = replace(transforms, transforms=predicted.astype(np.float32))
            renderer = FrameRenderer.of(plan, wanted.recipe, analysis, transforms)
            with run.clock.stage(Stage.GRADE, len(plan.frames)):
                frames = [renderer.render(plan.shot.read(number)).frame.rgb for number in plan.frames]
        if Stage.FEATURES in run.clock.seconds:
            self.chosen[row] = len(analysis.chosen)
            self.seconds[row] = dict(run.clock.seconds)
        return [np.clip(frame, 0, 1) for frame in frames]

    def _request(self, row: str, preset: Preset) -> GradeRequest:
        place = self.scratch / self.name / row
        place.mkdir(parents=True, exist_ok=True)
        return GradeRequest(
            shot=self.folder,
            preset=save_preset(preset, place / "look.safetensors"),
            output=str(place / "frames"),
            within=self.numbers,
            analysis=str(place),
            settings=self.ways[row],
        )

    def lost_to_superpixels(self, row: str, truth: Sequence[FloatArray], learnt: Sequence[int]) -> float:
        """Return the mean L2 in Lab that remains when every superpixel has the transform that fits its truth best.

        It is fitted to the superpixel over all frames, and nothing is smoothed; at analysis resolution.
        """
        maps = [labels.reshape(-1) for labels in self.label_maps(row)]
        before = np.concatenate([lab_of_picture(at_analysis_size(plate)).reshape(-1, 3) for plate in self.plates])
        after = np.concatenate([lab_of_picture(at_analysis_size(picture)).reshape(-1, 3) for picture in truth])
        superpixel = np.unique(np.concatenate(maps), return_inverse=True)[1]
        missed = np.linalg.norm(fitted_per_superpixel(before, after, superpixel) - after, axis=-1)
        errors = missed.reshape(len(maps), -1).mean(axis=1)
        return float(np.mean([error for index, error in enumerate(errors) if index not in set(learnt)]))

    def measured(self, pictures: Sequence[FloatArray], truth: Sequence[FloatArray], learnt: Sequence[int]) -> Figures:
        """Return the figures of a graded clip. learnt: indices of the frames that were learnt from."""
        lab, true_lab = [lab_of_picture(p) for p in pictures], [lab_of_picture(p) for p in truth]
        unseen = [t for t in range(len(pictures)) if t not in set(learnt)]
        differences = [delta_e_2000(lab[t], true_lab[t]) for t in unseen]
        at_births = jumps(self.clip, lab, true_lab)
        return Figures(
            distance=float(np.mean([np.linalg.norm(lab[t] - true_lab[t], axis=-1).mean() for t in unseen])),
            psnr=float(np.mean([_psnr(pictures[t], truth[t]) for t in unseen])),
            delta_e=float(np.mean([difference.mean() for difference in differences])),
            delta_e_95=float(np.mean([np.percentile(difference, 95) for difference in differences])),
            warping=warping_error(self.clip, list(pictures)),
            flicker=flicker(self.clip, lab),
            pop=at_births.largest,
            jumps=at_births.share,
        )


def _psnr(picture: FloatArray, truth: FloatArray) -> float:
    """Return the peak signal-to-noise ratio in dB, of values 0..1."""
    return float(-10 * np.log10(max(((picture - truth) ** 2).mean(), 1e-12)))


@dataclass
class ClipExamples:
    """Training examples of a clip's frames; their features are extracted once for all styles."""

    analysis: ClipAnalysis
    """The clip."""
    settings: TrainSettings
    """How looks are learnt."""
    extracted: dict[int, tuple[TrainingExample, float]] = field(default_factory=dict)
    """The example, and the CPU seconds that its extraction took, by index of the frame."""

    def of(self, indices: Sequence[int], truth: Sequence[FloatArray]) -> tuple[list[TrainingExample], float]:
        """Return the examples of some frames in a style, and the CPU seconds that their extraction took."""
        self._extract([index for index in indices if index not in self.extracted])
        examples = []
        for index in indices:
            after = lab_of_picture(at_analysis_size(truth[index]))
            examples.append(with_after(self.extracted[index][0], after))
        return examples, sum(self.extracted[index][1] for index in indices)

    def _extract(self, missing: Sequence[int]) -> None:
        if not missing:
            return
        backbone = load_backbone(self.settings.backbone, CPU)
        for index in missing:
            start = time.process_time()
            pair = ungraded_pair(at_analysis_size(self.analysis.plates[index]))
            random = np.random.default_rng([0, index])
            example = example_of(pair, backbone, self.settings, self.settings.superpixels, random)
            self.extracted[index] = example, time.process_time() - start


@dataclass(frozen=True, slots=True)
class Rivals:
    """What was learnt from the same frames."""

    preset: Preset
    """Our preset."""
    cube: Grading
    """One LUT."""
    unet: Grading
    """A small network, trained for as long as our extraction and learning took."""
    seconds: float
    """CPU seconds that they took."""


def rivals(examples: ClipExamples, truth: Sequence[FloatArray], count: int) -> Rivals:
    """Learn a preset, a LUT and a U-Net from ``count`` frames."""
    indices = examples.analysis.exemplars(count)
    training_examples, extraction = examples.of(indices, truth)
    start = time.process_time()
    preset = learnt_preset(training_examples, examples.settings)
    seconds = extraction + time.process_time() - start
    pairs = [(examples.analysis.plates[index], truth[index]) for index in indices]
    unet, _ = learnt_unet(pairs, seconds)
    return Rivals(preset, learnt_cube(pairs), unet, seconds)
