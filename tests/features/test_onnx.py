"""The network of the CPU, in ONNX Runtime, against the one in torch."""

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import moving_picture

from vfxstyle.color import linear_to_srgb
from vfxstyle.errors import WeightsError
from vfxstyle.features import onnx_backbone
from vfxstyle.features.extract import FINE_BORDER
from vfxstyle.features.onnx_backbone import OnnxEfficientNetLite0, OnnxQuickEfficientNetLite0
from vfxstyle.features.registry import load_backbone
from vfxstyle.features.torch_efficientnet import TorchEfficientNetLite0, TorchQuickEfficientNetLite0

FEATURES = """
import sys
import numpy as np
from vfxstyle.features.registry import load_backbone
backbone = load_backbone("efficientnet-lite0", "cpu")
picture = np.random.default_rng(0).random((1, 72, 128, 3)).astype(np.float32)
maps = backbone.cell_maps(picture, upsample=2, border=112).layers
assert "torch" not in sys.modules
sys.stdout.buffer.write(b"".join(maps[name].tobytes() for name in sorted(maps)))
"""


@pytest.fixture(scope="module")
def every_network():
    usual = OnnxEfficientNetLite0(), TorchEfficientNetLite0("cpu")
    return {"usual": usual, "quick": (OnnxQuickEfficientNetLite0(), TorchQuickEfficientNetLite0("cpu"))}


def test_the_cpu_gets_this_one():
    assert isinstance(load_backbone("efficientnet-lite0", "cpu"), OnnxEfficientNetLite0)
    assert isinstance(load_backbone("efficientnet-lite0-quick", "cpu"), OnnxQuickEfficientNetLite0)


@pytest.mark.parametrize(
    ("which", "size", "upsample", "border"),
    [
        ("usual", (90, 160), 2, FINE_BORDER),
        ("usual", (90, 160), 1, 32),
        ("usual", (9, 7), 1, 32),
        ("quick", (90, 160), 2, FINE_BORDER),
    ],
)
def test_it_finds_what_torch_finds(every_network, which, size, upsample, border):
    """To a hundred-thousandth of the largest value of each layer."""
    networks = every_network[which]
    pictures = np.stack([linear_to_srgb(np.clip(moving_picture(i, *size), 0, 1)) for i in (0, 5)])
    own, other = (network.cell_maps(pictures, upsample=upsample, border=border) for network in networks)
    assert own.grids == other.grids
    for name, layer in own.layers.items():
        expected = other.layers[name].numpy()
        assert layer.shape == expected.shape
        assert np.abs(layer - expected).max() < 1e-5 * np.abs(expected).max()
    mean, expected = (network.global_features(pictures) for network in networks)
    assert np.abs(mean - expected).max() < 1e-5


def test_any_number_of_threads_finds_the_same_without_torch(monkeypatch):
    found = set()
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.add(subprocess.run([sys.executable, "-c", FEATURES], capture_output=True, check=True).stdout)
    assert len(found) == 1


def test_a_damaged_network_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_backbone, "_FOLDER", tmp_path)
    with pytest.raises(WeightsError, match=r"efficientnet_lite0_8\.onnx cannot be loaded .*reinstall"):
        OnnxEfficientNetLite0().cell_maps(np.zeros((1, 32, 32, 3), np.float32), upsample=1, border=0)
    (tmp_path / "efficientnet_lite0_8.onnx").write_bytes(b"cut")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        OnnxEfficientNetLite0().cell_maps(np.zeros((1, 32, 32, 3), np.float32), upsample=1, border=0)


def test_nothing_is_reported_to_the_makers_of_the_library(tmp_path):
    """It keeps an identity in the user's cache folder before it sends anything."""
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", FEATURES], env=environment, stdout=subprocess.DEVNULL, check=True)
    kept = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in kept if name == "deviceid" or "onnxruntime" in name]
