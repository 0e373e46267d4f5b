"""Reads files that may be anything, each in a child process with limits; ``python hostile.py PATH... | -`` prints JSON.

Run by tests and by ``benchmarks/faults.py``. The parent has everything imported and forks, so that a file costs
milliseconds.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

import vfxstyle.shots.movies  # noqa: F401 - imported once here and not by every child
from vfxstyle.errors import VfxStyleError
from vfxstyle.looks import read_preset
from vfxstyle.shots import open_shot

MEMORY = 4 << 30
"""Bytes of address space that a child may have beyond what the parent has."""
SECONDS = 20
"""Wall time that a child may take."""


def read(path: Path) -> str:
    """Open and read a file as the tool would; what came of it."""
    try:
        if path.suffix == ".safetensors":
            return f"good {read_preset(path).info.name}"
        with open_shot(path) as shot:
            frames = [shot.read(number) for number in shot.frames[:4]]
        return f"good {frames[0].rgb.shape}"
    except VfxStyleError as error:
        return f"refused {error.exit_code} {error}"
    except MemoryError:
        return "memory"
    except BaseException as error:
        return f"traceback {type(error).__name__}: {error}"


def attempt(path: Path) -> dict[str, object]:
    """Read a file in a child process; how it ended."""
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        signal.alarm(SECONDS)
        os.write(out, read(path).encode(errors="replace")[:4000])
        os._exit(0)
    os.close(out)
    told = b""
    while piece := os.read(into, 65536):
        told += piece
    os.close(into)
    _, status, usage = os.wait4(child, 0)
    ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else told.decode(errors="replace")
    return {"path": str(path), "ended": ended, "peak_kib": usage.ru_maxrss}


def main() -> None:
    """Try every path given, or those on standard input."""

    paths = sys.stdin.read().splitlines() if sys.argv[1:] == ["-"] else sys.argv[1:]
    for path in paths:
        sys.stdout.write(json.dumps(attempt(Path(path))) + "\n")
        sys.stdout.flush()  # else the next child would have the line too


if __name__ == "__main__":
    main()
