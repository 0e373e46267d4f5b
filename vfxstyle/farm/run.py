"""Running the steps of many shots without a farm manager: on this machine, or on a Dask cluster.

An engine is anything with the interface of :class:`concurrent.futures.Executor`. Every task is a process of its own, so
that one that dies takes nothing with it; it is tried again where that can help.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.farm.tasks import PIECE, ShotJob, Step, chunks, steps_of, whole_range
from vfxstyle.pipeline.progress import Clock, Progress
from vfxstyle.pipeline.settings import DEFAULT_CHUNK, DEFAULT_RETRIES

_RETRYABLE = (ResourceError.exit_code, 130, 143)  # of a task that lacked disk, memory or a device, or was stopped
_running: set[subprocess.Popen[str]] = set()


@dataclass(frozen=True, slots=True)
class Task:
    """One process: a step of a shot, or a piece of it."""

    job: ShotJob
    """The shot."""
    step: str
    """Name of the step."""
    arguments: tuple[str, ...]
    """Arguments of ``vfxstyle``."""


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

    @property
    def can_help_again(self) -> bool:
        """Whether another try can end better."""
        return self.returncode < 0 or self.returncode in _RETRYABLE


@dataclass(slots=True)
class RunReport:
    """What became of the tasks of some shots."""

    reasons: dict[str, str] = field(default_factory=dict)
    """Why a shot failed, by its name; shots that went well are not in it."""
    tasks: int = 0
    """Tasks that were run, tries included."""
    seconds: float = 0.0
    """Wall time of all of them, added up."""


def run_process(arguments: Sequence[str]) -> Outcome:
    """Run ``vfxstyle`` with these arguments in a process of its own, on the machine that this is called on."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "vfxstyle", *arguments, "--progress", "auto"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    _running.add(process)
    try:
        told = process.communicate()[1]
    finally:
        _running.discard(process)
    errors = [line for line in told.splitlines() if line.startswith("Error: ")]
    reason = ""
    if process.returncode:
        reason = errors[-1].removeprefix("Error: ") if errors else f"ended with {process.returncode}, saying nothing."
    return Outcome(process.returncode, reason, time.perf_counter() - start, socket.gethostname())


def tasks_of(job: ShotJob, step: Step, chunk: int) -> list[Task]:
    """The tasks of a step."""
    pieces = [f"{index}/{step.parts}" for index in range(1, step.parts + 1)]
    if step.frames:
        pieces = [whole_range(step.frames)] if step.in_one else chunks(step.frames, chunk)
    if not pieces:
        return [Task(job, step.name, step.command)]
    return [
        Task(job, step.name, tuple(piece if argument == PIECE else argument for argument in step.command))
        for piece in pieces
    ]


def run_jobs(
    jobs: Sequence[ShotJob],
    engine: Executor,
    progress: Progress,
    *,
    chunk: int = DEFAULT_CHUNK,
    parts: int | None = None,
    retries: int = DEFAULT_RETRIES,
) -> RunReport:
    """Run every step of every shot, those of one shot in order, those of different shots at once.

    A task that fails for good ends its shot once the other tasks of its step have ended; other shots go on.
    """
    report = RunReport()
    steps = {job.name: [tasks_of(job, step, chunk) for step in steps_of(job, parts=parts)] for job in jobs}
    tries: Counter[tuple[str, ...]] = Counter()
    open_tasks: Counter[str] = Counter()
    futures: dict[Future[Outcome], Task] = {}

    def submit(task: Task) -> None:
        tries[task.arguments] += 1
        report.tasks += 1
        futures[engine.submit(run_process, task.arguments)] = task

    def begin(job: str) -> None:
        if job not in report.reasons and steps[job]:
            tasks = steps[job].pop(0)
            open_tasks[job] = len(tasks)
            for task in tasks:
                submit(task)

    clock = Clock(progress)
    total = sum(len(tasks) for own in steps.values() for tasks in own)
    with clock.stage("tasks", total) as step_done:
        for job in jobs:
            begin(job.name)
        while futures:
            ended, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in ended:
                task = futures.pop(future)
                outcome = _outcome_of(future)
                report.seconds += outcome.seconds
                if outcome.can_help_again and tries[task.arguments] <= retries:
                    clock.note(f"{task.job.name}: {task.step} is tried again, {outcome.reason}")
                    submit(task)
                    continue
                if outcome.returncode:
                    report.reasons.setdefault(task.job.name, f"{task.step}: {outcome.reason}")
                    clock.note(f"{task.job.name}: {task.step} failed on {outcome.host}, {outcome.reason}")
                step_done()
                open_tasks[task.job.name] -= 1
                if not open_tasks[task.job.name]:
                    begin(task.job.name)
    return report


def _outcome_of(future: Future[Outcome]) -> Outcome:
    """How a task ended; one that the engine lost, with its machine or worker, counts as killed."""
    try:
        return future.result()
    except Exception as error:  # whatever an engine raises for it
        return Outcome(-1, f"the task was lost ({type(error).__name__}: {error})", 0.0, "a machine that is gone")


@contextmanager
def engine_of(dask: str | None, workers: int) -> Iterator[Executor]:
    """Processes on this machine, or a Dask cluster: ``local`` for one here, else a scheduler's address.

    Raises :class:`~vfxstyle.errors.UsageError` where Dask is not installed, and
    :class:`~vfxstyle.errors.ResourceError` for a cluster that does not answer.
    """
    if dask is None:
        pool = ThreadPoolExecutor(workers, "vfxstyle-task")
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_running):  # each drops or finishes its frame
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True)
        return
    with _client(dask, workers) as client:
        yield client.get_executor(retries=0, pure=False)


@contextmanager
def _client(address: str, workers: int) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError("Dask is not installed; pip install 'vfxstyle[dask]'.") from error
    if address == "local":
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=40
        )
        with cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address, timeout=30)
    except (OSError, ValueError) as error:
        raise ResourceError(f"The Dask scheduler {address} does not answer: {error}; check the address.") from error
    try:
        yield client
    finally:
        with suppress(Exception):  # the scheduler may be gone; what the tasks have done is on disk
            client.close()
