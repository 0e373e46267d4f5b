"""Grade a shot: request, plan, outputs, transforms, render, verify, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import ChangedError, PartialError, VfxStyleError
from vfxstyle.grading.announce import (
    announce,
    announce_analysis,
    announce_distance,
    announce_doubt,
    announce_lost,
    announce_others,
)
from vfxstyle.grading.estimate import estimate
from vfxstyle.grading.nuke import nuke_file, write_nuke
from vfxstyle.grading.outputs import Outputs
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.render import Rendered, render
from vfxstyle.grading.request import GradeRequest
from vfxstyle.grading.review_files import review_files, write_review
from vfxstyle.grading.transforms import ensure_transforms
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.progress import Progress, Stage
from vfxstyle.settings import GradeSettings, Run
from vfxstyle.settings.keywords import GradeOptions
from vfxstyle.settings.table import check_known, pick
from vfxstyle.shots.discover import how_many_frames
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
    shot_frames: int
    """Frames of the shot, all of which an analysis looks at."""
    untouched_pixels: Mapping[int, int]
    """For each frame that has any, kept ones too: pixels left alone because they hold NaN or infinity."""
    found_again: Mapping[int, float]
    """How much of what the graded frames of the shot treat apart is found again on each frame that this run wrote,
    0..1; without frames on which nothing is treated apart."""
    in_doubt: Mapping[int, float]
    """How much of the subject's matte can be wrong on each frame that it was carried to by this run, as a share of its
    area; empty for looks that treat no subject apart."""
    superpixels: int
    """Temporal superpixels of the shot."""
    chosen_frames: tuple[int, ...]
    """Frames that the network was run on, in the order of choice."""
    seconds: Mapping[Stage, float]
    """Wall seconds of each stage."""
    input_space: str
    """Colour space of the plate."""
    output_space: str
    """Colour space of the result."""


def grade(
    shot: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    frames: Frames = None,
    within: Frames = None,
    analysis: str | Path | None = None,
    prepare: bool = False,
    progress: Progress | None = None,
    **options: Unpack[GradeOptions],
) -> GradeReport:
    """Put a look on a shot.

    shot: as for :func:`vfxstyle.open_shot`. preset: an installed name or a preset file.
    output: a folder for frames or a ``.mov``; by default SHOT_PRESET beside the shot.
    frames: a range in fileseq's syntax or frame numbers; by default all.
    within: frames that the shot is taken to consist of, for the analysis too; by default all.
    analysis: folder of the shot analysis; by default SHOT_analysis beside the shot if it is there, else ``.vfxstyle``
        inside the output folder.
    prepare: make frames of a movie ready, in files beside it, for a run without it to encode.
    options: see docs/grade.md.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; frames finished before it stay, whole.
    """
    check_known(options, GradeOptions)
    request = GradeRequest(
        shot=shot,
        preset=preset,
        output=output,
        frames=frame_numbers(frames),
        within=frame_numbers(within),
        analysis=analysis,
        prepare=prepare,
        settings=pick(GradeSettings, options),
    )
    return grade_request(request, Run.of(options, progress))


def grade_request(request: GradeRequest, run: Run) -> GradeReport:
    """Plan a grade and execute the plan."""
    with request.open() as plan:
        return execute(plan, run)


def execute(plan: GradePlan, run: Run) -> GradeReport:
    """Write what a plan asks for and is not there. Raises :class:`~vfxstyle.errors.VfxStyleError`."""
    announce(plan, run.clock)
    outputs = _outputs(plan, run)
    todo = _frames_to_write(outputs, run)
    done, analysis = _rendered(outputs, todo, run)
    graded = plan.preset.graded
    announce_lost(done.found_again, run.clock, layered=graded is not None and graded.layers is not None)
    if len(todo) == len(plan.shot):  # a part of it cannot be compared with the rest
        announce_doubt(done.in_doubt, run.clock)
    announce_others(outputs.made_otherwise(), plan, run.clock)
    if plan.prepares and todo:
        run.clock.note(f"made ready for {plan.output}, which the command without --prepare writes of all frames")
    if plan.settings.write_nuke:
        run.clock.note(f"Nuke script: {write_nuke(plan)}")
    if plan.settings.write_review:
        run.clock.note(f"for review: {', '.join(map(str, write_review(plan)))}")
    _check_there(outputs, done, run)
    outputs.drop_prepared()
    if (done.failed or plan.left_out) and not plan.prepares:  # a movie's unreadable frames are the movie's to tell
        raise _partial(plan, done, todo)
    kept = tuple(sorted(set(plan.frames) - set(todo)))
    return GradeReport(
        output=plan.files[0].parent if plan.prepares else plan.output,
        files=tuple(plan.files),
        written=tuple(todo),
        kept=kept,
        shot_frames=len(plan.shot),
        untouched_pixels=done.untouched | outputs.untouched(kept),
        found_again=done.found_again,
        in_doubt=done.in_doubt,
        superpixels=int(analysis.manifest.get("superpixels", 0)),
        chosen_frames=tuple(analysis.manifest.get("chosen_frames", ())),
        seconds=run.clock.seconds,
        input_space=plan.input.space.name,
        output_space=plan.output_space.name,
    )


def planned(plan: GradePlan, run: Run) -> dict[str, Any]:
    """What :func:`execute` would do with the same plan, as JSON values. Writes nothing.

    Of the plate, only the files of frames that the look keeps graded are hashed. A file that no analysis knows counts
    as new, so its frames are listed as to be written.
    """
    outputs = _outputs(plan, run, hash_plate=False)
    todo = _frames_to_write(outputs, run)
    files = list(dict.fromkeys(plan.targets[number] for number in todo))
    support = outputs.support_files(files, run) + ([nuke_file(plan)] if plan.settings.write_nuke else [])
    support += review_files(plan) if plan.settings.write_review else []
    analysed = (outputs.wanted.stored.place / "analysis.json").is_file()
    return plan.as_json(run, files, support) | {
        "estimate": estimate(plan, todo, analysed=analysed, memory=run.memory).as_json()
    }


def _outputs(plan: GradePlan, run: Run, *, hash_plate: bool = True) -> Outputs:
    recall = run.on_error == "skip" and run.overwrite != "always"
    return Outputs.of(plan, run, recall=recall, hash_plate=hash_plate)


def _frames_to_write(outputs: Outputs, run: Run) -> list[int]:
    """Frames that the run writes, after checking that they replace no movie of others."""
    todo = outputs.frames_to_write(run.overwrite)
    if todo and run.overwrite != "always":
        outputs.refuse_to_replace()
    return todo


def _rendered(outputs: Outputs, todo: Sequence[int], run: Run) -> tuple[Rendered, AnalysisFolder]:
    """Render frames; where there are none nothing is analysed either."""
    if not todo:
        return Rendered(failed=outputs.lost), outputs.wanted.stored
    check_writable(outputs.plan.files[0].parent)
    try:
        announce_analysis(outputs.plan, outputs.wanted, run.clock)
        analysis, transforms = ensure_transforms(outputs.plan, outputs.wanted, run)
        announce_distance(outputs.plan, analysis, run.clock)
        views = [ensure_transforms(other.plan, other.wanted, run) for other in outputs.others]
        return render(outputs, [(analysis, transforms), *views], todo, run), analysis
    except VfxStyleError as error:
        error.not_made = tuple(outputs.not_made(todo))
        raise


def _check_there(outputs: Outputs, done: Rendered, run: Run) -> None:
    """Check that what was written or was current has not been taken away meanwhile."""
    gone = outputs.gone(run.overwrite, done.failed)
    if gone:
        first = outputs.plan.targets[gone[0]]
        raise ChangedError(
            f"{first} was written or found good, and has been removed since ({len(gone)} frames in all); run again "
            "when nobody clears the folder.",
            frames=gone,
        )


def _partial(plan: GradePlan, done: Rendered, todo: Sequence[int]) -> PartialError:
    """The error that names the frames that failed or are missing."""
    bad = sorted({*done.failed, *plan.left_out})
    good = len(set(todo) - set(done.failed))
    reasons = [*done.failed.values(), *(f"Frame {number} is missing." for number in plan.left_out)]
    kept = len(set(plan.frames) - set(todo) - set(bad))
    held = "; it holds the frame before each" if plan.encodes and done.failed else ""
    current = f", {kept} were up to date" if kept else ""
    return PartialError(
        f"{how_many_frames(len(bad))} failed, {good} were written to {plan.output}{current}{held}. "
        f"{' '.join(reasons[:3])}{' ...' if len(reasons) > 3 else ''}",
        frames=bad,
    )
