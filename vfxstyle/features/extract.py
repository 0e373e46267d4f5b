"""Features of superpixels: global, context at two scales, histograms and colours (docs/method.md, section 3).

The features extracted here are raw: nothing is projected, because the projections belong to the preset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from vfxstyle.arrays import FloatArray, HalfArray, IntArray, LabelArray
from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features.backbones import Backbone, CellMaps
from vfxstyle.features.histogram import colour_histograms
from vfxstyle.features.pooling import pooled
from vfxstyle.features.vectors import SCALES, SURROUND, RawFeatures

FINE_BORDER = 112
"""Px of reflection round the twice enlarged picture, of the fine context scale."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Superpixels of a picture, and those of them that features are requested of."""

    rows: LabelArray
    """int32 (H, W), 0 to M - 1, the superpixel that each pixel belongs to."""
    centroids: FloatArray
    """float32 (M, 2), (x, y) in px, of every superpixel."""
    wanted: LabelArray
    """int32 (N,), the superpixels that features are requested of, ascending."""

    @classmethod
    def whole(cls, rows: LabelArray, centroids: FloatArray) -> Segmentation:
        """A segmentation that requests features of all its superpixels."""
        return cls(rows, centroids, np.arange(len(centroids), dtype=np.int32))


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """The output of a backbone for a batch of pictures of one size."""

    pictures: FloatArray
    """float32 (B, H, W, 3), sRGB-encoded, 0..1."""
    labs: FloatArray
    """float32 (B, H, W, 3), the same pictures, CIELab D65, L 0..100."""
    maps: Mapping[str, CellMaps]
    """Features of cells, by name of the scale, for each of :data:`~vfxstyle.features.vectors.SCALES`."""
    means: HalfArray
    """float16 (B, C), semantic features averaged over each picture."""
    device: str = "cpu"
    """Where the backbone runs: ``cpu``, ``cuda`` or ``cuda:N``."""


def run_network(backbone: Backbone, pictures: Sequence[FloatArray]) -> NetworkOutput:
    """Run a backbone on a batch of pictures of one size, at both scales.

    pictures: float32 (H, W, 3) each, sRGB-encoded, 0..1, at analysis resolution.
    """
    batch = np.stack(pictures)
    borders = {"coarse": backbone.border, "fine": FINE_BORDER}
    maps = {name: backbone.cell_maps(batch, upsample=by, border=borders[name]) for name, by in SCALES.items()}
    means = backbone.global_features(batch).astype(np.float16)
    return NetworkOutput(batch, linear_to_lab(srgb_to_linear(batch)), maps, means, backbone.device)


Extraction = Callable[[NetworkOutput, int, Segmentation], RawFeatures]
"""A way to extract features: :func:`extract_features`, or an alternative that is measured against it."""


def extract_features(output: NetworkOutput, index: int, superpixels: Segmentation) -> RawFeatures:
    """Raw features of the requested superpixels of one picture of a batch.

    output: of the backbone, for the batch. index: number of the picture in the batch, from 0.
    """
    blocks: dict[str, HalfArray] = {}
    for scale, maps in output.maps.items():
        for layer, means in pooled(maps, index, superpixels.rows, superpixels.wanted).items():
            blocks[f"{layer}_{scale}"] = means.astype(np.float16, copy=False)
    return RawFeatures(output.means[index], blocks | _colour_blocks(output.labs[index], superpixels, output.device))


def _colour_blocks(lab: FloatArray, superpixels: Segmentation, device: str) -> dict[str, HalfArray]:
    """The :data:`~vfxstyle.features.vectors.COLOUR_BLOCKS`, float16 (N, C). lab: float32 (H, W, 3), CIELab D65."""
    points = superpixels.centroids[superpixels.wanted]
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, lab.shape[1] - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, lab.shape[0] - 1)
    mean, spread, around = (_colours if device == "cpu" else partial(_colours_on, device))(lab, superpixels, y, x)
    blocks = {
        "histogram": colour_histograms(lab, points),
        "pixel": lab[y, x],
        "mean": mean,
        "spread": spread,
        "surround": np.concatenate(around, axis=1),
    }
    return {name: values.astype(np.float16) for name, values in blocks.items()}


Colours = tuple[FloatArray, FloatArray, list[FloatArray]]
"""Mean colours, standard deviations, and blurred colours, each float32 (N, 3)."""


def _colours(lab: FloatArray, superpixels: Segmentation, y: IntArray, x: IntArray) -> Colours:
    """Colours of the requested superpixels; y, x: int64 (N,), their centres."""
    flat, count = superpixels.rows.reshape(-1), len(superpixels.centroids)
    areas = np.bincount(flat, minlength=count)[superpixels.wanted]

    def mean_of(values: FloatArray) -> FloatArray:
        sums = [np.bincount(flat, values[..., c].reshape(-1), count)[superpixels.wanted] for c in range(3)]
        return (np.stack(sums, axis=1) / areas[:, None]).astype(np.float32)

    mean = mean_of(lab)
    spread = np.sqrt(np.maximum(mean_of(lab**2) - mean**2, 0))
    around = [cv2.GaussianBlur(lab, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)[y, x] for sigma in SURROUND]
    return mean, spread, [np.asarray(own, np.float32) for own in around]


def _colours_on(device: str, lab: FloatArray, superpixels: Segmentation, y: IntArray, x: IntArray) -> Colours:
    """The same on a device of torch."""
    from vfxstyle.features.torch_pooling import colours_on
    from vfxstyle.features.torch_surround import blurred_at

    mean, spread, picture = colours_on(device, lab, superpixels.rows, superpixels.wanted)
    return mean, spread, [blurred_at(picture, sigma, y, x) for sigma in SURROUND]
