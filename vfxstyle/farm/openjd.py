"""Job bundles of Open Job Description: a template, the values of its parameters, and the files it reads and writes.

Format: https://github.com/OpenJobDescription/openjd-specifications, revision 2023-09 with the extension TASK_CHUNKING;
bundles as AWS Deadline Cloud takes them. All of it is JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vfxstyle.errors import OutputError, UsageError
from vfxstyle.farm.inputs import files_of, inputs_of
from vfxstyle.farm.job_options import NO_OPTIONS, JobOptions
from vfxstyle.farm.jobs import FarmJob, ShotJob, TimelineJob, TrainJob
from vfxstyle.farm.tasks import ANALYSED, PIECE, Step, memory_of, steps_of, whole_range
from vfxstyle.files import write_atomically
from vfxstyle.looks.library import pinned
from vfxstyle.plates.plate import open_plate
from vfxstyle.settings import DEFAULT_CHUNK

NOTICE_SECONDS = 60
"""How long a task that is cancelled has to finish or drop its frame."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A path that a job is given as a parameter, so that an engine can map it to where workers see it."""

    name: str
    """Name of the parameter."""
    path: Path
    """Its value."""
    told: str
    """What it is."""
    is_file: bool = False
    """Whether it is a file, which is read; of folders only what the asset references name is read or written."""

    @property
    def definition(self) -> dict[str, Any]:
        """Its definition in the template."""
        return {
            "name": self.name,
            "type": "PATH",
            "objectType": "FILE" if self.is_file else "DIRECTORY",
            "dataFlow": "IN" if self.is_file else "NONE",
            "description": self.told,
        }


class _Places:
    """The folders and files that jobs are given, each a parameter of its own, so that an engine can map it."""

    def __init__(self, jobs: Sequence[FarmJob]) -> None:
        self._files: dict[Path, str] = {}
        self.places: list[_Place] = []
        for kind, path in ((kind, path) for job in jobs for kind, path in _files(job).items()):
            if path not in self._files:
                alike = sum(place.told == _TOLD[kind] for place in self.places)
                self._files[path] = f"{kind}{alike + 1}" if alike else kind
                self.places.append(_Place(self._files[path], path, _TOLD[kind], is_file=True))
        paths = [path for job in jobs for path in _paths(job)]
        folders = {path.parent for path in paths}
        # a folder inside another is found from there
        roots = dict.fromkeys(
            next((above for above in reversed(path.parents) if above in folders), path.parent) for path in paths
        )
        common = Path(os.path.commonpath(folders))
        if len(self.places) + len(roots) > _MOST_PARAMETERS and common != Path(common.root):
            roots = {common: None}  # of a large show
        self._names = {root: f"Folder{number}" for number, root in enumerate(roots, start=1)}
        self.places += [_Place(name, root, "Holds plates, analyses or results.") for root, name in self._names.items()]
        if len(self.places) > _MOST_PARAMETERS:
            raise UsageError(
                f"The job has {len(self.places)} folders and files to use, and Open Job Description allows 50 "
                "parameters; make several bundles."
            )

    def known(self, job: FarmJob) -> dict[str, str]:
        """Arguments that are paths of a job, in terms of the parameters."""
        found = {str(path): self._in_terms(path) for path in _paths(job)}
        if isinstance(job, ShotJob) and job.target != str(job.output):  # a folder with the names of frames
            found[job.target] = f"{self._in_terms(job.output)}/{Path(job.target).name}"
        found |= {word: word.replace(str(path), self._in_terms(path)) for word, path in inputs_of(job).items()}
        found |= {str(path): f"{{{{Param.{name}}}}}" for path, name in self._files.items()}
        if job.digest and job.preset in found:
            found[job.pinned_preset] = pinned(found[job.preset], job.digest)
        return found

    def _in_terms(self, path: Path) -> str:
        root = next(above for above in reversed(path.parents) if above in self._names)
        return f"{{{{Param.{self._names[root]}}}}}/{path.relative_to(root).as_posix()}"


