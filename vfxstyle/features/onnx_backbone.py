"""Backbones on the CPU in ONNX Runtime, which does without torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

# From 1.29 on the library sends what it does to its makers unless this is said before it is loaded (its Privacy.md).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from vfxstyle.arrays import FloatArray
from vfxstyle.cores import cores
from vfxstyle.errors import WeightsError
from vfxstyle.features.backbones import SEMANTIC, Backbone, CellMaps, margins
from vfxstyle.features.efficientnet import EfficientNetLite0, QuickEfficientNetLite0

_FOLDER = Path(__file__).parent / "networks"


class OnnxBackbone(Backbone):
    """A network in ONNX graphs of one input, float32 (B, 3, H, W), whose outputs are named as the layers are."""

    graphs: ClassVar[str]
    """What the names of the files begin with: ``GRAPHS_coarse.onnx``, ``GRAPHS_8.onnx`` and, where enlarged pictures
    have another stride, ``GRAPHS_16.onnx``."""
    scale: ClassVar[float]
    """Factor from an sRGB-encoded value, 0..1, to what the network was trained on."""
    offset: ClassVar[float]
    """What is added to that."""

    def __init__(self) -> None:
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    def _session(self, form: str) -> onnxruntime.InferenceSession:
        if form not in self._sessions:
            self._sessions[form] = _session(_FOLDER / f"{self.graphs}_{form}.onnx")
        return self._sessions[form]

    def release(self) -> None:
        """Drop the sessions, whose buffers take half a gigabyte; they are made again in milliseconds."""
        self._sessions.clear()

    def global_features(self, pictures: FloatArray) -> FloatArray:
        """As :meth:`Backbone.global_features`."""
        (cells,) = self._session("coarse").run([SEMANTIC], {"pictures": self._batch(pictures, 1, 0)})
        return np.asarray(np.mean(cells, axis=(2, 3), dtype=np.float64), np.float32)

    def cell_maps(self, pictures: FloatArray, *, upsample: int, border: int) -> CellMaps:
        """As :meth:`Backbone.cell_maps`."""
        names = list(self.layers)
        stride = self.stride if upsample == 1 else self.enlarged_stride
        maps = self._session(str(stride)).run(names, {"pictures": self._batch(pictures, upsample, border)})
        return CellMaps(dict(zip(names, maps, strict=True)), upsample, self.grids(stride, border))

    def _batch(self, pictures: FloatArray, upsample: int, border: int) -> FloatArray:
        """Pictures as the network takes them, float32 (B, 3, H, W): enlarged, extended, normalised."""
        batch = []
        for picture in pictures:
            height, width = (side * upsample for side in picture.shape[:2])
            if upsample > 1:
                picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
            right, bottom, reflected = margins(height, width, border, self.smallest)
            kind = cv2.BORDER_REFLECT_101 if reflected else cv2.BORDER_REPLICATE
            picture = cv2.copyMakeBorder(picture, border, bottom, border, right, kind)
            batch.append((picture * np.float32(self.scale) + np.float32(self.offset)).transpose(2, 0, 1))
        return np.ascontiguousarray(batch)


class OnnxEfficientNetLite0(OnnxBackbone, EfficientNetLite0):
    """EfficientNet-Lite0 from the files that scripts/make_networks.py has made."""

    graphs = "efficientnet_lite0"
    scale = 255 / 128
    offset = -127 / 128


class OnnxQuickEfficientNetLite0(OnnxEfficientNetLite0, QuickEfficientNetLite0):
    """The same with fewer cells on enlarged pictures."""


def _session(path: Path) -> onnxruntime.InferenceSession:
    """A graph, ready to run. Raises :class:`~vfxstyle.errors.WeightsError` for a file that is missing or damaged."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # cores belong to others while we wait
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, none of them public
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"The network {path} cannot be loaded ({reason}); reinstall vfxstyle.") from error
