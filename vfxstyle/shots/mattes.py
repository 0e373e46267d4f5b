"""Mattes that restrict a look: sequences, channels of the plate's own files, and Cryptomatte objects."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.errors import FrameError, ShotError, UsageError
from vfxstyle.files import current_digest
from vfxstyle.shots.cryptomatte import coverage_of, object_names
from vfxstyle.shots.discover import ShotOptions, open_with
from vfxstyle.shots.exr import ExrPart, windows_of
from vfxstyle.shots.formats import PICTURE_EXTENSIONS
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.layers import LayerChoice
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.shot import Shot
from vfxstyle.shots.windows import Window

CRYPTOMATTE, CHANNEL = "crypto:", "channel:"
"""What a matte begins with that is in the plate's own files."""
_AS_MATTE = ShotOptions(reading=ReadOptions(layers=LayerChoice(any_channel=True)), missing="skip")
_PREFIX = re.compile(r"(crypto|channel|group):")
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of Rec.709


class Matte(ABC):
    """A matte of every frame of a shot."""

    told: str
    """What it is, for messages."""

    @abstractmethod
    def on(self, plate: Frame) -> FloatArray:
        """The matte over the plate's data window, float32 (H, W), 0..1.

        Raises :class:`~vfxstyle.errors.FrameError` where this frame has none.
        """

    def identity(self, number: int) -> str:
        """Stands for the matte of a frame, beside the plate's own contents."""
        return self.told

    def check_frame(self, number: int) -> None:  # noqa: B027 - most are in the plate's own files
        """Raise :class:`~vfxstyle.errors.FrameError` where a frame of the plate has no matte. number: of that frame."""

    def close(self) -> None:  # noqa: B027 - most hold no file open
        """Close open files."""


def open_matte(text: str, plate: Shot) -> Matte:
    """The matte that a user names.

    text: ``crypto:PATTERN``, objects of the plate's own Cryptomatte layers; ``channel:NAME``, a channel of the plate's
    own EXR files; or a sequence, movie or picture as :func:`~vfxstyle.shots.open_shot` takes it, alpha where it has
    one and else luminance, or with ``:NAME`` behind it that channel of EXR files.
    Raises :class:`~vfxstyle.errors.ShotError` and :class:`~vfxstyle.errors.UsageError` for what cannot be used.
    """
    for kind, made in ((CRYPTOMATTE, _CryptoMatte), (CHANNEL, _ChannelMatte)):
        if text.startswith(kind):
            some = _some_of(plate)
            if some[0].exr is None:
                raise UsageError(f"{text} is in EXR files, and {some[0].source} is none; name a sequence instead.")
            matte = made(text, text.removeprefix(kind))
            matte.check(some)
            return matte
    place, channel = _split(text)
    return _FileMatte(text, open_with(place, _AS_MATTE), plate, channel, _is_still(place))


