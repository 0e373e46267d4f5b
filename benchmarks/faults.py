"""What happens when things go wrong: ``python -m benchmarks.faults [--kills 200] [--files 2000] [--shots 40]``.

- kills: a grade of the bundled example is killed (SIGKILL) at random moments and started again until it ends. At every
  moment whatever has a final name must have the bytes of an undisturbed run.
- files: mutated EXR, PNG, DPX, ProRes and preset files are read, each in a child process with limits.
- show: short shots are graded by several workers while a share of the tasks is killed; every frame must come out with
  the bytes of an undisturbed run. What share of the time goes into starting processes, and what that says of chunks.

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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vfxstyle.cli.progress import make_progress
from vfxstyle.farm import run as farm
from vfxstyle.farm.jobs import resolve_jobs
from vfxstyle.farm.run import Outcome, run_jobs
from vfxstyle.farm.status import statuses_of
from vfxstyle.grading.grade import grade
from vfxstyle.settings import GradeSettings

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "big_buck_bunny"
QUICK = GradeSettings(superpixels=100, analysis_width=160, device="cpu")
OPTIONS = ["--superpixels", "100", "--analysis-width", "160", "--device", "cpu"]
KINDS = ("exr", "png", "dpx", "mov", "safetensors")


def command(*arguments: object) -> list[str]:
    """A command line of vfxstyle."""
    return [sys.executable, "-m", "vfxstyle", *map(str, arguments), *OPTIONS, "--progress", "none"]


def finals(folder: Path) -> dict[str, bytes]:
    """Every file under a final name, by its path without the folder."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(".part" in part or part == ".features" for part in name.parts):
            found[str(name)] = path.read_bytes()
    return found


def kills(count: int, seed: int, folder: Path) -> list[str]:
    """Kill a grade at random moments."""
    out, whole = folder / "out", folder / "whole" / "out"
    subprocess.run(command("grade", EXAMPLE, "--preset", "golden", "-o", folder / "warm"), check=True)  # compiles
    start = time.perf_counter()
    subprocess.run(command("grade", EXAMPLE, "--preset", "golden", "-o", whole), check=True)
    length, wanted = time.perf_counter() - start, finals(whole)
    draw, killed, finished, wrong = random.Random(seed), 0, 0, []
    with make_progress("auto", {}).stage("kills", count) as step:
        while killed < count:
            job = subprocess.Popen(
                command("grade", EXAMPLE, "--preset", "golden", "-o", out), stderr=subprocess.DEVNULL
            )
            try:
                code = job.wait(draw.uniform(0, length))
            except subprocess.TimeoutExpired:
                job.kill()
                job.wait()
                killed, code = killed + 1, None
                step()
            there = finals(out)
            wrong += [f"after {killed} kills: {name}" for name, data in there.items() if data != wanted.get(name)]
            if code is not None:
                finished += 1
                if code or there.keys() != wanted.keys():
                    wrong.append(f"ended with {code}, {len(there)} of {len(wanted)} files")
                shutil.rmtree(out)
    line = f"| SIGKILL at random moments of a grade of 24 frames ({length:.0f} s) | {killed} | "
    return [f"{line}{finished} times to the end | {len(wrong)} wrong |", *wrong[:10]]


def files(count: int, folder: Path) -> list[str]:
    """Read mutated files."""
    sys.path.insert(0, str(ROOT / "tests"))  # tests do a little of the same
    from mutations import mutated

    good = [sorted(EXAMPLE.glob("*.exr"))[0], ROOT / "presets" / "golden.safetensors"]
    for kind in ("png", "dpx"):
        good += grade(good[0], "golden", folder / kind, format=kind, settings=QUICK).files
    good += grade(EXAMPLE, "golden", folder / "clip.mov", frames="1001-1004", settings=QUICK).files
    numbers, paths = np.random.default_rng(0), []
    for index in range(count):
        source = good[index % len(good)]
        path = folder / "mutated" / f"{source.stem.replace('.', '_')}_{index}{source.suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(mutated(source.read_bytes(), numbers))
        paths.append(str(path))
    reader = [sys.executable, str(ROOT / "tests" / "hostile.py"), "-"]
    told = subprocess.run(reader, input="\n".join(paths), capture_output=True, text=True, check=True)
    ends = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    kinds = Counter(str(end["ended"]).split()[0] for end in ends)
    wrong = [end for end in ends if not str(end["ended"]).startswith(("good", "refused 3"))]
    peak = max(end["peak_kib"] for end in ends) / 2**20
    outcome = f"{dict(kinds)}, {peak:.2f} GiB at most"
    line = f"| mutated files ({', '.join(KINDS)}) | {len(ends)} | {outcome} | {len(wrong)} wrong |"
    return [line, *(str(end) for end in wrong[:10])]


