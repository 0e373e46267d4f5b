"""Grade a shot: resolve, plan, load, analyse, transform, render, verify, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.color import SpaceKind
from vfxstyle.errors import ChangedError, PartialError
from vfxstyle.grading.job import Job
from vfxstyle.grading.nuke import nuke_file, write_nuke
from vfxstyle.grading.plan import DEFAULT_FRAME_RATE, GradePlan, make_plan
from vfxstyle.grading.sinks import is_one_stretch
from vfxstyle.looks import read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.opening import open_plate
from vfxstyle.progress import Clock, Progress, Silent
from vfxstyle.settings import GradeSettings, GradeStage
from vfxstyle.shots import Shot, format_frames, parse_frames
from vfxstyle.shots.folders import check_writable


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeReport:
    """What a grade run did."""

    output: Path
    """The folder of frames, or the movie, or the folder of frames that are made ready for it."""
    files: tuple[Path, ...]
    """Every file asked for, there now: the frames, or the movie."""
    written: tuple[int, ...]
    """Frames written by this run."""
    kept: tuple[int, ...]
    """Frames that were there already and were left."""
    untouched_pixels: Mapping[int, int]
    """For each frame that has any, kept ones too: pixels left alone because they hold NaN or infinity."""
    superpixels: int
    """Temporal superpixels of the shot."""
    chosen_frames: tuple[int, ...]
    """Frames that the network was run on, in the order of choice."""
    seconds: Mapping[str, float]
    """Wall seconds of each stage."""


def grade(
    shot: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    frames: str | Sequence[int] | None = None,
    within: Sequence[int] | None = None,
    analysis: str | Path | None = None,
    stage: GradeStage = "all",
    settings: GradeSettings | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> GradeReport:
    """Put a look on a shot.

    shot: as for :func:`vfxstyle.open_shot`. preset: an installed name or a preset file.
    output: a folder for frames or a ``.mov``; by default SHOT_PRESET beside the shot.
    frames: a range in fileseq's syntax or frame numbers; by default all.
    within: frames that the shot is taken to consist of, for the analysis too; by default all.
    analysis: folder of the shot analysis; by default ``.vfxstyle`` inside the output folder.
    stage: "frames" makes frames of a movie ready, in files beside it, for a run without it to encode.
    settings, options: :class:`GradeSettings`, and single fields of it by name, which win.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; frames finished before it stay, whole.
    """
    settings = replace(settings or GradeSettings(), **options)
    clock = Clock(progress or Silent())
    with open_plate(shot, settings, within) as plate:
        plan = make_plan(plate, find_preset(preset), output, frames_asked(frames, plate), analysis, settings, stage)
        look = read_preset(plan.preset)
        _announce(plan, plate, clock)
        job = Job(plan, plate, look, stage=stage)
        todo = job.outdated()
        studied = None
        if todo:
            check_writable(job.plan.files[0].parent)
            studied = job.analyse(clock)
            job.render(todo, studied, clock)
        if stage == "frames" and todo:
            clock.note(f"made ready for {plan.output}, which the command without --stage writes of all frames")
        if settings.write_nuke:
            clock.note(f"Nuke script: {write_nuke(plan, plate)}")
        left_out = _left_out(plate, plan, frames)
    _check_there(job)
    job.drop_prepared()
    if (job.failed or left_out) and stage == "all":  # a movie's frames that cannot be read are the movie's to tell
        raise _partial(job, todo, left_out)
    kept = tuple(sorted(set(plan.frames) - set(todo)))
    job.recall_untouched(kept)
    manifest = (studied or AnalysisFolder(plan.analysis, job.identity)).manifest
    return GradeReport(
        output=plan.output if stage == "all" else job.plan.files[0].parent,
        files=tuple(job.plan.files),
        written=tuple(todo),
        kept=kept,
        untouched_pixels=job.untouched,
        superpixels=int(manifest.get("superpixels", 0)),
        chosen_frames=tuple(manifest.get("chosen_frames", ())),
        seconds=clock.seconds,
    )


def _left_out(shot: Shot, plan: GradePlan, frames: str | Sequence[int] | None) -> list[int]:
    """Frames asked for that the sequence lacks and that nothing holds."""
    absent = set(shot.missing) - set(shot.frames)
    wanted = absent if frames is None else absent & set(_asked(frames))
    return sorted(wanted)


def _check_there(job: Job) -> None:
    """That what was written or found good has not been taken away meanwhile."""
    gone = job.gone()
    if gone:
        first = job.plan.targets[gone[0]]
        raise ChangedError(
            f"{first} was written or found good, and has been removed since ({len(gone)} frames in all); run again "
            "when nobody clears the folder.",
            frames=gone,
        )


def _partial(job: Job, todo: Sequence[int], left_out: Sequence[int]) -> PartialError:
    bad = sorted({*job.failed, *left_out})
    good = len(set(todo) - set(job.failed))
    reasons = [*job.failed.values(), *(f"Frame {number} is missing." for number in left_out)]
    kept = len(set(job.plan.frames) - set(todo) - set(bad))
    held = "; it holds the frame before each" if job.encodes and job.failed else ""
    current = f", {kept} were up to date" if kept else ""
    return PartialError(
        f"{len(bad)} frames failed, {good} were written to {job.plan.output}{current}{held}. {' '.join(reasons[:3])}"
        f"{' ...' if len(reasons) > 3 else ''}",
        frames=bad,
    )


def plan_grade(
    shot: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    frames: str | Sequence[int] | None = None,
    within: Sequence[int] | None = None,
    analysis: str | Path | None = None,
    stage: GradeStage = "all",
    settings: GradeSettings | None = None,
) -> dict[str, Any]:
    """What :func:`grade` would do with the same arguments, as JSON values, without writing anything."""
    settings = settings or GradeSettings()
    with open_plate(shot, settings, within) as plate:
        plan = make_plan(plate, find_preset(preset), output, frames_asked(frames, plate), analysis, settings, stage)
        job = Job(plan, plate, read_preset(plan.preset), stage=stage)
        files = list(dict.fromkeys(job.plan.targets[number] for number in job.outdated()))
        support = job.support_files(files) + ([nuke_file(plan)] if settings.write_nuke else [])
        return job.plan.as_json(files, support)


def _asked(frames: str | Sequence[int]) -> tuple[int, ...]:
    return parse_frames(frames) if isinstance(frames, str) else tuple(frames)


def frames_asked(frames: str | Sequence[int] | None, shot: Shot) -> tuple[int, ...] | None:
    """The frames asked for, without those that are to be left out because they are missing."""
    if frames is None:
        return None
    absent = set(shot.missing) - set(shot.frames)
    return tuple(number for number in _asked(frames) if number not in absent)


def _announce(plan: GradePlan, shot: Shot, clock: Clock) -> None:
    """Say what was assumed of the plate and what becomes of it."""
    layer = f", {shot.info.layer}" if shot.info.layer else ""
    clock.note(f"plate: {shot.info.width}x{shot.info.height}, frames {format_frames(plan.frames)}, {plan.input}{layer}")
    if plan.input.source.startswith("default"):
        clock.note("  the plate has no tag of its colour space; name it with --input-space if this is not it")
    for note in shot.info.notes:
        clock.note(f"  {note}")
    clock.note(f"output: {plan.output}, {plan.format.value}, {plan.output_space.name}, colours by {plan.config.name}")
    if shot.missing:
        what = "held" if set(shot.missing) <= set(shot.frames) else "left out"
        clock.note(f"missing frames {format_frames(shot.missing)} are {what}")
    if plan.format.is_movie and plan.frame_rate is None:
        clock.note(f"the plate states no frame rate; the movie gets {DEFAULT_FRAME_RATE} frames per second")
    if plan.format.is_movie and shot.is_movie and plan.settings.audio == "copy" and not is_one_stretch(plan.frames):
        clock.note("the frames are not one stretch, so the sound is left out")
    if plan.output_space.kind is SpaceKind.LINEAR and plan.format.value in ("png", "dpx"):
        clock.note(f"{plan.format.value} of linear light clips what is above 1.0")
