"""What happens when things go wrong: ``python -m benchmarks.faults [--kills 200] [--files 2000] [--shots 40]``.

- kills: a grade of the bundled example is killed (SIGKILL) at random moments and started again until it ends. At every
  moment every file with a final name must have the bytes of an undisturbed run.
- files: mutated EXR, PNG, DPX, ProRes and preset files are read, each in a child process with limits.
- show: short shots are graded by several workers while a share of the tasks is killed; every frame must come out with
  the bytes of an undisturbed run. Also measured: the share of the time that goes into starting processes, and the
  chunks that would keep it low.

Prints Markdown; exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from tests.finals import finals
from tests.mutations import mutated  # tests do a little of the same
from vfxstyle.cli.progress import make_progress
from vfxstyle.farm import run as farm
from vfxstyle.farm.jobs import FarmRequest, ShotJob
from vfxstyle.farm.processes import Outcome, run_process
from vfxstyle.farm.resolve import resolve_jobs
from vfxstyle.farm.run import RunReport, run_jobs
from vfxstyle.farm.status import statuses_of
from vfxstyle.grading.grade import grade
from vfxstyle.progress import Stage
from vfxstyle.settings import GradeSettings, Run
from vfxstyle.settings.keywords import AnalyzeOptions
from vfxstyle.settings.table import pick

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "big_buck_bunny"
QUICK: AnalyzeOptions = {"superpixels": 100, "analysis_width": 160, "device": "cpu"}
ARGUMENTS = ["--superpixels", "100", "--analysis-width", "160", "--device", "cpu"]
"""The same for the command line."""
KINDS = ("exr", "png", "dpx", "mov", "safetensors")
FRAMES = 6
"""Frames of each shot of the show."""
KILLED_SHARE = 0.12
"""Share of the show's tasks that are to be killed; some end before their moment comes."""
LONGEST = 3.0
"""Seconds after which a task is killed at the latest."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to."""

    rows: list[str]
    """Rows of the Markdown table."""
    wrong: list[str]
    """Whatever was not as it must be."""


def command(*arguments: object) -> list[str]:
    """Return a command line of vfxstyle."""
    return [sys.executable, "-m", "vfxstyle", *map(str, arguments), *ARGUMENTS, "--progress", "none"]


def grade_command(output: Path) -> list[str]:
    """Return the command line that grades the bundled example."""
    return command("grade", EXAMPLE, "--preset", "golden", "-o", output)


def kills(count: int, seed: int, folder: Path) -> Result:
    """Kill a grade at random moments, drawn by seed."""
    out, whole = folder / "out", folder / "whole" / "out"
    subprocess.run(grade_command(folder / "warm"), check=True)  # compiles
    start = time.perf_counter()
    subprocess.run(grade_command(whole), check=True)
    length, expected = time.perf_counter() - start, finals(whole)
    draw, killed, finished = random.Random(seed), 0, 0
    wrong: list[str] = []
    with make_progress("auto", {}).stage(Stage.TASKS, count) as step:
        while killed < count:
            returncode = _returncode_or_killed(grade_command(out), draw.uniform(0, length))
            if returncode is None:
                killed += 1
                step()
            present = finals(out)
            wrong += [f"after {killed} kills: {name}" for name, data in present.items() if data != expected.get(name)]
            if returncode is not None:
                finished += 1
                if returncode or present.keys() != expected.keys():
                    wrong.append(f"ended with {returncode}, {len(present)} of {len(expected)} files")
                shutil.rmtree(out)
    row = f"| SIGKILL at random moments of a grade of 24 frames ({length:.0f} s) | {killed} | "
    return Result([f"{row}{finished} times to the end | {len(wrong)} wrong |"], wrong)


def _returncode_or_killed(arguments: Sequence[str], seconds: float) -> int | None:
    """Run a command and return its exit code; None if it was killed because it took longer."""
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def files(count: int, folder: Path) -> Result:
    """Read mutated files."""
    paths = [str(path) for path in _mutated_files(count, folder)]
    reader = [sys.executable, str(ROOT / "tests" / "hostile.py"), "-"]
    printed = subprocess.run(reader, input="\n".join(paths), capture_output=True, text=True, check=True).stdout
    ends = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    kinds = Counter(str(end["ended"]).split()[0] for end in ends)
    wrong = [str(end) for end in ends if not str(end["ended"]).startswith(("good", "refused 3"))]
    peak = max(end["peak_kib"] for end in ends) / 2**20
    outcome = f"{dict(kinds)}, {peak:.2f} GiB at most"
    return Result([f"| mutated files ({', '.join(KINDS)}) | {len(ends)} | {outcome} | {len(wrong)} wrong |"], wrong)


def _mutated_files(count: int, folder: Path) -> list[Path]:
    """Write damaged copies of a good file of each kind, in turns."""
    good = [sorted(EXAMPLE.glob("*.exr"))[0], ROOT / "presets" / "golden.safetensors"]
    good += grade(good[0], "golden", folder / "png", format="png", **QUICK).files
    good += grade(good[0], "golden", folder / "dpx", format="dpx", **QUICK).files
    good += grade(EXAMPLE, "golden", folder / "clip.mov", frames="1001-1004", **QUICK).files
    numbers, paths = np.random.default_rng(0), []
    for index in range(count):
        source = good[index % len(good)]
        path = folder / "mutated" / f"{source.stem.replace('.', '_')}_{index}{source.suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(mutated(source.read_bytes(), numbers))
        paths.append(path)
    return paths


