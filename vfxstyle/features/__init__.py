"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA.

Importing what is here loads no torch; :mod:`.backbones`, :mod:`.registry` and :mod:`.extract`, which run networks, do.
"""

from vfxstyle.features.devices import check_device, device_name, pick_device
from vfxstyle.features.pca import PCA, PCAFit
from vfxstyle.features.vectors import RawFeatures, all_blocks, assemble, components_of, projected_blocks

__all__ = [
    "PCA",
    "PCAFit",
    "RawFeatures",
    "all_blocks",
    "assemble",
    "check_device",
    "components_of",
    "device_name",
    "pick_device",
    "projected_blocks",
]
