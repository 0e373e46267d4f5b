"""Pictures, shots and presets made on the spot for the tests."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from click.testing import CliRunner, Result

from vfxstyle.analysis.request import AnalyzeRequest
from vfxstyle.arrays import FloatArray
from vfxstyle.cli import cli, main
from vfxstyle.color import ColorConfig, ColorSpace
from vfxstyle.farm.jobs import FarmJob, FarmRequest
from vfxstyle.farm.resolve import resolve_jobs
from vfxstyle.features import all_blocks, projected_blocks
from vfxstyle.features.classes import SHARES_SIZE
from vfxstyle.features.histogram import SIZE
from vfxstyle.features.registry import backbone_class, weights_digest
from vfxstyle.features.vectors import SURROUND, class_blocks, context_blocks
from vfxstyle.grading import grade as grading
from vfxstyle.grading.request import GradeRequest
from vfxstyle.looks import Preset, PresetInfo, Standardisation
from vfxstyle.looks.predictor import Predictor
from vfxstyle.progress import Silent, Stage
from vfxstyle.settings import GradeSettings, Run, ShotSettings
from vfxstyle.settings.table import pick
from vfxstyle.shots import parse_frames
from vfxstyle.timelines import grade as timelines
from vfxstyle.timelines.clips import TimelineRequest, plan_timeline

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples" / "big_buck_bunny"
QUICK: dict[str, Any] = {"superpixels": 40, "analysis_width": 96, "device": "cpu"}
"""Options of a grade that takes a fraction of a second."""
QUICK_FLAGS = ["--superpixels", "40", "--analysis-width", "96", "--device", "cpu"]
"""The same on the command line."""
BACKBONE = "tiny"
"""The backbone of presets and trainings in tests: that of ``plugin/tiny_backbone.py``."""


class Steps(Silent):
    """Keeps the stages that begin."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def stage(self, stage: Stage, total: int) -> AbstractContextManager[Callable[[], None]]:
        """A stage that begins."""
        self.stages.append(stage)
        return super().stage(stage, total)


def command(*arguments: object) -> list[str]:
    """The command line that runs vfxstyle in a process of its own."""
    return [sys.executable, "-m", "vfxstyle", *map(str, arguments)]


def vfxstyle(*arguments: object) -> subprocess.CompletedProcess[str]:
    """How vfxstyle ended in a process of its own, and what it printed."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300, check=False)


def main_in_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same as :func:`vfxstyle` in this process, which has everything loaded; for what needs none of its own."""
    out, err = io.StringIO(), io.StringIO()
    words = ["vfxstyle", *map(str, arguments)]
    shown, handler = warnings.showwarning, signal.getsignal(signal.SIGTERM)
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            patch.object(sys, "argv", words),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        warnings.showwarning = shown
        signal.signal(signal.SIGTERM, handler)
    return subprocess.CompletedProcess(words, end.value.code or 0, out.getvalue(), err.getvalue())


def in_process(*arguments: object) -> Result:
    """How a command ended in this process, which has everything loaded, and what it printed; an error is raised."""
    return CliRunner().invoke(cli, [str(word) for word in arguments], catch_exceptions=False)


def planned_grade(
    shot: str | Path, preset: str | Path, output: Path | None = None, *, frames: str | None = None, **options: Any
) -> dict[str, Any]:
    """What a dry run of ``vfxstyle grade`` prints. options: those of a grade, and ``analysis`` and ``prepare``."""
    places = {name: options.pop(name, None) for name in ("analysis", "within")}
    request = GradeRequest(
        shot=shot,
        preset=preset,
        output=None if output is None else str(output),
        frames=None if frames is None else parse_frames(frames),
        prepare=options.pop("prepare", False),
        settings=pick(GradeSettings, options),
        **places,
    )
    with request.open() as plan:
        return grading.planned(plan, Run.of(options, None))


def planned_analysis(shot: str | Path, **options: Any) -> dict[str, Any]:
    """What a dry run of ``vfxstyle analyze`` prints."""
    asked = {
        name: options.pop(name) for name in ("preset", "backbone", "analysis", "stage", "shard") if name in options
    }
    run = Run.of(options, None)
    with AnalyzeRequest(shot=shot, settings=pick(ShotSettings, options), **asked).open(run, hash_plate=False) as plan:
        return plan.as_json(run)


def planned_timeline(
    timeline: Path, preset: str | Path, output: Path | None = None, *, handles: int = 8, **options: Any
) -> dict[str, Any]:
    """What a dry run of ``vfxstyle grade`` prints of a timeline."""
    settings = pick(GradeSettings, options)
    request = TimelineRequest(timeline=timeline, preset=preset, output=output, handles=handles, settings=settings)
    return timelines.planned(plan_timeline(request), Run.of(options, None))