class Killer:
    """Runs tasks, and kills a share of them at a random moment."""

    def __init__(self, share: float, longest: float) -> None:
        self.share, self.longest, self.killed = share, longest, 0
        self._draw, self._lock, self._real = random.Random(1), threading.Lock(), farm.run_process

    def run(self, arguments: list[str]) -> Outcome:
        """Run a task, or begin it and kill it."""
        with self._lock:
            doomed, moment = self._draw.random() < self.share, self._draw.uniform(0, self.longest)
        if not doomed:
            return self._real(arguments)
        start = time.perf_counter()
        job = subprocess.Popen([sys.executable, "-m", "vfxstyle", *arguments], stderr=subprocess.DEVNULL)
        try:
            code = job.wait(moment)
        except subprocess.TimeoutExpired:
            job.kill()
            code = job.wait()
            with self._lock:
                self.killed += 1
        return Outcome(code, "was killed" if code < 0 else "", time.perf_counter() - start, "here")


def show(count: int, workers: int, folder: Path) -> list[str]:
    """Grade short shots while tasks are killed."""
    frames = sorted(EXAMPLE.glob("*.exr"))
    shots = []
    for index in range(count):
        place = folder / f"shot_{index:03d}"
        place.mkdir()
        for number in range(6):
            name = f"shot_{index:03d}.{1001 + number}.exr"
            (place / name).symlink_to(frames[(index + number) % len(frames)])
        shots.append(str(place))
    jobs = resolve_jobs(shots, "golden", str(folder / "graded"), None, QUICK)
    killer = Killer(0.12, 3.0)  # some end before their moment comes
    farm.run_process = killer.run
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as engine:
        report = run_jobs(jobs, engine, make_progress("auto", {}), chunk=2)
    wall = time.perf_counter() - start
    farm.run_process = killer._real
    wrong = [f"{s.name}: {s.state} {s.reason}" for s in statuses_of(jobs, report.failures) if s.state != "done"]
    for job in jobs[:: max(1, count // 5)]:
        whole = grade(job.shot, "golden", folder / "whole" / job.output.name, settings=QUICK).output
        same = {p.name: p.read_bytes() for p in whole.glob("*.exr")} == {
            p.name: p.read_bytes() for p in job.output.glob("*.exr")
        }
        wrong += [] if same else [f"{job.name}: other bytes than one run's"]
    idle = farm.run_process(["grade", str(jobs[0].shot), "--preset", "golden", "-o", str(jobs[0].output), *OPTIONS])
    share = report.tasks * idle.seconds / report.seconds
    each = max((report.seconds - report.tasks * idle.seconds) / (count * 6), 1e-3)
    told = f"{killer.killed} of {report.tasks} tasks killed, {wall:.0f} s wall, start-up {idle.seconds:.1f} s a task"
    return [
        f"| {count} shots of 6 frames on {workers} workers | {report.tasks} tasks | {told} | {len(wrong)} wrong |",
        f"| start-up of all task time, chunks of 2 frames | {share:.0%} | for at most 10 %: chunks of "
        f"{math.ceil(9 * idle.seconds / each)} such frames | |",
        *wrong[:10],
    ]


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    arguments = parser.parse_args()
    lines = ["| what | how many | outcome | |", "|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    bad = False
    runs = (
        (arguments.kills, lambda folder: kills(arguments.kills, arguments.seed, folder)),
        (arguments.files, lambda folder: files(arguments.files, folder)),
        (arguments.shots, lambda folder: show(arguments.shots, arguments.workers, folder)),
    )
    for wanted, run in runs:
        if wanted:
            with tempfile.TemporaryDirectory() as scratch:
                found = run(Path(scratch))
            bad = bad or not found[0].endswith("| 0 wrong |")
            print("\n".join(found), flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
