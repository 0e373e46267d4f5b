"""Where a shot's time goes, against today's alternatives: ``python benchmarks/speed.py [--write]``.

Prints Markdown, with ``--write`` into ``docs/speed.md`` too. Everything is measured in one run, CPU seconds where they
say more than wall seconds on a machine that others use; needs oiiotool (of OpenImageIO) and torch.

* features: of one picture of 640x360, as analysed and pooled over its superpixels, in ONNX Runtime, against the same
  network in torch and against the form with more cells, on one thread, and against its convolutions' arithmetic at the
  speed of a matrix product;
* grade: see ``benchmarks/io.py``, and of movies ``benchmarks/prores.py``;
* training: three graded frames, 854x480, from the command to the saved preset, in a process of its own;
* start: one frame of an analysed shot, in a process of its own, against oiiotool with a LUT;
* analysis: the room that it takes on disk beside the graded frames;
* cores: see ``benchmarks/processes.py`` and ``benchmarks/many_cores.py``.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

import cv2
import numpy as np

from benchmarks.io import EXAMPLE, Cost, costing, make_plate, measure, peak_memory, through_oiiotool, write_cube
from benchmarks.prores import costs as costs_of_movies
from vfxstyle import grade, open_shot
from vfxstyle.analysis.inventory import find_analyses
from vfxstyle.arrays import FloatArray
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.color import linear_to_srgb
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.superpixels.graph import graph_superpixels

if TYPE_CHECKING:
    from torch import Tensor

    from vfxstyle.features.torch_efficientnet import TorchQuickEfficientNetLite0

PAGE = Path(__file__).resolve().parents[1] / "docs" / "speed.md"
PRESET = "golden"
FEATURES_ON_ONE_THREAD = "--features"


def picture() -> FloatArray:
    """The first frame of the example as it is analysed, float32 (360, 640, 3), sRGB-encoded, 0..1."""
    with open_shot(EXAMPLE) as shot:
        rgb = cv2.resize(shot.read(shot.frames[0]).rgb, (640, 360), interpolation=cv2.INTER_AREA)
    return np.clip(linear_to_srgb(np.asarray(rgb, np.float32)), 0, 1)


def arithmetic(backbone: TorchQuickEfficientNetLite0, own: FloatArray) -> float:
    """Return the thousands of millions of multiplications and additions of the convolutions that a picture needs."""
    from torch import nn

    total = 0.0

    def count(module: nn.Module, inputs: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += 2 * output.numel() * module.weight[0].numel() / 1e9

    for network in (backbone._net_8, backbone._net_16, backbone._net_32):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(count)
    run_network(backbone, [own])
    return total


def features() -> None:
    """Print what features of a picture cost, in torch and in ONNX Runtime, on the threads of this process."""
    import torch

    from vfxstyle.features.onnx_backbone import OnnxEfficientNetLite0, OnnxQuickEfficientNetLite0
    from vfxstyle.features.torch_efficientnet import TorchQuickEfficientNetLite0

    torch.set_num_threads(1)
    own = picture()
    rows = graph_superpixels(own, 3600)
    superpixels = Segmentation.whole(rows, np.zeros((int(rows.max()) + 1, 2), np.float32))

    def extracted(backbone: Backbone) -> None:
        extract_features(run_network(backbone, [own]), 0, superpixels)

    one, two = (np.random.default_rng(i).random((1024, 1024), np.float32) for i in range(2))
    ways: dict[str, Callable[[], object]] = {
        "in torch": partial(extracted, TorchQuickEfficientNetLite0("cpu")),
        "in ONNX Runtime": partial(extracted, OnnxQuickEfficientNetLite0()),
        "in ONNX Runtime, `efficientnet-lite0`": partial(extracted, OnnxEfficientNetLite0()),
        "matrix product": lambda: [one @ two for _ in range(20)],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for turn in range(4):
        for name, way in ways.items():
            with costing(costs[name] if turn else []):  # the first turn compiles and loads
                way()
    seconds = {name: statistics.median(cost.cpu for cost in own_costs) for name, own_costs in costs.items()}
    rate = 20 * 2 * 1024**3 / 1e9 / seconds["matrix product"]
    floor = arithmetic(TorchQuickEfficientNetLite0("cpu"), own) / rate
    print("| features of a picture, one thread | CPU s | over the floor |\n|---|---|---|")
    print(f"| arithmetic of the convolutions at {rate:.0f} GFLOP/s, a matrix product's | {floor:.2f} | 1.00 |")
    for name in ("in ONNX Runtime", "in torch", "in ONNX Runtime, `efficientnet-lite0`"):
        print(f"| {name} | {seconds[name]:.2f} | {seconds[name] / floor:.2f} |")


def cpu_of(*command: object) -> Cost:
    """What a command costs."""
    costs: list[Cost] = []
    with costing(costs):
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return costs[0]


def shot_with_graded_frames(place: Path) -> tuple[Path, Path]:
    """Write a shot of 24 frames of 854x480, and three of them graded; returns both folders."""
    shot, graded = place / "shot", place / "graded"
    make_plate(shot, (854, 480), 24)
    whole = grade(shot, PRESET, place / "whole").output
    graded.mkdir()
    for frame in (1002, 1012, 1022):
        shutil.copy(next(whole.glob(f"*.{frame}.exr")), graded / f"plate.{frame}.exr")
    return shot, graded


def training(place: Path) -> None:
    """Print how long it takes to learn a look from three graded frames, and again where the plates are known."""
    shot, graded = shot_with_graded_frames(place)
    command = ["env", f"VFXSTYLE_CACHE={place / 'cache'}", sys.executable, "-m", "vfxstyle", "train"]
    command += ["--shot", str(shot), "--graded", str(graded), "--name", "x"]
    print("| training on three graded frames, 854x480 | wall s | CPU s |\n|---|---|---|")
    first = place / "first.safetensors"
    for turn, options in (("first", []), ("again, graded anew", []), ("again, with --continue", ["--continue", first])):
        start, target = time.time(), place / f"{turn.split()[-1].strip('-')}.safetensors"
        cost = cpu_of(*command, *options, "-o", target, "--progress", "none")
        saved = target.stat().st_mtime - start
        print(f"| {turn}: from the command to the saved preset | {saved:.0f} | |")
        print(f"| {turn}: to the end, with frames to grade next and report | {cost.wall:.0f} | {cost.cpu:.0f} |")


def start(place: Path) -> None:
    """Print what one frame of an analysed shot costs in a process of its own, and what its analysis takes on disk."""
    plate, analysis = place / "plate", place / "analysis"
    make_plate(plate, (1920, 1080), 24)
    output = grade(plate, PRESET, place / "out", analysis=analysis).output
    cube, single = place / "look.cube", place / "single"
    write_cube(cube)
    single.mkdir()
    shutil.copy(plate / "plate.1001.exr", single)
    command = [
        sys.executable,
        "-m",
        "vfxstyle",
        "grade",
        plate,
        "--preset",
        PRESET,
        "-f",
        "1001",
        "--analysis",
        analysis,
    ]
    ours = [cpu_of(*command, "-o", place / f"one{turn}", "--progress", "none").cpu for turn in range(3)]
    theirs: list[Cost] = []
    for turn in range(3):
        with costing(theirs):
            through_oiiotool(single, place / f"theirs{turn}", cube)
    peer = statistics.median(cost.cpu for cost in theirs)
    print("| one frame of 1920x1080 in a process of its own | CPU s | over oiiotool |\n|---|---|---|")
    print(f"| oiiotool with a LUT | {peer:.2f} | 1.00 |")
    print(f"| vfxstyle, the shot analysed | {statistics.median(ours):.2f} | {statistics.median(ours) / peer:.2f} |")
    (own,) = find_analyses([analysis])
    graded = sum(path.stat().st_size for path in output.glob("*.exr"))
    print("\n| room of an analysis, 24 frames of 1920x1080 | MB | of the graded frames |\n|---|---|---|")
    for name, size in (("graded frames", graded), ("analysis", own.bytes), ("of it features", own.features_bytes)):
        print(f"| {name} | {size / 1e6:.1f} | {size / graded:.2f} |")


def tables(frames: int, rounds: int) -> None:
    """Print every table."""
    print("# Speed\n")
    machine = f"{os.cpu_count()} cores of {platform.machine()}, Python {platform.python_version()}"
    command = f"python benchmarks/speed.py --write --frames {frames} --rounds {rounds}"
    print(f"Made by `{command}`, on {machine}, in one run. Ratios are what counts.\n")
    print("## Features\n", flush=True)
    # in a process whose libraries have one thread from the start
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    measured = [sys.executable, __file__, FEATURES_ON_ONE_THREAD]
    print(subprocess.run(measured, env=os.environ | threads, check=True, text=True, stdout=subprocess.PIPE).stdout)
    print("## Training\n")
    with tempfile.TemporaryDirectory() as place:
        training(Path(place))
    print("\n## Start, and room on disk\n")
    with tempfile.TemporaryDirectory() as place:
        start(Path(place))
    print()
    costs_of_movies(frames, rounds, PRESET)
    print(
        "\nThe tables below are the grade pass against reading and writing (`benchmarks/io.py` says what each row is)."
    )
    for size in ((1920, 1080), (4096, 2160)):
        measure(size, frames, rounds, PRESET)
    few, many = (peak_memory((4096, 2160), count, PRESET) for count in (10, 30))
    one, large = (peak_memory((8192, 4320), count, PRESET) for count in (1, 24))
    print(f"\nPeak memory at 4096x2160, analysis and grade: {few:.2f} GiB over 10 frames, {many:.2f} GiB over 30; at")
    print(f"8192x4320 {one:.2f} GiB for one frame, {large:.2f} GiB over 24.")
    here = Path(__file__).parent
    print(
        "\n## Cores\n\nThe grade pass over 24 frames of 1920x1080, as measured (`benchmarks/processes.py scaling`):\n"
    )
    print(text_of(here / "processes.py", "scaling"))
    print("More cores than there are, simulated (`benchmarks/many_cores.py` says how; memory and disks are not in it):")
    print(text_of(here / "many_cores.py").partition("\n")[2], end="")


def text_of(*command: str | Path) -> str:
    """What a script of ours prints."""
    return subprocess.run([sys.executable, *command], check=True, text=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    """Print the tables, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/speed.md")
    parser.add_argument(FEATURES_ON_ONE_THREAD, action="store_true", help="the table of features alone")
    options = parser.parse_args()
    keep_freed_memory()  # as grade does
    if options.features:
        features()
        return
    page = io.StringIO()
    with redirect_stdout(page):
        tables(options.frames, options.rounds)
    print(page.getvalue())
    if options.write:
        PAGE.write_text(page.getvalue())


if __name__ == "__main__":
    main()
