"""What a grade says of its plate and its output before it begins, and of its frames and those beside them after."""

from __future__ import annotations

from collections.abc import Mapping

from vfxstyle.analysis.distance import FAR, distances, frames_among_pictures
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.color import SpaceKind
from vfxstyle.grading.plan import DEFAULT_FRAME_RATE, GradePlan, is_one_stretch, keeps_hdr
from vfxstyle.plates.announce import announce_plate
from vfxstyle.progress import Clock
from vfxstyle.shots import format_frames, named_frames
from vfxstyle.shots.metadata import says_space

_LOST, _LOST_IN_LAYERS = 0.3, 0.01
"""Shares found again below which a frame is named, without and with layers (docs/method.md, section 14)."""
_DOUBT, _NEARLY = 0.05, 0.75  # share in doubt from which frames are named, and how near the largest they are
_FEW = 4  # of so many frames of a shot, one or fewer is asked for


def announce(plan: GradePlan, clock: Clock) -> None:
    """Say what was assumed of the plate and what becomes of it."""
    announce_plate(plan.plate, plan.frames, clock)
    clock.note(f"output: {plan.output}, {plan.format.value}, {plan.output_space.name}, colours by {plan.config.name}")
    shot = plan.shot
    for other in plan.others:
        clock.note(f"and {other.shot.info.layer}, into the same files")
    views = shot.info.views
    if len(views) > 1 and not plan.others:
        clock.note(f"1 of {len(views)} views is graded ({', '.join(views)}); --view all grades every one")
    if shot.missing:
        what = "left out" if plan.plate.absent else "held"
        clock.note(f"missing frames {format_frames(shot.missing)} are {what}")
    if plan.format.is_movie and plan.frame_rate is None:
        clock.note(f"the plate states no frame rate; the movie gets {DEFAULT_FRAME_RATE} frames per second")
    if plan.format.is_movie and shot.is_movie and plan.settings.audio == "copy" and not is_one_stretch(plan.frames):
        clock.note("the frames are not one stretch, so the sound is left out")
    if not says_space(plan.format, plan.output_space):
        clock.note(
            f"{plan.format.value} has no tag for {plan.output_space.name}; name the space where the files are read"
        )
    if shot.info.hdr and not keeps_hdr(plan):
        clock.warn("the movie's mastering display and light levels do not fit the result, and are left out")
    if plan.output_space.kind is SpaceKind.LINEAR and plan.format.value in ("png", "dpx"):
        clock.warn(
            f"{plan.format.value} of linear light clips what is above 1.0 and looks dark in a viewer; for pictures to "
            "look at, name a display with --output-space"
        )


def announce_analysis(plan: GradePlan, wanted: WantedAnalysis, clock: Clock) -> None:
    """Say that a named analysis is not there, or that a whole shot is analysed where few of its frames are asked for.

    Of the latter, nothing is said of a look that carries graded frames along their shot, which it would not do within a
    part of it.
    """
    shot, asked = plan.shot, plan.frames
    is_named = plan.target.analysis is not None
    has_few = _FEW * len(asked) <= len(shot.frames) and plan.preset.graded is None
    if not (is_named or has_few) or wanted.stored.manifest or wanted.with_same_superpixels():
        return
    if is_named:
        clock.note(f"{plan.analysis} holds no analysis of this plate with these options yet")
    if has_few:
        alone = "it alone, as a still" if len(asked) == 1 else "them alone"
        clock.note(
            f"all {len(shot.frames)} frames are analysed for the sake of {len(asked)}, as for the whole shot; "
            f"--within {format_frames(asked)} analyses {alone}, with a slightly different result"
        )


def announce_distance(plan: GradePlan, analysis: AnalysisFolder, clock: Clock) -> None:
    """Say where a shot is unlike everything that the look was learnt from."""
    gaps = distances(*frames_among_pictures(analysis, plan.preset))
    if gaps and (worst := max(gaps.values())) >= FAR:
        number = max(gaps, key=lambda frame: gaps[frame])
        clock.warn(
            f"frame {number} is {worst:.1f} times as far from the pictures that {plan.preset.info.name} was learnt "
            "from as these are from each other; look at a proof before the farm"
        )


def announce_others(made_otherwise: tuple[int, ...], plan: GradePlan, clock: Clock) -> None:
    """Say which frames beside those asked for are of another grade.

    made_otherwise: see :meth:`~vfxstyle.grading.outputs.Outputs.made_otherwise`.
    """
    if made_otherwise:
        clock.note(
            f"{plan.output} also holds {named_frames(made_otherwise)}, graded with another look or other options, "
            "from another plate, or by another version; grade them again if they belong with these"
        )


def announce_lost(found_again: Mapping[int, float], clock: Clock, *, layered: bool) -> None:
    """Name the frames on which little is found again. found_again: see :class:`~vfxstyle.grading.grade.GradeReport`.

    layered: whether the grade has layers, whose gate does not follow tracks alone.
    """
    limit = _LOST_IN_LAYERS if layered else _LOST
    lost = tuple(number for number, share in found_again.items() if share < limit)
    if lost:
        worst = min(lost, key=lambda number: found_again[number])
        clock.warn(
            f"what you treated apart is hard to follow to {named_frames(lost)}: on {worst} only "
            f"{found_again[worst]:.0%} of it is found again. Look there; where it is wrong, grade {worst} by hand too "
            "and train with --continue"
        )


def announce_doubt(in_doubt: Mapping[int, float], clock: Clock) -> None:
    """Name the frames of a whole shot on which most of the subject's matte can be wrong.

    in_doubt: see :class:`~vfxstyle.grading.grade.GradeReport`.
    """
    worst = max(in_doubt, key=lambda number: in_doubt[number], default=None)
    if worst is None or in_doubt[worst] < _DOUBT:
        return
    doubtful = tuple(number for number, share in in_doubt.items() if share >= _NEARLY * in_doubt[worst])
    clock.note(
        f"the subject that you graded apart is least certain on {named_frames(doubtful)}, most on {worst}; look there "
        f"first. Where it is wrong, grade {worst} by hand too and train with --continue"
    )