def _some_of(plate: Shot) -> list[Frame]:
    """The first frame, the middle one and the last, as far as they can be read, else the first that can.

    Raises :class:`~vfxstyle.errors.FrameError` where none can.
    """
    numbers = plate.frames
    some, fault = list[Frame](), None
    for number in dict.fromkeys((numbers[0], numbers[len(numbers) // 2], numbers[-1])):
        try:
            some.append(plate.read(number))
        except FrameError as error:
            fault = fault or error
    if fault is not None and not some:
        raise fault
    return some


def path_of(text: str) -> Path | None:
    """The folder, pattern or file of a matte; None for one that is in the plate's own files, or a group."""
    return None if _PREFIX.match(text) else Path(_split(text)[0])


def matte_files(path: Path) -> list[Path]:
    """Every file of a sequence, movie or picture. Raises what :func:`~vfxstyle.shots.open_shot` raises."""
    with open_with(path, _AS_MATTE) as shot:
        return list(dict.fromkeys(shot.file_of(number).absolute() for number in shot.frames))


def _is_still(place: str) -> bool:
    return Path(place).is_file() and Path(place).suffix.lower()[1:] in PICTURE_EXTENSIONS


def _split(text: str) -> tuple[str, str | None]:
    """Path and channel of a matte that is in files of its own."""
    place, _, channel = text.rpartition(":")
    if place and not Path(text).exists() and not channel.startswith(("/", "\\")):
        return place, channel
    return text, None


@dataclass
class _FileMatte(Matte):
    """A sequence, a movie, or one picture, which stands for all frames."""

    told: str
    shot: Shot
    plate: Shot
    channel: str | None
    is_still: bool
    """Whether it is one picture that stands for all frames, and not a sequence of one."""
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        own, plate = self.shot.info, self.plate.info
        if (own.width, own.height) != (plate.width, plate.height):
            self.shot.close()
            raise ShotError(
                f"Matte {self.told} is {own.width}x{own.height}, and the plate {plate.width}x{plate.height}; render it "
                "in the plate's size."
            )
        if self.shot.is_movie and not self.plate.is_movie and len(self.shot) != len(self._whole):
            self.shot.close()
            raise ShotError(
                f"Matte {self.told} is a movie of {len(self.shot)} frames, and the plate has {len(self._whole)}; make "
                "one of as many, or a sequence with the plate's numbers."
            )
        if self.channel is not None:
            first = self.shot.read(self.shot.frames[0])
            if first.exr is None:
                raise UsageError(f"{first.source} is no EXR file, so it has no channel {self.channel}.")
            _channel_of(first, self.channel, first)

    @property
    def _whole(self) -> tuple[int, ...]:
        return self.plate.whole or self.plate.frames

    def _number(self, number: int) -> int:
        if self.is_still:
            return self.shot.frames[0]
        if self.shot.is_movie and not self.plate.is_movie:
            return self.shot.frames[self._whole.index(number)]
        if number not in self.shot.frames:
            raise FrameError(
                f"Matte {self.told} has no frame {number}; render it, or leave that frame out, in grade with -f.",
                frames=(number,),
            )
        return number

    def check_frame(self, number: int) -> None:
        self._number(number)

    def on(self, plate: Frame) -> FloatArray:
        with self._turn if self.shot.is_movie else nullcontext():
            frame = self.shot.read(self._number(plate.number))
        if self.channel is not None:
            return _channel_of(frame, self.channel, plate)
        values = frame.alpha if frame.alpha is not None else _luminance(frame.rgb)
        return _over(plate, values, frame.data_window, frame.display_window)

    def identity(self, number: int) -> str:
        try:
            return f"{self.channel} {current_digest(self.shot.file_of(self._number(number)))}"
        except (FrameError, OSError):  # told where the frame is read
            return "missing"

    def close(self) -> None:
        self.shot.close()


@dataclass
class _ChannelMatte(Matte):
    """A channel of the plate's own files."""

    told: str
    channel: str

    def check(self, some: Sequence[Frame]) -> None:
        """Raise what cannot be used. some: frames of the plate."""
        _channel_of(some[0], self.channel, some[0])

    def on(self, plate: Frame) -> FloatArray:
        return _channel_of(plate, self.channel, plate)


@dataclass
class _CryptoMatte(Matte):
    """Objects of the plate's own Cryptomatte layers."""

    told: str
    pattern: str

    def check(self, some: Sequence[Frame]) -> None:
        """Raise what cannot be used. some: frames of the plate, as an object may enter later."""
        headers = [part.header for plate in some for part in _parts(plate)]
        names, first = object_names(headers), some[0].source
        if not names:
            raise ShotError(f"{first} has no Cryptomatte layer with names; name a matte of another kind.")
        if not object_names(headers, self.pattern):
            near = get_close_matches(self.pattern, sorted(names), 3, 0.4) or sorted(names)[:5]
            raise ShotError(f"No Cryptomatte object of {first} is called {self.pattern}; some are {', '.join(near)}.")

    def on(self, plate: Frame) -> FloatArray:
        total: FloatArray | None = None
        for part in _parts(plate):
            cover = coverage_of(part, self.pattern)
            if cover is not None:
                own = _over(plate, cover, *windows_of(part.header))
                total = own if total is None else np.maximum(total, own)
        return np.zeros(plate.rgb.shape[:2], np.float32) if total is None else total


def _parts(plate: Frame) -> list[ExrPart]:
    """The parts of the view that a frame is of, and those of none."""
    assert plate.exr is not None  # looked at when the matte was opened
    own = plate.exr.layer.view
    return [part for part in plate.exr.parts if not own or str(part.header.get("view", own)) == own]


def _channel_of(frame: Frame, name: str, plate: Frame) -> FloatArray:
    """A channel of a frame's file, over the plate's data window."""
    found: tuple[ExrPart, AnyArray] | None = None
    names: list[str] = []
    for part in _parts(frame):
        names += part.channels
        if name in part.channels:
            found = found or (part, part.channels[name])
    if found is None:
        near = get_close_matches(name, names, 3, 0.4) or sorted(names)[:8]
        raise FrameError(
            f"{frame.source} has no channel {name}; it has {', '.join(near)}.",
            frames=(frame.number,),
        )
    return _over(plate, np.asarray(found[1], np.float32), *windows_of(found[0].header))


def _luminance(rgb: FloatArray) -> FloatArray:
    return np.asarray(rgb @ _LUMA, np.float32)


def _over(plate: Frame, values: FloatArray, data: Window, display: Window) -> FloatArray:
    """A matte over the plate's data window. It is zero outside its own; a full picture is continued at its edges."""
    target = plate.data_window
    left = target.x - plate.display_window.x - (data.x - display.x)
    top = target.y - plate.display_window.y - (data.y - display.y)
    rows, columns = np.arange(target.height) + top, np.arange(target.width) + left
    values = np.clip(np.nan_to_num(values), 0, 1).astype(np.float32)
    out = values[np.clip(rows, 0, data.height - 1)][:, np.clip(columns, 0, data.width - 1)]
    if data != display:
        out[(rows < 0) | (rows >= data.height)] = 0
        out[:, (columns < 0) | (columns >= data.width)] = 0
    return out


def with_mattes(plate: Frame, mattes: tuple[Matte, ...]) -> Frame:
    """The frame with the mattes of each. Raises :class:`~vfxstyle.errors.FrameError`."""
    return replace(plate, mattes=tuple(matte.on(plate) for matte in mattes)) if mattes else plate
