"""How many cores, and how much memory, this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "OMP_NUM_THREADS"
"""Environment variable by which a farm tells a task how many threads it may run."""
_OF_LIBRARIES = (
    "MKL_NUM_THREADS",
    "OPENIMAGEIO_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Variables that libraries read when they are loaded; numba asks :func:`cores` (:mod:`vfxstyle.compiled`)."""
_ONE_THREAD = "OPENBLAS_NUM_THREADS"
"""The variable of a library that gets one thread: its matrices are small here, and its threads wait for each other
without a pause, which took a fifth of the CPU time of a training."""
_CGROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Threads that compute at once: what ``$OMP_NUM_THREADS`` says, else the cores that the process may run on.

    Of a container those that it is given, by whichever is less: the cores that it may run on, or its share of time.
    """
    said = os.environ.get(VARIABLE, "").partition(",")[0].strip()
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return cores_of_process()


def cores_of_process() -> int:
    """Cores that this process and those that it starts may use together, whatever a task is told."""
    return max(1, min(len(os.sched_getaffinity(0)), quota()))


def limit_threads(count: int | None) -> None:
    """Let every library that is loaded from here on run at most so many threads; None for :func:`cores`.

    A number that is given counts; without one, what the environment says of a library stands.
    """
    for name in (VARIABLE, *_OF_LIBRARIES):
        if count is not None:
            os.environ[name] = str(count)
        else:
            os.environ.setdefault(name, str(cores()))
    if count is not None:
        os.environ[_ONE_THREAD] = "1"
    else:
        os.environ.setdefault(_ONE_THREAD, "1")


def quota(root: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Cores that the control groups of this process give it time of, rounded up; many where none limits it.

    root: where control groups are. own: the file that names the process's own. Source: Linux, admin-guide/cgroup-v2
    (cpu.max) and cgroup-v1/cpu (cpu.cfs_quota_us).
    """
    least = math.inf
    for group in _groups(root, own):
        try:
            if (group / "cpu.max").is_file():
                most, period = (group / "cpu.max").read_text().split()[:2]
            else:
                most, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
            if most != "max" and int(most) > 0:
                least = min(least, int(most) / int(period))
        except (OSError, ValueError):
            continue
    return 2**31 if math.isinf(least) else math.ceil(least)


def free_memory(root: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup"), of: Path = Path("/proc/meminfo")) -> int:
    """Bytes of memory that this process and those that it starts may still take: of the machine, or of its container.

    root, own: as for :func:`quota`. of: what the machine has. Source: Linux, filesystems/proc (MemAvailable),
    admin-guide/cgroup-v2 (memory.max, memory.current).
    """
    lines = dict(line.split(":", 1) for line in of.read_text().splitlines() if ":" in line)
    least = int(lines["MemAvailable"].split()[0]) * 1024
    for group in _groups(root, own):
        with suppress(OSError, ValueError):
            most, taken = ((group / f"memory.{name}").read_text().strip() for name in ("max", "current"))
            if most != "max":
                least = min(least, max(0, int(most) - int(taken)))
    return least


def _groups(root: Path, own: Path) -> list[Path]:
    """Folders of the control groups that may limit this process: its own and those above it."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    found = {root, root / "cpu"}
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers in ("", "cpu", "cpu,cpuacct", "cpuacct,cpu"):
            base = root / controllers if controllers else root
            inside = base / path.lstrip("/")
            found |= {folder for folder in (inside, *inside.parents) if folder.is_relative_to(root)}
    return sorted(found)
