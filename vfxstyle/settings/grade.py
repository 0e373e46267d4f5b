"""Options of a grade: what comes out, of which frames, to where, and how the work is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vfxstyle.progress import Clock, Progress, Silent
from vfxstyle.settings.analysis import ShotSettings
from vfxstyle.settings.shared import NetworkSettings
from vfxstyle.settings.table import Decides, between, option, pick
from vfxstyle.settings.values import (
    ANALYSED,
    DEFAULT_MEMORY,
    GRADE,
    MADE,
    PUT,
    Audio,
    FormatName,
    OnError,
    Overwrite,
    check_rate,
)


@dataclass(frozen=True, kw_only=True)
class GradeSettings(ShotSettings):
    """What a grade is: how the plate is read and analysed, and what comes out."""

    format: FormatName | None = option(
        None,
        help="File format of the result.",
        default_text="exr for frames, prores422hq for a movie, prores4444 if it has alpha",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    tokens: str | None = option(
        None,
        help="What the folders of the plate's path are called, as in {seq}/{shot}/plate/{version}; or, without a "
        "slash, the parts of its name.",
        default_text="nothing",
        metavar="PATTERN",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    strength: float = option(
        1.0,
        help="0 to 1: mixes the grade with the plate, in linear light.",
        metavar="SHARE",
        check=between(0, 1),
        commands=PUT | {"export"},
        decides=Decides.FRAMES,
    )
    matte: str | None = option(
        None,
        help="Where the look is put: a matte sequence or picture, crypto:PATTERN or channel:NAME of the plate's EXR.",
        default_text="everywhere",
        metavar="MATTE",
        commands=PUT,
        decides=Decides.PLAN,
        is_path=True,
    )
    matte_invert: bool = option(
        False,
        help="Put the look where the matte is not.",
        commands=PUT,
        decides=Decides.PLAN,
    )
    matte_blur: float = option(
        0.0,
        help="Blur of the matte: standard deviation in px of the plate.",
        metavar="PX",
        check=between(0, 1000),
        commands=PUT,
        decides=Decides.PLAN,
    )
    region: tuple[str, ...] = option(
        (),
        help="Strength of a region, as in hero.exr=1; MATTE as above, or group:look_3 of 'mattes'. Again for more; the "
        "later lie on top.",
        metavar="MATTE=STRENGTH",
        commands=PUT,
        decides=Decides.PLAN,
        is_path=True,
        repeated=True,
    )
    rest: float = option(
        1.0,
        help="Strength outside all regions.",
        metavar="SHARE",
        check=between(0, 1),
        commands=PUT,
        decides=Decides.PLAN,
    )
    adjust: str | None = option(
        None,
        help="Corrections that were made in the review.",
        default_text="none",
        metavar="FILE",
        commands=PUT,
        decides=Decides.PLAN,
        is_path=True,
    )
    output_space: str | None = option(
        None,
        help="OpenColorIO name of the result's colour space; scene-linear for EXR.",
        default_text="the plate's; linear light for EXR, Rec.709 for a movie of linear frames",
        metavar="SPACE",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    compression: str | None = option(
        None,
        help="Compression of EXR: none, rle, zip, zips, piz, pxr24, b44, b44a, dwaa:LEVEL, dwab:LEVEL.",
        default_text="the plate's; zip where it has none",
        metavar="NAME",
        commands=GRADE,
        decides=Decides.FRAMES,
    )
    start_frame: int | None = option(
        None,
        help="Number of the first frame of the result.",
        default_text="the plate's",
        metavar="N",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    padding: int | None = option(
        None,
        help="Digits of frame numbers in the names of the result.",
        default_text="the plate's",
        metavar="N",
        check=between(1, 20),
        commands=GRADE,
        decides=Decides.PLAN,
    )
    fps: str | None = option(
        None,
        help="Frames per second of the result: 24, 23.976, 24000/1001.",
        default_text="the plate's, 24 where its frames say none",
        metavar="RATE",
        check=check_rate,
        commands=GRADE,
        decides=Decides.PLAN,
    )
    audio: Audio = option(
        "copy",
        help="Sound of a movie that is made of a movie.",
        commands=GRADE,
        decides=Decides.FRAMES,
    )
    write_nuke: bool = option(
        False,
        help="Write a Nuke script with plate, grade and a wipe beside the result.",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    write_review: bool = option(
        False,
        help="Write a session of RV with plate, grade and a wipe, and a timeline of OpenTimelineIO, beside the result.",
        commands=GRADE,
        decides=Decides.PLAN,
    )


@dataclass(frozen=True, kw_only=True)
class Run(NetworkSettings):
    """How work is done, as opposed to what is made."""

    overwrite: Overwrite = option(
        "changed",
        help="What happens to results that are there: never touch them, make those anew that have changed, or all.",
        commands=MADE,
        decides=Decides.NOTHING,
    )
    on_error: OnError = option(
        "stop",
        help="Frames that cannot be read: stop, or leave them out (what writes frames then exits with 1).",
        commands=ANALYSED,
        decides=Decides.NOTHING,
    )
    memory: float = option(
        DEFAULT_MEMORY,
        help="GiB of memory for frames in flight, beside 1.1 for the program: with more of it, more "
        "frames are graded at once where there are threads for them.",
        metavar="GIB",
        check=between(0.1, 4096),
        commands=GRADE,
        decides=Decides.NOTHING,
    )
    clock: Clock = field(default_factory=lambda: Clock(Silent()), compare=False, repr=False)
    """Takes up progress and times."""

    @classmethod
    def of(cls, options: Mapping[str, object], progress: Progress | None) -> Run:
        """The run of those of a function's options that say how. progress: who watches; None for nobody."""
        return pick(cls, {**options, "clock": Clock(progress or Silent())})


@dataclass(frozen=True, kw_only=True)
class GradeTarget:
    """Which frames of a shot are graded, and to where."""

    output: str | Path | None = option(
        None,
        help="Folder for frames, or a .mov file; names in braces stand for parts of the plate's path (docs/shows.md).",
        default_text="SHOT_PRESET beside the shot",
        metavar="PATH",
        short="-o",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    frames: tuple[int, ...] | None = option(
        None,
        help="Frames, as in 1001-1100x2,1150; those of a movie count from 1.",
        default_text="all",
        metavar="RANGE",
        short="-f",
        commands=GRADE,
        decides=Decides.PLAN,
    )
    within: tuple[int, ...] | None = option(
        None,
        help="Frames that the shot is taken to consist of, for the analysis too: a clip of a longer plate.",
        default_text="all",
        metavar="RANGE",
        commands=ANALYSED,
        decides=Decides.PLAN,
    )
    analysis: str | Path | None = option(
        None,
        help="Folder of the shot analysis.",
        default_text="SHOT_analysis beside the shot if it is there, else .vfxstyle inside the output folder; of a "
        "movie .vfxstyle/NAME beside the result",
        metavar="FOLDER",
        commands=ANALYSED,
        decides=Decides.PLAN,
    )
    prepare: bool = option(
        False,
        help="For a movie: make the frames ready only; the same command without it encodes them.",
        commands=GRADE,
        decides=Decides.PLAN,
    )
