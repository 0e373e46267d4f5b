"""Job bundles of Open Job Description: a template, the values of its parameters, and the files it reads and writes.

Format: https://github.com/OpenJobDescription/openjd-specifications, revision 2023-09 with the extension TASK_CHUNKING;
bundles as AWS Deadline Cloud takes them. All of it is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vfxstyle.errors import OutputError, UsageError
from vfxstyle.farm.jobs import CutJob, FarmJob, ShotJob
from vfxstyle.farm.tasks import PIECE, Step, steps_of, whole_range
from vfxstyle.files import write_atomically
from vfxstyle.pipeline.plates import open_plate
from vfxstyle.pipeline.settings import DEFAULT_CHUNK

NOTICE_SECONDS = 60
"""How long a task that is cancelled has to finish or drop its frame."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A path that a job is given as a parameter, so that an engine can map it to where workers see it."""

    name: str
    """Name of the parameter."""
    path: Path
    """Its value."""
    flow: str
    """IN, OUT or INOUT."""
    told: str
    """What it is."""
    kind: str = "DIRECTORY"
    """DIRECTORY or FILE."""

    @property
    def definition(self) -> dict[str, Any]:
        """Its definition in the template."""
        return {
            "name": self.name,
            "type": "PATH",
            "objectType": self.kind,
            "dataFlow": self.flow,
            "description": self.told,
        }


def _places(jobs: Sequence[FarmJob]) -> list[_Place]:
    """The folders of all jobs, three of each, and the preset's file where it is not shipped."""
    places = [_Place("Preset", Path(jobs[0].preset), "IN", "The look.", "FILE")] if _is_file(jobs[0].preset) else []
    for index, job in enumerate(jobs, start=1):
        if isinstance(job, CutJob):
            places += [
                _Place(
                    f"Cut{index}", job.cut, "IN", f"The cut of {job.name}; where its media are it says itself.", "FILE"
                ),
                _Place(f"Output{index}", job.output.parent, "OUT", f"Folder for {job.output.name}."),
            ]
            continue
        places += [
            _Place(f"Plate{index}", job.shot.parent, "IN", f"Folder that holds the plate of {job.name}."),
            _Place(f"Output{index}", job.output.parent, "OUT", f"Folder for {job.output.name}."),
            _Place(f"Analysis{index}", job.analysis.parent, "INOUT", f"Folder for the analysis of {job.name}."),
        ]
    return places


def _is_file(preset: str) -> bool:
    return Path(preset).is_absolute()


def parameter_values(jobs: Sequence[FarmJob], chunk: int) -> dict[str, Any]:
    """The values of the template's parameters, by name."""
    frames = {
        f"Frames{index}": whole_range(job.frames)
        for index, job in enumerate(jobs, start=1)
        if not isinstance(job, CutJob)
    }
    return {"ChunkSize": chunk, **{place.name: str(place.path) for place in _places(jobs)}, **frames}


def job_template(jobs: Sequence[FarmJob], *, parts: int | None = None) -> dict[str, Any]:
    """The template of a job that grades some shots. parts: tasks of a shot's features."""
    definitions: list[dict[str, Any]] = [
        {"name": "Vfxstyle", "type": "STRING", "default": "vfxstyle", "description": "The command on the workers."},
        {
            "name": "ChunkSize",
            "type": "INT",
            "default": DEFAULT_CHUNK,
            "minValue": 1,
            "description": "Frames of a task.",
        },
        *(place.definition for place in _places(jobs)),
    ]
    steps: list[dict[str, Any]] = []
    last: dict[str, str] = {}
    for index, job in enumerate(jobs, start=1):
        if not isinstance(job, CutJob):
            definitions.append({"name": f"Frames{index}", "type": "STRING", "description": f"Frames of {job.name}."})
        own = steps_of(job, parts=parts)
        names = {step.name: f"{step.name} {index}" for step in own}
        waits = [last[name] for name in job.after]
        steps += [_step(step, job, names, waits, _known(job, index), f"Frames{index}") for step in own]
        last[job.name] = steps[-1]["name"]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"vfxstyle {Path(jobs[0].preset).stem} {jobs[0].name if len(jobs) == 1 else f'{len(jobs)} shots'}"[
            :128
        ],
        "parameterDefinitions": definitions,
        "steps": steps,
    }


