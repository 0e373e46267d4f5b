"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA.

The names exported here load no torch; the modules that run networks do: :mod:`.backbones`, :mod:`.registry`,
:mod:`.extract`, :mod:`.pooling` and :mod:`.tiles`.
"""

from vfxstyle.features.devices import check_device, pick_device, superpixel_device
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
    "pick_device",
    "projected_blocks",
    "superpixel_device",
]
