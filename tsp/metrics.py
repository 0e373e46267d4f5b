"""Measures of the quality of temporal superpixels, from their label maps.

Three inputs recur:

    labels: any integer (T, H, W), >= 0; the same label in two frames is the same superpixel
    lab:    float32 (T, H, W, 3), CIELab, L 0..100
    masks:  bool or any integer (T, H, W), a ground-truth segment per pixel; 0 is the background

A *superpixel* is a volume in time, its *slice* the part of it on one frame. Every function raises ValueError for
arrays that do not fit this, and none changes its input. Undersegmentation error and segmentation accuracy are defined
as in LIBSVX (Xu and Corso, "LIBSVX: A Supervoxel Library and Benchmark for Early Video Processing", IJCV 2016),
explained variation by Moore et al., "Superpixel Lattices" (CVPR 2008), and compactness by Schick, Fischer and
Stiefelhagen (ICPR 2012). Other definitions under the same names are in use: values by different definitions must not
be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tsp.arrays import AnyLabels, AnyMasks, BoolArray, ByteArray, DoubleArray, FloatArray, IntArray, LabelArray


@dataclass(frozen=True, slots=True)
class SegmentMean:
    """A measure that is taken for each ground-truth segment of a clip, then averaged over segments."""

    mean: float
    """Mean over all segments, the background among them."""
    objects: float
    """Mean over the segments that are not 0: with a binary mask, the object alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All measures of one clip; the ones that need ground truth are None without it."""

    superpixels_per_frame: float
    """Mean number of superpixels on a frame."""
    superpixels: int
    """Number of superpixels in the clip."""
    mean_life: float
    """Mean number of frames in which a superpixel is seen."""
    life_by_volume: float
    """The same, each superpixel weighted by its volume: the life of the superpixel of a random pixel, in frames."""
    explained_variation_2d: float
    """Share of the clip's Lab variance explained by one mean per slice, 0..1."""
    explained_variation_3d: float
    """Share of the clip's Lab variance explained by one mean per superpixel, 0..1."""
    compactness: float
    """Area-weighted mean of 4 pi A / P^2 of slices, 0..1."""
    border_share: float
    """Share of pixels that lie on a superpixel border, 0..1."""
    undersegmentation_3d: SegmentMean | None = None
    """Volume of the superpixels that touch a segment in excess of its own, as a share of its own; 0 is best."""
    undersegmentation_2d: SegmentMean | None = None
    """The same for each frame by itself."""
    segmentation_accuracy_3d: SegmentMean | None = None
    """Share of a segment covered by the superpixels that lie in it by half or more, 0..1."""
    boundary_recall: float | None = None
    """Share of segment border pixels with a superpixel border within 2 px, 0..1."""


def score(labels: AnyLabels, lab: FloatArray, masks: AnyMasks | None = None) -> Scores:
    """Every measure of a clip; see the module for the arrays.

    Raises ValueError for arrays of the wrong shape or kind, for a clip of one colour (nothing to explain), and
    for masks without an object or without a border.
    """
    numbered = _numbered(labels)
    truth: dict[str, Any] = {}
    if masks is not None:
        truth = {
            "undersegmentation_3d": undersegmentation_3d(numbered, masks),
            "undersegmentation_2d": undersegmentation_2d(numbered, masks),
            "segmentation_accuracy_3d": segmentation_accuracy_3d(numbered, masks),
            "boundary_recall": boundary_recall(numbered, masks),
        }
    return Scores(
        superpixels_per_frame=superpixels_per_frame(numbered),
        superpixels=superpixel_count(numbered),
        mean_life=mean_life(numbered),
        life_by_volume=life_by_volume(numbered),
        explained_variation_2d=explained_variation_2d(numbered, lab),
        explained_variation_3d=explained_variation_3d(numbered, lab),
        compactness=compactness(numbered),
        border_share=border_share(numbered),
        **truth,
    )


def superpixels_per_frame(labels: AnyLabels) -> float:
    """Mean number of superpixels on a frame."""
    areas = _table(_numbered(labels))
    return float(np.count_nonzero(areas) / len(areas))


def superpixel_count(labels: AnyLabels) -> int:
    """Number of superpixels in the clip."""
    return int(np.count_nonzero(_table(_numbered(labels)).any(axis=0)))


def mean_life(labels: AnyLabels) -> float:
    """Mean number of frames in which a superpixel is seen."""
    lives = np.count_nonzero(_table(_numbered(labels)), axis=0)
    return float(lives[lives > 0].mean())


