"""A look's transform of every superpixel of a shot: predicted once, then kept in the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import PresetError
from vfxstyle.features import PCA, assemble
from vfxstyle.files import key_of
from vfxstyle.looks import OUTPUTS, Preset


@dataclass(frozen=True, slots=True)
class ShotTransforms:
    """One transform for each superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    transforms: FloatArray
    """float32 (N, 33), a colour transform and gains of the bands of lightness."""
    graded: Mapping[int, int] = field(default_factory=dict)
    """Frames of this shot that the look was learnt from, and which of the preset's graded frames each is."""

    def of(self, labels: LabelArray) -> FloatArray:
        """The transforms of some superpixels, float32 (M, 33)."""
        return self.transforms[np.searchsorted(self.labels, labels)]


def projections_of(preset: Preset) -> dict[str, PCA]:
    """The projections of a preset by the feature block that each is for."""
    return {block: PCA(mean, components) for block, (mean, components) in preset.projections.items()}


def predict_transforms(analysis: AnalysisFolder, preset: Preset) -> ShotTransforms:
    """Project the raw features with the preset's PCA and predict every superpixel's transform.

    A superpixel that several chosen frames show gets the mean of what they say, by the area it has on each.
    Raises :class:`~vfxstyle.errors.PresetError` if the preset expects other features.
    """
    superpixels = analysis.read_superpixels()
    projections = projections_of(preset)
    total = np.zeros((len(superpixels.labels), OUTPUTS))
    weight = np.zeros(len(superpixels.labels))
    for shown in analysis.read_features():
        try:
            vectors = assemble(preset.info.blocks, raw=shown.raw, projections=projections)
        except (KeyError, ValueError) as error:
            raise _unfit(preset) from error
        if vectors.shape[1] != preset.inputs:
            raise _unfit(preset)
        outputs = preset.predict(vectors)
        rows = np.searchsorted(superpixels.labels, shown.labels)
        total[rows] += shown.areas[:, None] * outputs.astype(np.float64)
        weight[rows] += shown.areas
    sources = np.searchsorted(superpixels.labels, superpixels.sources)
    means = total[sources] / weight[sources, None]
    return ShotTransforms(superpixels.labels, means.astype(np.float32))


def look_of(preset: Preset) -> str:
    """Stands for a preset's transforms in an analysis. Raises ValueError for one that was never saved or loaded."""
    if not preset.digest:
        raise ValueError("a preset has no digest before it has been saved and read")
    return key_of(preset=preset.digest, version=__version__)


def stored_transforms(analysis: AnalysisFolder, preset: Preset) -> ShotTransforms:
    """The transforms of a look that the analysis holds, which are predicted the first time they are asked for.

    Whoever comes later, on whatever machine, grades with the same numbers.
    """
    labels, look = analysis.read_superpixels().labels, look_of(preset)
    transforms = analysis.read_transforms(look)
    if transforms is not None and transforms.shape != (len(labels), OUTPUTS):
        analysis.transforms_file(look).unlink(missing_ok=True)
        transforms = None
    if transforms is None:
        transforms = analysis.store_transforms(look, predict_transforms(analysis, preset).transforms)
    return ShotTransforms(labels, transforms)


def _unfit(preset: Preset) -> PresetError:
    return PresetError(
        f"Preset '{preset.info.name}' does not fit the features of its backbone {preset.info.backbone}; "
        "train it again with this version."
    )
