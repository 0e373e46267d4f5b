"""Grading on a GPU against grading on the processor; where there is no GPU, Triton's interpreter runs the kernels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import QUICK

from vfxstyle import grade
from vfxstyle.analysis import wanted
from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.errors import DeviceError
from vfxstyle.grading import gpu, transforms
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.looks.base import NO_BASE
from vfxstyle.plates.spaces import Light
from vfxstyle.shots import Frame, Window
from vfxstyle.superpixels.gpu import ShotLook

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def smooth(random, *shape):
    """Numbers that change slowly from pixel to pixel."""
    import cv2

    return cv2.GaussianBlur(random.normal(0, 1, shape).astype(np.float32), (0, 0), 4) * 4


class Stored:
    """An analysis with one label map."""

    def __init__(self, labels):
        self.labels = labels

    def read_labels(self, _):
        return self.labels


def renderer_and_frame(size=(18, 24), columns=12, *, base=NO_BASE, alpha=False, overscan=0):
    """A renderer on the processor with a lively look, and a frame with highlights and broken pixels."""
    random = np.random.default_rng(5)
    height, width = size
    rgb = np.exp(smooth(random, height, width, 3)).astype(np.float32) * 0.3
    rgb[3, 4], rgb[6, 7, 1], rgb[8:10, 10:20] = np.nan, np.inf, 40
    cover = np.clip(smooth(random, height, width) + 0.8, 0, 1).astype(np.float32) if alpha else None
    if cover is not None:
        rgb *= cover[..., None]
    data = Window(-overscan, 0, width, height)
    display = Window(0, 0, width - 2 * overscan, height)
    frame = Frame(1, "frame 1", rgb, data, display, alpha=cover, premultiplied=alpha)
    rows = max(1, round(display.height * columns / display.width))
    labels = (np.arange(rows)[:, None] // 6 * 9 + np.arange(columns) // 5).astype(np.int32) * 2
    known = np.arange(0, labels.max() + 3, dtype=np.int32)
    transforms = ShotTransforms(known, random.normal(0, 0.06, (len(known), 33)).astype(np.float32))
    matrix = np.float32([[0.8, 0.15, 0.05], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]])
    renderer = FrameRenderer(
        analysis=Stored(labels),
        transforms=transforms,
        base=base,
        analysis_width=columns,
        light=Light(None, matrix),
        encoder=None,
        same_space=True,
        straight_alpha=False,
        strength=0.9,
    )
    return renderer, frame


def on_device(renderer):
    """The renderer with kernels of a GPU."""
    look = ShotLook(renderer.transforms.labels, renderer.transforms.transforms, DEVICE)
    return replace(renderer, on_device=gpu.DeviceGrade(DEVICE, look, renderer.base, renderer.analysis_width))


def assert_same_halves(one, other):
    """That two pictures are the same NaN and infinities, and elsewhere the same half floats or neighbouring ones.

    One value in a thousand may be farther off: of so few pixels that is two. ``benchmarks/gpu.py`` counts whole frames.
    """
    np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))
    codes = [np.clip(own, -60000, 60000).astype(np.float16).view(np.int16).astype(np.int32) for own in (one, other)]
    first, second = (np.where(code < 0, -(code & 0x7FFF), code) for code in codes)
    off = np.abs(first - second)[np.isfinite(one)]
    assert (off > 1).mean() <= 1e-3, f"{(off > 1).mean():.1e} of the values differ, by {off.max()}"


BASES = {
    "none": NO_BASE,
    "cube": replace(NO_BASE, cube=np.random.default_rng(1).normal(0, 3, (5, 5, 5, 3)).astype(np.float32)),
    "place": replace(NO_BASE, place=np.random.default_rng(2).normal(0, 0.02, (15, 30)).astype(np.float32)),
}


@pytest.mark.parametrize(
    ("base", "alpha", "overscan", "columns"), [("none", False, 0, 24), ("cube", True, 0, 12), ("place", True, 4, 11)]
)
def test_a_frame_is_the_same_on_a_device(base, alpha, overscan, columns):
    renderer, frame = renderer_and_frame(columns=columns, base=BASES[base], alpha=alpha, overscan=overscan)
    expected, skipped = renderer._graded(frame)
    found, alone = on_device(renderer)._graded(frame)
    assert alone == skipped == 2
    assert_same_halves(found, expected)
    assert np.abs(expected[11:] - frame.rgb[11:]).max() > 0.05  # the look does something
    again, _ = on_device(renderer)._graded(frame)
    assert again.tobytes() == found.tobytes()


def test_a_matte_and_strengths_go_with_it():
    renderer, frame = renderer_and_frame()
    matte = np.linspace(0, 1, 24, dtype=np.float32) * np.ones((18, 1), np.float32)
    renderer = replace(
        renderer,
        strengths=np.linspace(0, 1, len(renderer.transforms.labels), dtype=np.float32),
        regions=replace(renderer.regions, mattes=(None,)),
    )
    frame = replace(frame, mattes=(matte,))
    expected, _ = renderer._graded(frame)
    assert_same_halves(on_device(renderer)._graded(frame)[0], expected)


def test_a_gpu_that_is_absent_is_told_where_only_grading_is_left(make_shot, lively_preset, monkeypatch, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    shot = make_shot(frames=range(1, 3))
    grade(shot, lively_preset, tmp_path / "one", analysis=tmp_path / "analysis", **QUICK)
    monkeypatch.setattr(wanted, "shot_device", lambda _: "cpu")  # as if that analysis had been made on a GPU
    monkeypatch.setattr(transforms, "check_device", lambda _: None)
    with pytest.raises(DeviceError, match="not present on this machine"):
        grade(shot, lively_preset, tmp_path / "two", analysis=tmp_path / "analysis", **{**QUICK, "device": "cuda"})
    assert not list((tmp_path / "two").glob("*.exr"))


def test_where_memory_lacks_a_frame_is_graded_in_parts_with_the_same_pixels(monkeypatch):
    renderer, frame = renderer_and_frame(alpha=True)
    there = on_device(renderer)
    whole, alone = there._graded(frame)
    tall = []

    def scarce(function, most):
        def limited(first, *rest, **named):
            rows = (first.rgb if hasattr(first, "rgb") else first).shape[0]
            if rows > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            tall.append(rows)
            return function(first, *rest, **named)

        return limited

    monkeypatch.setattr(gpu, "guide_on_device", scarce(gpu.guide_on_device, 10))
    monkeypatch.setattr(gpu, "apply_on_device", scarce(gpu.apply_on_device, 9))
    parts, still_alone = there._graded(frame)
    assert parts.tobytes() == whole.tobytes()
    assert still_alone == alone
    assert max(tall) <= 10
    monkeypatch.setattr(gpu, "apply_on_device", scarce(gpu.apply_on_device, 0))
    with pytest.raises(torch.OutOfMemoryError):
        there._graded(frame)
