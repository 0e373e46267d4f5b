"""``vfxstyle farm``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import OptionOfTable, said_of_shot, threads_asked
from vfxstyle.cli.logs import tell_people
from vfxstyle.cli.renamed import RenamingFarm
from vfxstyle.settings import DEFAULT_CHUNK, DEFAULT_RETRIES, GradeSettings, Run
from vfxstyle.settings.show_file import variable_of
from vfxstyle.settings.table import pick

if TYPE_CHECKING:
    from vfxstyle.errors import VfxStyleError
    from vfxstyle.farm.job_options import JobOptions
    from vfxstyle.farm.jobs import FarmJob
    from vfxstyle.farm.status import ShotStatus

Command = TypeVar("Command", bound=Callable[..., Any])

_chunk = click.option(
    "--chunk", type=click.IntRange(1), default=DEFAULT_CHUNK, show_default=True, help="Frames of a task."
)
_shards = click.option("--shards", type=click.IntRange(1), help="Tasks of a shot's features. [default: by its length]")
_JOB_OPTIONS = {
    "name": click.option("--job-name", "name", metavar="NAME", help="Name of the job. [default: by looks and shots]"),
    "priority": click.option(
        "--priority", type=click.IntRange(0, 100), help="Priority of the job; the highest goes first."
    ),
    "pool": click.option("--pool", metavar="NAME", help="Machines that the job goes to."),
    "group": click.option("--group", metavar="NAME", help="Kind of machines that the job needs."),
    "limits": click.option(
        "--limit", "limits", multiple=True, metavar="NAME", help="Limit, such as licences, that tasks count against."
    ),
    "max_workers": click.option("--max-workers", type=click.IntRange(1), help="Machines that work on it at once."),
}


def _told(*known: str) -> Callable[[Command], Command]:
    """What a farm manager is told of a job, as far as it has a word for it; the command gets it as ``options``."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_options(**chosen: Any) -> Any:
            from vfxstyle.farm.job_options import JobOptions

            return command(options=JobOptions(**{name: chosen.pop(name) for name in known}), **chosen)

        for name in reversed(known):
            with_options = _JOB_OPTIONS[name](with_options)
        return cast(Command, with_options)

    return decorate


def _of_shots(command: Command) -> Command:
    """The arguments of a command about the grades of some shots."""
    shared = (
        click.argument("shots", nargs=-1, required=True, metavar="SHOT..."),
        flags.presets,
        click.option(
            "--to",
            "output",
            cls=OptionOfTable,
            envvar=variable_of("output"),
            metavar="PATH",
            help="As -o of grade; of several shots, a folder for theirs.",
        ),
        click.option(
            "--graded",
            metavar="FOLDER",
            help="Learn the look first, from these graded frames of the first SHOT, and save it to the file --preset.",
        ),
        flags.frames,
        flags.handles,
        flags.of("grade", GradeSettings, Run, without={"start_frame"}),  # a task does not know the first frame of all
    )
    for option in reversed(shared):
        command = option(command)
    return command


def _jobs(
    chosen: Mapping[str, Any], *, to_run: bool = True, refused: dict[str, VfxStyleError] | None = None
) -> list[FarmJob]:
    """The jobs that the shared arguments ask for."""
    settings, run = pick(GradeSettings, chosen), Run.of(chosen, None)
    from vfxstyle.farm.jobs import FarmRequest
    from vfxstyle.farm.resolve import resolve_jobs

    asked = {name: chosen[name] for name in ("shots", "output", "frames", "handles", "graded")}
    asked["presets"] = tuple(name for name in chosen["preset"].split(",") if name)
    of_shots = {shot: pick(GradeSettings, {**chosen, **said_of_shot(shot)}) for shot in chosen["shots"]}
    request = FarmRequest(**asked, settings=settings, run=run, of_shots=of_shots)
    return resolve_jobs(request, to_run=to_run, refused=refused)


@click.group()
def farm() -> None:
    """Grade many shots: as a job for a farm manager, or on machines of your own."""


@farm.command(cls=RenamingFarm)
@_of_shots
@click.option("-o", "--bundle", required=True, metavar="FOLDER", help="Folder for the job bundle.")
@_chunk
@_shards
@_told("name", "priority", "max_workers")
def template(bundle: str, chunk: int, shards: int | None, options: JobOptions, **chosen: Any) -> None:
    """Write an Open Job Description bundle that grades every SHOT, for openjd, Deadline Cloud and others."""
    from vfxstyle.farm.jobs import estimate_in_words
    from vfxstyle.farm.openjd import write_bundle

    jobs = _jobs(chosen)
    for path in write_bundle(Path(bundle), jobs, chunk=chunk, shards=shards, options=options):
        tell_people(str(path))
    tell_people(estimate_in_words(jobs))


