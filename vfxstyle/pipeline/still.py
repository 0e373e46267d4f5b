"""The paper's image method on a picture in memory: graph-based superpixels, all of them described, graded, smoothed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfxstyle.color import linear_to_srgb, srgb_to_linear
from vfxstyle.features import PCA, Backbone, Segmentation, assemble, describe, see
from vfxstyle.pipeline.graph import graph_superpixels
from vfxstyle.pipeline.plates import lab_of_picture
from vfxstyle.pipeline.settings import DEFAULT_STILL_SUPERPIXELS
from vfxstyle.pipeline.smoothing import smooth_over_neighbours, spread_over_pixels
from vfxstyle.pipeline.tables import adjacency, table_of
from vfxstyle.style import Preset, apply_field, predict

FloatArray = npt.NDArray[np.float32]


def graded_picture(
    picture: FloatArray, preset: Preset, backbone: Backbone, *, superpixels: int = DEFAULT_STILL_SUPERPIXELS
) -> FloatArray:
    """A picture after a look.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. Returns the same of the graded picture.
    """
    lab = lab_of_picture(picture)
    table, rows = table_of(graph_superpixels(picture, superpixels), lab)
    everyone = np.arange(len(table.labels), dtype=np.int32)
    raw = describe(see(backbone, [picture]), 0, Segmentation(rows, table.centroids, everyone))
    projections = {part: PCA(mean, components) for part, (mean, components) in preset.projections.items()}
    vectors = assemble(preset.info.parts, raw=raw, projections=projections)
    outputs = predict(preset.network, preset.standardisation, vectors, backbone.device)
    smoothed = smooth_over_neighbours(outputs, table, adjacency(rows))
    light, _ = apply_field(srgb_to_linear(picture), spread_over_pixels(rows, smoothed, table, lab))
    return np.clip(linear_to_srgb(light), 0, 1)
