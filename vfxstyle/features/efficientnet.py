"""EfficientNet-Lite0, the default backbone: facts that hold for it in ONNX Runtime and in torch."""

from __future__ import annotations

from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import SEMANTIC, Backbone, CellGrid


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
    names_classes = True
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


class QuickEfficientNetLite0(EfficientNetLite0):
    """The same network with cells 16 px apart on enlarged pictures, rather than 8, in half the time.

    Cell j of the layers that are strided once more is cell 2 j + 1 of the form of stride 8, because of the padding at
    one side: it lies 8 px further.
    """

    name = "efficientnet-lite0-quick"
    names_classes = True
    enlarged_stride = 16

    def grids(self, stride: int, border: int) -> dict[str, CellGrid]:
        """See :meth:`Backbone.grids`."""
        usual = super().grids(self.stride, border)
        if stride == self.stride:
            return usual
        wider = {name: CellGrid(grid.origin + self.stride, stride) for name, grid in usual.items()}
        return {**wider, "early": usual["early"]}

    @classmethod
    def load(cls, device: str, named: str | None = None) -> QuickEfficientNetLite0:
        """The network with its packaged weights: in ONNX Runtime on the CPU, in torch on a GPU."""
        cls.find_weights(named)
        if device == "cpu":
            from vfxstyle.features.onnx_backbone import OnnxQuickEfficientNetLite0

            return OnnxQuickEfficientNetLite0()
        from vfxstyle.features.torch_efficientnet import TorchQuickEfficientNetLite0

        return TorchQuickEfficientNetLite0(device)
