"""The blocks of a superpixel's feature vector, and how it is assembled from them (docs/method.md, section 3).

Nothing here runs a network, so that code that only reads features does not wait for torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vfxstyle.arrays import FloatArray, HalfArray
from vfxstyle.features.backbones import SEMANTIC
from vfxstyle.features.classes import class_shares
from vfxstyle.features.pca import PCA

if TYPE_CHECKING:
    from vfxstyle.features.backbones import Backbone


SURROUND = (3.0, 6.0, 12.0, 24.0)
"""Standard deviations, in px, of the windows that Lab round the centroid is averaged over."""
SCALES = {"coarse": 1, "fine": 2}
"""Factor by which the picture is enlarged for each context scale."""
GLOBAL = "global"
"""The block of the semantic features averaged over the frame."""
CLASSES = "classes"
"""What the blocks that :func:`~vfxstyle.features.classes.class_shares` computes begin with: when vectors are assembled,
from the semantic block of the same scale."""
_CLASS_BLOCKS = tuple(f"{CLASSES}_{scale}" for scale in SCALES)
HISTOGRAM_COMPONENTS = 60
"""PCA size of the histograms."""
COLOUR_BLOCKS = ("histogram", "pixel", "mean", "spread", "surround")
"""Feature blocks that come from the picture's own colours."""


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Features of N superpixels of one frame, before PCA."""

    global_: HalfArray
    """float16 (C,), semantic features averaged over the frame."""
    blocks: Mapping[str, HalfArray]
    """Blocks by name, float16 (N, C) each; colours are CIELab D65, L 0..100.

    ``LAYER_SCALE``, for every layer of the backbone at both scales: the layer's mean over the superpixel.
    ``histogram``, (N, 960): bilateral-weighted histograms round the centroid.
    ``pixel``, (N, 3): colour at the centroid.
    ``mean`` and ``spread``, (N, 3): mean and standard deviation of colour over the superpixel.
    ``surround``, (N, 12): colour averaged over each of the windows of :data:`SURROUND` round the centroid."""


def context_blocks(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of the feature blocks that come from a backbone, the global one first."""
    return (GLOBAL, *(f"{layer}_{scale}" for layer in backbone.layers for scale in SCALES))


def class_blocks(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of the blocks of what a backbone's classifier would call a superpixel; none where that is not known."""
    return _CLASS_BLOCKS if vars(backbone).get("names_classes", False) else ()


def all_blocks(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of all blocks of a feature vector, in their order in it."""
    return (*context_blocks(backbone), *COLOUR_BLOCKS, *class_blocks(backbone))


def holds_classes(name: str) -> bool:
    """Whether a block is one of :func:`class_blocks`."""
    return name in _CLASS_BLOCKS


def projected_blocks(names: Sequence[str]) -> tuple[str, ...]:
    """The named blocks that are projected: all but plain colours and shares of classes."""
    return tuple(name for name in names if name == "histogram" or not (name in COLOUR_BLOCKS or holds_classes(name)))


def components_of(backbone: type[Backbone], block: str) -> int:
    """Number of principal components of a projected block.

    Raises KeyError for a block that is not projected or that the backbone does not have.
    """
    return HISTOGRAM_COMPONENTS if block == "histogram" else backbone.components[block.rsplit("_", 1)[0]]


def assemble(names: Sequence[str], *, raw: RawFeatures, projections: Mapping[str, PCA]) -> FloatArray:
    """Assemble feature vectors x_v: the named blocks side by side, projected where there is a projection.

    names: blocks, in their order in the vector. raw: features of N superpixels of a frame. projections: by block.
    Returns float32 (N, D). Raises KeyError for a block that the features do not have, ValueError for a projection of
    another size.
    """
    count = len(raw.blocks[COLOUR_BLOCKS[-1]])
    columns: list[FloatArray] = []
    for name in names:
        values = _values_of(name, raw)
        projected = projections[name].project(values) if name in projections else values
        columns.append(np.broadcast_to(projected, (count, projected.shape[1])))
    return np.concatenate(columns, axis=1)


def _values_of(name: str, raw: RawFeatures) -> FloatArray:
    """A block before it is projected, float32 (N, C), or (1, C) for one of the whole frame."""
    if holds_classes(name):
        return class_shares(raw.blocks[name.replace(CLASSES, SEMANTIC, 1)])
    return (raw.global_[None] if name == GLOBAL else raw.blocks[name]).astype(np.float32)
