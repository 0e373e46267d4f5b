"""What a shot is to the rest of the house: numbered frames of one size in one encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.tags import ColorTag


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotInfo:
    """What is known of a shot before its frames are read."""

    width: int
    """Columns of the display window, in px."""
    height: int
    """Rows of the display window, in px."""
    color_tag: ColorTag
    """What the files say of their colour space."""
    has_alpha: bool
    """Whether the frames carry an alpha channel."""
    frame_rate: Fraction | None
    """Frames per second, or None where the files do not say."""
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    timecode: str | None = None
    """SMPTE timecode of the first frame, or None."""
    reel: str | None = None
    """Reel name, or None."""
    layer: str = ""
    """What the layer is called that is read, where the files hold several; else empty."""
    notes: tuple[str, ...] = ()
    """Sentences about the shot that the user should read."""


class Shot(ABC):
    """A readable shot. Frames may be asked for in any order; reading in order is fastest."""

    name: str
    """What outputs are named after."""
    path: Path
    """What the user pointed at: the folder, the pattern's folder and name, or the movie."""
    frames: tuple[int, ...]
    """Every frame number of the shot, ascending."""
    padding: int
    """Digits of a frame number in a file name."""
    info: ShotInfo
    missing: tuple[int, ...] = ()
    """Frames that a sequence lacks: left out of ``frames``, or held from the frame before."""
    whole: tuple[int, ...] | None = None
    """Every frame there is, where the shot has been limited to some of them."""

    @property
    @abstractmethod
    def is_movie(self) -> bool:
        """Whether the shot is one movie file rather than a sequence of pictures."""

    @abstractmethod
    def read(self, number: int) -> Frame:
        """Frame ``number``. Raises :class:`~vfxstyle.errors.FrameError` if it cannot be read."""

    @abstractmethod
    def file_of(self, number: int) -> Path:
        """The file that holds frame ``number``."""

    def close(self) -> None:  # noqa: B027 - sequences hold nothing open
        """Let go of open files."""

    def __enter__(self) -> Shot:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        return (self.read(number) for number in self.frames)

    def limit(self, wanted: Sequence[int]) -> None:
        """From here on the shot is only these of its frames; holes among them stay holes.

        Raises :class:`~vfxstyle.errors.UsageError` naming those it has not.
        """
        chosen = [number for number in wanted if number in set(self.frames) or number not in self.missing]
        self.whole = self.whole or self.frames
        self.frames = self.select(chosen)
        self.missing = tuple(number for number in self.missing if number in set(wanted))

    def select(self, wanted: Sequence[int]) -> tuple[int, ...]:
        """``wanted`` in ascending order, after checking that the shot has each of them.

        Raises :class:`~vfxstyle.errors.UsageError` naming those it has not.
        """
        known = set(self.frames)
        strangers = sorted(set(wanted) - known)
        if strangers:
            raise UsageError(
                f"{self.path} has no frame {', '.join(map(str, strangers[:5]))}"
                f"{' ...' if len(strangers) > 5 else ''}; it runs from {self.frames[0]} to {self.frames[-1]}.",
                frames=strangers,
            )
        return tuple(sorted(set(wanted)))
