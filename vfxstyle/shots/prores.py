"""Writing ProRes movies with PyAV, tagged with their colour space, under a temporary name until the last frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vfxstyle.arrays import CodeArray
from vfxstyle.color import ColorSpace
from vfxstyle.cores import cores
from vfxstyle.errors import OutputError
from vfxstyle.files import drop, finish, temporary_name
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.formats import OutputFormat
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.hdr import HdrMetadata, write_hdr
from vfxstyle.shots.metadata import timecode_of
from vfxstyle.shots.sound import SoundTracks
from vfxstyle.shots.tags import CODES_OF_SPACE
from vfxstyle.shots.timecode import timecode_at
from vfxstyle.shots.writing import FrameSink
from vfxstyle.shots.yuv import MATRIX_OF_CODE, rgb_to_planes_10bit

PROFILES = {
    OutputFormat.PRORES_422: ("standard", "yuv422p10le"),
    OutputFormat.PRORES_422_HQ: ("hq", "yuv422p10le"),
    OutputFormat.PRORES_4444: ("4444", "yuv444p10le"),
}
"""The encoder's profile and pixel format of each ProRes format."""
_LIMITED = 1  # the encoder's code of the legal range
_UNTAGGED = (2, 2, 1)  # ITU-T H.273: unspecified primaries and transfer, the matrix of BT.709


@dataclass(frozen=True, slots=True)
class MovieFrame:
    """A frame converted to the encoder's code values."""

    planes: list[CodeArray]
    """Y, Cb, Cr and, where the movie has one, alpha: uint16 (H, W), the chroma of 4:2:2 (H, W / 2), 10-bit codes."""
    number: int
    """The frame's number."""
    timecode: str | None
    """Timecode of a movie that begins with this frame, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieStyle:
    """How a movie is written."""

    format: OutputFormat
    """File format."""
    space: ColorSpace
    """Colour space of the frames; the movie's tags name it, or leave it open where there is no code for it (log)."""
    frame_rate: Fraction
    """Exact frames per second."""
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    with_alpha: bool
    """Whether the frames have an alpha channel, which formats that carry one keep."""
    number_timecode: bool = False
    """Whether a frame without timecode gets that of its number."""
    reel: str | None = None
    """Reel name, or None."""
    sound: SoundTracks | None = None
    """Tracks to copy, or None."""
    hdr: HdrMetadata = field(default_factory=HdrMetadata)
    """Mastering display and light levels to state."""
    summary: str = ""
    """What made the movie, from what space to what space, stored as its comment."""