def life_by_volume(labels: AnyLabels) -> float:
    """Mean number of frames in which a superpixel is seen, weighted by its volume in px over all frames."""
    areas = _table(_numbered(labels))
    return float(np.average(np.count_nonzero(areas, axis=0), weights=areas.sum(axis=0)))


def explained_variation_2d(labels: AnyLabels, lab: FloatArray) -> float:
    """Share of the Lab variance about the clip's mean that is explained by one mean per slice.

    sum |s| |m_s - m|^2 / sum |x_i - m|^2, s over slices, i over all pixels of the clip, m the clip's mean.
    """
    areas, sums, total = _colour_tables(labels, lab)
    return _explained(areas.reshape(-1), sums.reshape(-1, 3), total)


def explained_variation_3d(labels: AnyLabels, lab: FloatArray) -> float:
    """Share of the Lab variance about the clip's mean that is explained by one mean per superpixel.

    The formula of :func:`explained_variation_2d` with superpixels for slices.
    """
    areas, sums, total = _colour_tables(labels, lab)
    return _explained(areas.sum(axis=0), sums.sum(axis=0), total)


def undersegmentation_3d(labels: AnyLabels, masks: AnyMasks) -> SegmentMean:
    """Undersegmentation error: (volume of the superpixels that touch a segment - its volume) / its volume (LIBSVX)."""
    areas, overlaps, is_object = _overlaps(labels, masks)
    return _segment_mean(_undersegmentation(areas.sum(axis=0), overlaps.sum(axis=1)), is_object)


def undersegmentation_2d(labels: AnyLabels, masks: AnyMasks) -> SegmentMean:
    """The error of :func:`undersegmentation_3d` for each frame by itself.

    The mean over the frames that show the segment, for each segment.
    """
    areas, overlaps, is_object = _overlaps(labels, masks)
    errors = [_undersegmentation(areas[:, None], segment[:, None]).reshape(-1) for segment in overlaps]
    return _segment_mean(np.array([np.nanmean(of_frames) for of_frames in errors]), is_object)


def segmentation_accuracy_3d(labels: AnyLabels, masks: AnyMasks) -> SegmentMean:
    """Sum of |s and g| / |g| over the superpixels s that lie in segment g by half their volume or more (LIBSVX)."""
    areas, overlaps, is_object = _overlaps(labels, masks)
    inside = overlaps.sum(axis=1)
    belongs = 2 * inside >= areas.sum(axis=0)
    return _segment_mean((inside * belongs).sum(axis=1) / inside.sum(axis=1), is_object)


