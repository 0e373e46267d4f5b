"""The grade pass against its floor: ``python benchmarks/io.py [--frames 12] [--size 1920x1080 --size 4096x2160]``.

Writes Markdown to stdout. For each size, over the same half-float EXR frames (the bundled example, enlarged, with
grain; ZIP), in one run, in turns, medians of ``--rounds``:

* floor: every frame read and written again untouched with the OpenEXR library, as many at once as there are cores;
* verified floor: the same, each written frame read back whole, which the grade does;
* LUT: a 33-cube put on each frame with OpenColorIO between reading and writing, in as many threads;
* oiiotool: the same cube by OpenImageIO's command with ``--parallel-frames``, its start included;
* grade: ``grade`` over an analysis that is there, from opening the plate to the last record.

Freed memory is kept for all of them, as ``grade`` does. And, in a process of its own, the peak memory of a grade of
``--long`` frames beside one of a tenth of them. Movies are measured by ``benchmarks/prores.py``.
Seconds depend on the machine and its load; ratios depend less on them.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

import cv2
import numpy as np
import PyOpenColorIO as ocio

from vfxstyle import grade, open_shot
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.color.cubes import cube_nodes
from vfxstyle.cores import cores
from vfxstyle.plates.overlap import in_order
from vfxstyle.shots import exr
from vfxstyle.shots.writing import write_exr

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "big_buck_bunny"
LUT_NODES = 33

Parts = list[exr.ExrPart]
"""All of an OpenEXR file."""


def make_plate(folder: Path, size: tuple[int, int], frames: int) -> None:
    """Write the example at another size, width and height in px, with grain, as half-float ZIP EXR files.

    Frames of the example come again where more are wanted.
    """
    folder.mkdir(parents=True)
    grain = np.random.default_rng(0).normal(0, 0.01, (size[1], size[0], 3)).astype(np.float32)
    with open_shot(EXAMPLE) as shot:
        for index in range(frames):
            frame = shot.read(shot.frames[index % len(shot)])
            assert frame.exr is not None
            rgb = np.asarray(cv2.resize(frame.rgb, size, interpolation=cv2.INTER_CUBIC), np.float32)
            rgb += np.roll(grain, (37 * index, 101 * index), (0, 1)) * np.sqrt(np.abs(rgb) + 0.01)
            header = frame.exr.parts[0].header | {
                "compression": exr.COMPRESSIONS["zip"],
                "dataWindow": (np.zeros(2, np.int32), np.array([size[0] - 1, size[1] - 1], np.int32)),
                "displayWindow": (np.zeros(2, np.int32), np.array([size[0] - 1, size[1] - 1], np.int32)),
            }
            header.pop(exr.DWA_LEVEL, None)
            channels = dict(zip("RGB", exr.as_channels(rgb, [np.float16] * 3), strict=True))
            exr.write_parts(folder / f"plate.{1001 + index}.exr", [exr.ExrPart(header, channels)])


@dataclass(frozen=True, slots=True)
class Cost:
    """What some frames have cost."""

    wall: float
    """Seconds."""
    cpu: float
    """CPU seconds, of processes that were started too."""


@contextmanager
def costing(costs: list[Cost]) -> Iterator[None]:
    """Add what the block costs."""
    before, start = os.times(), time.perf_counter()
    yield
    after = os.times()
    costs.append(Cost(time.perf_counter() - start, sum(after[:4]) - sum(before[:4])))


def copy(plate: Path, out: Path, change: Callable[[Parts], Parts], write: Callable[[Path, Parts], None]) -> None:
    """Read and write every frame, with ``change`` between, as many at once as there are cores."""
    out.mkdir()

    def one(path: Path) -> None:
        write(out / path.name, change(exr.read_parts(path)))

    with in_order(one, sorted(plate.glob("*.exr")), threads=cores(), ahead=0) as done:
        for _ in done:
            pass


def through_oiiotool(plate: Path, out: Path, cube: Path) -> None:
    """Put a cube on every frame with OpenImageIO's command, many at once."""
    out.mkdir()
    frames = sorted(int(path.suffixes[-2][1:]) for path in plate.glob("*.exr"))
    command: list[str | Path] = [
        Path(sys.executable).with_name("oiiotool"),
        "--parallel-frames",
        "--frames",
        f"{frames[0]}-{frames[-1]}",
    ]
    command += [plate / "plate.%04d.exr", "--ociofiletransform", cube, "-d", "half", "--compression", "zip"]
    subprocess.run([*command, "-o", out / "plate.%04d.exr"], check=True, capture_output=True)


def write_cube(path: Path) -> None:
    """Write a ``.cube`` of :data:`LUT_NODES` nodes along an axis."""
    values = np.linspace(0, 1, LUT_NODES) ** 0.9
    rows = [f"{r:.6f} {g:.6f} {b:.6f}" for b in values for g in values for r in values]
    path.write_text("\n".join([f"LUT_3D_SIZE {LUT_NODES}", *rows]) + "\n")


def unchanged(parts: Parts) -> Parts:
    """Return the file as it is."""
    return parts


