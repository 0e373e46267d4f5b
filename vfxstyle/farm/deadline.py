"""The same jobs for Deadline 10: a job of its CommandLine plugin for every step, each waiting for those before.

Files: https://docs.thinkboxsoftware.com/products/deadline/10.2/1_User%20Manual/manual/manual-submission.html (job info
and plug-in info files, arbitrary command-line jobs). They are sent one by one: each names those it waits for.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.farm.job_options import NO_OPTIONS, JobOptions
from vfxstyle.farm.jobs import FarmJob, ShotJob, TimelineJob
from vfxstyle.farm.tasks import ANALYSED, PIECE, Step, steps_of, stretches, whole_range
from vfxstyle.settings import DEFAULT_CHUNK

_PLAIN = re.compile(r"[\w@%+=:,./{}#\[\]*?-]+")
_ID = re.compile(r"^JobID=(\S+)", re.MULTILINE)
_KNOWN = ("name", "priority", "pool", "group", "limits", "max_workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineJob:
    """One job of Deadline: a step of a shot, or a stretch of its frames."""

    info: dict[str, Any]
    """What the job info file says, but for what it waits for."""
    plugin: dict[str, Any]
    """What the plug-in info file says."""
    after: tuple[int, ...]
    """Indices of the jobs that must have ended before."""

    def as_json(self) -> dict[str, Any]:
        """For people and scripts."""
        return {"job": self.info, "plugin": self.plugin, "after": list(self.after)}


def deadline_jobs(
    jobs: Sequence[FarmJob],
    *,
    chunk: int = DEFAULT_CHUNK,
    shards: int | None = None,
    command: str = "vfxstyle",
    options: JobOptions = NO_OPTIONS,
) -> list[DeadlineJob]:
    """The jobs of Deadline, in an order in which each comes after those that it waits for.

    command: ``vfxstyle`` on the workers. Raises :class:`~vfxstyle.errors.UsageError` for what Deadline cannot say.
    """
    options.check("Deadline", _KNOWN)
    shared = _shared(jobs, options)
    made: list[DeadlineJob] = []
    last: dict[str, tuple[int, ...]] = {}
    analysed: dict[str, tuple[int, ...]] = {}
    for own in jobs:
        at: dict[str, tuple[int, ...]] = {}
        for step in steps_of(own, shards=shards):
            waits = [(last if isinstance(own, TimelineJob) else analysed)[name] for name in own.after]
            before = at[step.after] if step.after is not None else tuple(index for group in waits for index in group)
            first = len(made)
            for frames, size, piece in _pieces(step, chunk):
                words = [piece if word == PIECE else word for word in step.command]
                info = {
                    "Plugin": "CommandLine",
                    "Name": f"{own.name} {step.name}",
                    **shared,
                    "Frames": frames,
                    "ChunkSize": size,
                    "OutputDirectory0": str(own.output.parent if _is_movie(own) else own.output),
                }
                arguments = " ".join(_quoted(word) for word in (*words, "--progress", "deadline"))
                plugin = {"Executable": command, "Arguments": arguments, "Shell": "default", "ShellExecute": False}
                made.append(DeadlineJob(info=info, plugin=plugin, after=before))
            at[step.name] = last[own.name] = tuple(range(first, len(made)))
        analysed[own.name] = at.get(ANALYSED, last[own.name])
    return made


def _shared(jobs: Sequence[FarmJob], options: JobOptions) -> dict[str, Any]:
    """What every job of them says."""
    told = {
        "Priority": options.priority,
        "Pool": options.pool,
        "Group": options.group,
        "LimitGroups": ",".join(options.limits) or None,
        "MachineLimit": options.max_workers,
    }
    return {"BatchName": options.name_of(jobs), **{key: value for key, value in told.items() if value is not None}}


def _is_movie(job: FarmJob) -> bool:
    return isinstance(job, ShotJob) and job.is_movie


def _pieces(step: Step, chunk: int) -> list[tuple[str, int, str]]:
    """Frames, frames of a task, and what a task is told, of each job of a step: one for each stretch of frames."""
    if step.shards:
        return [(f"1-{step.shards}", 1, f"<STARTFRAME>/{step.shards}")]
    if not step.frames or step.in_one:
        return [("0", 1, whole_range(step.frames) if step.frames else "")]
    if step.frames[0] < 0:
        raise UsageError(f"Deadline has no frames below 0, and the first is {step.frames[0]}; renumber the plate.")
    return [(f"{first}-{last}", chunk, "<STARTFRAME>-<ENDFRAME>") for first, last in stretches(step.frames)]


def _quoted(word: str) -> str:
    """A word of the one line of arguments.

    Raises :class:`~vfxstyle.errors.UsageError` for what would not come through.
    """
    plain = word.replace("<STARTFRAME>", "").replace("<ENDFRAME>", "")
    if word and (not plain or _PLAIN.fullmatch(plain)):
        return word
    if any(letter in word for letter in '"<>\n\r'):
        raise UsageError(f"Deadline cannot pass on {word}: it has a quote, < or > in it; rename it.")
    return f"<QUOTE>{word}<QUOTE>"


def submit(made: Sequence[DeadlineJob], program: str = "deadlinecommand") -> list[str]:
    """Send jobs to the repository that ``deadlinecommand`` is set up for; returns their ids.

    program: Deadline's command. Raises :class:`~vfxstyle.errors.ResourceError` where a job is not taken, naming those
    that are there already, and :class:`~vfxstyle.errors.UsageError` where there is no such command.
    """
    ids: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vfxstyle-deadline-") as scratch:
        for index, job in enumerate(made):
            waits = {"JobDependencies": ",".join(ids[other] for other in job.after)} if job.after else {}
            files = [Path(scratch) / f"{index}_{kind}.job" for kind in ("job", "plugin")]
            for file, values in zip(files, ({**job.info, **waits}, job.plugin), strict=True):
                file.write_text(as_file(values), encoding="utf-8")
            ids.append(_submitted(program, files, job, ids))
    return ids


def as_file(values: dict[str, Any]) -> str:
    """A job info or plug-in info file: a line for each key."""
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _submitted(program: str, files: Sequence[Path], job: DeadlineJob, sent: Sequence[str]) -> str:
    there = f" Sent already, and waiting: {', '.join(sent)}." if sent else ""
    try:
        ran = subprocess.run([program, *map(str, files)], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise UsageError(
            f"{program} cannot be started ({error.strerror}); install Deadline's client, or name it with --program."
        ) from error
    found = _ID.search(ran.stdout)
    if ran.returncode or found is None:
        said = (ran.stdout.strip() or ran.stderr.strip() or "it said nothing").splitlines()[-1]
        raise ResourceError(f"Deadline does not take {job.info['Name']}: {said}.{there}")
    return found.group(1)