_TOLD = {"Preset": "The look.", "Ocio": "The colour configuration.", "Weights": "The weights of the backbone."}
_LONGEST = 64  # letters of a step's name
_MOST_PARAMETERS = 48  # of 50, beside Vfxstyle and ChunkSize


def _paths(job: FarmJob) -> list[Path]:
    """What a job reads and writes in folders."""
    if isinstance(job, TimelineJob):
        return [job.request.timeline, job.output]
    if isinstance(job, TrainJob):
        return [job.source, job.graded, job.target]
    return [job.shot, job.output, job.analysis, *inputs_of(job).values(), *([] if job.digest else [Path(job.preset)])]


def _files(job: FarmJob) -> dict[str, Path]:
    """The single files that a job reads, by what they are."""
    named = {"Ocio": job.settings.ocio, "Weights": job.run.weights}
    found = {"Preset": Path(job.preset)} if job.digest and Path(job.preset).is_absolute() else {}
    return found | {name: Path(value).absolute() for name, value in named.items() if value and Path(value).is_file()}


def parameter_values(jobs: Sequence[FarmJob], chunk: int) -> dict[str, Any]:
    """The values of the template's parameters, by name."""
    return {"ChunkSize": chunk, **{place.name: str(place.path) for place in _Places(jobs).places}}


def job_template(
    jobs: Sequence[FarmJob], *, shards: int | None = None, options: JobOptions = NO_OPTIONS
) -> dict[str, Any]:
    """The template of a job that grades some shots. shards: tasks of a shot's features. options: its name counts.

    Raises :class:`~vfxstyle.errors.UsageError` for what the format cannot say.
    """
    places = _Places(jobs)
    definitions: list[dict[str, Any]] = [
        {"name": "Vfxstyle", "type": "STRING", "default": "vfxstyle", "description": "The command on the workers."},
        {
            "name": "ChunkSize",
            "type": "INT",
            "default": DEFAULT_CHUNK,
            "minValue": 1,
            "description": "Frames of a task.",
        },
        *(place.definition for place in places.places),
    ]
    steps: list[dict[str, Any]] = []
    last: dict[str, str] = {}
    analysed: dict[str, str] = {}
    for index, job in enumerate(jobs, start=1):
        own = steps_of(job, shards=shards)
        names = {step.name: _step_name(job, step, index) for step in own}
        waits = [(last if isinstance(job, TimelineJob) else analysed)[name] for name in job.after]
        steps += [_step(step, names, waits, places.known(job)) | {"hostRequirements": _host(job, step)} for step in own]
        last[job.name] = steps[-1]["name"]
        analysed[job.name] = names.get(ANALYSED, last[job.name])
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": options.name_of(jobs)[:128],
        "parameterDefinitions": definitions,
        "steps": steps,
    }


def _step_name(job: FarmJob, step: Step, index: int) -> str:
    """``SHOT STEP``; of a shot with a long name its end and its number, so that no two are the same."""
    name = f"{job.name} {step.name}"
    return name if len(name) <= _LONGEST else f"{job.name[-(_LONGEST - 20) :]} {index} {step.name}"


def _host(job: FarmJob, step: Step) -> dict[str, Any]:
    """What a machine must have for a task of a step."""
    amounts = [{"name": "amount.worker.vcpu", "min": 1}, {"name": "amount.worker.memory", "min": memory_of(job, step)}]
    if job.run.device.startswith("cuda"):  # any of them makes again what has been lost
        amounts.append({"name": "amount.worker.gpu", "min": 1})
    return {"amounts": amounts}


