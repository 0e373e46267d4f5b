"""One frame, graded: a pure function of the frame, the analysis, the preset and the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vfxstyle._version import __version__
from vfxstyle.color import Transform
from vfxstyle.errors import PresetError
from vfxstyle.features import PCA, assemble, pick_device
from vfxstyle.pipeline.plates import analysis_picture, lab_of_picture
from vfxstyle.pipeline.records import key_of
from vfxstyle.pipeline.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.pipeline.spaces import Light
from vfxstyle.pipeline.store import AnalysisFolder
from vfxstyle.pipeline.tables import adjacency, table_of
from vfxstyle.shots import Frame
from vfxstyle.style import OUTPUTS, Preset, apply_field

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ShotTransforms:
    """One transform for each superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    transforms: FloatArray
    """float32 (N, 33), a colour transform and gains of the bands of lightness."""

    def of(self, labels: LabelArray) -> FloatArray:
        """The transforms of some superpixels, float32 (M, 33)."""
        return self.transforms[np.searchsorted(self.labels, labels)]


def projections_of(preset: Preset) -> dict[str, PCA]:
    """The projections of a preset by the part of the features that each is for."""
    return {part: PCA(mean, components) for part, (mean, components) in preset.projections.items()}


def predict_transforms(analysis: AnalysisFolder, preset: Preset, device: str) -> ShotTransforms:
    """Project the raw features with the preset's PCA and predict every superpixel's transform.

    A superpixel that several chosen frames show gets the mean of what they say, by the area it has on each.
    Raises :class:`~vfxstyle.errors.PresetError` if the preset expects other features.
    """
    from vfxstyle.style.predictor import predict  # loads torch, which a look that is predicted already does without

    superpixels = analysis.read_superpixels()
    network, picked = preset.predictor(), pick_device(device)
    projections = projections_of(preset)
    total = np.zeros((len(superpixels.labels), OUTPUTS))
    weight = np.zeros(len(superpixels.labels))
    for shown in analysis.read_features():
        try:
            vectors = assemble(preset.info.parts, raw=shown.raw, projections=projections)
        except (KeyError, ValueError) as error:
            raise _unfit(preset) from error
        if vectors.shape[1] != preset.inputs:
            raise _unfit(preset)
        outputs = predict(network, preset.standardisation, vectors, picked)
        rows = np.searchsorted(superpixels.labels, shown.labels)
        total[rows] += shown.areas[:, None] * outputs.astype(np.float64)
        weight[rows] += shown.areas
    speakers = np.searchsorted(superpixels.labels, superpixels.speakers)
    means = total[speakers] / weight[speakers, None]
    return ShotTransforms(superpixels.labels, means.astype(np.float32))


def look_of(preset: Preset) -> str:
    """Stands for a preset's transforms in an analysis. Raises ValueError for one that was never saved or loaded."""
    if not preset.digest:
        raise ValueError("a preset has no digest before it has been saved and read")
    return key_of(preset=preset.digest, version=__version__)


def stored_transforms(analysis: AnalysisFolder, preset: Preset, device: str) -> ShotTransforms:
    """The transforms of a look that the analysis holds, which are predicted the first time they are asked for.

    Whoever comes later, on whatever machine, grades with the same numbers.
    """
    labels, look = analysis.read_superpixels().labels, look_of(preset)
    transforms = analysis.read_transforms(look)
    if transforms is not None and transforms.shape != (len(labels), OUTPUTS):
        analysis.transforms_file(look).unlink(missing_ok=True)
        transforms = None
    if transforms is None:
        transforms = analysis.store_transforms(look, predict_transforms(analysis, preset, device).transforms)
    return ShotTransforms(labels, transforms)


def _unfit(preset: Preset) -> PresetError:
    return PresetError(
        f"Preset '{preset.info.name}' does not fit the features of its backbone {preset.info.backbone}; "
        "train it again with this version."
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """A graded frame."""

    frame: Frame
    """In the output's encoding, with the plate's windows, alpha, other channels and header."""
    untouched: int
    """Pixels left alone because they hold NaN or infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Everything that grading a frame needs besides the frame."""

    analysis: AnalysisFolder
    """Where the label maps are."""
    transforms: ShotTransforms
    """The look, superpixel by superpixel."""
    analysis_width: int
    """Width of the analysis picture, in px."""
    light: Light
    """How the plate's numbers become light."""
    encoder: Transform | None
    """From that light to the result's numbers; None where the result is that light itself."""
    same_space: bool
    """Whether the result is in the plate's space, so that pixels left alone keep their numbers."""
    straight_alpha: bool
    """Whether the output holds colour not multiplied by alpha (all formats but EXR do)."""
    strength: float
    """0..1, share of the change that is made."""

    def render(self, plate: Frame) -> Rendered:
        """Grade one frame."""
        original = plate
        if self.light.decoder is not None:
            plate = plate.straightened()  # code values with alpha multiplied in stand for no light
        lit = replace(plate, rgb=self.light.decoded(plate.rgb))
        graded, untouched = self._graded(lit)
        rgb = self._associated(graded, plate, original)
        if self.encoder is not None:
            rgb = self.encoder.apply(rgb)
            alone = ~np.isfinite(plate.rgb).all(axis=-1)  # a matrix would spread one infinite channel over all three
            if self.same_space:
                alone |= (graded == lit.rgb).all(axis=-1)
            rgb[alone] = plate.rgb[alone]
        return Rendered(replace(plate, rgb=rgb, premultiplied=not self.straight_alpha), untouched)

    def _graded(self, lit: Frame) -> tuple[FloatArray, int]:
        picture = analysis_picture(lit, replace(self.light, decoder=None), self.analysis_width)
        guide = lab_of_picture(picture)
        table, rows = table_of(self.analysis.read_labels(lit.number), guide)
        smoothed = smooth_over_neighbours(self.transforms.of(table.labels), table, adjacency(rows))
        field = spread_over_pixels(rows, smoothed, table, guide)
        return apply_field(
            lit.rgb,
            field,
            alpha=lit.alpha if lit.premultiplied else None,
            offset=(lit.data_window.x - lit.display_window.x, lit.data_window.y - lit.display_window.y),
            picture_size=(lit.display_window.width, lit.display_window.height),
            strength=self.strength,
            matrix=self.light.matrix,
        )

    def _associated(self, light: FloatArray, plate: Frame, original: Frame) -> FloatArray:
        """``light`` multiplied by the plate's alpha, or not, as the output format has it."""
        if plate.alpha is None or plate.premultiplied is not self.straight_alpha:
            return light
        if self.straight_alpha:
            return replace(plate, rgb=light).straightened().rgb
        cover = plate.alpha[..., None]
        # colour that an associated plate has under no cover is light of its own, a flame's, and not multiplied away
        glows = original.premultiplied
        return np.asarray(np.multiply(light, cover, out=light.copy(), where=(cover > 0) | (not glows)), np.float32)
