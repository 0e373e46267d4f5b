"""The table of options: every option once, with its default, help, check, commands, and what it decides.

Each class is a frozen group of options that belong together. Importing this is cheap: the command line does it first.
"""

from vfxstyle.settings.analysis import AnalysisSettings, PlateSettings, ShotSettings
from vfxstyle.settings.grade import GradeSettings, GradeTarget, Run
from vfxstyle.settings.shared import ReadSettings
from vfxstyle.settings.train import TrainSettings
from vfxstyle.settings.values import (
    DEFAULT_ANALYSIS_WIDTH,
    DEFAULT_BACKBONE,
    DEFAULT_CHUNK,
    DEFAULT_GROUPS,
    DEFAULT_HANDLES,
    DEFAULT_RETRIES,
    DEFAULT_SECTION,
    DEFAULT_STILL_SUPERPIXELS,
    DEFAULT_SUPERPIXELS,
    DEFAULT_WRITTEN_SUPERPIXELS,
    AnalyzeStage,
    OnError,
    Overwrite,
    parse_rate,
)

__all__ = [
    "DEFAULT_ANALYSIS_WIDTH",
    "DEFAULT_BACKBONE",
    "DEFAULT_CHUNK",
    "DEFAULT_GROUPS",
    "DEFAULT_HANDLES",
    "DEFAULT_RETRIES",
    "DEFAULT_SECTION",
    "DEFAULT_STILL_SUPERPIXELS",
    "DEFAULT_SUPERPIXELS",
    "DEFAULT_WRITTEN_SUPERPIXELS",
    "AnalysisSettings",
    "AnalyzeStage",
    "GradeSettings",
    "GradeTarget",
    "OnError",
    "Overwrite",
    "PlateSettings",
    "ReadSettings",
    "Run",
    "ShotSettings",
    "TrainSettings",
    "parse_rate",
]
