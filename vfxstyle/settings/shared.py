"""Options that several kinds of work share."""

from __future__ import annotations

from dataclasses import dataclass

from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.settings.table import Decides, at_least, option, verify
from vfxstyle.settings.values import ANALYSED, DEFAULT_ANALYSIS_WIDTH, PLATE, SEED, TRAIN, WIDTH, check_device


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that are checked when they are made; a wrong one is a :class:`~vfxstyle.errors.UsageError`."""

    def __post_init__(self) -> None:
        verify(self)


@dataclass(frozen=True, kw_only=True)
class ReadSettings(Settings):
    """How pictures are read."""

    input_space: str | None = option(
        None,
        help="OpenColorIO name of the pictures' colour space.",
        default_text="what the files say, see docs/colour.md",
        metavar="SPACE",
        commands=PLATE | TRAIN,
        decides=Decides.PLAN,
    )
    ocio: str | None = option(
        None,
        help="OpenColorIO configuration.",
        default_text="$OCIO, else the ACES studio configuration of the library",
        metavar="FILE",
        commands=PLATE | TRAIN | {"spaces"},
        decides=Decides.PLAN,
        is_path=True,
    )
    max_pixels: int = option(
        DEFAULT_MAX_PIXELS,
        help="Pictures that claim to have more pixels are refused before memory is taken.",
        metavar="N",
        check=at_least(1),
        commands=PLATE | TRAIN,
        decides=Decides.NOTHING,
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisWidth(Settings):
    """Size of the analysis picture, and the seed."""

    analysis_width: int = option(
        DEFAULT_ANALYSIS_WIDTH,
        help="Width, in px, at which pictures are analysed; narrower ones stay as they are.",
        metavar="PX",
        check=WIDTH,
        commands=PLATE | TRAIN,
        decides=Decides.ANALYSIS,
    )
    seed: int = option(
        0,
        help="Random seed: of dither, superpixels and training.",
        metavar="N",
        check=SEED,
        commands=PLATE | TRAIN,
        decides=Decides.ANALYSIS,
    )


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Where networks run and where their weights lie."""

    device: str = option(
        "auto",
        help="Where the work is done: auto, cpu, cuda, cuda:N; auto analyses and grades on the CPU, so that all "
        "machines make the same, and trains on a GPU if there is one.",
        metavar="NAME",
        check=check_device,
        commands=PLATE | TRAIN,
        decides=Decides.NOTHING,
    )
    weights: str | None = option(
        None,
        help="Weight file of a backbone that needs one (vgg16).",
        default_text="$VFXSTYLE_WEIGHTS, else torchvision's cache",
        metavar="FILE",
        commands=ANALYSED | TRAIN,
        decides=Decides.NOTHING,  # which weights a look needs is part of the analysis by their hash
        is_path=True,
    )
