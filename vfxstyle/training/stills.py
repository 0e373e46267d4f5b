"""The paper's image method on a picture in memory: graph-based superpixels, all of them described, graded, smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vfxstyle.analysis.predict import projections_of
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear
from vfxstyle.features import RawFeatures, assemble
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Extraction, Segmentation, extract_features, run_network
from vfxstyle.looks import Preset, apply_field
from vfxstyle.looks.predictor import predict
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.superpixels.tables import FrameTable, adjacency, table_of


@dataclass(frozen=True, slots=True)
class StillFeatures:
    """A picture cut into graph-based superpixels, all of them described."""

    lab: FloatArray
    """float32 (H, W, 3), CIELab of the picture."""
    rows: LabelArray
    """int32 (H, W), rows of the table."""
    table: FrameTable
    """The superpixels."""
    raw: RawFeatures
    """Their features."""


def features_of_still(
    picture: FloatArray, backbone: Backbone, superpixels: int, extraction: Extraction = extract_features
) -> StillFeatures:
    """Cut and describe a picture. picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution."""
    seen = run_network(backbone, [picture])
    lab = seen.labs[0]
    table, rows = table_of(graph_superpixels(picture, superpixels), lab)
    raw = extraction(seen, 0, Segmentation.whole(rows, table.centroids))
    return StillFeatures(lab, rows, table, raw)


def graded_picture(
    picture: FloatArray, preset: Preset, backbone: Backbone, *, superpixels: int = DEFAULT_STILL_SUPERPIXELS
) -> FloatArray:
    """A picture after a look.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. Returns the same of the graded picture.
    """
    return graded_still(picture, features_of_still(picture, backbone, superpixels), preset, backbone.device)


def graded_still(picture: FloatArray, still: StillFeatures, preset: Preset, device: torch.device) -> FloatArray:
    """The same of a picture that has been described already."""
    vectors = assemble(preset.info.blocks, raw=still.raw, projections=projections_of(preset))
    outputs = predict(preset.predictor(), preset.standardisation, vectors, device)
    smoothed = smooth_over_neighbours(outputs, still.table, adjacency(still.rows))
    field = spread_over_pixels(still.rows, smoothed, still.table, still.lab)
    light, _ = apply_field(srgb_to_linear(picture), field)
    return np.clip(linear_to_srgb(light), 0, 1)