class ProResSink(FrameSink):
    """Writes one ``.mov``."""

    def __init__(self, path: Path, style: MovieStyle) -> None:
        make_folder(path.parent)
        self.path, self.style = path, style
        self._codes = CODES_OF_SPACE.get(style.space.interop_id, _UNTAGGED)
        self.with_alpha = style.with_alpha and style.format.carries_alpha
        self.count = 0
        self._unfinished: Path | None = temporary_name(path)
        self._container: Any = None
        self._stream: Any = None

    @property
    def _pixel_format(self) -> str:
        return "yuva444p10le" if self.with_alpha else PROFILES[self.style.format][1]

    def _start(self, width: int, height: int, timecode: str | None) -> None:
        self._container = av.open(str(self._unfinished), "w", format="mov")
        if self.style.summary:
            self._container.metadata["comment"] = self.style.summary
        stream = self._container.add_stream("prores_ks", rate=self.style.frame_rate)
        stream.width, stream.height, stream.pix_fmt = width, height, self._pixel_format
        context = stream.codec_context
        context.thread_count = cores()
        context.time_base = 1 / self.style.frame_rate
        context.options = {"profile": PROFILES[self.style.format][0], "vendor": "apl0"}
        if self.with_alpha:
            context.options = {**context.options, "alpha_bits": "16"}
        context.sample_aspect_ratio = self.style.pixel_aspect
        context.color_primaries, context.color_trc, context.colorspace = self._codes
        context.color_range = _LIMITED
        if timecode is not None:
            stream.metadata["timecode"] = timecode
            if self.style.reel is not None:
                stream.metadata["reel_name"] = self.style.reel
        self._stream = stream
        if self.style.sound is not None:
            self.style.sound.add_to(self._container)

    def prepare(self, frame: Frame) -> Callable[[], Path]:
        """Convert one frame to code values. Returns what encodes them; frames must come in order."""
        return self.append(self.ready(frame))

    def append(self, ready: MovieFrame) -> Callable[[], Path]:
        """Add a converted frame to the movie. Returns what encodes it, to be called in the order of frames."""
        index = self.count
        self.count += 1
        return lambda: self._encode(ready, index)

    def ready(self, frame: Frame) -> MovieFrame:
        """Convert a frame, in the sink's colour space, to code values."""
        shown = frame.on_display()
        planes = list(
            rgb_to_planes_10bit(
                shown.rgb,
                subsampled="422" in self._pixel_format,
                matrix=MATRIX_OF_CODE[self._codes[2]],
            )
        )
        if self.with_alpha:
            opaque = np.ones(shown.rgb.shape[:2], np.float32) if shown.alpha is None else shown.alpha
            planes.append((np.clip(np.nan_to_num(opaque), 0, 1) * 1023 + 0.5).astype(np.uint16))
        return MovieFrame(planes, frame.number, self._timecode(frame))

    def _timecode(self, frame: Frame) -> str | None:
        """The timecode of a movie that begins with a frame: the frame's own, else that of its number if requested."""
        own = timecode_of(frame)
        # the encoder silently leaves the timecode track out for a timecode that does not exist at the movie's rate
        if own is not None and timecode_at(own, self.style.frame_rate) is not None:
            return own
        return timecode_at(frame.number, self.style.frame_rate) if self.style.number_timecode else None

    def _encode(self, ready: MovieFrame, index: int) -> Path:
        """Encode one frame.

        Raises :class:`~vfxstyle.errors.OutputError` naming the movie if it cannot be written.
        """
        height, width = ready.planes[0].shape
        try:
            if self._container is None:
                self._start(width, height, ready.timecode)
            picture = av.VideoFrame(width, height, self._pixel_format)
            for plane, codes in zip(picture.planes, ready.planes, strict=True):
                _fill(plane, codes)
            picture.color_primaries, picture.color_trc, picture.colorspace = self._codes
            picture.color_range = _LIMITED
            picture.pts, picture.time_base = index, 1 / self.style.frame_rate
            if self.style.sound is not None:
                self.style.sound.copy_until(self._container, index / self.style.frame_rate)
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error, ready.number) from error
        return self.path

    def close(self) -> None:
        """Finish the movie, check its number of frames, and give it its final name.

        Raises :class:`~vfxstyle.errors.OutputError` if it cannot be written or lacks frames.
        """
        if self._container is None or self._unfinished is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            if self.style.sound is not None:
                self.style.sound.copy_until(self._container, None)
                self.style.sound.close()
            self._container.close()
            with av.open(str(self._unfinished)) as back:
                found = sum(1 for packet in back.demux(video=0) if packet.size)
            if found != self.count:
                raise OutputError(
                    f"{self.path} holds {found} frames instead of {self.count}; check the disk and run again."
                )
            if self.style.hdr:
                write_hdr(self._unfinished, self.style.hdr)
            finish(self._unfinished, self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error, None) from error
        self._unfinished = None

    def discard(self) -> None:
        """Drop the unfinished movie."""
        if self._unfinished is not None:
            try:
                if self.style.sound is not None:
                    self.style.sound.close()
                if self._container is not None:
                    self._container.close()
            except (av.FFmpegError, OSError):  # the error that led here has been raised already
                pass
            finally:
                drop(self._unfinished)
                self._unfinished = None

    def _failure(self, error: Exception, number: int | None) -> OutputError:
        where = "" if number is None else f" at frame {number}"
        return OutputError(
            f"{self.path} cannot be written{where}: {error}; check the disk's space and permissions.",
            frames=() if number is None else (number,),
        )


def _fill(plane: av.video.plane.VideoPlane, codes: CodeArray) -> None:
    """Copy code values into a plane whose rows may be longer than the picture."""
    rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
    rows[:, : codes.shape[1]] = codes
    plane.update(rows.tobytes())
