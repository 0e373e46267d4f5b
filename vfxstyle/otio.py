"""The library OpenTimelineIO, which is loaded where something needs it."""

from __future__ import annotations

from typing import Any

from vfxstyle.errors import UsageError


def otio_library(what: str = "A timeline") -> Any:
    """The module OpenTimelineIO. what: needs it.

    Raises :class:`~vfxstyle.errors.UsageError` where it is not installed.
    """
    try:
        import opentimelineio
    except ImportError as error:
        raise UsageError(
            f"{what} needs OpenTimelineIO; install it with pip install '.[otio]' in the folder of the sources."
        ) from error
    return opentimelineio