def _known(job: FarmJob, index: int) -> dict[str, str]:
    """Arguments that are paths of the job, in terms of its parameters."""
    known = {str(job.output): f"{{{{Param.Output{index}}}}}/{job.output.name}"}
    if isinstance(job, CutJob):
        known[str(job.cut)] = f"{{{{Param.Cut{index}}}}}"
    else:
        known[str(job.shot)] = f"{{{{Param.Plate{index}}}}}/{job.shot.name}"
        known[str(job.analysis)] = f"{{{{Param.Analysis{index}}}}}/{job.analysis.name}"
    if _is_file(job.preset):
        known[job.preset] = "{{Param.Preset}}"
    return known


def _step(
    step: Step, job: FarmJob, names: dict[str, str], waits: Sequence[str], known: dict[str, str], frames: str
) -> dict[str, Any]:
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
    if step.parts:
        piece = f"{{{{Task.Param.Part}}}}/{step.parts}"
        built["parameterSpace"] = {
            "taskParameterDefinitions": [{"name": "Part", "type": "INT", "range": f"1-{step.parts}"}]
        }
    elif step.frames and step.in_one:
        # frames that the sequence lacks are asked for by the check alone, which says so
        same = isinstance(job, ShotJob) and step.frames == job.frames
        piece = f"{{{{Param.{frames}}}}}" if same else whole_range(step.frames)
    elif step.frames:
        piece = "{{Task.Param.Frames}}"
        chunked = {"defaultTaskCount": "{{Param.ChunkSize}}", "rangeConstraint": "CONTIGUOUS"}
        built["parameterSpace"] = {
            "taskParameterDefinitions": [
                {"name": "Frames", "type": "CHUNK[INT]", "range": f"{{{{Param.{frames}}}}}", "chunks": chunked}
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
    inputs = []
    for job in jobs:
        if isinstance(job, CutJob):
            inputs.append(str(job.cut))
        else:
            with open_plate(job.shot, replace(job.settings, missing="skip"), job.within) as shot:
                inputs += list(dict.fromkeys(str(shot.file_of(number).absolute()) for number in shot.frames))
        named = (job.preset, job.settings.ocio, job.settings.weights)
        inputs += [str(Path(name).absolute()) for name in named if name and Path(name).is_file()]
    outputs = {str(job.output.parent) for job in jobs}
    outputs |= {str(job.analysis) for job in jobs if isinstance(job, ShotJob)}
    return {
        "assetReferences": {
            "inputs": {"filenames": sorted(set(inputs)), "directories": []},
            "outputs": {"directories": sorted(outputs)},
            "referencedPaths": [],
        }
    }


def write_bundle(
    folder: Path, jobs: Sequence[FarmJob], *, chunk: int = DEFAULT_CHUNK, parts: int | None = None
) -> list[Path]:
    """Write a job bundle; returns its files.

    Raises :class:`~vfxstyle.errors.OutputError`.
    """
    values = parameter_values(jobs, chunk)
    listed = [{"name": name, "value": value} for name, value in values.items()]
    contents = {
        "template.json": job_template(jobs, parts=parts),
        "parameter_values.json": {"parameterValues": listed},  # as Deadline Cloud reads them
        "parameters.json": values,  # as openjd does
        "asset_references.json": asset_references(jobs),
    }
    for name, content in contents.items():
        try:
            write_atomically(folder / name, json.dumps(content, indent=2).encode())
        except OSError as error:
            raise OutputError(
                f"Bundle {folder} cannot be written: {error.strerror}; choose another with -o."
            ) from error
    return [folder / name for name in contents]
