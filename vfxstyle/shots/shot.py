"""The interface of a shot: numbered frames of one size in one encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.hdr import HdrMetadata
from vfxstyle.shots.tags import ColorTag


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotInfo:
    """Facts of a shot that are known before its frames are read."""

    width: int
    """Columns of the display window, in px."""
    height: int
    """Rows of the display window, in px."""
    color_tag: ColorTag
    """Colour space by the files' tags or the default of their format."""
    has_alpha: bool
    """Whether the frames carry an alpha channel."""
    frame_rate: Fraction | None
    """Frames per second, or None where the files do not state it."""
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    timecode: str | None = None
    """SMPTE timecode of the first frame, or None."""
    reel: str | None = None
    """Reel name, or None."""
    layer: str = ""
    """Name of the layer that is read, where the files hold several; else empty."""
    views: tuple[str, ...] = ()
    """Names of the views of stereo files; else empty."""
    notes: tuple[str, ...] = ()
    """Sentences about the shot that the user should read."""
    hdr: HdrMetadata = field(default_factory=HdrMetadata)
    """Mastering display and light levels of a movie, where it states them."""


class Shot(ABC):
    """A readable shot. Frames may be read in any order; ascending order is fastest."""

    name: str
    """Name that outputs take."""
    path: Path
    """The path that the user named: a folder, a sequence pattern, a movie or a picture."""
    frames: tuple[int, ...]
    """Every frame number of the shot, ascending."""
    padding: int
    """Digits of a frame number in a file name."""
    info: ShotInfo
    """Facts that are known before frames are read."""
    missing: tuple[int, ...] = ()
    """Frame numbers that a sequence lacks: left out of ``frames``, or among them and held from the frame before."""
    whole: tuple[int, ...] | None = None
    """Every frame number before :meth:`limit`; None for a shot that has not been limited."""

    @property
    @abstractmethod
    def is_movie(self) -> bool:
        """Whether the shot is one movie file rather than a sequence of pictures."""

    @abstractmethod
    def read(self, number: int) -> Frame:
        """Read a frame with its metadata. Raises :class:`~vfxstyle.errors.FrameError` if it cannot be read."""

    @abstractmethod
    def file_of(self, number: int) -> Path:
        """The file that holds frame ``number``."""

    def close(self) -> None:  # noqa: B027 - sequences hold no file open
        """Close open files."""

    def __enter__(self) -> Shot:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        return (self.read(number) for number in self.frames)

    def limit(self, requested: Collection[int]) -> None:
        """Reduce the shot to the requested frames; requested frames that the sequence lacks stay in ``missing``.

        Raises :class:`~vfxstyle.errors.UsageError` naming the frames that the shot neither has nor lacks.
        """
        numbers = set(requested)
        chosen = self.select(numbers - (set(self.missing) - set(self.frames)))
        self.whole = self.whole or self.frames
        self.frames = chosen
        self.missing = tuple(number for number in self.missing if number in numbers)

    def select(self, requested: Collection[int]) -> tuple[int, ...]:
        """The requested frame numbers, each once, ascending, after checking that the shot has all of them.

        Raises :class:`~vfxstyle.errors.UsageError` naming the frames that the shot does not have.
        """
        numbers = set(requested)
        unknown = sorted(numbers.difference(self.frames))
        if unknown:
            raise UsageError(
                f"{self.path} has no frame {', '.join(map(str, unknown[:5]))}"
                f"{' ...' if len(unknown) > 5 else ''}; it runs from {self.frames[0]} to {self.frames[-1]}.",
                frames=unknown,
            )
        return tuple(sorted(numbers))
