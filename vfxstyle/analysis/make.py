"""The analysis pass: an analysis is taken as far as it is there and whole, and the rest is made."""

from __future__ import annotations

from vfxstyle.analysis.copying import copy_features, copy_superpixels, segmented_elsewhere
from vfxstyle.analysis.lighting import lighting_in
from vfxstyle.analysis.sections import remove_sections, sections_of, unreadable_in
from vfxstyle.analysis.segment import kept, segment, segment_sections
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray
from vfxstyle.errors import AnalysisError, UsageError
from vfxstyle.settings import Run

WHOLE = (1, 1)
"""The shard that is all of a stage."""


def ensure_superpixels(wanted: WantedAnalysis, run: Run) -> AnalysisFolder:
    """The analysis of a shot, segmented.

    Superpixels are copied where another analysis into the same ones is there, for looks of another kind or in the
    folder of another grade of the shot. With ``overwrite`` "always" it is made again, of a long shot from the sections
    that are there. Raises :class:`~vfxstyle.errors.AnalysisError` if only other analyses are there and ``overwrite`` is
    "never", and :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read.
    """
    analysis, shot = wanted.stored, wanted.plate.shot
    if run.overwrite == "always":
        analysis.discard()
    if kept(analysis, shot, run):
        remove_sections(wanted)  # which a job that was killed, or another that came late, has left
        return analysis
    if run.overwrite == "never" and analysis.others:
        raise AnalysisError(
            f"Analysis {analysis.folder} belongs to another plate or other settings; name another folder with "
            "--analysis, or let this one be added with --overwrite changed."
        )
    from vfxstyle.analysis.extract import check_weights  # loads a runtime, which an analysis that is there does without

    check_weights(wanted.recipe, run.weights)
    if run.overwrite != "always" and copy_superpixels(wanted, run):
        remove_sections(wanted)
    else:
        segment(wanted, analysis, run)
    return wanted.stored


def ensure_sections(wanted: WantedAnalysis, run: Run, shard: tuple[int, int]) -> dict[int, str]:
    """Have a share of the sections of a long shot segmented, where the whole shot is not. shard: which, of how many.

    With ``overwrite`` "always" they are made again. Returns the frames of them that could not be read, and why. Raises
    :class:`~vfxstyle.errors.UsageError` for a shot that is segmented in one piece.
    """
    index, shards = shard
    sections = sections_of(wanted)
    if not sections:
        raise UsageError(
            f"{wanted.plate.shot.path} is segmented in one piece; leave --shard out, or cut it with --section-frames."
        )
    anew = run.overwrite == "always"
    if not anew and wanted.identity:
        if wanted.stored.is_segmented(wanted.plate.shot):
            return wanted.stored.unreadable
        if next(segmented_elsewhere(wanted), None) is not None:
            return {}  # it is copied whole by the task that joins the sections
    return unreadable_in(segment_sections(wanted, sections[index - 1 :: shards], run, anew=anew))


def ensure_features(wanted: WantedAnalysis, run: Run, shard: tuple[int, int] = WHOLE) -> AnalysisFolder:
    """The segmented analysis of a shot, with the features of the chosen frames.

    shard: which of how many shares of the chosen frames is extracted. Whoever finds the features of all frames there
    makes one file of them.
    """
    analysis = wanted.stored
    if analysis.has_features():
        return analysis
    index, shards = shard
    own = set(analysis.chosen[index - 1 :: shards])
    numbers = [number for number in analysis.without_features() if number in own]
    lighting = lighting_in(analysis) if wanted.recipe.any_light else None

    def picture(number: int) -> FloatArray:
        frame = wanted.plate.read(number, wanted.stamps)
        return wanted.plate.picture(frame, wanted.recipe.analysis_width, lighting)

    if numbers and run.overwrite != "always" and copy_features(wanted, analysis, numbers, run):
        numbers = []
    if numbers:
        from vfxstyle.analysis.extract import extract_frames

        extract_frames(analysis, wanted.recipe, numbers, picture, run)
    if not analysis.without_features():
        analysis.finish_features()
    return analysis
