"""Frame numbers as users give them."""

from __future__ import annotations

from collections.abc import Sequence

from vfxstyle.shots import parse_frames

Frames = str | Sequence[int] | None
"""A range in fileseq's syntax (``1001-1100x2,1150``), frame numbers, or None for all frames."""


def frame_numbers(frames: Frames) -> tuple[int, ...] | None:
    """Frame numbers, ascending, each once; None for all. Raises :class:`~vfxstyle.errors.UsageError`."""
    if frames is None:
        return None
    return parse_frames(frames) if isinstance(frames, str) else tuple(sorted(set(frames)))
