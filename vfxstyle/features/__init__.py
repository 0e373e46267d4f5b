"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA."""

from vfxstyle.features.backbones import DEFAULT_BACKBONE, Backbone, backbone_class, pick_device
from vfxstyle.features.extract import DEEP_PARTS, RawFeatures, assemble, extract
from vfxstyle.features.pca import PCA, PCAFit

__all__ = [
    "DEEP_PARTS",
    "DEFAULT_BACKBONE",
    "PCA",
    "Backbone",
    "PCAFit",
    "RawFeatures",
    "assemble",
    "backbone_class",
    "extract",
    "pick_device",
]
