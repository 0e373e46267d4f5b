"""The paper's image method on a picture in memory: graph-based superpixels, features of all of them, smoothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vfxstyle.analysis.shot_vectors import projections_of
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear
from vfxstyle.features import RawFeatures, assemble
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Extraction, Segmentation, extract_features, run_network
from vfxstyle.looks import Preset, TransformField, apply_field
from vfxstyle.looks.field import Placing
from vfxstyle.plates.picture import in_ordinary_light
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.superpixels.tables import FrameTable, adjacency, table_of


@dataclass(frozen=True, slots=True)
class StillFeatures:
    """A picture segmented into graph-based superpixels, with the features of all of them."""

    lab: FloatArray
    """float32 (H, W, 3), CIELab D65 of the picture."""
    rows: LabelArray
    """int32 (H, W), the row of the table that each pixel belongs to."""
    table: FrameTable
    """The superpixels."""
    raw: RawFeatures
    """Their features, before projection."""


def features_of_still(
    picture: FloatArray, backbone: Backbone, superpixels: int, extraction: Extraction = extract_features
) -> StillFeatures:
    """Segment a picture and extract the features of every superpixel.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. superpixels: how many are requested.
    """
    output = run_network(backbone, [picture])
    lab = output.labs[0]
    table, rows = table_of(graph_superpixels(picture, superpixels), lab)
    raw = extraction(output, 0, Segmentation.whole(rows, table.centroids))
    return StillFeatures(lab, rows, table, raw)


def graded_picture(
    picture: FloatArray, preset: Preset, backbone: Backbone, *, superpixels: int = DEFAULT_STILL_SUPERPIXELS
) -> FloatArray:
    """Put a look on a picture.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. Returns the graded picture, likewise.
    """
    return graded_with(picture, preset, lambda shown: features_of_still(shown, backbone, superpixels))


def graded_with(picture: FloatArray, preset: Preset, features: Callable[[FloatArray], StillFeatures]) -> FloatArray:
    """Put a look on a picture by features that something else finds; see :func:`graded_picture`.

    features: of a picture of the same kind.
    """
    if not preset.info.any_light:
        return graded_still(picture, features(picture), preset)
    shown, lighting = in_ordinary_light(picture)
    return graded_still(picture, features(shown), preset, lighting)


def graded_still(
    picture: FloatArray, still: StillFeatures, preset: Preset, lighting: FloatArray | None = None
) -> FloatArray:
    """Put a look on a picture whose features have been extracted; see :func:`graded_picture`.

    lighting: float32 (3,), of the picture, where the features were extracted without it.
    """
    vectors = assemble(preset.info.blocks, raw=still.raw, projections=projections_of(preset))
    return graded_by_field(picture, preset.base.added_to(field_over(still, preset.predict(vectors))), lighting)


def field_over(still: StillFeatures, outputs: FloatArray) -> TransformField:
    """Smooth transforms over superpixels that touch, and spread them over the pixels of a picture.

    outputs: float32 (N, 33), of its superpixels, as :meth:`~vfxstyle.looks.Preset.predict` gives them.
    """
    smoothed = smooth_over_neighbours(outputs, still.table, adjacency(still.rows))
    return spread_over_pixels(still.rows, smoothed, still.table, still.lab)


def graded_by_field(picture: FloatArray, field: TransformField, lighting: FloatArray | None = None) -> FloatArray:
    """Put transforms on a picture; see :func:`graded_still`. field: of its pixels, base included."""
    without = np.eye(3, dtype=np.float32) if lighting is None else np.diag(1 / lighting).astype(np.float32)
    placing = Placing((picture.shape[1], picture.shape[0]), to_working=without)
    light, _ = apply_field(srgb_to_linear(picture), field, placing)
    return np.clip(linear_to_srgb(light), 0, 1)