@farm.command(cls=RenamingFarm)
@_of_shots
@click.option("--command", default="vfxstyle", show_default=True, help="How vfxstyle is called on the workers.")
@click.option("--program", default="deadlinecommand", show_default=True, help="Deadline's command, which sends jobs.")
@_chunk
@_shards
@_told("name", "priority", "pool", "group", "limits", "max_workers")
@click.option("-n", "--dry-run", is_flag=True, help="Print the jobs as JSON and stop.")
def deadline(
    command: str, program: str, chunk: int, shards: int | None, options: JobOptions, dry_run: bool, **chosen: Any
) -> None:
    """Send jobs that grade every SHOT to Deadline 10, one for each step."""
    from vfxstyle.farm.deadline import deadline_jobs, submit
    from vfxstyle.farm.jobs import estimate_in_words

    jobs = _jobs(chosen)
    made = deadline_jobs(jobs, chunk=chunk, shards=shards, command=command, options=options)
    if dry_run:
        click.echo(json.dumps([job.as_json() for job in made], indent=2))
        return
    for sent, job in zip(submit(made, program), made, strict=True):
        tell_people(f"{sent} {job.info['Name']}")
    tell_people(estimate_in_words(jobs))


@farm.command(cls=RenamingFarm)
@_of_shots
@click.option("--show", help="OpenCue's show. [default: $SHOW, as pyoutline has it]")
@_chunk
@_shards
@_told("name", "priority", "limits")
@click.option("-n", "--dry-run", is_flag=True, help="Print the job as OpenCue gets it and stop.")
def opencue(
    show: str | None, chunk: int, shards: int | None, options: JobOptions, dry_run: bool, **chosen: Any
) -> None:
    """Send a job that grades every SHOT to OpenCue."""
    from vfxstyle.farm.jobs import estimate_in_words
    from vfxstyle.farm.opencue import job_spec, submit

    jobs = _jobs(chosen)
    if dry_run:
        click.echo(job_spec(jobs, show=show, chunk=chunk, shards=shards, options=options))
        return
    tell_people(submit(jobs, show=show, chunk=chunk, shards=shards, options=options))
    tell_people(estimate_in_words(jobs))


@farm.command(cls=RenamingFarm)
@_of_shots
@click.option("--dask", metavar="ADDRESS|local", help="Run on this Dask scheduler, or on a cluster started here.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Tasks at once on this machine. [default: one for every two cores, fewer where memory is short]",
)
@_chunk
@_shards
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=DEFAULT_RETRIES,
    show_default=True,
    help="How often a task that was killed is tried again.",
)
@click.option("--logs", metavar="FOLDER", help="What tasks say, with times. [default: a folder of the user's, by time]")
@click.option("--json", "as_json", is_flag=True, help="Print the status of every shot as JSON.")
@flags.progress
def run(
    dask: str | None, workers: int | None, retries: int, logs: str | None, as_json: bool, progress: Any, **chosen: Any
) -> None:
    """Grade every SHOT in tasks that run at once, on this machine or on a Dask cluster."""
    from vfxstyle.cli.progress import watching
    from vfxstyle.cli.shares import TASKS_SHARES
    from vfxstyle.farm.processes import log_folder
    from vfxstyle.farm.run import engine_of, run_jobs, workers_here
    from vfxstyle.farm.status import statuses_of

    refused: dict[str, VfxStyleError] = {}
    jobs, pieces = _jobs(chosen, refused=refused), {name: chosen[name] for name in ("chunk", "shards")}
    folder = log_folder() if logs is None else Path(logs)
    with watching(progress, TASKS_SHARES) as watch:
        watch.note(f"logs: {folder}")
        threads = threads_asked()
        with engine_of(dask, workers or workers_here(jobs, threads), threads) as engine:
            report = run_jobs(jobs, engine, watch, **pieces, retries=retries, logs=folder)
        _tell(statuses_of(jobs, report.failures, refused), as_json)


@farm.command(cls=RenamingFarm)
@_of_shots
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool, **chosen: Any) -> None:
    """How far every SHOT is, by what is on disk; exits with 1 while not all are done."""
    from vfxstyle.farm.status import statuses_of

    refused: dict[str, VfxStyleError] = {}
    jobs = _jobs(chosen, to_run=False, refused=refused)
    _tell(statuses_of(jobs, {}, refused), as_json)


def _tell(statuses: Sequence[ShotStatus], as_json: bool) -> None:
    from vfxstyle.farm import status as table

    click.echo(json.dumps(table.as_json(statuses), indent=2) if as_json else table.as_table(statuses))
    table.check_done(statuses)