def listed(files: Sequence[str]) -> set[Path]:
    """The files that a dry run lists, which may name the folder of an analysis that is not there yet by a star."""
    found: set[Path] = set()
    for name in files:
        matches = list(Path("/").glob(name.lstrip("/")))
        assert len(matches) == 1, f"{name} stands for {len(matches)} files"
        found |= set(matches)
    return found


def farm_jobs(
    shots: Sequence[str | Path],
    preset: str | Path,
    output: str | Path | None = None,
    frames: str | None = None,
    *,
    handles: int = 8,
    graded: str | None = None,
    **options: Any,
) -> list[FarmJob]:
    """The jobs of some shots and timelines."""
    return resolve_jobs(
        FarmRequest(
            shots=tuple(map(str, shots)),
            presets=tuple(str(preset).split(",")),
            output=None if output is None else str(output),
            frames=None if frames is None else parse_frames(frames),
            handles=handles,
            graded=graded,
            settings=pick(GradeSettings, options),
            run=Run.of(options, None),
        )
    )


def space(name: str) -> ColorSpace:
    """A colour space of the configuration that comes with the library."""
    return ColorConfig.load("ocio://studio-config-latest").space(name)


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
    texture = random.random((height // 8 + 2, (width + 400) // 8 + 2, 3)).astype(np.float32)
    texture = np.kron(texture, np.ones((8, 8, 1), np.float32))[:height, 2 * index : 2 * index + width]
    ramp = np.linspace(0.1, 0.9, width, dtype=np.float32)[None, :, None]
    return (0.6 * texture + 0.4 * ramp).astype(np.float32)


def make_preset(bias: FloatArray | None = None, *, reacts: bool = False, backbone: str = BACKBONE) -> Preset:
    """A preset without training: it gives every superpixel the transform ``bias``, by default the identity.

    With ``reacts`` the network's weights are random, so that transforms differ between superpixels.
    """
    kind = backbone_class(backbone)
    random = np.random.default_rng(1)
    channels = {name: kind.layers[name.rsplit("_", 1)[0]] for name in context_blocks(kind)[1:]}
    channels |= {"global": kind.layers["semantic"], "histogram": SIZE}
    projections = {
        part: (
            np.zeros(count, np.float32),
            (random.standard_normal((8, count)) / 32).astype(np.float16).astype(np.float32),
        )
        for part, count in channels.items()
    }
    blocks = all_blocks(kind)
    inputs = 8 * len(projections) + SHARES_SIZE * len(class_blocks(kind)) + 9 + 3 * len(SURROUND)
    torch.manual_seed(1)
    network = Predictor(inputs)
    with torch.no_grad():
        if reacts:
            network.last.weight[:30].normal_(0, 0.02)
        if bias is not None:
            network.last.bias[: len(bias)].copy_(torch.from_numpy(np.asarray(bias, np.float32)))
    standardisation = Standardisation(np.zeros(inputs, np.float32), np.ones(inputs, np.float32))
    info = PresetInfo(
        name="test",
        backbone=backbone,
        blocks=blocks,
        projected=projected_blocks(blocks),
        weights=weights_digest(backbone, None),
    )
    return Preset(info, projections, standardisation, network.numbers(), digest="")


def frames_of(folder: Path) -> dict[str, bytes]:
    """The EXR frames of a folder, by their numbers: what follows the first dot of their names."""
    return {path.name.split(".", 1)[1]: path.read_bytes() for path in folder.glob("*.exr")}


def write_cut(folder: Path, make_shot: Callable[..., Path]) -> Path:
    """``cut.otio`` in ``folder``: two clips of a plate ``a`` and one of ``b``, which are made there."""
    otio = pytest.importorskip("opentimelineio", reason="needs OpenTimelineIO, which this Python has no wheel of")

    def time(frame):
        return otio.opentime.RationalTime(frame, 24)

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for name, plate, first in (("010", "a", 1003), ("020", "b", 1001), ("030", "a", 1008)):
        if not (folder / plate).exists():
            make_shot(plate, frames=range(1001, 1011))
        media = otio.schema.ImageSequenceReference(
            target_url_base=f"{plate}/",
            name_prefix=f"{plate}.",
            name_suffix=".exr",
            start_frame=1001,
            rate=24,
            frame_zero_padding=4,
            available_range=otio.opentime.TimeRange(time(0), time(10)),
        )
        track.append(otio.schema.Clip(name, media, otio.opentime.TimeRange(time(first - 1001), time(2))))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder / "cut.otio"
