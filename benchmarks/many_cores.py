"""The grade pass on more cores than there are, simulated: ``python benchmarks/many_cores.py [--cores 16]``.

What takes nearly all of a frame's time and leaves Python's lock free (the files, the kernels, the hash) is run on a few
frames, in as many threads as there are cores, and timed. Then each is replaced by a sleep of its time that returns what
it returned, touches the memory that it was given to write, and links the file that it would write; everything else runs
as it is: the queues, Python, memory, small arrays, names and records. What threads wait for one another is then in the
wall time, as on a machine of many cores; what they wait for memory and disks is not. Prints, for 1, 2, 4, ... cores,
wall seconds a frame of 1920x1080, and how far they are from the first over the cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

from benchmarks.io import make_plate
from vfxstyle import cores, grade
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.color import lab
from vfxstyle.grading import records
from vfxstyle.looks import apply
from vfxstyle.plates import shrink
from vfxstyle.shots import exr, halves
from vfxstyle.superpixels import smoothing, tables

FRAMES, MEASURED = 96, 8
_SMALL = 8e6  # bytes of an array that is filled with what it held, so that what follows is computed on the same numbers


class Slept:
    """A function that is timed, and then replaced by a sleep."""

    def __init__(self, module: Any, name: str) -> None:
        self.function: Callable[..., Any] = getattr(module, name)
        self.seconds: list[float] = []
        self.cost = 0.0
        self.result: Any = None
        setattr(module, name, self)

    def __call__(self, *arguments: Any) -> Any:
        if self.applies(*arguments):
            if self.cost:
                time.sleep(self.cost)
                self.replay(*arguments)
                return self.result
            start = time.thread_time()
            result = self.function(*arguments)
            self.seconds.append(time.thread_time() - start)
            self.result = result
            self.keep(*arguments)
            return result  # another thread may have set its own by now
        return self.function(*arguments)

    def applies(self, *arguments: Any) -> bool:
        """Whether a call with these arguments is one that is replaced."""
        return True

    def keep(self, *arguments: Any) -> None:
        """Keep what the function has done."""

    def replay(self, *arguments: Any) -> None:
        """Do it again, as cheaply as can be."""


class Filled(Slept):
    """A kernel that fills arrays, at some places of its arguments."""

    def __init__(self, module: Any, name: str, *places: int) -> None:
        super().__init__(module, name)
        self.places = places or (-1,)
        self.kept: list[Any] = []

    def keep(self, *arguments: Any) -> None:
        """Keep small arrays."""
        filled = [arguments[place] for place in self.places]
        self.kept = [array.copy() if array.nbytes < _SMALL else None for array in filled]

    def replay(self, *arguments: Any) -> None:
        """Fill small arrays; touch each KiB of large ones."""
        for place, kept in zip(self.places, self.kept, strict=True):
            if kept is None:
                arguments[place].reshape(-1).view("u1")[::1024] = 0
            else:
                arguments[place][...] = kept


class Read(Slept):
    """Reading of an OpenEXR file, but not of label maps."""

    def applies(self, *arguments: Any) -> bool:
        """Whether it is a frame."""
        return "labels" not in str(arguments[0])


class Written(Slept):
    """Writing of an OpenEXR file."""

    def __init__(self, module: Any, name: str, kept: Path) -> None:
        super().__init__(module, name)
        self.kept = kept

    def keep(self, *arguments: Any) -> None:
        """Keep the file."""
        shutil.copy(arguments[0], self.kept)

    def replay(self, *arguments: Any) -> None:
        """Link it."""
        os.link(self.kept, arguments[0])


def replaced(scratch: Path) -> list[Slept]:
    """What is replaced. The kernels run in one thread each, as they do beside others."""
    return [
        Read(exr, "read_parts"),
        Written(exr, "write_parts", scratch / "kept.exr"),
        Slept(records, "file_digest"),
        Filled(halves, "_floats"),
        Filled(halves, "_halves"),
        Filled(shrink, "_shrink"),
        Filled(lab, "_to_lab"),
        Filled(tables, "_add_up", 3, 4),
        Filled(tables, "_list_pairs", 2),
        Filled(smoothing, "_spread"),
        Filled(apply, "_apply"),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=16, help="cores at most")
    parser.add_argument("--frames", type=int, default=FRAMES)
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        plate = scratch / "plate"
        make_plate(plate, (1920, 1080), 1)
        for number in range(1002, 1001 + options.frames):
            os.link(plate / "plate.1001.exr", plate / f"plate.{number}.exr")
        grade(plate, "golden", scratch / "first", frames="1001", analysis=scratch / "analysis")

        def wall(frames: int, threads: int) -> float:
            os.environ[cores.VARIABLE] = str(threads)
            out = scratch / "out"
            start = time.perf_counter()
            grade(plate, "golden", out, frames=f"1001-{1000 + frames}", analysis=scratch / "analysis", memory=64)
            seconds = time.perf_counter() - start
            shutil.rmtree(out)
            return seconds

        slept = replaced(scratch)
        wall(MEASURED, cores.cores_of_process())
        wall(1, 1)  # so that what is kept is all of one frame
        for one in slept:
            one.cost = statistics.median(one.seconds)
        print(f"{sum(one.cost for one in slept):.3f} s of a frame are slept.\n")
        print("| cores | wall s a frame | of linear |\n|---|---|---|")
        alone, count = 0.0, 1
        while count <= options.cores:
            wall(options.frames, count)  # until memory has been touched once
            seconds = (wall(options.frames, count) - wall(2, count)) / (options.frames - 2)
            alone = alone or seconds
            print(f"| {count} | {seconds:.4f} | {alone / seconds / count:.0%} |", flush=True)
            count *= 2


if __name__ == "__main__":
    main()