def lut() -> Callable[[Parts], Parts]:
    """Return what puts a cube on the R, G, B of a file with OpenColorIO."""
    grid = cube_nodes(LUT_NODES).astype(np.float32)
    cube = ocio.Lut3DTransform(gridSize=LUT_NODES)
    cube.setData((grid**0.9).reshape(-1))
    cube.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    cpu = ocio.Config.CreateRaw().getProcessor(cube).getDefaultCPUProcessor()

    def apply(parts: Parts) -> Parts:
        (part,) = parts
        rgb = np.stack([part.channels[name].astype(np.float32) for name in "RGB"], axis=-1)
        cpu.apply(ocio.PackedImageDesc(rgb, rgb.shape[1], rgb.shape[0], 3))
        return [exr.ExrPart(part.header, {name: rgb[..., i].astype(np.float16) for i, name in enumerate("RGB")})]

    return apply


def measure(size: tuple[int, int], frames: int, rounds: int, preset: str) -> None:
    """Print the table of one size."""
    costs = costs_of_ways(size, frames, rounds, preset)
    mebibytes = size[0] * size[1] * 6 / 2**20
    print(f"\n## {size[0]}x{size[1]}, {frames} frames of {mebibytes:.0f} MiB\n")
    print_costs(costs, frames, over="floor", called="the floor")


def print_costs(costs: dict[str, list[Cost]], frames: int, *, over: str, called: str) -> None:
    """Print a row for each way, of the medians of its rounds. over: the way that all are compared with."""
    print(f"| | CPU s a frame | over {called} | wall s a frame | over {called} |\n|---|---|---|---|---|")
    base = {kind: statistics.median(getattr(cost, kind) for cost in costs[over]) for kind in ("cpu", "wall")}
    for name, own in costs.items():
        cells = []
        for kind in ("cpu", "wall"):
            median = statistics.median(getattr(cost, kind) for cost in own)
            cells += [f"{median / frames:.3f}", f"{median / base[kind]:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |")


def costs_of_ways(size: tuple[int, int], frames: int, rounds: int, preset: str) -> dict[str, list[Cost]]:
    """Return the cost of each round, by the way that frames are taken from file to file."""
    costs: dict[str, list[Cost]] = {
        name: [] for name in ("floor", "verified floor", "33-cube LUT", "oiiotool with the LUT", "grade")
    }
    with tempfile.TemporaryDirectory() as place:
        plate, cube = Path(place) / "plate", Path(place) / "look.cube"
        make_plate(plate, size, frames)
        write_cube(cube)
        analysis = Path(place) / "analysis"
        grade(plate, preset, Path(place) / "first", frames="1001", analysis=analysis)
        with_cube = lut()
        for turn in range(rounds):
            out = Path(place) / f"out{turn}"
            out.mkdir()
            with costing(costs["floor"]):
                copy(plate, out / "a", unchanged, exr.write_parts)
            with costing(costs["verified floor"]):
                copy(plate, out / "b", unchanged, write_exr)
            with costing(costs["33-cube LUT"]):
                copy(plate, out / "c", with_cube, exr.write_parts)
            with costing(costs["oiiotool with the LUT"]):
                through_oiiotool(plate, out / "d", cube)
            with costing(costs["grade"]):
                grade(plate, preset, out / "e", analysis=analysis)
            shutil.rmtree(out)
    return costs


def peak_memory(size: tuple[int, int], frames: int, preset: str) -> float:
    """Return the GiB at most in use by a process that analyses and grades a shot."""
    with tempfile.TemporaryDirectory() as place:
        plate = Path(place) / "plate"
        make_plate(plate, size, frames)
        code = (
            "import sys; from vfxstyle.cli.allocator import keep_freed_memory; keep_freed_memory();"
            "from vfxstyle.grading.grade import grade; grade(*sys.argv[1:4]);"
            "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, plate, preset, Path(place) / "out"], capture_output=True, text=True, check=True
        )
        return int(done.stdout) / 2**20


def frame_size(text: str) -> tuple[int, int]:
    """Return width and height, px, of a text as in ``1920x1080``."""
    width, height = text.split("x")
    return int(width), int(height)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=frame_size, action="append")
    parser.add_argument("--preset", default="golden")
    parser.add_argument("--long", type=int, default=200, help="frames of the memory run; 0 leaves it out")
    options = parser.parse_args()
    keep_freed_memory()  # as grade does
    sizes = options.size or [(1920, 1080), (4096, 2160)]
    print("# The grade pass against reading and writing")
    print(f"\n{platform.processor() or platform.machine()}, Python {platform.python_version()}; `benchmarks/io.py`")
    for size in sizes:
        measure(size, options.frames, options.rounds, options.preset)
    if options.long:
        size = sizes[-1]
        short, long = (peak_memory(size, count, options.preset) for count in (options.long // 10, options.long))
        frames = f"{short:.2f} GiB over {options.long // 10} frames, {long:.2f} GiB over {options.long}"
        print(f"\nPeak memory at {size[0]}x{size[1]}, analysis and grade: {frames}.")


if __name__ == "__main__":
    main()
