"""What a GPU makes of the work, against the processor beside it: ``python benchmarks/gpu.py [PART ...]``.

Prints Markdown, a table for each part, of which ``docs/gpu.md`` has those of one card. Both devices are measured in one
run on one machine, whose card and cores are named; seconds are medians after a first turn that compiles.

* superpixels: the example at 854x480 and 640x360, flow given and flow estimated on the way, and their energy;
* features: of pictures of 854x480, four at a time: the network alone, and all that is stored of a frame;
* grade pass: a frame of 1920x1080 and of 4096x2160, from light in memory to graded light in memory, on one thread and
  on eight, over one analysis for both devices, whose results are compared half float by half float;
* shot: 1920x1080 EXR, analysed and graded, from the command to the last frame, on as many threads as ``--threads``
  says, with memory for a frame on each of them;
* training: on three graded frames, 854x480, from the command to the saved preset.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

import cv2
import numpy as np
import torch

import tsp
from benchmarks.io import EXAMPLE, make_plate
from benchmarks.speed import shot_with_graded_frames
from tsp.energy import Evaluator
from vfxstyle import open_shot
from vfxstyle.arrays import FloatArray
from vfxstyle.color import linear_to_srgb
from vfxstyle.cores import cores
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.registry import load_backbone
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.handover.look import open_look
from vfxstyle.settings import DEFAULT_BACKBONE, GradeTarget, Run
from vfxstyle.shots import Frame
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.tables import table_of

PRESET = "golden"
GPU = "cuda"


def pictures(size: tuple[int, int], count: int) -> list[FloatArray]:
    """The example as it is analysed, float32 (H, W, 3) each, sRGB-encoded, 0..1. size: width and height, in px."""
    with open_shot(EXAMPLE) as shot:
        frames = [shot.read(number).rgb for number in shot.frames[:count]]
    small = [np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.float32) for rgb in frames]
    return [np.clip(linear_to_srgb(rgb), 0, 1) for rgb in small]


def seconds(work: Callable[[], object], turns: int = 5) -> float:
    """Median seconds of some work, what it has set going on the GPU included; the first turn does not count."""
    taken = []
    for _ in range(turns + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def row(*cells: object) -> None:
    """Print a row of a table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def head(*cells: str) -> None:
    """Print the head of a table."""
    row(*cells)
    print("|" + "---|" * len(cells), flush=True)


def superpixels() -> None:
    """Print what superpixels cost, and the energy that they reach."""
    cells = "GPU, ms a frame", "GPU, flow estimated on the way", "CPU, ms a frame", "energy, GPU over CPU"
    head("superpixels, 1000 a frame", *cells)
    for size in ((854, 480), (640, 360)):
        row(f"{size[0]}x{size[1]}", *superpixels_of(pictures(size, 16)))


def superpixels_of(frames: list[FloatArray]) -> list[str]:
    """The cells of one size."""
    flow = [tsp.DISFlow()(*pair) for pair in pairwise(frames)]
    settings = tsp.Settings(num_superpixels=1000)
    taken, maps = [], []
    for device, own in ((GPU, flow), (GPU, flow), (GPU, None), ("cpu", flow)):  # the first turn compiles
        ends, own_maps = [], []
        for labels in tsp.segment(frames, settings=settings, device=device, flow=own):
            own_maps.append(labels)
            ends.append(time.perf_counter())
        taken.append((ends[-4] - ends[0]) / (len(ends) - 4) * 1000)  # the last ones come out together
        maps.append(own_maps)
    labs = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2Lab), np.float32) for frame in frames]
    energies = []
    for own_maps in (maps[1], maps[3]):
        evaluator = Evaluator(frames[0].shape[0], frames[0].shape[1], settings)
        energies.append(sum(evaluator.add(*own) for own in zip(own_maps, labs, [None, *flow], strict=True)))
    return [*(f"{own:.1f}" for own in taken[1:]), f"{energies[0] / energies[1]:.4f}"]


def features() -> None:
    """Print what features cost."""
    own = pictures((854, 480), 4)
    superpixels = []
    for picture in own:
        labels = graph_superpixels(picture, 1200)
        table, rows = table_of(labels, picture)
        superpixels.append(Segmentation.whole(rows, table.centroids))
    head("features of a frame of 854x480, ms", "network", "all that is stored", "memory, MiB")
    for device in (GPU, "cpu"):
        backbone = load_backbone(DEFAULT_BACKBONE, device)
        row(device, *features_of(backbone, own[: backbone.frames_at_once], superpixels))


def features_of(backbone: Backbone, own: list[FloatArray], superpixels: list[Segmentation]) -> list[str]:
    """The cells of one device."""

    def stored() -> None:
        output = run_network(backbone, own)
        for index in range(len(own)):
            extract_features(output, index, superpixels[index])

    torch.cuda.reset_peak_memory_stats()
    turns = 8 if backbone.device == GPU else 2
    taken = [seconds(work, turns) / len(own) for work in (lambda: run_network(backbone, own), stored)]
    memory = torch.cuda.max_memory_allocated() / 2**20
    return [*(f"{own * 1000:.1f}" for own in taken), f"{memory:.0f}" if backbone.device == GPU else ""]


