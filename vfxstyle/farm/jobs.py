"""The grades that are to be made of shots and cuts, with every default resolved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vfxstyle.errors import InputError, ResourceError, UsageError, VfxStyleError
from vfxstyle.grading.plan import make_plan
from vfxstyle.looks.library import find_preset, shipped_folder
from vfxstyle.looks.preset import PresetInfo, read_info
from vfxstyle.plates.opening import open_plate
from vfxstyle.settings import DEFAULT_HANDLES, GradeSettings
from vfxstyle.shots import parse_frames
from vfxstyle.timelines.clips import SUFFIX, read_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotJob:
    """One shot to be graded, with every default resolved."""

    name: str
    """What it is called; no two of a run are called the same."""
    shot: Path
    """Folder, pattern, movie or picture, absolute."""
    preset: str
    """Name of a shipped preset, or the absolute path of a preset file."""
    output: Path
    """Folder of frames, or movie, absolute."""
    analysis: Path
    """Folder of the analysis, absolute."""
    frames: tuple[int, ...]
    """Frames to grade, ascending."""
    asked: tuple[int, ...]
    """Frames asked for: the same, and those that the sequence lacks."""
    within: tuple[int, ...] | None = None
    """Frames that the shot is taken to consist of, where it is a clip of a cut; None for all."""
    length: int
    """Frames of what is analysed."""
    settings: GradeSettings
    """The options."""

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the jobs that must have ended before: none."""
        return ()

    @property
    def is_movie(self) -> bool:
        """Whether the result is one file."""
        return self.output.suffix.lower() == ".mov"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutJob:
    """A cut whose clips are jobs of their own; what is left is to check them and to write the new timeline."""

    name: str
    """What it is called; no two of a run are called the same."""
    cut: Path
    """The ``.otio`` file, absolute."""
    preset: str
    """As in :class:`ShotJob`."""
    output: Path
    """Folder of the results, absolute."""
    timeline: Path
    """The new timeline."""
    handles: int
    """Frames graded before and after each clip."""
    settings: GradeSettings
    """The options."""
    after: tuple[str, ...]
    """Names of the clips' jobs, which must have ended before."""


FarmJob = ShotJob | CutJob


def resolve_jobs(
    shots: Sequence[str],
    preset: str,
    output: str | None,
    frames: str | None,
    settings: GradeSettings,
    *,
    handles: int = DEFAULT_HANDLES,
    to_run: bool = True,
    refused: dict[str, VfxStyleError] | None = None,
) -> list[FarmJob]:
    """The jobs of some shots and cuts; of several, each gets a folder of its own in ``output``.

    A cut becomes a job for each of its clips, with ``handles`` frames before and after, and one for the timeline.
    to_run: whether tasks of them are to be run, so that what these need must be found here.
    refused: takes up shots that cannot be used, and why, so that the others can go on without them.
    Raises :class:`~vfxstyle.errors.VfxStyleError` for a preset or option that cannot be used, and for a shot.
    """
    if settings.start_frame is not None:
        raise UsageError("Tasks do not know what the first frame of all is; leave --start-frame out on a farm.")
    if output is not None and len(shots) > 1 and output.lower().endswith(".mov"):
        raise UsageError(f"{output} is one movie and there are {len(shots)} shots; name a folder with --to.")
    path = find_preset(preset)
    settings = _pinned(settings, read_info(path), to_run)
    jobs: list[FarmJob] = []
    for shot in shots:
        try:
            own = _jobs_of(shot, path, output, frames, settings, jobs, handles=handles, of_several=len(shots) > 1)
        except (InputError, ResourceError) as error:
            if refused is None:
                raise
            refused[shot] = error
            continue
        jobs += own
    return jobs


def _jobs_of(
    shot: str,
    preset: Path,
    output: str | None,
    frames: str | None,
    settings: GradeSettings,
    others: Sequence[FarmJob],
    *,
    handles: int,
    of_several: bool,
) -> list[FarmJob]:
    """The job of a shot, or those of a cut."""
    if not shot.lower().endswith(SUFFIX):
        return [_job(shot, preset, output, frames, settings, others, of_several=of_several)]
    if frames is not None:
        raise UsageError("A cut says itself which frames it shows; leave --frames out.")
    cut = Path(shot).absolute()
    folder = None if output is None else Path(output).absolute()
    if folder is not None and of_several:
        folder /= f"{cut.stem}_{preset.stem}"
    found = read_cut(cut, preset, folder, handles, settings)
    _check_free(found.folder.absolute(), others)
    clips: list[FarmJob] = []
    for clip in found.works:
        known = [*others, *clips]
        clips.append(_job(clip.shot, preset, str(clip.output), None, settings, known, within=clip.frames))
    whole = CutJob(
        name=_distinct(found.target.stem, [*others, *clips]),
        cut=cut,
        preset=_preset_argument(preset),
        output=found.folder.absolute(),
        timeline=found.target.absolute(),
        handles=handles,
        settings=settings,
        after=tuple(clip.name for clip in clips),
    )
    return [*clips, whole]


def _job(
    shot: str,
    preset: Path,
    output: str | None,
    frames: str | None,
    settings: GradeSettings,
    others: Sequence[FarmJob],
    *,
    of_several: bool = False,
    within: tuple[int, ...] | None = None,
) -> ShotJob:
    """The job of one shot. of_several: whether ``output`` is a folder for the results of several."""
    with open_plate(shot, settings, within) as plate:
        asked = parse_frames(frames) if frames is not None else tuple(sorted({*plate.frames, *plate.missing}))
        absent = set(plate.missing) - set(plate.frames)
        numbers = tuple(number for number in asked if number not in absent)
        target = None if output is None else Path(output)
        if target is not None and of_several:
            target /= make_plan(plate, preset, None, numbers, None, settings).output.name
        plan = make_plan(plate, preset, target, numbers, None, settings)
        length = len(plate)
    place = plan.output.absolute()
    _check_free(place, others)
    return ShotJob(
        name=_distinct(place.stem if plan.format.is_movie else place.name, others),
        shot=Path(shot).absolute(),
        preset=_preset_argument(preset),
        output=place,
        analysis=plan.analysis.absolute(),
        frames=plan.frames,
        asked=asked,
        within=within,
        length=length,
        settings=settings,
    )


def _check_free(place: Path, others: Sequence[FarmJob]) -> None:
    if any(job.output == place for job in others):
        raise UsageError(f"Two shots would be graded to {place}; give them folders of different names.")


def _distinct(name: str, others: Sequence[FarmJob]) -> str:
    alike = sum(job.name == name or job.name.startswith(f"{name} (") for job in others)
    return f"{name} ({alike + 1})" if alike else name


def _pinned(settings: GradeSettings, info: PresetInfo, to_run: bool) -> GradeSettings:
    """The settings with what the environment of whoever submits decides, so that all machines do the same."""
    weights = settings.weights
    if to_run and info.weights and weights is None:
        from vfxstyle.features.registry import backbone_class  # loads torch

        weights = str(backbone_class(info.backbone).find_weights(None))
    return replace(settings, ocio=settings.ocio or os.environ.get("OCIO") or None, weights=weights)


def _preset_argument(path: Path) -> str:
    """A shipped preset by its name, which every machine knows; any other by its file."""
    return path.stem if path.parent == shipped_folder() else str(path.absolute())
