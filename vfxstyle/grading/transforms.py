"""What a plan needs before it can render: the analysis of the shot, and the look's transforms on it."""

from __future__ import annotations

from dataclasses import replace

from vfxstyle.analysis.lighting import lighting_words
from vfxstyle.analysis.make import ensure_features, ensure_superpixels
from vfxstyle.analysis.predict import ShotTransforms, look_of, stored_transforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.tracks import graded_frames_there, tracked_frames
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.features import check_device
from vfxstyle.grading.plan import GradePlan
from vfxstyle.progress import Stage
from vfxstyle.settings import Run


def once_more(run: Run) -> Run:
    """The run for what comes after an analysis has been made anew, which is not to be made anew again."""
    return replace(run, overwrite="changed") if run.overwrite == "always" else run


def ensure_transforms(
    plan: GradePlan, wanted: WantedAnalysis, run: Run, *, carried: bool = True
) -> tuple[AnalysisFolder, ShotTransforms]:
    """The analysis and the transforms of a plan, made as far as they are not there.

    Features are extracted only where the look has no transforms yet. carried: whether frames are going to be graded,
    so that tracks to graded frames of the shot are needed.
    """
    anew, look = plan.remakes_analysis(run), look_of(plan.preset)
    if anew or wanted.stored.read_transforms(look) is None:
        check_device(run.device)  # an absent one is told before the work, not after half of it
    own = run if anew or run.overwrite != "always" else replace(run, overwrite="changed")
    analysis = ensure_superpixels(wanted, own)
    if Stage.SUPERPIXELS not in run.clock.seconds:
        run.clock.note(f"analysis: {analysis.place} is up to date")
    if plan.preset.info.any_light:
        run.clock.note(lighting_words(analysis))
    if analysis.read_transforms(look) is None:
        analysis = ensure_features(wanted, run)
    with run.clock.stage(Stage.TRANSFORMS, 1) as step:
        transforms = stored_transforms(analysis, plan.preset, graded_frames_there(wanted, analysis, plan.preset))
        step()
    if not carried:
        return analysis, transforms
    return analysis, replace(transforms, graded=tracked_frames(wanted, analysis, plan.preset, run))
