"""A look's transform of every superpixel of a shot: predicted once, then kept in the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.analysis.shot_vectors import ShotVectors
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, LabelArray
from vfxstyle.files import key_of
from vfxstyle.looks import OUTPUTS, Preset
from vfxstyle.looks.membership import fit_membership


@dataclass(frozen=True, slots=True)
class ShotTransforms:
    """One transform for each superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    transforms: FloatArray
    """float32 (N, 33), a colour transform and gains of the bands of lightness."""
    graded: Mapping[int, int] = field(default_factory=dict)
    """Frames of this shot that the look was learnt from, and which of the preset's graded frames each is."""
    second_layer: FloatArray | None = None
    """float32 (N, 2), of looks with a matte: the probability that each superpixel is in the second layer, by its
    features, and how far that is to be trusted, 0..1."""

    def of(self, labels: LabelArray) -> FloatArray:
        """The transforms of some superpixels, float32 (M, 33)."""
        return self.transforms[np.searchsorted(self.labels, labels)]

    def second_layer_of(self, labels: LabelArray) -> tuple[FloatArray, FloatArray] | None:
        """The two columns of :attr:`second_layer` for some superpixels, float32 (...) each; None where it has none.

        labels: int32 (...).
        """
        if self.second_layer is None:
            return None
        return layer_of_pixels(self.second_layer, self.labels, labels)


def layer_of_pixels(second_layer: FloatArray, known: LabelArray, labels: LabelArray) -> tuple[FloatArray, FloatArray]:
    """The two columns of :attr:`ShotTransforms.second_layer` for the pixels of a frame, float32 (...) each.

    known: int32 (N,), ascending, the superpixels of its rows. labels: int32 (...), among them.
    """
    rows = np.searchsorted(known, labels)
    return second_layer[rows, 0], second_layer[rows, 1]


def classify_superpixels(vectors: ShotVectors, mattes: Mapping[int, BoolArray]) -> FloatArray:
    """Predict from features which superpixels are in a matte that is known on some frames.

    mattes: bool (h, w), by the number of the frame. Returns float32 (N, 2), as :attr:`ShotTransforms.second_layer`.
    Raises as :meth:`ShotVectors.mean`.
    """
    analysis, standardised = vectors.analysis, vectors.preset.standardisation.apply
    if not mattes:
        return np.tile(np.array([0.5, 0], np.float32), (len(analysis.read_superpixels().labels), 1))
    known, share = _known_of(analysis, mattes)
    fitted = fit_membership(vectors.mean(standardised, known), share)
    # the mean of logits is the logit of the mean vector
    return fitted.probabilities(vectors.mean(lambda own: fitted.logits(standardised(own))))


def feature_vectors(analysis: AnalysisFolder, preset: Preset) -> FloatArray:
    """The mean standardised features of every superpixel, float32 (N, D). Raises as :meth:`ShotVectors.mean`."""
    return ShotVectors(analysis, preset).mean(preset.standardisation.apply).astype(np.float32)


def classify_vectors(analysis: AnalysisFolder, vectors: FloatArray, mattes: Mapping[int, BoolArray]) -> FloatArray:
    """What :func:`classify_superpixels` returns, of vectors that are at hand. vectors: of :func:`feature_vectors`."""
    known, share = _known_of(analysis, mattes)
    fitted = fit_membership(vectors[known].astype(np.float64), share)
    return fitted.probabilities(fitted.logits(vectors))


def _known_of(analysis: AnalysisFolder, mattes: Mapping[int, BoolArray]) -> tuple[BoolArray, DoubleArray]:
    """Which superpixels some frames show, bool (N,), and how much of each of those is in a matte, float64 (M,)."""
    labels = analysis.read_superpixels().labels
    inside, area = np.zeros(len(labels)), np.zeros(len(labels))
    for number, matte in mattes.items():
        rows = np.searchsorted(labels, analysis.read_labels(number).reshape(-1))
        inside += np.bincount(rows, matte.reshape(-1), len(labels))
        area += np.bincount(rows, minlength=len(labels))
    known = area > 0
    return known, inside[known] / area[known]


def look_of(preset: Preset) -> str:
    """Stands for a preset's transforms in an analysis. Raises ValueError for one that was never saved or loaded."""
    if not preset.digest:
        raise ValueError("a preset has no digest before it has been saved and read")
    kind = {"second layer": "by features"} if _has_matte(preset) else {}
    return key_of(preset=preset.digest, version=__version__, **kind)


def stored_transforms(analysis: AnalysisFolder, preset: Preset, graded: Mapping[int, int]) -> ShotTransforms:
    """The transforms of a look that the analysis holds, which are predicted the first time they are asked for.

    Whoever comes later, on whatever machine, grades with the same numbers. graded: frames of this shot that the look
    was learnt from, and which of the preset's graded frames each is; the result says nothing of them.
    """
    labels, look = analysis.read_superpixels().labels, look_of(preset)
    columns = OUTPUTS + (2 if _has_matte(preset) else 0)
    stored = analysis.read_transforms(look)
    if stored is not None and stored.shape != (len(labels), columns):
        analysis.transforms_file(look).unlink(missing_ok=True)
        stored = None
    if stored is None:
        vectors = ShotVectors(analysis, preset, keep=_has_matte(preset))
        predicted = vectors.mean(preset.predict).astype(np.float32)
        if _has_matte(preset):
            second = classify_superpixels(vectors, _mattes(analysis, preset, graded))
            predicted = np.concatenate([predicted, second], axis=1)
        stored = analysis.store_transforms(look, predicted)
    by_features = np.ascontiguousarray(stored[:, OUTPUTS:]) if _has_matte(preset) else None
    return ShotTransforms(labels, np.ascontiguousarray(stored[:, :OUTPUTS]), second_layer=by_features)


def _mattes(analysis: AnalysisFolder, preset: Preset, graded: Mapping[int, int]) -> dict[int, BoolArray]:
    """Where the second layer is on the graded frames of a shot."""
    assert preset.graded is not None
    if not graded:
        return {}
    rows, columns = analysis.read_labels(min(graded)).shape
    return {number: preset.graded.matte(index, rows, columns) for number, index in graded.items()}


def _has_matte(preset: Preset) -> bool:
    return preset.graded is not None and preset.graded.has_matte
