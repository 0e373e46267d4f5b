"""What the feature vector of a superpixel consists of, and how it is put together (METHOD, section 3).

Nothing here runs a network, so that whoever only reads features does not wait for torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vfxstyle.arrays import FloatArray, HalfArray
from vfxstyle.features.pca import PCA

if TYPE_CHECKING:
    from vfxstyle.features.backbones import Backbone


SURROUND = (3.0, 6.0, 12.0, 24.0)
"""Standard deviations, in px, of the windows that Lab round the centroid is averaged over."""
SCALES = {"coarse": 1, "fine": 2}
"""How much the picture is enlarged for each context scale."""
GLOBAL = "global"
HISTOGRAM_COMPONENTS = 60
"""PCA size of the histograms."""
COLOUR_BLOCKS = ("histogram", "pixel", "mean", "spread", "surround")
"""Feature blocks that come from the picture's own colours."""


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Features of N superpixels of one frame, before PCA."""

    global_: HalfArray
    """float16 (C,), semantic feature averaged over the frame."""
    blocks: Mapping[str, HalfArray]
    """float16 (N, C) each. LAYER_SCALE for every layer of the backbone at both scales: its mean over the superpixel.
    ``histogram``: (N, 960), bilateral-weighted. ``pixel``: Lab at the centroid. ``mean``, ``spread``: mean and
    standard deviation of Lab over the superpixel. ``surround``: Lab averaged over windows of :data:`SURROUND`."""


def context_blocks(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of the feature blocks that a backbone gives, the global one first."""
    return (GLOBAL, *(f"{layer}_{scale}" for layer in backbone.layers for scale in SCALES))


def all_blocks(backbone: type[Backbone]) -> tuple[str, ...]:
    """Names of all blocks of a feature vector, in their order in it."""
    return (*context_blocks(backbone), *COLOUR_BLOCKS)


def projected_blocks(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named blocks that are projected: all but plain colours."""
    return tuple(name for name in names if name == "histogram" or name not in COLOUR_BLOCKS)


def components_of(backbone: type[Backbone], block: str) -> int:
    """PCA size of a block that is projected: every one but plain colours."""
    return HISTOGRAM_COMPONENTS if block == "histogram" else backbone.components[block.rsplit("_", 1)[0]]


def assemble(names: Sequence[str], *, raw: RawFeatures, projections: Mapping[str, PCA]) -> FloatArray:
    """Feature vectors x_v: the named blocks side by side, projected where there is a projection.

    Returns float32 (N, D). Raises KeyError for a block that the features do not have, ValueError for a projection of
    another size.
    """
    count = len(raw.blocks[COLOUR_BLOCKS[-1]])
    found: list[FloatArray] = []
    for name in names:
        values = (raw.global_[None] if name == GLOBAL else raw.blocks[name]).astype(np.float32)
        projected = projections[name].project(values) if name in projections else values
        found.append(np.broadcast_to(projected, (count, projected.shape[1])))
    return np.concatenate(found, axis=1)
