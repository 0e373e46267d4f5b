"""One task of a farm: a process of its own, what became of it, and what it said."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vfxstyle.errors import DeviceError, OutputError, ResourceError
from vfxstyle.farm.jobs import FarmJob
from vfxstyle.files import user_place, write_atomically

PARENT = "VFXSTYLE_TASK_OF"
"""Environment variable that tells a task the process that waits for it, without which it ends."""
_ALL_THREADS = "VFXSTYLE_THREADS"  # of all tasks together, which have been told their share
RUNNING: set[subprocess.Popen[str]] = set()
"""Processes that this one has started and that have not ended."""
_RETRYABLE = (ResourceError.exit_code, 130, 143)  # of a task that lacked disk, memory or a device, or was stopped
_LONGEST = 80  # letters of a job, or of a piece, in the name of a log
_MOST_LINES = 2000  # of a task's log: what a whole shot says is some dozens
_CODE = re.compile(r"^vfxstyle: FAILED code=(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Task:
    """One process: a step of a shot, or a piece of it."""

    job: FarmJob
    """What it belongs to."""
    step: str
    """Name of the step."""
    arguments: tuple[str, ...]
    """Arguments of ``vfxstyle``."""
    piece: str = ""
    """The shard or frames that it does; empty for all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended."""

    returncode: int
    """Its exit code; negative where a signal killed it."""
    reason: str
    """The message of a failure; empty where all went well."""
    seconds: float
    """Wall time."""
    host: str
    """Machine that it ran on."""
    code: str = ""
    """The word for scripts of a failure, as :mod:`vfxstyle.errors` has it; empty where it said none."""
    log: tuple[str, ...] = ()
    """What it said, line by line, each with its time; the last lines where there are many."""

    @property
    def can_help_again(self) -> bool:
        """Whether another try can end better, on this machine or another."""
        return self.returncode < 0 or self.returncode in _RETRYABLE

    @property
    def can_help_here(self) -> bool:
        """Whether another try on the same machine can."""
        return self.can_help_again and self.code != DeviceError.code


def run_process(arguments: Sequence[str]) -> Outcome:
    """Run ``vfxstyle`` with these arguments in a process of its own, on the machine that this is called on."""
    start = time.perf_counter()
    command = [sys.executable, "-P", "-m", "vfxstyle", *arguments, "--progress", "auto"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**{name: value for name, value in os.environ.items() if name != _ALL_THREADS}, PARENT: str(os.getpid())},
    )
    RUNNING.add(process)
    told: list[str] = []
    try:
        assert process.stderr is not None
        with process.stderr as pipe:
            for line in pipe:
                told.append(f"{_now()} {line.rstrip()}")
        process.wait()
    finally:
        RUNNING.discard(process)
    lines = [line.partition(" ")[2] for line in told]
    errors = [line for line in lines if line.startswith("Error: ")]
    reason = ""
    if process.returncode:
        reason = errors[-1].removeprefix("Error: ") if errors else f"ended with {process.returncode}, saying nothing."
    said = _CODE.findall("\n".join(lines))
    seconds, host = time.perf_counter() - start, socket.gethostname()
    return Outcome(process.returncode, reason, seconds, host, said[-1] if said else "", tuple(told[-_MOST_LINES:]))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def log_folder() -> Path:
    """A folder for the logs of a run that begins now, in the state home of the user.

    Raises :class:`~vfxstyle.errors.OutputError` for a user without a home.
    """
    home = user_place("XDG_STATE_HOME", ".local/state")
    if home is None:
        raise OutputError("This user has no home to keep logs in; name a folder with --logs.")
    return home / "vfxstyle" / "logs" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}_{os.getpid()}"


def write_log(folder: Path, task: Task, attempt: int, outcome: Outcome) -> Path:
    """Write what a task has said, with times, to a file of its own.

    attempt: number of the try. Raises :class:`~vfxstyle.errors.OutputError`.
    """
    piece = "".join(letter if letter.isalnum() else "-" for letter in task.piece)[:_LONGEST]
    job = task.job.name
    if len(job) > _LONGEST:  # jobs that differ in what is cut off have files of their own
        job = f"{job[: _LONGEST - 9]}-{hashlib.sha256(os.fsencode(job)).hexdigest()[:8]}"
    name = "_".join(part for part in (job, task.step, piece, f"try{attempt}") if part)
    path = folder / f"{name.replace('/', '-')}.log"
    head = (
        f"# vfxstyle {shlex.join(task.arguments)}\n# on {outcome.host}, {outcome.seconds:.1f} s, exit code "
        f"{outcome.returncode}\n"
    )
    try:
        write_atomically(path, "\n".join([head, *outcome.log, ""]).encode(errors="replace"))
    except OSError as error:
        raise OutputError(f"Log {path} cannot be written: {error.strerror}; choose another with --logs.") from error
    return path
