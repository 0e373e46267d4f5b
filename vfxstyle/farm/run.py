"""Running the steps of many shots without a farm manager: on this machine, or on a Dask cluster.

An engine is anything with the interface of :class:`concurrent.futures.Executor`. Every task is a process of its own, so
that one that dies takes nothing with it; it is tried again where that can help.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfxstyle.cores import VARIABLE, cores_of_process, free_memory, limit_threads
from vfxstyle.errors import OutputError, PartialError, ResourceError, UsageError
from vfxstyle.farm.jobs import FarmJob, TimelineJob, TrainJob
from vfxstyle.farm.processes import RUNNING, Outcome, Task, run_process, write_log
from vfxstyle.farm.tasks import PIECE, Step, chunks, memory_of, steps_of, whole_range
from vfxstyle.progress import Clock, Progress, Stage
from vfxstyle.settings import DEFAULT_CHUNK, DEFAULT_RETRIES
from vfxstyle.settings.values import DEFAULT_MEMORY


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed."""

    reason: str
    """What a user is told."""
    retryable: bool
    """Whether running it again can help."""


@dataclass(slots=True)
class RunReport:
    """What became of the tasks of some shots."""

    failures: dict[str, Failure] = field(default_factory=dict)
    """The jobs that failed, by name; those that went well are not in it."""
    tasks: int = 0
    """Tasks that were run, tries included."""
    seconds: float = 0.0
    """Wall time of all of them, added up."""


def tasks_of(job: FarmJob, step: Step, chunk: int) -> list[Task]:
    """The tasks of a step."""
    pieces = [f"{index}/{step.shards}" for index in range(1, step.shards + 1)]
    if step.frames:
        pieces = [whole_range(step.frames)] if step.in_one else chunks(step.frames, chunk)
    if not pieces:
        return [Task(job, step.name, step.command)]
    return [
        Task(job, step.name, tuple(piece if argument == PIECE else argument for argument in step.command), piece)
        for piece in pieces
    ]


def run_jobs(
    jobs: Sequence[FarmJob],
    engine: Executor,
    progress: Progress,
    *,
    chunk: int = DEFAULT_CHUNK,
    shards: int | None = None,
    retries: int = DEFAULT_RETRIES,
    logs: Path | None = None,
) -> RunReport:
    """Run every step of every job, those of one in order, those of different ones at once.

    logs: a folder for what tasks say.

    A task that fails for good ends its job once the other tasks of its step have ended; other jobs go on, but for a
    timeline that waits for it.
    """
    steps = {job.name: [tasks_of(job, step, chunk) for step in steps_of(job, shards=shards)] for job in jobs}
    clock = Clock(progress)
    with clock.stage(Stage.TASKS, sum(len(tasks) for own in steps.values() for tasks in own)) as step_done:
        run = _Run(jobs, steps, engine, clock, retries, logs)
        for job in jobs:
            if not job.after:
                run.begin(job.name)
        while run.futures:
            for future in wait(run.futures, return_when=FIRST_COMPLETED)[0]:
                if run.end(future):
                    step_done()
    return run.report


