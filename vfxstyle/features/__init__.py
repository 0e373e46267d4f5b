"""Features of superpixels: backbones as fully convolutional networks, histograms, PCA.

torch is loaded by networks that run in it, and by nothing else: :mod:`.torch_backbone`, :mod:`.torch_efficientnet`,
:mod:`.torch_tiles` and :mod:`.vgg`.
"""

from vfxstyle.features.devices import check_device, check_torch, gpu_fault, gpu_names, pick_device, shot_device
from vfxstyle.features.pca import PCA, PCAFit
from vfxstyle.features.vectors import RawFeatures, all_blocks, assemble, components_of, projected_blocks

__all__ = [
    "PCA",
    "PCAFit",
    "RawFeatures",
    "all_blocks",
    "assemble",
    "check_device",
    "check_torch",
    "components_of",
    "gpu_fault",
    "gpu_names",
    "pick_device",
    "projected_blocks",
    "shot_device",
]
