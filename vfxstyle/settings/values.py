"""Values that options can have, their defaults, and the commands that take them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from vfxstyle.errors import UsageError
from vfxstyle.rates import exact_rate
from vfxstyle.settings.table import between

Overwrite = Literal["never", "changed", "always"]
Missing = Literal["error", "skip", "hold"]
OnError = Literal["stop", "skip"]
Audio = Literal["copy", "none"]
AnalyzeStage = Literal["all", "superpixels", "features", "transforms"]
FormatName = Literal["exr", "tiff", "png", "dpx", "prores422", "prores422hq", "prores4444"]

DEFAULT_SUPERPIXELS = 3000
"""Temporal superpixels in a frame that is analysed."""
DEFAULT_LEARNT_SUPERPIXELS = 1000
"""Superpixels of a picture that is learnt from."""
DEFAULT_WRITTEN_SUPERPIXELS = 1000
"""Superpixels in a frame of the label maps that the command ``superpixels`` writes."""
DEFAULT_STILL_SUPERPIXELS = 7000
"""Graph-based superpixels in a still."""
DEFAULT_ANALYSIS_WIDTH = 640
MEASURED = "measured"
"""Value of the option ``lighting`` for what is measured on the shot."""
MOST_STOPS = 20
LONG_SHOT = 1000
"""Frames from which on a shot is segmented in sections unless somebody asks otherwise."""
DEFAULT_SECTION = 250
"""Frames of a section of such a shot."""
DEFAULT_BACKBONE = "efficientnet-lite0-quick"
DEFAULT_GROUPS = 8
DEFAULT_HANDLES = 8
DEFAULT_MEMORY = 1.5
"""GiB that frames under way may take together."""
DEFAULT_CHUNK = 10
"""Frames of a farm's task: its start takes about as long as a few frames of HD."""
DEFAULT_RETRIES = 3
"""Times that a task is tried again after it was killed or lacked something."""

ALL_VIEWS = "all"
"""Value of the option ``view`` for every view of a stereo plate."""

SHOWN = frozenset({"proof", "report", "review"})
"""Commands that show a grade."""
ANALYSED = frozenset({"grade", "analyze", "export", "mattes"}) | SHOWN
"""Commands that use a shot analysis with features, and so a network."""
PLATE = ANALYSED | {"superpixels"}
"""Commands that read a plate."""
MADE = frozenset({"grade", "analyze"})
"""Commands that make the whole of an analysis or of a grade, and can be tasks of a farm."""
GRADE = frozenset({"grade"})
PUT = GRADE | SHOWN
"""Commands that put a look on frames, all of them or some to look at."""
TRAIN = frozenset({"train"})

_SHORTEST = 16  # frames of a section
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d+)?)$")


def check_device(value: str) -> str | None:
    """Check of a device's name."""
    return None if _DEVICE.match(value) else "it must be auto, cpu, cuda or cuda:N."


def check_section(value: int) -> str | None:
    """Check of the frames of a section, of which the first few are those that another ends with."""
    return None if value == 0 or value >= _SHORTEST else f"it must be 0, or at least {_SHORTEST}."


def check_lighting(text: str) -> str | None:
    """Check of how a shot is lit."""
    try:
        parse_lighting(text)
    except UsageError as error:
        return str(error).removeprefix(f"lighting is '{text}'; ")
    return None


def parse_lighting(text: str) -> tuple[float, float] | None:
    """Stops above ordinary light and warmth, as ``ordinary`` or ``-0.8,0.3`` say; None for ``measured``.

    Raises :class:`~vfxstyle.errors.UsageError`.
    """
    if text == MEASURED:
        return None
    try:
        stops, warmth = (0.0, 0.0) if text == "ordinary" else map(float, text.split(","))
    except ValueError as error:
        raise UsageError(
            f"lighting is '{text}'; write measured, ordinary, or stops and warmth as in -0.8,0.3."
        ) from error
    if not (abs(stops) <= MOST_STOPS and abs(warmth) <= MOST_STOPS):
        raise UsageError(f"lighting is '{text}'; stops and warmth must be between -{MOST_STOPS} and {MOST_STOPS}.")
    return stops, warmth


def check_rate(text: str) -> str | None:
    """Check of a frame rate."""
    try:
        parse_rate(text)
    except UsageError as error:
        return str(error).partition("; ")[2]
    return None


def parse_rate(text: str) -> Fraction:
    """Frames per second of ``24``, ``23.976`` or ``24000/1001``. Raises :class:`~vfxstyle.errors.UsageError`."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"fps is '{text}'; write 24, 23.976 or 24000/1001.") from error
    if not 0 < rate <= 1000:
        raise UsageError(f"fps is '{text}'; it must be above 0, and at most 1000.")
    return rate if "/" in text or rate.denominator == 1 else exact_rate(float(rate))


SEED = between(0, 2**32 - 1)
SUPERPIXELS = between(1, 100_000)
WIDTH = between(64, 4096)