class _Run:
    """Jobs under way."""

    def __init__(
        self,
        jobs: Sequence[FarmJob],
        steps: dict[str, list[list[Task]]],
        engine: Executor,
        clock: Clock,
        retries: int,
        logs: Path | None,
    ) -> None:
        self._logs = logs
        self._jobs, self._steps, self._engine, self._clock, self._retries = jobs, steps, engine, clock, retries
        self._by_name = {job.name: job for job in jobs}
        self._one_machine = isinstance(engine, ThreadPoolExecutor)
        self.report = RunReport()
        self.futures: dict[Future[Outcome], Task] = {}
        """Tasks under way."""
        self._tries: Counter[tuple[str, ...]] = Counter()
        self._open: Counter[str] = Counter()
        self._ended: set[str] = set()
        self._partial: set[str] = set()

    def begin(self, job: str) -> None:
        """Submit the next step of a job; where there is none, or it failed, begin the jobs that waited for it."""
        if job not in self.report.failures and self._steps[job]:
            tasks = self._steps[job].pop(0)
            self._clock.note(f"{job}: {tasks[0].step}, {len(tasks)} {'task' if len(tasks) == 1 else 'tasks'}")
            self._open[job] = len(tasks)
            for task in tasks:
                self._submit(task)
            return
        self._ended.add(job)
        for other in self._jobs:
            if job in other.after and self._ended.issuperset(other.after):
                # a timeline whose clips are there but for some frames is written, and says so itself
                failures = self.report.failures
                failed = [name for name in other.after if name in failures and name not in self._partial]
                is_learnt = any(isinstance(self._by_name[name], TrainJob) for name in failed)
                # other looks on a shot are tried all the same
                if is_learnt or (failed and isinstance(other, TimelineJob)):
                    retryable = all(failures[name].retryable for name in failed)
                    failures[other.name] = Failure(f"{', '.join(failed)} failed.", retryable)
                self.begin(other.name)

    def end(self, future: Future[Outcome]) -> bool:
        """Take note of how a task ended; whether it has, or is tried again."""
        task, outcome = self.futures.pop(future), _outcome_of(future)
        name = task.job.name
        self.report.seconds += outcome.seconds
        if self._logs is not None:
            self._keep_log(self._logs, task, outcome)
        again = outcome.can_help_here if self._one_machine else outcome.can_help_again
        if again and self._tries[task.arguments] <= self._retries:
            self._clock.warn(f"{name}: {task.step} is tried again, {outcome.reason}")
            self._submit(task)
            return False
        if outcome.returncode == PartialError.exit_code and name not in self.report.failures:
            self._partial.add(name)
        elif outcome.returncode:
            self._partial.discard(name)
        if outcome.returncode:
            failure = Failure(f"{task.step}: {outcome.reason}", outcome.can_help_again)
            first = self.report.failures.setdefault(name, failure)
            if first.retryable and not failure.retryable:  # what has to be mended first
                self.report.failures[name] = failure
            self._clock.warn(f"{name}: {task.step} failed on {outcome.host}, {outcome.reason}")
        self._open[name] -= 1
        if not self._open[name]:
            self.begin(name)
        return True

    def _keep_log(self, folder: Path, task: Task, outcome: Outcome) -> None:
        """Write what a task has said; what cannot be written is told once, and the work goes on."""
        try:
            write_log(folder, task, self._tries[task.arguments], outcome)
        except OutputError as error:
            self._clock.warn(f"no more logs are kept: {error}")
            self._logs = None

    def _submit(self, task: Task) -> None:
        self._tries[task.arguments] += 1
        self.report.tasks += 1
        self.futures[self._engine.submit(run_process, task.arguments)] = task


def _outcome_of(future: Future[Outcome]) -> Outcome:
    """How a task ended; one that the engine lost, with its machine or worker, counts as killed."""
    try:
        return future.result()
    except Exception as error:  # whatever an engine raises for it
        return Outcome(-1, f"the task was lost ({type(error).__name__}: {error})", 0.0, "a machine that is gone")


def workers_here(jobs: Sequence[FarmJob], threads: int | None = None) -> int:
    """Tasks at once on this machine: half its cores, or as many as there is memory for.

    threads: cores that the tasks may use together; None for all that this process may use.
    """
    # the threads are divided among them, so none fills more room than the default
    room = min([DEFAULT_MEMORY, *(job.run.memory for job in jobs)])
    of_a_task = max((memory_of(job, step, room) for job in jobs for step in steps_of(job)), default=1) * 2**20
    return max(1, min((threads or cores_of_process()) // 2, free_memory() // of_a_task))


@contextmanager
def engine_of(dask: str | None, workers: int, threads: int | None = None) -> Iterator[Executor]:
    """Processes on this machine, or a Dask cluster: ``local`` for one here, else a scheduler's address.

    threads: that the tasks on this machine may use together, which are divided among the workers; None for the cores
    that this process may use, or what the environment says of a task.
    Raises :class:`~vfxstyle.errors.UsageError` where Dask is not installed, and
    :class:`~vfxstyle.errors.ResourceError` for a cluster that does not answer.
    """
    share = max(1, (threads or cores_of_process()) // workers)
    if dask is None:
        # the processes share this machine's cores; they inherit what stands in the environment
        if threads is not None or VARIABLE not in os.environ:
            limit_threads(share)
        pool = ThreadPoolExecutor(workers, "vfxstyle-task")
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):  # each drops or finishes its frame
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True)
        return
    if threads is not None and dask != "local":
        raise UsageError(f"--threads is of this machine; tell the workers of {dask} by their ${VARIABLE}.")
    with _client(dask, workers, share) as client:
        yield client.get_executor(retries=0, pure=False)


@contextmanager
def _client(address: str, workers: int, share: int) -> Iterator[Any]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError("Dask is not installed; pip install '.[dask]' in the folder of the sources.") from error
    if address == "local":
        dask.config.set({f"distributed.nanny.pre-spawn-environ.{VARIABLE}": share})  # else it says 1
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
