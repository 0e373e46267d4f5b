"""EfficientNet-Lite0, the default backbone: facts that hold for it in ONNX Runtime and in torch."""

from __future__ import annotations

from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import SEMANTIC, Backbone


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

    @classmethod
    def find_weights(cls, named: str | None) -> None:
        """None: the weights are packaged. Raises :class:`~vfxstyle.errors.UsageError` if some are named."""
        if named is not None:
            raise UsageError(f"The weights of {cls.name} are packaged; leave --weights out.")

    @classmethod
    def load(cls, device: str, named: str | None = None) -> EfficientNetLite0:
        """The network with its packaged weights: in ONNX Runtime on the CPU, in torch on a GPU."""
        cls.find_weights(named)
        if device == "cpu":
            from vfxstyle.features.onnx_backbone import OnnxEfficientNetLite0

            return OnnxEfficientNetLite0()
        from vfxstyle.features.torch_efficientnet import TorchEfficientNetLite0

        return TorchEfficientNetLite0(device)
