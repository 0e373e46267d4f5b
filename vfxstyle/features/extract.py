"""Feature vectors of superpixels: global, two context scales, histograms, pixel (METHOD, section 3).

What is extracted here is raw: the deep parts are not projected, because the projection belongs to the preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.histogram import colour_histograms
from vfxstyle.features.pca import PCA

FloatArray = npt.NDArray[np.float32]

FINE_PADDING = 112
"""Px of reflection round the twice enlarged picture (METHOD, context 2)."""
COARSE_PADDING = 32
"""Px of reflection round the picture at its own size, so that border cells see a picture."""


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Features of N superpixels of one frame, before PCA."""

    context_coarse: npt.NDArray[np.float16]
    """float16 (N, C), semantic feature at the frame's own size."""
    context_fine: npt.NDArray[np.float16]
    """float16 (N, C), semantic feature at twice the size."""
    global_: npt.NDArray[np.float16]
    """float16 (C,), semantic feature averaged over the frame."""
    histogram: npt.NDArray[np.float16]
    """float16 (N, 960), bilateral-weighted colour histograms."""
    pixel: FloatArray
    """float32 (N, 3), Lab at the centroid."""


def extract(backbone: Backbone, rgb: FloatArray, points: FloatArray) -> RawFeatures:
    """Raw features of superpixels of one frame.

    rgb: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution.
    points: float32 (N, 2), centroids (x, y) in px.
    """
    lab = linear_to_lab(srgb_to_linear(rgb))
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, rgb.shape[1] - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, rgb.shape[0] - 1)
    coarse = backbone.context_features(rgb, points, upsample=1, padding=COARSE_PADDING)
    fine = backbone.context_features(rgb, points, upsample=2, padding=FINE_PADDING)
    return RawFeatures(
        context_coarse=coarse.astype(np.float16),
        context_fine=fine.astype(np.float16),
        global_=backbone.global_feature(rgb).astype(np.float16),
        histogram=colour_histograms(lab, points).astype(np.float16),
        pixel=lab[y, x],
    )


DEEP_PARTS = ("global", "context_coarse", "context_fine")
"""The parts of a feature vector that a preset projects, in their order in the vector."""


def assemble(
    *,
    global_: npt.NDArray[np.float16],
    context_coarse: npt.NDArray[np.float16],
    context_fine: npt.NDArray[np.float16],
    histogram: npt.NDArray[np.float16],
    pixel: FloatArray,
    projections: Mapping[str, PCA],
) -> FloatArray:
    """Feature vectors x_v: projected global and context features, histograms, pixel, side by side.

    global_: float16 (N, C), repeated for each superpixel; the other parts as in :class:`RawFeatures`.
    projections: a PCA for each of :data:`DEEP_PARTS`. Returns float32 (N, D).
    """
    deep = {"global": global_, "context_coarse": context_coarse, "context_fine": context_fine}
    parts = [projections[name].project(deep[name].astype(np.float32)) for name in DEEP_PARTS]
    return np.concatenate([*parts, histogram.astype(np.float32), pixel], axis=1)


SUPERPIXEL_PARTS = ("context_coarse", "context_fine", "histogram", "pixel")
"""The parts of :class:`RawFeatures` that have a row for each superpixel."""
