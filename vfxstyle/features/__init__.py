"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA."""

from vfxstyle.features.backbones import Backbone, pick_device
from vfxstyle.features.extract import (
    Describing,
    RawFeatures,
    Seen,
    Segmentation,
    assemble,
    components_of,
    describe,
    every_part,
    projected_parts,
    see,
)
from vfxstyle.features.pca import PCA, PCAFit
from vfxstyle.features.registry import BACKBONES, backbone_class, weights_digest

__all__ = [
    "BACKBONES",
    "PCA",
    "Backbone",
    "Describing",
    "PCAFit",
    "RawFeatures",
    "Seen",
    "Segmentation",
    "assemble",
    "backbone_class",
    "components_of",
    "describe",
    "every_part",
    "pick_device",
    "projected_parts",
    "see",
    "weights_digest",
]
