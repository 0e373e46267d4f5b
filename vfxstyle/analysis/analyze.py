"""Analyse a shot by itself: segment it, extract features, and, for a preset, predict. A grade then only renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from vfxstyle.analysis.make import ensure_features, ensure_sections, ensure_superpixels
from vfxstyle.analysis.predict import stored_transforms
from vfxstyle.analysis.request import AnalyzePlan, AnalyzeRequest
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.tracks import graded_frames_there, tracked_frames
from vfxstyle.errors import AnalysisError
from vfxstyle.features import check_device
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.plates.plate import by_view
from vfxstyle.progress import Progress, Stage
from vfxstyle.settings import DEFAULT_BACKBONE, AnalyzeStage, Run, ShotSettings
from vfxstyle.settings.keywords import AnalyzeOptions
from vfxstyle.settings.table import check_known, pick


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeReport:
    """What an analysis run made or left as it was."""

    analysis: Path
    """The folder to hand to ``grade`` with ``--analysis``."""
    superpixels: int
    """Superpixels of the shot; 0 where only some of its sections are segmented."""
    chosen_frames: tuple[int, ...]
    """Frames that the network is run on, ascending."""
    missing_features: tuple[int, ...]
    """Those of them whose features no shard has extracted yet."""
    unreadable: Mapping[int, str]
    """Frames that were left out because they cannot be read, and why."""
    seconds: Mapping[Stage, float]
    """Wall seconds of each stage; empty where everything was there."""


def analyze(
    shot: str | Path,
    *,
    preset: str | Path | None = None,
    backbone: str = DEFAULT_BACKBONE,
    any_light: bool = False,
    analysis: str | Path | None = None,
    within: Frames = None,
    stage: AnalyzeStage = "all",
    shard: tuple[int, int] = (1, 1),
    progress: Progress | None = None,
    **options: Unpack[AnalyzeOptions],
) -> AnalyzeReport:
    """Analyse a shot, as far as that has not been done.

    shot: as for :func:`vfxstyle.open_shot`. preset: a look whose transforms are predicted as well, and which says what
    backbone is needed and whether for any light. analysis: folder of the shot analysis; by default, with a preset,
    where ``grade`` looks for it, and SHOT_analysis beside the shot without one. within: frames that the shot is taken
    to consist of. stage: "superpixels" ends before the network runs, "features" needs the superpixels, "transforms" the
    features. shard: which of how many shares, of the stage "features" of the chosen frames, of "superpixels" of the
    sections of a long shot, which the stage joins when it is run without. options: see docs/grade.md.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    check_known(options, AnalyzeOptions)
    run = Run.of(options, progress)
    request = AnalyzeRequest(
        shot=shot,
        preset=preset,
        backbone=backbone,
        any_light=any_light,
        analysis=analysis,
        within=frame_numbers(within),
        stage=stage,
        shard=shard,
        settings=pick(ShotSettings, options),
    )
    return analyze_request(request, run)


def analyze_request(request: AnalyzeRequest, run: Run) -> AnalyzeReport:
    """Execute the plan of a request; of all views one after the other, with the report of the last and all seconds."""
    for settings in by_view(request.shot, request.settings, request.within):
        # a shard of sections knows the files of its own frames, and no more
        with replace(request, settings=settings).open(run, hash_plate=not request.is_of_sections) as plan:
            report = execute(plan, run)
    return report


def planned(request: AnalyzeRequest, run: Run) -> dict[str, Any]:
    """What :func:`analyze_request` would do, as JSON values. Writes nothing, and hashes nothing of the plate."""
    every = []
    for settings in by_view(request.shot, request.settings, request.within):
        with replace(request, settings=settings).open(run, hash_plate=False) as plan:
            every.append(plan.as_json(run))
    return {**every[0], "files": list(dict.fromkeys(file for one in every for file in one["files"]))}


def execute(plan: AnalyzePlan, run: Run) -> AnalyzeReport:
    """Make what a plan lacks."""
    wanted, shot = plan.wanted, plan.wanted.plate.shot
    run.clock.note(f"analysis: {wanted.folder}, {len(shot)} frames, superpixels by {wanted.recipe.method} method")
    check_device(run.device)
    if plan.request.is_of_sections:
        unreadable = ensure_sections(wanted, run, plan.request.shard)
        return AnalyzeReport(
            analysis=wanted.folder,
            superpixels=0,
            chosen_frames=(),
            missing_features=(),
            unreadable=unreadable,
            seconds=run.clock.seconds,
        )
    stored = _after_stages(plan, run)
    if not run.clock.seconds:
        run.clock.note(f"analysis: {stored.place} is up to date")
    if plan.look is not None and plan.makes("transforms"):
        with run.clock.stage(Stage.TRANSFORMS, 1) as step:
            stored_transforms(stored, plan.look, graded_frames_there(wanted, stored, plan.look))
            step()
        tracked_frames(wanted, stored, plan.look, run)
    return AnalyzeReport(
        analysis=wanted.folder,
        superpixels=int(stored.manifest["superpixels"]),
        chosen_frames=tuple(stored.chosen),
        missing_features=tuple(stored.without_features()),
        unreadable=stored.unreadable,
        seconds=run.clock.seconds,
    )


def _after_stages(plan: AnalyzePlan, run: Run) -> AnalysisFolder:
    """The analysis after the stages of a plan but the last; one that lacks what it builds on says so."""
    wanted, stage = plan.wanted, plan.request.stage
    if plan.makes("superpixels"):
        stored = ensure_superpixels(wanted, run)
        return ensure_features(wanted, run) if stage == "all" else stored
    stored = wanted.stored
    if not stored.is_segmented(wanted.plate.shot):
        raise AnalysisError(
            f"{wanted.folder} has no whole superpixels of this plate with these settings; run the stage before, with "
            "--stage superpixels."
        )
    if stage == "features":
        return ensure_features(wanted, run, plan.request.shard)
    if not stored.has_features():
        raise AnalysisError(
            f"{wanted.folder} lacks features of frames {', '.join(map(str, stored.without_features()))}; run the "
            "shards that extract them, with --stage features."
        )
    return stored
