"""What each stage of a command is of the whole, for percentages."""

from __future__ import annotations

from collections.abc import Mapping

from vfxstyle.progress import Stage

Shares = Mapping[Stage, int]
"""What each stage of a run is of the whole."""

GRADE_SHARES = {
    Stage.SUPERPIXELS: 34,
    Stage.JOINING: 1,
    Stage.FEATURES: 35,
    Stage.TRANSFORMS: 2,
    Stage.TRACKS: 8,
    Stage.GRADE: 28,
}
"""As on a shot of 50 frames that is not analysed yet; most looks have no tracks, and their share is skipped."""
ANALYSIS_SHARES = {Stage.SUPERPIXELS: 47, Stage.JOINING: 1, Stage.FEATURES: 48, Stage.TRANSFORMS: 4, Stage.TRACKS: 8}
MATTES_SHARES = {Stage.SUPERPIXELS: 34, Stage.JOINING: 1, Stage.FEATURES: 35, Stage.TRANSFORMS: 2, Stage.MATTES: 28}
PROOF_SHARES = {
    Stage.SUPERPIXELS: 19,
    Stage.JOINING: 1,
    Stage.FEATURES: 50,
    Stage.TRANSFORMS: 2,
    Stage.TRACKS: 8,
    Stage.PROOF: 20,
}
REPORT_SHARES = {
    Stage.SUPERPIXELS: 24,
    Stage.JOINING: 1,
    Stage.FEATURES: 35,
    Stage.TRANSFORMS: 2,
    Stage.TRACKS: 8,
    Stage.REPORT: 30,
}
EXPORT_SHARES = {
    Stage.SUPERPIXELS: 34,
    Stage.JOINING: 1,
    Stage.FEATURES: 35,
    Stage.TRANSFORMS: 2,
    Stage.TRACKS: 8,
    Stage.SAMPLING: 18,
    Stage.FITTING: 10,
    Stage.MATTES: 20,
}
TRAIN_SHARES = {Stage.PAIRS: 5, Stage.FEATURES: 40, Stage.REGULARISATION: 15, Stage.TRAINING: 30, Stage.FRAMES: 10}
TASKS_SHARES = {Stage.TASKS: 1}
