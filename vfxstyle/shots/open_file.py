"""An open picture file, of whatever format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfxstyle.errors import FrameError
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.tags import ColorTag
from vfxstyle.shots.timecode import is_timecode
from vfxstyle.shots.windows import Window

AGAIN = "render or copy it again"
"""The remedy for a damaged file."""


class OpenPicture(ABC):
    """An open picture file whose layout has been checked; a context manager that closes it."""

    data_window: Window
    """Window of the pixels that the file holds."""
    display_window: Window
    """Window of the pixels that a viewer shows."""
    tag: ColorTag
    """Colour space by the file's tags or the default of its format."""
    has_alpha: bool
    """Whether the layer has an alpha channel."""
    frame_rate: Fraction | None = None
    """Frames per second, or None where the file does not state it."""
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    timecode: str | None = None
    """SMPTE timecode, or None."""
    reel: str | None = None
    """Reel name, or None."""
    layer: str = ""
    """Name of the chosen layer; empty for the main layer of a file without views."""
    views: tuple[str, ...] = ()
    """Names of the views that hold a colour picture."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number
        if not path.is_file():
            raise self.error("is missing", "restore it or leave it out of the frame range")
        if path.stat().st_size == 0:
            raise self.error("is empty (0 bytes)", AGAIN)

    def __enter__(self) -> OpenPicture:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - only some hold a file open
        """Close the file."""

    def error(self, what: str, remedy: str) -> FrameError:
        """An error about this frame."""
        return FrameError(f"Frame {self.number} ({self.path}) {what}; {remedy}.", frames=(self.number,))

    def check_size(self, window: Window, reading: ReadOptions) -> None:
        """Raise the error about a window with too many pixels."""
        excess = reading.excess(window.width, window.height)
        if excess:
            raise self.error(excess, "copy it again, or let it pass with --max-pixels")

    def notes(self) -> tuple[str, ...]:
        """Sentences about the file that the user should read."""
        return ()

    @abstractmethod
    def frame(self) -> Frame:
        """The picture with its pixels. Raises :class:`~vfxstyle.errors.FrameError`."""


def time_of_day(text: str) -> str | None:
    """A timecode as a header has it, or None where it is no time of a day."""
    return text if is_timecode(text) else None


def aspect_of(value: Any) -> Fraction:
    """A header's pixel aspect; 1 where it is none."""
    ratio = float(value)
    return Fraction(ratio).limit_denominator(1000) if 0 < ratio < 1000 else Fraction(1)