class Killer:
    """Runs tasks, and kills a share of them at a random moment."""

    def __init__(self, share: float, longest: float) -> None:
        """Kill ``share``, 0..1, of the tasks within ``longest`` seconds."""
        self.share, self.longest, self.killed = share, longest, 0
        self._draw, self._lock = random.Random(1), threading.Lock()

    def run(self, arguments: Sequence[str]) -> Outcome:
        """Run a task, or begin it and kill it; in place of :func:`vfxstyle.farm.run.run_process`."""
        with self._lock:
            doomed, moment = self._draw.random() < self.share, self._draw.uniform(0, self.longest)
        if not doomed:
            return run_process(arguments)
        start = time.perf_counter()
        returncode = _returncode_or_killed([sys.executable, "-m", "vfxstyle", *arguments], moment)
        seconds = time.perf_counter() - start
        if returncode is not None:
            return Outcome(returncode, "", seconds, "here")
        with self._lock:
            self.killed += 1
        return Outcome(-9, "was killed", seconds, "here")


def show(count: int, workers: int, folder: Path) -> Result:
    """Grade short shots while tasks are killed."""
    shots = [str(_short_shot(folder / f"shot_{index:03d}", index)) for index in range(count)]
    request = FarmRequest(
        shots=tuple(shots),
        presets=("golden",),
        output=str(folder / "graded"),
        settings=pick(GradeSettings, QUICK),
        run=Run.of(QUICK, None),
    )
    jobs = resolve_jobs(request)
    killer, start = Killer(KILLED_SHARE, LONGEST), time.perf_counter()
    with mock.patch.object(farm, "run_process", killer.run), ThreadPoolExecutor(workers) as engine:
        report = run_jobs(jobs, engine, make_progress("auto", {}), chunk=2)
    wall = time.perf_counter() - start
    wrong = [f"{s.name}: {s.state} {s.reason}" for s in statuses_of(jobs, report.failures) if s.state != "done"]
    graded = [job for job in jobs if isinstance(job, ShotJob)]
    wrong += [
        f"{job.name}: other bytes than one run's" for job in graded[:: max(1, count // 5)] if _differs(job, folder)
    ]
    outcome = f"{killer.killed} of {report.tasks} tasks killed, {wall:.0f} s wall"
    rows = [f"| {count} shots of {FRAMES} frames on {workers} workers | {report.tasks} tasks | {outcome} | "
            f"{len(wrong)} wrong |", _start_up_row(graded[0], report, count)]  # fmt: skip
    return Result(rows, wrong)


def _short_shot(place: Path, first: int) -> Path:
    """Make a shot of a few of the example's frames."""
    frames = sorted(EXAMPLE.glob("*.exr"))
    place.mkdir()
    for number in range(FRAMES):
        (place / f"{place.name}.{1001 + number}.exr").symlink_to(frames[(first + number) % len(frames)])
    return place


def _differs(job: ShotJob, folder: Path) -> bool:
    """Whether a shot's frames have other bytes than those of one undisturbed run."""
    whole = grade(job.shot, "golden", folder / "whole" / job.output.name, **QUICK).output
    one, other = ({path.name: path.read_bytes() for path in place.glob("*.exr")} for place in (whole, job.output))
    return one != other


def _start_up_row(job: ShotJob, report: RunReport, shots: int) -> str:
    """Return the row about start-up, timed on a shot that needs nothing any more."""
    idle = run_process(["grade", str(job.shot), "--preset", "golden", "-o", str(job.output), *ARGUMENTS])
    share = report.tasks * idle.seconds / report.seconds
    seconds_per_frame = max((report.seconds - report.tasks * idle.seconds) / (shots * FRAMES), 1e-3)
    return (
        f"| start-up of all task time, chunks of 2 frames | {share:.0%}, {idle.seconds:.1f} s a task | "
        f"for at most 10 %: chunks of {math.ceil(9 * idle.seconds / seconds_per_frame)} such frames | |"
    )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    arguments = parser.parse_args()
    print("| what | how many | outcome | |\n|---|---|---|---|", flush=True)
    checks: list[tuple[int, Callable[[Path], Result]]] = [
        (arguments.kills, lambda folder: kills(arguments.kills, arguments.seed, folder)),
        (arguments.files, lambda folder: files(arguments.files, folder)),
        (arguments.shots, lambda folder: show(arguments.shots, arguments.workers, folder)),
    ]
    all_well = True
    for count, check in checks:
        if count:
            with tempfile.TemporaryDirectory() as scratch:
                result = check(Path(scratch))
            all_well = all_well and not result.wrong
            print("\n".join([*result.rows, *result.wrong[:10]]), flush=True)
    sys.exit(0 if all_well else 1)


if __name__ == "__main__":
    main()
