"""Shared pieces: small shots made on the spot, presets without training, and the real data where it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest
import torch

from vfxstyle.features import DEEP_PARTS, backbone_class
from vfxstyle.features.histogram import SIZE
from vfxstyle.style import Predictor, Preset, PresetInfo, Standardisation, save_preset

FloatArray = npt.NDArray[np.float32]
REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples" / "big_buck_bunny"


@pytest.fixture(autouse=True)
def _own_preset_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the presets of whoever runs it."""
    monkeypatch.setenv("VFXSTYLE_PRESETS", str(tmp_path / "user_presets"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures beside a developer's checkout."""
    folder = Path(os.environ.get("VFXSTYLE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the development pictures in {folder} (or VFXSTYLE_TEST_DATA)")
    return folder


def write_picture(
    path: Path,
    pixels: FloatArray,
    *,
    kind: str = "half",
    names: tuple[str, ...] | None = None,
    origin: tuple[int, int] = (0, 0),
    display: tuple[int, int, int, int] | None = None,
    compression: str = "zip",
    attributes: dict[str, object] | None = None,
) -> Path:
    """Write a picture with OpenImageIO. pixels: (H, W, C)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    if names:
        spec.channelnames = names
        spec.alpha_channel = names.index("A") if "A" in names else -1
    spec.x, spec.y = origin
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display or (*origin, width, height)
    spec.attribute("compression", compression)
    for name, value in (attributes or {}).items():
        spec.attribute(name, value)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close()
    return path


def read_pixels(path: Path) -> FloatArray:
    """All channels of a picture as float32 (H, W, C)."""
    image = oiio.ImageInput.open(str(path))
    assert image is not None, oiio.geterror()
    pixels = image.read_image(0, 0, 0, image.spec().nchannels, oiio.FLOAT)
    assert pixels is not None, image.geterror()
    return np.asarray(pixels, np.float32)


def moving_picture(index: int, height: int = 72, width: int = 128, seed: int = 0) -> FloatArray:
    """A coloured texture that moves two pixels a frame over a gradient; float32 (H, W, 3), 0..1."""
    random = np.random.default_rng(seed)
    texture = random.random((height // 8 + 2, (width + 256) // 8 + 2, 3)).astype(np.float32)
    texture = np.kron(texture, np.ones((8, 8, 1), np.float32))[:height, 2 * index : 2 * index + width]
    ramp = np.linspace(0.1, 0.9, width, dtype=np.float32)[None, :, None]
    return (0.6 * texture + 0.4 * ramp).astype(np.float32)


@pytest.fixture
def make_shot(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``tmp_path/NAME/NAME.FRAME.EXT`` and returns the folder."""

    def make(
        name: str = "plate", frames: range = range(1001, 1005), extension: str = "exr", **options: object
    ) -> Path:
        kind = {"exr": "half", "png": "uint16", "tif": "uint16", "dpx": "uint16", "jpg": "uint8"}[extension]
        for number in frames:
            pixels = moving_picture(number - frames[0])
            if kind != "half":
                top = 255 if kind == "uint8" else 65535
                pixels = (pixels * top + 0.5).astype(kind)
            write_picture(tmp_path / name / f"{name}.{number}.{extension}", pixels, kind=kind, **options)
        return tmp_path / name

    return make


def make_preset(bias: npt.NDArray[np.float32] | None = None, *, reacts: bool = False) -> Preset:
    """A preset without training: it gives every superpixel the transform ``bias``, by default the identity.

    With ``reacts`` the network's weights are random, so that transforms differ between superpixels.
    """
    backbone = backbone_class("efficientnet-lite0")
    random = np.random.default_rng(1)
    projections = {
        part: (
            np.zeros(backbone.channels, np.float32),
            random.standard_normal((8, backbone.channels)).astype(np.float16).astype(np.float32) / 32,
        )
        for part in DEEP_PARTS
    }
    inputs = 8 * len(DEEP_PARTS) + SIZE + 3
    torch.manual_seed(1)
    network = Predictor(inputs)
    last = network.layers[-1]
    with torch.no_grad():
        if reacts:
            last.weight.normal_(0, 0.02)
        if bias is not None:
            last.bias.copy_(torch.from_numpy(np.asarray(bias, np.float32)))
    standardisation = Standardisation(np.zeros(inputs, np.float32), np.ones(inputs, np.float32))
    info = PresetInfo(name="test", backbone=backbone.name, parts=DEEP_PARTS)
    return Preset(info, projections, standardisation, network.eval(), digest="")


@pytest.fixture
def identity_preset(tmp_path: Path) -> Path:
    """A preset file that leaves every picture alone."""
    return save_preset(make_preset(), tmp_path / "identity.safetensors")


@pytest.fixture
def lively_preset(tmp_path: Path) -> Path:
    """A preset file whose transforms differ from superpixel to superpixel."""
    return save_preset(make_preset(reacts=True), tmp_path / "lively.safetensors")
