"""VGG-16, the backbone of the paper, whose weights the user provides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from vfxstyle.errors import WeightsError
from vfxstyle.features.backbones import SEMANTIC
from vfxstyle.features.torch_backbone import TorchBackbone, read_weights

ENVIRONMENT = "VFXSTYLE_WEIGHTS"
"""Environment variable that names the weight file of VGG-16."""
FILE_NAME = "vgg16-397923af.pth"
"""What torchvision calls its ImageNet weights of VGG-16."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# convolutions of torchvision's vgg16.features by stage; each stage ends in a pooling
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


class Vgg16(TorchBackbone):
    """VGG-16 (Simonyan and Zisserman 2015) as in docs/method.md, section 3: fc6 and fc7 as convolutions.

    In the dilated form pool4 and pool5 have stride 1, conv5 is dilated by 2, pool5 by 2 as well, conv6 by 4: every
    fourth cell is then a cell of the undilated network. conv6 is not padded, so the receptive field of cell i is pixels
    8 i to 8 i + 223; the early layer, before the poolings of stride 1, has its cells half a stride to the left.
    """

    name = "vgg16"
    layers = {SEMANTIC: 4096, "late": 512, "middle": 512, "early": 256}  # noqa: RUF012 - a fact of the class
    components = {"global": 200, SEMANTIC: 800, "late": 80, "middle": 80, "early": 60}  # noqa: RUF012
    cell_origins = {SEMANTIC: 111.5, "late": 111.5, "middle": 111.5, "early": 107.5}  # noqa: RUF012
    border = 112
    reach = 320
    smallest = 224

    @classmethod
    def find_weights(cls, named: str | None) -> Path:
        """The weight file: the one named, else that of ``$VFXSTYLE_WEIGHTS``, else the one in torchvision's cache.

        Raises :class:`~vfxstyle.errors.WeightsError` if it does not exist.
        """
        requested = named or os.environ.get(ENVIRONMENT)
        path = Path(requested) if requested else Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME
        if not path.is_file():
            raise WeightsError(f"The weights of VGG-16 are not at {path}; {_how_to_get_them()}")
        return path

    @classmethod
    def load(cls, device: str, named: str | None = None) -> Vgg16:
        """The network with the weights that :meth:`find_weights` finds."""
        return cls(device, read_weights(cls.find_weights(named)))

    def __init__(self, device: str, weights: Mapping[str, Tensor]) -> None:
        """weights: the state dictionary of torchvision's vgg16, of which the last layer is not used."""
        super().__init__(device)
        self._convolutions = [[self._convolution(weights, f"features.{index}") for index in stage] for stage in _STAGES]
        self._conv6 = self._convolution(weights, "classifier.0", (4096, 512, 7, 7))
        self._conv7 = self._convolution(weights, "classifier.3", (4096, 4096, 1, 1))

    def _convolution(
        self, weights: Mapping[str, Tensor], key: str, shape: tuple[int, ...] | None = None
    ) -> tuple[Tensor, Tensor]:
        try:
            weight, bias = weights[f"{key}.weight"], weights[f"{key}.bias"]
            shaped = weight if shape is None else weight.reshape(shape)
        except (KeyError, RuntimeError) as error:
            raise WeightsError(f"The weights of VGG-16 have no usable '{key}'; {_how_to_get_them()}") from error
        place = shaped.to(self.device, self.dtype).contiguous(memory_format=torch.channels_last)
        return place, bias.to(self.device, self.dtype)

    def _normalised(self, batch: Tensor) -> Tensor:
        mean = torch.tensor(_MEAN, device=batch.device)[:, None, None]
        return (batch - mean) / torch.tensor(_STD, device=batch.device)[:, None, None]

    def _stage(self, batch: Tensor, stage: int, dilation: int = 1) -> Tensor:
        for weight, bias in self._convolutions[stage]:
            batch = functional.conv2d(batch, weight, bias, padding=dilation, dilation=dilation).relu_()
        return batch

    def _fully_connected(self, batch: Tensor, dilation: int) -> Tensor:
        batch = functional.conv2d(batch, *self._conv6, dilation=dilation).relu_()
        return functional.conv2d(batch, *self._conv7).relu_()

    def _coarse(self, batch: Tensor) -> Tensor:
        for stage in range(len(_STAGES)):
            batch = functional.max_pool2d(self._stage(batch, stage), 2, 2)
        return self._fully_connected(batch, 1)

    def _dense(self, batch: Tensor) -> dict[str, Tensor]:
        for stage in range(3):
            batch = functional.max_pool2d(self._stage(batch, stage), 2, 2)
        early = batch
        middle = functional.max_pool2d(self._stage(batch, 3), 2, 1)
        late = functional.max_pool2d(self._stage(middle, 4, dilation=2), 2, 1, dilation=2)
        semantic = self._fully_connected(late, 4)
        # a cell of the semantic layer covers 28 cells of an inner layer, of which the middle one belongs to it
        height, width = semantic.shape[2:]
        layers = {SEMANTIC: semantic}
        for name, maps in (("late", late), ("middle", middle), ("early", early)):
            top, left = (maps.shape[2] - height) // 2, (maps.shape[3] - width) // 2
            layers[name] = maps[:, :, top : top + height, left : left + width]
        return layers


def random_weights(seed: int = 0) -> dict[str, Tensor]:
    """Untrained weights of VGG-16's shapes, with which benchmarks measure time and tests check geometry."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    channels = 3
    for stage, width in zip(_STAGES, (64, 128, 256, 512, 512), strict=True):
        for index in stage:
            weights |= _random_layer(f"features.{index}", (width, channels, 3, 3), generator)
            channels = width
    weights |= _random_layer("classifier.0", (4096, 512 * 49), generator)
    return weights | _random_layer("classifier.3", (4096, 4096), generator)


def _random_layer(key: str, shape: tuple[int, ...], generator: torch.Generator) -> dict[str, Tensor]:
    weight = torch.randn(shape, generator=generator)
    weight *= (2 / weight[0].numel()) ** 0.5
    return {f"{key}.weight": weight, f"{key}.bias": torch.zeros(shape[0])}


def _how_to_get_them() -> str:
    return (
        'torchvision fetches them once with: python -c "import torchvision; '
        "torchvision.models.vgg16(weights='IMAGENET1K_V1')\". "
        f"Or name the file with --weights or ${ENVIRONMENT}."
    )
