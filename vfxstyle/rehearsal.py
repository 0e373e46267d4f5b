"""A rehearsal on made-up pictures of everything that kernels do, so that all of them are compiled.

``vfxstyle warm`` runs it as ``python -m vfxstyle.rehearsal``, in an environment that names a kind of processor, with
the name of a GPU if its kernels are wanted too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import OutputError
from vfxstyle.files import file_digest

_SIZE = (72, 128)
_FRAMES = range(1, 9)
_KINDS = {"half": ("exr", oiio.HALF, 3), "float": ("exr", oiio.FLOAT, 4), "png": ("png", oiio.UINT16, 3)}
_COUNT = 60


def rehearse(device: str | None = None) -> None:
    """Grade, export and learn in a folder that is removed afterwards. Raises VfxStyleError.

    device: ``cuda`` or ``cuda:N``, to do on it too what is done on a GPU; None for the processor alone.
    """
    from vfxstyle import export, grade
    from vfxstyle.color import shown_as_photograph
    from vfxstyle.handover.mattes import mattes
    from vfxstyle.looks.detail import folded
    from vfxstyle.training.kept_files import CACHE

    with tempfile.TemporaryDirectory(prefix="vfxstyle-warm-") as scratch:
        place = Path(scratch)
        os.environ[CACHE] = scratch  # so that nothing is left out because an earlier rehearsal has kept it
        shots = {kind: _shot(place / kind, kind) for kind in _KINDS}
        graded = grade(shots["half"], "golden", place / "graded", superpixels=_COUNT)
        movie = grade(shots["float"], "cold", place / "graded.mov", strength=0.5, fps="24", superpixels=_COUNT).output
        grade(shots["png"], "golden", place / "graded_png", format="png", superpixels=_COUNT)
        grade(movie, "golden", place / "again.mov", superpixels=_COUNT)
        grade(_movie_of_8_bits(place / "eight.mov"), "golden", place / "graded_eight", superpixels=_COUNT)
        still = next(shots["png"].glob("*.png"))
        grade(still, "golden", place / "still", superpixels=_COUNT)
        export(shots["half"], "golden", lut=place / "look.cube", size=9, superpixels=_COUNT)
        mattes(shots["half"], place / "mattes", preset="golden", superpixels=_COUNT)
        _carry(place, shots["half"])
        shown_as_photograph(np.zeros((2, 2, 3), np.float32), np.eye(3, dtype=np.float32))  # of reports of some looks
        folded(np.zeros((2, 2, 33), np.float32), np.zeros((2, 2), np.float32))  # of grades with regions alone
        if find_spec("torch") is not None:
            _learn(place, shots["half"], graded.output)
        if device is not None:
            _on_a_gpu(place / "gpu", shots, device)


def _on_a_gpu(place: Path, shots: dict[str, Path], device: str) -> None:
    """Grade on a GPU what takes each of its kernels: plates with an alpha and without, regions, graded frames."""
    from vfxstyle import grade

    for kind, shot in shots.items():
        grade(shot, "golden", place / kind, format="exr", superpixels=_COUNT, device=device)
    grade(shots["half"], "golden", place / "regions", region=("group:look_1=0.5",), superpixels=_COUNT, device=device)
    grade(shots["half"], place.parent / "carried.safetensors", place / "carried", superpixels=_COUNT, device=device)


def _carry(place: Path, shot: Path) -> None:
    """Carry a frame that was graded in two layers along a shot."""
    from vfxstyle import grade, load_preset
    from vfxstyle.looks import save_preset
    from vfxstyle.looks.graded_frames import GradedFrames
    from vfxstyle.looks.layers import GradeLayers
    from vfxstyle.plates.plate import open_plate
    from vfxstyle.settings import PlateSettings

    with open_plate(shot, PlateSettings()) as plate:
        digest, space = file_digest(plate.shot.file_of(4)), plate.picture_identity
    layers = GradeLayers(np.zeros((2, 2, 2, 2, 3), np.float32), np.ones((1, *_SIZE), np.float32), 1.0)
    graded = GradedFrames((4,), (digest,), space, np.zeros((1, *_SIZE, 3), np.float16), layers)
    golden = load_preset("golden")
    own = replace(golden, info=replace(golden.info, any_light=False), graded=graded)
    look = save_preset(own, place / "carried.safetensors")
    grade(shot, look, place / "carried", superpixels=_COUNT)


def _learn(place: Path, shot: Path, graded: Path) -> None:
    """Learn from two graded frames of a shot, and from two pairs of pictures."""
    from vfxstyle import train

    few = place / "few"
    pairs = {"before": shot, "after": graded}
    few.mkdir()
    for frame in (2, 6):
        for side, folder in pairs.items():
            (place / "pairs" / side).mkdir(parents=True, exist_ok=True)
            (own,) = folder.glob(f"*.{frame:04d}.exr")
            (place / "pairs" / side / f"{frame}.exr").write_bytes(own.read_bytes())
        (few / own.name).write_bytes(own.read_bytes())
    look, other = place / "few.safetensors", place / "pairs.safetensors"
    train(None, "few", shot=shot, graded=few, output=look, epochs=2, superpixels=_COUNT, no_suggest=True)
    train(place / "pairs", "pairs", output=other, epochs=2, superpixels=_COUNT, no_suggest=True)


def _shot(folder: Path, kind: str) -> Path:
    """A shot of a disc that crosses a landscape of soft colours, in one kind of file."""
    extension, depth, channels = _KINDS[kind]
    folder.mkdir()
    for frame in _FRAMES:
        spec = oiio.ImageSpec(_SIZE[1], _SIZE[0], channels, depth)
        path = folder / f"plate.{frame:04d}.{extension}"
        output = oiio.ImageOutput.create(str(path))
        pixels = _picture(frame, channels)
        if output is None or not (output.open(str(path), spec) and output.write_image(pixels) and output.close()):
            raise OutputError(f"{path} cannot be written; make room in the folder of temporary files.")
    return folder


def _movie_of_8_bits(path: Path) -> Path:
    """The same as a movie of 8 bits; what vfxstyle itself writes has 10."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.height, stream.width = _SIZE
        for frame in _FRAMES:
            codes = (_picture(frame, 3) * 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, format="rgb24")))
        container.mux(stream.encode())
    return path


def _picture(frame: int, channels: int) -> FloatArray:
    y, x = np.mgrid[0.0 : 1 : _SIZE[0] * 1j, 0.0 : 1 : _SIZE[1] * 1j]
    picture = np.stack([0.2 + 0.5 * x, 0.3 + 0.3 * y * x, 0.7 - 0.5 * y, np.ones_like(x)], axis=-1)
    disc = (x - 0.1 * frame) ** 2 + (y - 0.5) ** 2 < 0.03
    picture[disc] = [0.9, 0.3, 0.1, 0.5]
    grain = np.random.default_rng(frame).normal(0, 0.01, (*_SIZE, 1))
    return np.asarray((picture + grain).clip(0, 1)[..., :channels], np.float32)


if __name__ == "__main__":
    rehearse(*sys.argv[1:])