@contextmanager
def opened(plate: Path, place: Path) -> Iterator[tuple[list[Frame], FrameRenderer]]:
    """The frames of a plate, and a renderer on the processor, over an analysis that was made there."""
    with open_look(plate, PRESET, GradeTarget(analysis=place / "analysis"), {}, Run(device="cpu")) as look:
        renderer = look.renderer()
        yield [look.plan.shot.read(number) for number in look.plan.frames], renderer


def apart(one: FloatArray, other: FloatArray) -> float:
    """Share of the values that are neither the same half float nor neighbouring ones."""
    codes = [own.astype(np.float16).view(np.int16).astype(np.int32) for own in (one, other)]
    first, second = (np.where(code < 0, -(code & 0x7FFF), code) for code in codes)
    return float((np.abs(first - second) > 1).mean())


def grade_pass() -> None:
    """Print what grading a frame in memory costs, and how far the two differ."""
    cells = "GPU, ms a frame", "frames a second, 8 threads", "CPU, ms a frame", "more than a half float apart", "MiB"
    head("grade pass, from light in memory to light in memory", *cells)
    for size, count in (((1920, 1080), 8), ((4096, 2160), 4)):
        with tempfile.TemporaryDirectory() as place:
            make_plate(Path(place) / "plate", size, count)
            with opened(Path(place) / "plate", Path(place)) as (frames, renderer):
                row(f"{size[0]}x{size[1]}", *grade_pass_of(frames, renderer))


def grade_pass_of(frames: list[Frame], renderer: FrameRenderer) -> list[str]:
    """The cells of one size."""
    there = renderer.on(GPU)
    torch.cuda.reset_peak_memory_stats()
    one = seconds(lambda: there.render(frames[0]), 8)
    with ThreadPoolExecutor(8) as pool:
        many = seconds(lambda: list(pool.map(there.render, frames * (24 // len(frames)))), 3) / 24
    memory = torch.cuda.max_memory_allocated() / 2**20
    host = seconds(lambda: renderer.render(frames[0]), 3)
    differ = np.mean([apart(there.render(frame).frame.rgb, renderer.render(frame).frame.rgb) for frame in frames])
    return [f"{one * 1000:.1f}", f"{1 / many:.1f}", f"{host * 1000:.0f}", f"{differ:.1e}", f"{memory:.0f}"]


def command(*words: object) -> float:
    """Wall seconds of a command, whose own account of them goes to stderr."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "vfxstyle", *map(str, words)], check=True, stdout=sys.stderr)
    return time.perf_counter() - start


def shot(frames: int, threads: int) -> None:
    """Print what a whole shot costs."""
    called = f"{frames} frames of 1920x1080 EXR, {threads} threads"
    head(called, "GPU, s", "frames a second", "CPU, s", "frames a second")
    with tempfile.TemporaryDirectory() as place:
        plate = Path(place) / "plate"
        make_plate(plate, (1920, 1080), frames)
        taken: dict[str, list[float]] = {}
        for device in (GPU, "cpu"):
            words = ["grade", plate, "--preset", PRESET, "--device", device, "-o", Path(place) / device]
            words += ["--threads", threads, "--memory", threads]
            taken[device] = [command(*words)]
            for path in (Path(place) / device).glob("*.exr"):
                path.unlink()
            taken[device].append(command(*words))
        for turn, name in enumerate(("analysed and graded", "graded, the analysis there")):
            own = [taken[device][turn] for device in (GPU, "cpu")]
            row(name, *(cell for wall in own for cell in (f"{wall:.1f}", f"{frames / wall:.1f}")))


def training() -> None:
    """Print how long it takes to learn a look from three graded frames."""
    head("training on three graded frames, 854x480", "GPU, s", "CPU, s")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        plate, graded = shot_with_graded_frames(place)
        saved, ended = [], []
        for device in (GPU, "cpu"):
            target = place / f"{device}.safetensors"
            start = time.time()
            taken = command(
                "train", "--shot", plate, "--graded", graded, "--name", device, "-o", target, "--device", device
            )
            saved.append(f"{target.stat().st_mtime - start:.1f}")
            ended.append(f"{taken:.1f}")
        row("from the command to the saved preset", *saved)
        row("to the end", *ended)


PARTS = "superpixels", "features", "grade", "shot", "training"


def tables(frames: int, threads: int, parts: list[str]) -> None:
    """Print every table, or some. frames, threads: of the whole shot."""
    card, memory = torch.cuda.get_device_name(), torch.cuda.get_device_properties(0).total_memory / 2**30
    machine = f"{cores()} cores of {os.uname().machine}, torch {torch.__version__}"
    print(f"Made by `python benchmarks/gpu.py` on one {card} ({memory:.0f} GiB) and {machine}.\n")
    work: list[Callable[[], None]] = [superpixels, features, grade_pass, partial(shot, frames, threads), training]
    for name, part in zip(PARTS, work, strict=True):
        if name in parts:
            part()
            print(flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100, help="of the whole shot")
    parser.add_argument("--threads", type=int, default=8, help="of the whole shot")
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    tables(options.frames, options.threads, options.parts)


if __name__ == "__main__":
    main()
