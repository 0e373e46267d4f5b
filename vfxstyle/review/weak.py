"""What a report warns of: the whole shot in words, and single frames."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from vfxstyle.analysis.distance import FAR
from vfxstyle.review.figures import FrameFigures, ShotFigures

FLICKERS = 3.0
"""Lab, 95th percentile: from here on people see that a grade moves."""
CLIPS, CLIPS_MORE = 0.003, 0.1
"""Share of pixels that a grade may bring to display white or black: of the picture, and of those that are there."""


def warnings_of(figures: ShotFigures, summary: Mapping[str, Any], far: Mapping[str, Any] | None) -> list[str]:
    """What somebody should look at. far: how far the shot is from what the look was learnt from, as the report says."""
    found = list[str]()
    worst = figures.worst(lambda own: own.flicker or 0.0)
    if (summary["flicker_worst"] or 0) >= FLICKERS:
        found.append(f"the grade moves most at frame {worst}: {summary['flicker_worst']:.1f} Lab; play it there")
    for name in ("white", "black"):
        own = figures.frames[figures.worst(partial(_clipped, name))]
        if _clips(name, own):
            before, after = getattr(own, name)
            found.append(f"{after:.1%} of frame {own.frame} are at display {name}, where the plate has {before:.1%}")
    if far is not None and far["worst"] >= FAR:
        found.append(
            f"the shot is {far['worst']:.1f} times as far from the pictures that the look was learnt from as these "
            "are from each other"
        )
    if summary["not_finite"]:
        found.append(f"{summary['not_finite']} pixels of the plate hold NaN or infinity, and were left as they are")
    return found


def weak_frames(figures: ShotFigures, far: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Frames that somebody should look at, ascending, and why. far: as for :func:`warnings_of`."""
    found: dict[int, list[str]] = {}
    for number, own in figures.frames.items():
        if (own.flicker or 0) >= FLICKERS:
            found.setdefault(number, []).append(f"the grade moves by {own.flicker:.1f} Lab")
        for name in ("white", "black"):
            if _clips(name, own):
                before, after = getattr(own, name)
                found.setdefault(number, []).append(f"{after:.1%} at display {name}, the plate {before:.1%}")
    for number, gap in (far["frames"] if far is not None else {}).items():
        if gap >= FAR:
            found.setdefault(number, []).append(f"{gap:.1f} times as far from the learnt pictures as usual")
    return [{"frame": number, "why": "; ".join(why)} for number, why in sorted(found.items())]


def _clips(name: str, own: FrameFigures) -> bool:
    """Whether a grade brings so much to display white or black that somebody should look at it."""
    before: float = getattr(own, name)[0]
    return _clipped(name, own) > max(CLIPS, CLIPS_MORE * before)


def _clipped(name: str, own: FrameFigures) -> float:
    """Share of pixels that the grade brings to display white or black."""
    before, after = getattr(own, name)
    return float(after - before)