def _step(step: Step, names: dict[str, str], waits: Sequence[str], known: dict[str, str]) -> dict[str, Any]:
    """A step of the template. waits: steps of other jobs that its first one waits for."""
    odd = [argument for argument in step.command if "{{" in argument]
    if odd:
        raise UsageError(f"Open Job Description reads '{{{{' in {odd[0]} as a parameter of its own; rename it.")
    arguments = [known.get(argument, argument) for argument in step.command]
    built: dict[str, Any] = {"name": names[step.name]}
    before = [names[step.after]] if step.after is not None else waits
    if before:
        built["dependencies"] = [{"dependsOn": name} for name in before]
    piece = None
    if step.shards:
        piece = f"{{{{Task.Param.Shard}}}}/{step.shards}"
        built["parameterSpace"] = {
            "taskParameterDefinitions": [{"name": "Shard", "type": "INT", "range": f"1-{step.shards}"}]
        }
    elif step.frames and step.in_one:
        piece = whole_range(step.frames)
    elif step.frames:
        piece = "{{Task.Param.Frames}}"
        chunked = {"defaultTaskCount": "{{Param.ChunkSize}}", "rangeConstraint": "CONTIGUOUS"}
        built["parameterSpace"] = {
            "taskParameterDefinitions": [
                {"name": "Frames", "type": "CHUNK[INT]", "range": whole_range(step.frames), "chunks": chunked}
            ]
        }
    if piece is not None:
        arguments = [piece if argument == PIECE else argument for argument in arguments]
    built["script"] = {
        "actions": {
            "onRun": {
                "command": "{{Param.Vfxstyle}}",
                "args": [*arguments, "--progress", "openjd"],
                "cancelation": {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": NOTICE_SECONDS},
            }
        }
    }
    return built


def asset_references(jobs: Sequence[FarmJob]) -> dict[str, Any]:
    """The files that a job reads, and the folders that it writes to."""
    inputs = [str(path) for job in jobs for path in _files(job).values()]
    for job in jobs:
        if isinstance(job, TimelineJob):
            inputs.append(str(job.request.timeline))
        elif isinstance(job, TrainJob):
            inputs += map(str, sorted(job.graded.iterdir()))
        else:
            inputs += map(str, files_of(job))
            with open_plate(job.shot, replace(job.settings, missing="skip"), job.request.within) as plate:
                shot = plate.shot
                inputs += list(dict.fromkeys(str(shot.file_of(number).absolute()) for number in shot.frames))
    shots = [job for job in jobs if isinstance(job, ShotJob)]
    analyses = {str(job.analysis) for job in shots}
    outputs = {str(job.output.parent if job in shots and job.is_movie else job.output) for job in jobs}
    outputs |= {str(job.output.parent) for job in shots}  # of the contact sheets
    return {
        "assetReferences": {
            "inputs": {"filenames": sorted(set(inputs)), "directories": sorted(filter(os.path.isdir, analyses))},
            "outputs": {"directories": sorted(outputs | analyses)},
            "referencedPaths": [],
        }
    }


def write_bundle(
    folder: Path,
    jobs: Sequence[FarmJob],
    *,
    chunk: int = DEFAULT_CHUNK,
    shards: int | None = None,
    options: JobOptions = NO_OPTIONS,
) -> list[Path]:
    """Write a job bundle; returns its files.

    options: Deadline Cloud takes priority and machines from the values of parameters; Open Job Description itself knows
    neither. Raises :class:`~vfxstyle.errors.OutputError`, and :class:`~vfxstyle.errors.UsageError` for other options.
    """
    options.check("A job bundle", ("name", "priority", "max_workers"))
    values = parameter_values(jobs, chunk)
    listed = [{"name": parameter, "value": value} for parameter, value in values.items()]
    told = {"deadline:priority": options.priority, "deadline:maxWorkerCount": options.max_workers}
    listed += [{"name": name, "value": value} for name, value in told.items() if value is not None]
    contents = {
        "template.json": job_template(jobs, shards=shards, options=options),
        "parameter_values.json": {"parameterValues": listed},  # as Deadline Cloud reads them
        "parameters.json": values,  # as openjd does
        "asset_references.json": asset_references(jobs),
    }
    for file, content in contents.items():
        try:
            write_atomically(folder / file, f"{json.dumps(content, indent=2)}\n".encode())
        except OSError as error:
            raise OutputError(
                f"Bundle {folder} cannot be written: {error.strerror}; choose another with -o."
            ) from error
    return [folder / file for file in contents]
