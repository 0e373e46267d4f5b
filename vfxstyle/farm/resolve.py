"""Jobs of a request: every default resolved, names and places that no two have."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vfxstyle.errors import InputError, ResourceError, UsageError, VfxStyleError
from vfxstyle.farm.jobs import FarmJob, FarmRequest, ShotJob, TimelineJob, TrainJob
from vfxstyle.files import current_digest
from vfxstyle.grading.estimate import estimate
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.request import GradeRequest
from vfxstyle.looks.info import PresetInfo
from vfxstyle.looks.library import find_preset, shipped_folder
from vfxstyle.looks.preset import read_info
from vfxstyle.plates.naming import OWN_TOKENS, frame_names, is_template, telling_apart, tokens_of
from vfxstyle.settings import GradeSettings
from vfxstyle.timelines.clips import SUFFIX, TimelineRequest, plan_timeline
from vfxstyle.training.preset_file import check_name

_FILE_DIGEST = re.compile(r"[0-9a-f]{64}")  # of a backbone whose weights are a file, not part of a package


def resolve_jobs(
    request: FarmRequest, *, to_run: bool = True, refused: dict[str, VfxStyleError] | None = None
) -> list[FarmJob]:
    """The jobs of a request; of several shots, each gets a folder of its own in ``output``.

    A timeline becomes a job for each of its clips, and one for the new timeline. to_run: whether tasks of them are to
    be run, so that what these need must be there. refused: takes up shots that cannot be used, and why, so that the
    others can go on without them. Raises :class:`~vfxstyle.errors.VfxStyleError` for a preset or option that cannot be
    used, and for a shot.
    """
    jobs: list[FarmJob] = []
    tokens: dict[Path, Mapping[str, str]] = {}
    learning = _learning(request)
    if learning is not None:
        jobs.append(learning)
    for name in request.presets:
        path = find_preset(name) if learning is None else learning.target
        resolver = _Resolver(
            _pinned(request, read_info(path) if learning is None else None, to_run), path, jobs, tokens
        )
        for shot in request.shots:
            try:
                resolver.add(shot)
            except (InputError, ResourceError) as error:
                if refused is None:
                    raise
                refused[shot] = error
    return jobs


def _learning(request: FarmRequest) -> TrainJob | None:
    """The job that learns the look, where it is to be learnt."""
    if request.graded is None:
        return None
    graded, target = Path(request.graded).absolute(), Path(request.presets[0]).absolute()
    if not graded.is_dir() or not any(graded.iterdir()):
        raise UsageError(f"There is no folder {graded} with graded frames; check --graded.")
    check_name(target.stem)
    pinned = _pinned(request, None, to_run=False)
    return TrainJob(
        name=f"{target.stem} (look)",
        source=Path(request.shots[0]).absolute(),
        graded=graded,
        target=target,
        settings=pinned.of_shots.get(request.shots[0], pinned.settings),
        run=pinned.run,
    )


class _Resolver:
    """Jobs in the making."""

    def __init__(
        self, request: FarmRequest, preset: Path, jobs: list[FarmJob], tokens: dict[Path, Mapping[str, str]]
    ) -> None:
        self.request, self.preset, self.jobs, self._tokens = request, preset, jobs, tokens

    def add(self, shot: str) -> None:
        """Add the job of a shot, or those of a timeline; none where one of them cannot be used."""
        before = list(self.jobs)
        try:
            if shot.lower().endswith(SUFFIX):
                self._add_timeline(Path(shot).absolute(), self.request.of_shots.get(shot, self.request.settings))
            else:
                self._add_shot(shot)
        except VfxStyleError:
            self.jobs[:] = before
            raise

    def _add_shot(self, shot: str) -> None:
        request = self.request
        several = request.output is not None and request.is_several and not is_template(request.output)
        output = None if several else request.output
        wanted = GradeRequest(
            shot=shot,
            preset=self.preset,
            output=output,
            frames=request.frames,
            settings=request.of_shots.get(shot, request.settings),
            is_learnt_first=request.graded is not None,
        )
        with wanted.open() as plan:
            if several and request.output is not None:
                plan = plan.into(Path(request.output) / plan.output.name)
            self._add_grade(wanted, plan)

    def _add_timeline(self, timeline: Path, settings: GradeSettings) -> None:
        request = self.request
        if request.frames is not None:
            raise UsageError("A timeline says itself which frames it shows; leave --frames out.")
        folder = None if request.output is None else Path(request.output).absolute()
        if folder is not None and request.is_several:
            folder /= f"{timeline.stem}_{self.preset.stem}"
        wanted = TimelineRequest(
            timeline=timeline, preset=self.preset, output=folder, handles=request.handles, settings=settings
        )
        plan = plan_timeline(wanted)
        place = plan.folder.absolute()
        self._check_free(place)
        clips: list[ShotJob] = []
        for clip in plan.distinct_clips:
            grade = plan.grade_of(clip)
            with grade.open() as planned:
                clips.append(self._add_grade(grade, planned))
        self.jobs.append(
            TimelineJob(
                name=self._distinct(plan.target.stem),
                request=replace(wanted, preset=_preset_argument(self.preset), output=place),
                run=request.run,
                target=plan.target.absolute(),
                digest=current_digest(self.preset),
                after=tuple(clip.name for clip in clips),
            )
        )

    def _add_grade(self, wanted: GradeRequest, plan: GradePlan) -> ShotJob:
        """Add the job of a planned grade."""
        place = plan.output.absolute()
        pattern = wanted.settings.tokens if is_template(self.request.output) else None
        tokens = tokens_of(plan.shot.path, plan.shot.name, self.preset.stem, pattern)
        self._check_free(place, tokens)
        shot = Path(wanted.shot).absolute()
        of_shot = [job for job in self.jobs if isinstance(job, ShotJob) and _is_of(job, shot, wanted)]
        sibling = next((job for job in of_shot if _features_of(job) == plan.preset.info.features), None)
        told = plan.target.output
        before = [job for job in self.jobs if isinstance(job, TrainJob)] + ([] if sibling is None else [sibling])
        names = None if told is None else frame_names(Path(told))
        job = ShotJob(
            name=self._distinct(_job_name(plan, tokens)),
            request=replace(
                wanted,
                shot=shot,
                preset=_preset_argument(self.preset),
                output=str(place if names is None else place / Path(str(told)).name),
                frames=plan.frames,
                analysis=str(plan.analysis.absolute() if sibling is None else sibling.analysis),
            ),
            run=self.request.run,
            asked=tuple(sorted({*plan.frames, *plan.left_out})),
            length=len(plan.shot),
            size=(plan.shot.info.width, plan.shot.info.height),
            digest="" if wanted.is_learnt_first else current_digest(self.preset),
            estimate=estimate(plan, plan.frames, analysed=sibling is not None, memory=self.request.run.memory),
            after=tuple(job.name for job in before),
        )
        self.jobs.append(job)
        return job

    def _check_free(self, place: Path, tokens: Mapping[str, str] | None = None) -> None:
        if any(job.output == place for job in self.jobs if not isinstance(job, TrainJob)):
            told = telling_apart(tokens, self._tokens[place]) if tokens is not None and place in self._tokens else []
            if is_template(self.request.output) and told:
                remedy = f"add {' or '.join(f'{{{name}}}' for name in told)} to --to."
            else:
                remedy = (
                    "give them folders of different names, or tell them apart by their paths with --tokens and --to."
                )
            raise UsageError(f"Two shots would be graded to {place}; {remedy}")
        if tokens is not None:
            self._tokens[place] = tokens

    def _distinct(self, name: str) -> str:
        taken = {job.name for job in self.jobs}
        others = (f"{name} ({number})" for number in itertools.count(2))
        return next(free for free in itertools.chain([name], others) if free not in taken)


def _is_of(job: ShotJob, shot: Path, wanted: GradeRequest) -> bool:
    """Whether a job grades the same shot with another look, so that one analysis does for both."""
    is_alone = job.after == () and not wanted.is_learnt_first
    return job.shot == shot and job.request.within == wanted.within and is_alone and wanted.analysis is None


def _features_of(job: ShotJob) -> tuple[str, str, bool]:
    """What kind of features the look of a job takes."""
    return read_info(find_preset(job.request.preset)).features


def _job_name(plan: GradePlan, tokens: Mapping[str, str]) -> str:
    """What the job of a grade is called: by what the plate's path says, else by its result."""
    said = [value for name, value in tokens.items() if name not in OWN_TOKENS]
    if said:
        return "_".join([*said, tokens["preset"]])
    return plan.output.stem if plan.format.is_movie else plan.output.name


def _pinned(request: FarmRequest, info: PresetInfo | None, to_run: bool) -> FarmRequest:
    """The request with what the environment of whoever submits decides, so that all machines do the same.

    info: of the look; None for one that is learnt first.
    """
    weights = request.run.weights
    if to_run and weights is None and info is not None and _FILE_DIGEST.fullmatch(info.weights):
        from vfxstyle.features.registry import backbone_class

        weights = str(backbone_class(info.backbone).find_weights(None))

    def pinned(settings: GradeSettings) -> GradeSettings:
        return replace(settings, ocio=settings.ocio or os.environ.get("OCIO") or None)

    return replace(
        request,
        settings=pinned(request.settings),
        of_shots={shot: pinned(settings) for shot, settings in request.of_shots.items()},
        run=replace(request.run, weights=weights),
    )


def _preset_argument(path: Path) -> str:
    """A shipped preset by its name, which every machine knows; any other by its file."""
    return path.stem if path.parent == shipped_folder() else str(path.absolute())
