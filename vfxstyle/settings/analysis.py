"""Options of a plate and of its analysis."""

from __future__ import annotations

from dataclasses import dataclass

from vfxstyle.settings.shared import AnalysisWidth, ReadSettings
from vfxstyle.settings.table import Decides, between, option
from vfxstyle.settings.values import (
    ANALYSED,
    DEFAULT_SECTION,
    DEFAULT_STILL_SUPERPIXELS,
    DEFAULT_SUPERPIXELS,
    LONG_SHOT,
    MEASURED,
    PLATE,
    SUPERPIXELS,
    Missing,
    check_lighting,
    check_section,
)


@dataclass(frozen=True, kw_only=True)
class PlateSettings(ReadSettings):
    """How a plate is read."""

    layer: str | None = option(
        None,
        help="Layer or part of EXR files to read; all others are carried over.",
        default_text="the main one",
        metavar="NAME",
        commands=PLATE,
        decides=Decides.PLAN,
    )
    view: str | None = option(
        None,
        help="View of EXR files to read; all: grade and analyze take every view, into one file.",
        default_text="the file's",
        metavar="NAME",
        commands=PLATE,
        decides=Decides.PLAN,
    )
    missing: Missing = option(
        "error",
        help="Holes in a sequence: stop, leave them out (exit code 1 of what writes frames), or repeat the frame "
        "before.",
        commands=PLATE,
        decides=Decides.PLAN,
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings(AnalysisWidth):
    """How a shot is analysed. All of it is part of an analysis' identity."""

    superpixels: int | None = option(
        None,
        help="Superpixels requested in a frame.",
        default_text=f"{DEFAULT_SUPERPIXELS} temporal ones of a shot, {DEFAULT_STILL_SUPERPIXELS} graph-based ones of "
        "a still",
        metavar="N",
        check=SUPERPIXELS,
        commands=PLATE,
        decides=Decides.ANALYSIS,
    )
    section_frames: int | None = option(
        None,
        help="Frames of a section: a long shot is segmented in sections, on as many machines, which overlap and are "
        "joined. 0: in one piece.",
        default_text=f"{DEFAULT_SECTION} for a shot of {LONG_SHOT:,} frames and more, else 0",
        metavar="N",
        check=check_section,
        commands=ANALYSED,
        decides=Decides.ANALYSIS,
    )
    frame_based: bool = option(
        False,
        help="Analyse every frame by itself, as a still: slower, and it flickers; the baseline to compare with.",
        commands=ANALYSED,
        decides=Decides.ANALYSIS,
    )
    coverage: float = option(
        1.0,
        help="Share of the shot whose superpixels the network sees; the others take over the features of a neighbour "
        "of like colour.",
        metavar="SHARE",
        check=between(0, 1, above=True),
        commands=ANALYSED,
        decides=Decides.ANALYSIS,
    )

    lighting: str = option(
        MEASURED,
        help="Exposure and warmth of the shot, for looks that were trained with --any-light: measured, ordinary (take "
        "the plate as it is), or STOPS,WARMTH of another shot of the scene, so that both are graded alike.",
        metavar="LIGHT",
        check=check_lighting,
        commands=ANALYSED,
        decides=Decides.ANALYSIS,
    )

    def sections(self, frames: int) -> int:
        """In how many sections a shot of so many frames is segmented."""
        if self.frame_based or frames == 1:
            return 1
        length = self.section_frames
        if length is None:
            length = DEFAULT_SECTION if frames >= LONG_SHOT else 0
        return max(1, round(frames / length)) if length else 1


@dataclass(frozen=True, kw_only=True)
class ShotSettings(PlateSettings, AnalysisSettings):
    """How a shot is read and analysed."""
