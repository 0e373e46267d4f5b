"""What a farm manager is told about a job beside its tasks, as far as it has a word for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.farm.jobs import FarmJob

_FLAGS = {"name": "--job-name", "limits": "--limit", "max_workers": "--max-workers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What whoever sends a job may say of it; None and nothing leave it to the farm."""

    name: str | None = None
    """What the job is called."""
    priority: int | None = None
    """0 to 100, the highest first."""
    pool: str | None = None
    """Machines that it goes to."""
    group: str | None = None
    """Kind of machines that it needs."""
    limits: tuple[str, ...] = ()
    """Limits that its tasks count against."""
    max_workers: int | None = None
    """Machines that work on it at once."""

    def check(self, engine: str, known: Collection[str]) -> None:
        """Raise :class:`~vfxstyle.errors.UsageError` for what an engine has no word for. known: those it has."""
        for own in fields(self):
            if getattr(self, own.name) not in (None, ()) and own.name not in known:
                raise UsageError(f"{engine} has no word for {_FLAGS.get(own.name, f'--{own.name}')}; leave it out.")

    def name_of(self, jobs: Sequence[FarmJob]) -> str:
        """The name asked for; else the look, or how many there are, and the shot, or how many."""
        if self.name:
            return self.name
        looks, shots = {Path(job.preset).stem for job in jobs}, {str(job.source) for job in jobs}
        look = next(iter(looks)) if len(looks) == 1 else f"{len(looks)} looks"
        return f"vfxstyle {look} {jobs[0].name if len(jobs) == 1 else f'{len(shots)} shots'}"


NO_OPTIONS = JobOptions()
"""All is left to the farm."""
