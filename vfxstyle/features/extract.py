"""Feature vectors of superpixels: global, two context scales, histograms, colour (METHOD, section 3).

What is extracted here is raw: nothing is projected, because the projections belong to the preset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features.backbones import Backbone, CellMaps
from vfxstyle.features.histogram import colour_histograms
from vfxstyle.features.pca import PCA
from vfxstyle.features.pooling import pooled

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]
LabelArray = npt.NDArray[np.int32]

FINE_BORDER = 112
"""Px of reflection round the twice enlarged picture (METHOD, context 2)."""
SURROUND = (3.0, 6.0, 12.0, 24.0)
"""Standard deviations, in px, of the windows that Lab round the centroid is averaged over."""
SCALES = {"coarse": 1, "fine": 2}
"""How much the picture is enlarged for each context scale."""
GLOBAL = "global"
HISTOGRAM_COMPONENTS = 60
"""PCA size of the histograms."""
COLOUR_PARTS = ("histogram", "pixel", "mean", "spread", "surround")
"""Parts that come from the picture's own colours."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Superpixels of a picture, and which of them are to be described."""

    rows: LabelArray
    """int32 (H, W), which superpixel each pixel belongs to."""
    centroids: FloatArray
    """float32 (M, 2), (x, y) in px, of every superpixel."""
    wanted: LabelArray
    """int32 (N,), the superpixels to describe, ascending."""

    @classmethod
    def whole(cls, rows: LabelArray, centroids: FloatArray) -> Segmentation:
        """All superpixels of a picture to be described."""
        return cls(rows, centroids, np.arange(len(centroids), dtype=np.int32))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a backbone sees of pictures of one size."""

    pictures: FloatArray
    """float32 (B, H, W, 3), sRGB-encoded, 0..1."""
    labs: FloatArray
    """float32 (B, H, W, 3), the same in CIELab D65."""
    maps: Mapping[str, CellMaps]
    """Cell features at each of :data:`SCALES`."""
    means: HalfArray
    """float16 (B, C), semantic features averaged over each picture."""


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Features of N superpixels of one frame, before PCA."""

    global_: HalfArray
    """float16 (C,), semantic feature averaged over the frame."""
    parts: Mapping[str, HalfArray]
    """float16 (N, C) each. LAYER_SCALE for every layer of the backbone at both scales: its mean over the superpixel.
    ``histogram``: (N, 960), bilateral-weighted. ``pixel``: Lab at the centroid. ``mean``, ``spread``: mean and
    standard deviation of Lab over the superpixel. ``surround``: Lab averaged over windows of :data:`SURROUND`."""


def context_parts(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of the parts that a backbone gives, the global one first."""
    return (GLOBAL, *(f"{layer}_{scale}" for layer in backbone.layers for scale in SCALES))


def every_part(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of all parts of a feature vector, in their order in it."""
    return (*context_parts(backbone), *COLOUR_PARTS)


def projected_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named parts that are projected: all but plain colours."""
    return tuple(name for name in names if name == "histogram" or name not in COLOUR_PARTS)


def components_of(backbone: type[Backbone], part: str) -> int:
    """PCA size of a part that is projected: every one but plain colours."""
    return HISTOGRAM_COMPONENTS if part == "histogram" else backbone.components[part.rsplit("_", 1)[0]]


def see(backbone: Backbone, pictures: Sequence[FloatArray]) -> Seen:
    """Run a backbone on pictures of one size together, at both scales.

    pictures: float32 (H, W, 3) each, sRGB-encoded, 0..1, at analysis resolution.
    """
    batch = np.stack(pictures)
    borders = {"coarse": backbone.border, "fine": FINE_BORDER}
    maps = {name: backbone.cell_maps(batch, upsample=by, border=borders[name]) for name, by in SCALES.items()}
    return Seen(batch, linear_to_lab(srgb_to_linear(batch)), maps, backbone.global_features(batch).astype(np.float16))


Describing = Callable[[Seen, int, Segmentation], RawFeatures]
"""How superpixels are described: :func:`describe`, or something that is to be measured against it."""


def describe(seen: Seen, index: int, superpixels: Segmentation) -> RawFeatures:
    """Raw features of superpixels of one of the pictures seen."""
    parts: dict[str, HalfArray] = {}
    for scale, maps in seen.maps.items():
        for layer, means in pooled(maps, index, superpixels.rows, superpixels.wanted).items():
            parts[f"{layer}_{scale}"] = means.astype(np.float16)
    return RawFeatures(seen.means[index], parts | _colour_parts(seen.labs[index], superpixels))


def _colour_parts(lab: FloatArray, superpixels: Segmentation) -> dict[str, HalfArray]:
    points = superpixels.centroids[superpixels.wanted]
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, lab.shape[1] - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, lab.shape[0] - 1)
    flat, count = superpixels.rows.reshape(-1), len(superpixels.centroids)
    areas = np.bincount(flat, minlength=count)[superpixels.wanted]

    def mean_of(values: FloatArray) -> FloatArray:
        sums = [np.bincount(flat, values[..., c].reshape(-1), count)[superpixels.wanted] for c in range(3)]
        return (np.stack(sums, axis=1) / areas[:, None]).astype(np.float32)

    mean = mean_of(lab)
    spread = np.sqrt(np.maximum(mean_of(lab**2) - mean**2, 0))
    around = [cv2.GaussianBlur(lab, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)[y, x] for sigma in SURROUND]
    parts = {
        "histogram": colour_histograms(lab, points),
        "pixel": lab[y, x],
        "mean": mean,
        "spread": spread,
        "surround": np.concatenate(around, axis=1),
    }
    return {name: values.astype(np.float16) for name, values in parts.items()}


def assemble(names: Sequence[str], *, raw: RawFeatures, projections: Mapping[str, PCA]) -> FloatArray:
    """Feature vectors x_v: the named parts side by side, projected where there is a projection.

    Returns float32 (N, D). Raises KeyError for a part that the features do not have, ValueError for a projection of
    another size.
    """
    count = len(raw.parts[COLOUR_PARTS[-1]])
    found: list[FloatArray] = []
    for name in names:
        values = (raw.global_[None] if name == GLOBAL else raw.parts[name]).astype(np.float32)
        projected = projections[name].project(values) if name in projections else values
        found.append(np.broadcast_to(projected, (count, projected.shape[1])))
    return np.concatenate(found, axis=1)
