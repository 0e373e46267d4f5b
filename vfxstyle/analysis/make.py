"""The analysis pass: an analysis is taken as far as it is there and whole, and the rest is made."""

from __future__ import annotations

from vfxstyle.analysis.segment import segment
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray
from vfxstyle.errors import AnalysisError, FrameError
from vfxstyle.settings import Run
from vfxstyle.shots import Shot

WHOLE = (1, 1)
"""The shard that is everything."""


def ensure_superpixels(wanted: WantedAnalysis, run: Run) -> AnalysisFolder:
    """The analysis of a shot, segmented.

    With ``overwrite`` "always" it is made again. Raises :class:`~vfxstyle.errors.AnalysisError` if only other analyses
    are there and ``overwrite`` is "never", and :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read.
    """
    analysis, shot = wanted.stored, wanted.plate.shot
    if run.overwrite == "always":
        analysis.discard()
    segmented = analysis.is_segmented(shot)
    if segmented and analysis.unreadable and _can_be_read_now(shot, analysis):
        analysis.discard()
        segmented = False
    if segmented:
        if analysis.unreadable and run.on_error == "stop":
            raise FrameError(next(iter(analysis.unreadable.values())), frames=tuple(analysis.unreadable))
        return analysis
    if run.overwrite == "never" and analysis.others:
        raise AnalysisError(
            f"Analysis {analysis.folder} belongs to another plate or other settings; name another folder with "
            "--analysis, or let this one be added with --overwrite changed."
        )
    from vfxstyle.analysis.extract import check_weights  # loads a runtime, which an analysis that is there does without

    check_weights(wanted.recipe, run.weights)
    segment(wanted, analysis, run)
    return analysis


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

    def picture(number: int) -> FloatArray:
        frame = wanted.plate.read(number, wanted.stamps)
        return wanted.plate.picture(frame, wanted.recipe.analysis_width)

    if numbers:
        from vfxstyle.analysis.extract import extract_frames

        extract_frames(analysis, wanted.recipe, numbers, picture, run)
    if not analysis.without_features():
        analysis.finish_features()
    return analysis


def _can_be_read_now(shot: Shot, analysis: AnalysisFolder) -> bool:
    """Whether a frame that could not be read when the shot was analysed can be read by now."""
    for number in analysis.unreadable:
        try:
            shot.read(number)
        except FrameError:
            continue
        return True
    return False
