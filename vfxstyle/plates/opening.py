"""Opening a plate as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vfxstyle.errors import ShotError
from vfxstyle.settings import GradeSettings
from vfxstyle.shots import Shot, format_frames, open_shot


def open_plate(shot: str | Path, settings: GradeSettings, within: Sequence[int] | None = None) -> Shot:
    """Open a shot as the settings say. within: frames that it is taken to consist of; by default all.

    Raises what :func:`vfxstyle.open_shot` raises, and :class:`~vfxstyle.errors.ShotError` for holes in ``within``.
    """
    missing = settings.missing
    if within is not None and missing == "error":
        missing = "skip"  # a hole elsewhere does not matter
    opened = open_shot(shot, layer=settings.layer, view=settings.view, missing=missing, max_pixels=settings.max_pixels)
    try:
        if within is not None:
            opened.limit(within)
            if opened.missing and settings.missing == "error":
                raise ShotError(
                    f"{shot} has no frame {format_frames(opened.missing)}; render it, or use --missing skip or hold.",
                    frames=opened.missing,
                )
        if not opened.frames:
            raise ShotError(f"{shot} has none of the frames asked for; render them first.", frames=opened.missing)
    except BaseException:
        opened.close()
        raise
    return opened
