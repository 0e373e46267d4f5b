"""Processes of a grade: ``python benchmarks/processes.py PART``, each part prints Markdown.

* threads: at peak, by ``--threads``, of the analysis and grade of the example, to EXR and to a movie;
* scaling: of the grade pass over 24 frames of 1920x1080 that are analysed, by cores, as far as there are any: wall
  seconds a frame, the start of the process left out, and how far they are from one core's over the cores
  (``benchmarks/many_cores.py`` simulates more);
* estimate: what the plan of that grade says of time and room, and what it took;
* memory: at peak, of the analysis and grade of 250, 1000 and 2000 frames of 320x180; the long ones are segmented in
  sections. Analysed at 128 px with 100 superpixels, so that it ends in minutes;
* read-only: the same task in a root that is mounted read-only, as user 65534, without a network, with a home that does
  not exist, against one that may write. Needs root, ``unshare``, ``setpriv``, and as ``--command`` an installation that
  everybody may read and that ``vfxstyle warm`` has compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tsp.py beside this file would hide the library

from benchmarks.io import EXAMPLE, make_plate
from vfxstyle.cores import VARIABLE, cores_of_process
from vfxstyle.settings import ShotSettings

IN_A_CONTAINER = """
mount --make-rprivate / && mount --bind / /mnt && mount -o remount,ro,bind /mnt
mount --bind {place} /mnt{place} && mount -o remount,rw,bind /mnt{place}
mount -t proc proc /mnt/proc && mount --bind /dev /mnt/dev && mount -t tmpfs tmpfs /mnt/dev/shm
exec chroot /mnt setpriv --reuid 65534 --regid 65534 --clear-groups \\
  env -i PATH=/usr/bin:/bin HOME=/nonexistent TMPDIR={place} LANG=C.UTF-8 "$@"
"""


def grade_command(command: str, shot: Path, output: Path, *more: str) -> list[str]:
    """The grade of every row."""
    words = ["grade", str(shot), "--preset", "golden", "-o", str(output), "--proof", "none", "--progress", "none"]
    return [*command.split(), *words, *more]


def peak_threads(command: Sequence[str]) -> int:
    """Threads of a process at peak, as /proc counts them a hundred times a second."""
    process, peak = subprocess.Popen(command), 0
    while process.poll() is None:
        try:
            peak = max(peak, len(os.listdir(f"/proc/{process.pid}/task")))  # noqa: PTH208 - counted, not used
        except OSError:
            continue
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return peak


def threads(command: str, place: Path) -> None:
    """The table by ``--threads``."""
    print("| `--threads` | threads at peak, EXR | ProRes |\n|---|---|---|")
    for count in (1, 2, 4):
        peaks = [
            peak_threads(grade_command(command, EXAMPLE, place / f"{count}{suffix}", "--threads", str(count)))
            for suffix in ("", ".mov")
        ]
        print(f"| {count} | {peaks[0]} | {peaks[1]} |", flush=True)


def estimate(command: str, place: Path) -> None:
    """What is said, and what is taken."""
    words = grade_command(command, EXAMPLE, place / "out")
    said = json.loads(subprocess.run([*words, "-n"], stdout=subprocess.PIPE, check=True).stdout)["estimate"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    room = sum(path.stat().st_size for path in (place / "out").rglob("*") if path.is_file())
    print("| of the example | said | taken |\n|---|---|---|")
    print(f"| CPU seconds | {said['cpu_seconds']:.1f} | {seconds:.1f} |")
    print(f"| MB on disk | {said['disk_bytes'] / 1e6:.0f} | {room / 1e6:.0f} |")
    print(f"| GiB of memory | {said['memory_bytes'] / 2**30:.2f} | {after.ru_maxrss / 2**20:.2f} |")


def scaling(command: str, place: Path) -> None:
    """The table by cores."""
    shot, analysis = place / "plate", place / "analysis"
    make_plate(shot, (1920, 1080), 24)
    more = ("--analysis", str(analysis))
    subprocess.run(grade_command(command, shot, place / "first", *more, "-f", "1001"), check=True)

    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}

    def wall(count: int, frames: str) -> float:
        words = grade_command(command, shot, place / f"{count} {frames}", *more, "-f", frames)
        own = partial(os.sched_setaffinity, 0, sorted(os.sched_getaffinity(0))[:count])
        start = time.perf_counter()
        subprocess.run(words, check=True, preexec_fn=own, env=environment)
        return time.perf_counter() - start

    print("| cores | wall s a frame | of linear |\n|---|---|---|")
    alone = 0.0
    for count in [each for each in (1, 2, 4, 8, 16, 32) if each <= cores_of_process()]:
        seconds = (wall(count, "1001-1024") - wall(count, "1001-1002")) / 22
        alone = alone or seconds
        print(f"| {count} | {seconds:.3f} | {alone / seconds / count:.0%} |", flush=True)


def memory(command: str, place: Path) -> None:
    """The table by length."""
    print("| frames | sections | GiB of memory at peak | wall s |\n|---|---|---|---|")
    for count in (250, 1000, 2000):
        shot = place / f"plate{count}"
        make_plate(shot, (320, 180), count)
        small = ("--analysis-width", "128", "--superpixels", "100")
        words = grade_command(command, shot, place / f"out{count}", *small)
        start = time.perf_counter()
        process = subprocess.Popen(words)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
        seconds = time.perf_counter() - start
        sections = ShotSettings().sections(count)
        print(f"| {count} | {sections} | {used.ru_maxrss / 2**20:.2f} | {seconds:.0f} |", flush=True)
        shutil.rmtree(place / f"out{count}")
        shutil.rmtree(shot)


def read_only(command: str, place: Path) -> None:
    """Wall seconds of the same task where it may write and where it may not."""
    shot = shutil.copytree(EXAMPLE, place / "plate")
    subprocess.run(["chmod", "-R", "a+rwX", place], check=True)
    print("| root | wall s |\n|---|---|")
    for name, before in (
        ("writable", []),
        ("read-only", ["unshare", "-m", "-n", "bash", "-ec", IN_A_CONTAINER.format(place=place), "container"]),
    ):
        start = time.perf_counter()
        subprocess.run([*before, *grade_command(command, shot, place / name)], check=True)
        print(f"| {name} | {time.perf_counter() - start:.1f} |", flush=True)
    frames = [sorted((place / name).glob("*.exr")) for name in ("writable", "read-only")]
    same = all(one.read_bytes() == other.read_bytes() for one, other in zip(*frames, strict=True))
    print(f"\nThe frames are {'the same bytes' if same else 'NOT the same'}.")


PARTS = {"threads": threads, "scaling": scaling, "estimate": estimate, "memory": memory, "read-only": read_only}


def main() -> None:
    """Print a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--command", default=f"{sys.executable} -P -m vfxstyle", help="vfxstyle, with spaces")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vfxstyle-processes-") as scratch:
        Path(scratch).chmod(0o777)
        PARTS[given.part](given.command, Path(scratch))


if __name__ == "__main__":
    main()
