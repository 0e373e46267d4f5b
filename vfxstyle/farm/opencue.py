"""The same jobs for OpenCue, through pyoutline: a layer for every step, frames in OpenCue's own chunks.

Workers run ``vfxstyle`` itself and need nothing of pyoutline. Tokens: https://docs.opencue.io/docs/reference/tokens/
"""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Sequence
from typing import Any

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.farm.job_options import NO_OPTIONS, JobOptions
from vfxstyle.farm.jobs import FarmJob, TimelineJob
from vfxstyle.farm.tasks import ANALYSED, PIECE, Step, memory_of, steps_of, whole_range
from vfxstyle.settings import DEFAULT_CHUNK

_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")


def job_spec(
    jobs: Sequence[FarmJob],
    *,
    show: str | None = None,
    chunk: int = DEFAULT_CHUNK,
    shards: int | None = None,
    options: JobOptions = NO_OPTIONS,
) -> str:
    """What is sent to Cuebot: the job as XML. show: OpenCue's show; by default ``$SHOW``, as pyoutline has it.

    Raises :class:`~vfxstyle.errors.UsageError` where pyoutline is not installed, and for options that OpenCue does not
    know.
    """
    launcher = _launcher(jobs, show, chunk, shards, options)
    from outline.backend.cue import serialize_simple  # the launcher's own makes a folder for the session first

    return str(serialize_simple(launcher))


def submit(
    jobs: Sequence[FarmJob],
    *,
    show: str | None = None,
    chunk: int = DEFAULT_CHUNK,
    shards: int | None = None,
    options: JobOptions = NO_OPTIONS,
) -> str:
    """Send the job to the Cuebot of ``$CUEBOT_HOSTS`` or pyoutline's configuration; returns its name there.

    Raises :class:`~vfxstyle.errors.ResourceError` if it does not answer or does not take it.
    """
    launcher = _launcher(jobs, show, chunk, shards, options)
    try:
        launched = launcher.launch(use_pycuerun=False)
    except Exception as error:  # of gRPC, or what Cuebot says of the job
        raise ResourceError(f"OpenCue does not take the job: {error}; check $CUEBOT_HOSTS and the show.") from error
    return str(launched[0].data.name)


def _launcher(jobs: Sequence[FarmJob], show: str | None, chunk: int, shards: int | None, options: JobOptions) -> Any:
    options.check("OpenCue", ("name", "priority", "limits"))
    outline, cuerun, shell = _pyoutline()
    job = outline.Outline(_safe(options.name_of(jobs)), **({"show": show} if show else {}))
    last: dict[str, Any] = {}
    analysed: dict[str, Any] = {}
    for index, own in enumerate(jobs, start=1):
        waits = [(last if isinstance(own, TimelineJob) else analysed)[name] for name in own.after]
        layers: dict[str, Any] = {}
        for step in steps_of(own, shards=shards):
            needs = {"service": "shell", "memory": f"{memory_of(own, step)}m", "limits": list(options.limits)}
            layer = shell(_safe(f"{step.name}_{index}_{own.name}"), **_arguments(step, chunk), **needs)
            for other in waits if step.after is None else [layers[step.after]]:
                layer.depend_all(other)
            job.add_layer(layer)
            layers[step.name] = last[own.name] = layer
        analysed[own.name] = layers.get(ANALYSED, last[own.name])
    priority = {} if options.priority is None else {"priority": options.priority}
    return cuerun.OutlineLauncher(job, backend="cue", **priority)


def _arguments(step: Step, chunk: int) -> dict[str, Any]:
    """Command, frames and frames of a task of a layer, as pyoutline takes them."""
    frames, size, piece = "1", 1, ""
    if step.shards:
        frames, piece = f"1-{step.shards}", f"#IFRAME#/{step.shards}"
    elif step.frames and step.in_one:
        piece = whole_range(step.frames)
    elif step.frames:
        if step.frames[0] < 0:
            raise UsageError(f"OpenCue has no frames below 0, and the first is {step.frames[0]}; renumber the plate.")
        frames, size, piece = whole_range(step.frames), chunk, "#FRAMESPEC#"
    words = ["vfxstyle", *(piece if word == PIECE else word for word in step.command), "--progress", "auto"]
    return {"command": [shlex.quote(word) for word in words], "range": frames, "chunk": size}


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)


def _pyoutline() -> tuple[Any, Any, Any]:
    try:
        import outline
        from outline import cuerun
        from outline.modules.shell import Shell
    except ImportError as error:
        raise UsageError(
            "pyoutline is not installed; pip install '.[opencue]' in the folder of the sources."
        ) from error
    logging.getLogger("outline").setLevel(logging.ERROR)
    return outline, cuerun, Shell