def boundary_recall(labels: AnyLabels, masks: AnyMasks, tolerance: int = 2) -> float:
    """Share of segment border pixels with a superpixel border within ``tolerance``, mean over frames.

    A border pixel has a 4-neighbour of another label. tolerance: px, >= 0, in a square (Chebyshev distance).
    Frames without a segment border are left out. Raises ValueError if that leaves none.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance} px; it must not be negative.")
    numbered = _numbered(labels)
    truth = _differing_neighbours(_checked_masks(numbered, masks)) > 0
    borders = _differing_neighbours(numbered) > 0
    window = np.ones((2 * tolerance + 1, 2 * tolerance + 1), np.uint8)
    recalls = [
        cv2.dilate(near.view(np.uint8), window)[true_border].mean()
        for near, true_border in zip(borders, truth, strict=True)
        if true_border.any()
    ]
    if not recalls:
        raise ValueError("No frame of the masks shows a border between segments.")
    return float(np.mean(recalls))


def compactness(labels: AnyLabels) -> float:
    """Area-weighted mean of min(1, 4 pi A / P^2) over slices: 1 is a disc, a square gives 1 too.

    A: area in px. P: exposed pixel edges times pi/4, the mean ratio of the length of a smooth curve to the length
    of its staircase; edges on the frame's rim count. The cap is there because P is too short for regions of few pixels.
    """
    numbered = _numbered(labels)
    areas = _table(numbered)
    seen = areas > 0
    perimeters = _table(numbered, _exposed_edges(numbered))[seen] * (np.pi / 4)
    return float(np.average(np.minimum(1.0, 4 * np.pi * areas[seen] / perimeters**2), weights=areas[seen]))


def border_share(labels: AnyLabels) -> float:
    """Share of pixels with a 4-neighbour of another label."""
    return float((_differing_neighbours(_numbered(labels)) > 0).mean())


def _numbered(labels: AnyLabels) -> LabelArray:
    """The same labels, renumbered from 0 where they are too sparse for a table of superpixels by frames."""
    labels = np.asarray(labels)
    if labels.ndim != 3 or labels.size == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers (T, H, W), not {labels.dtype} {labels.shape}.")
    if labels.min() < 0:
        raise ValueError(f"labels must not be negative; the least is {labels.min()}.")
    if (int(labels.max()) + 1) * len(labels) > labels.size:
        labels = np.searchsorted(np.unique(labels), labels)
    return np.ascontiguousarray(labels, np.int32)


def _checked_masks(labels: LabelArray, masks: AnyMasks) -> AnyMasks:
    masks = np.asarray(masks)
    if masks.shape != labels.shape or masks.dtype.kind not in "bui":
        raise ValueError(
            f"masks must be bool or integers {labels.shape} like the labels, not {masks.dtype} {masks.shape}."
        )
    return masks


def _table(labels: LabelArray, weights: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
    """Number of pixels, or sum of their weights (T, H, W), of each label 0..n-1 on each frame: (T, n)."""
    frames, count = len(labels), int(labels.max()) + 1
    cells = labels + np.arange(0, frames * count, count)[:, None, None]
    flat = None if weights is None else weights.reshape(-1)
    return np.bincount(cells.reshape(-1), flat, minlength=frames * count).reshape(frames, count)


def _colour_tables(labels: AnyLabels, lab: FloatArray) -> tuple[IntArray, DoubleArray, float]:
    """Areas (T, n), sums of Lab about the clip's mean (T, n, 3), and the clip's sum of squares about it."""
    numbered = _numbered(labels)
    lab = np.asarray(lab, np.float32)
    if lab.shape != (*numbered.shape, 3):
        raise ValueError(f"lab must be {(*numbered.shape, 3)} like the labels, not {lab.shape}.")
    if not np.isfinite(lab).all():
        raise ValueError("lab holds NaN or infinite values.")
    if (lab == lab[0, 0, 0]).all():
        raise ValueError("The clip has one colour; there is no variance to explain.")
    channels = [lab[..., c] - lab[..., c].mean(dtype=np.float64) for c in range(3)]
    sums = np.stack([_table(numbered, channel) for channel in channels], axis=-1)
    return _table(numbered), sums, float(sum(np.vdot(channel, channel) for channel in channels))


def _explained(areas: IntArray, sums: DoubleArray, total: float) -> float:
    seen = areas > 0
    return float(((sums[seen] ** 2).sum(axis=1) / areas[seen]).sum() / total)


def _overlaps(labels: AnyLabels, masks: AnyMasks) -> tuple[IntArray, IntArray, BoolArray]:
    """Areas (T, n), areas in each segment (S, T, n), and which segments are not the background (S,)."""
    numbered = _numbered(labels)
    masks = _checked_masks(numbered, masks)
    names = np.unique(masks)
    if len(names) < 2:
        raise ValueError(f"masks hold one segment only ({names[0]}); two at least are needed.")
    overlaps = np.stack([_table(numbered, masks == name) for name in names]).astype(np.int64)
    return overlaps.sum(axis=0), overlaps, names != 0


def _undersegmentation(areas: IntArray, overlaps: IntArray) -> DoubleArray:
    """(touching volume - volume) / volume along the last axis; NaN for a segment without pixels."""
    volumes = overlaps.sum(axis=-1).astype(np.float64)
    volumes[volumes == 0] = np.nan
    return np.asarray(((areas * (overlaps > 0)).sum(axis=-1) - volumes) / volumes)


def _segment_mean(figures: DoubleArray, is_object: BoolArray) -> SegmentMean:
    return SegmentMean(float(figures.mean()), float(figures[is_object].mean()))


def _differing_neighbours(labels: AnyMasks) -> ByteArray:
    """Number of 4-neighbours with another label, 0..4, of each pixel (T, H, W)."""
    differing = np.zeros(labels.shape, np.uint8)
    across = labels[:, :, 1:] != labels[:, :, :-1]
    down = labels[:, 1:] != labels[:, :-1]
    differing[:, :, 1:] += across
    differing[:, :, :-1] += across
    differing[:, 1:] += down
    differing[:, :-1] += down
    return differing


def _exposed_edges(labels: LabelArray) -> ByteArray:
    """Edges of each pixel that face another label or the outside of the frame, 0..4, (T, H, W)."""
    edges = _differing_neighbours(labels)
    for rim in (edges[:, 0], edges[:, -1], edges[:, :, 0], edges[:, :, -1]):
        rim += 1
    return edges
