"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA.

Importing what is here loads no torch; :mod:`.backbones`, :mod:`.registry` and :mod:`.extract`, which run networks, do.
"""

from vfxstyle.features.devices import check_device, pick_device
from vfxstyle.features.pca import PCA, PCAFit
from vfxstyle.features.vectors import RawFeatures, assemble, components_of, every_part, projected_parts

__all__ = [
    "PCA",
    "PCAFit",
    "RawFeatures",
    "assemble",
    "check_device",
    "components_of",
    "every_part",
    "pick_device",
    "projected_parts",
]
