"""Writing ProRes movies with PyAV: right matrix, right tags, a temporary name until the last frame."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from vfxstyle.color import Encoding
from vfxstyle.errors import OutputError, UsageError
from vfxstyle.files import drop, finish, temporary_name
from vfxstyle.shots.formats import OutputFormat
from vfxstyle.shots.frame import FloatArray, Frame
from vfxstyle.shots.writing import FrameSink, make_folder
from vfxstyle.shots.yuv import rgb_to_planes_10bit

_PROFILES = {
    OutputFormat.PRORES_422: ("standard", "yuv422p10le"),
    OutputFormat.PRORES_422_HQ: ("hq", "yuv422p10le"),
    OutputFormat.PRORES_4444: ("4444", "yuv444p10le"),
}
_TIMECODE = re.compile(r"^\d{2}:[0-5]\d:[0-5]\d[:;]\d{2}$")
_BT709 = 1
TRANSFER_TAGS = {Encoding.REC709: 1, Encoding.SRGB: 13}
"""ITU-T H.273 transfer characteristics of the encodings that a movie is written in."""
_LIMITED = 1


class ProResSink(FrameSink):
    """Writes one ``.mov``.

    ``encoding`` is what the frames handed to :meth:`write` are in, Rec.709 or sRGB; the movie's tags say it.
    ``frame_rate`` is exact, in frames
    per second. ``timecode`` is SMPTE ``HH:MM:SS:FF`` (``;`` before FF for drop frame), or None.
    """

    def __init__(
        self,
        path: Path,
        *,
        output_format: OutputFormat,
        encoding: Encoding,
        frame_rate: Fraction,
        pixel_aspect: Fraction,
        timecode: str | None,
        with_alpha: bool,
    ) -> None:
        make_folder(path.parent)
        if timecode is not None and not _TIMECODE.match(timecode):
            raise UsageError(f"'{timecode}' is not an SMPTE timecode; write HH:MM:SS:FF.")
        self.path, self.format = path, output_format
        self._transfer = TRANSFER_TAGS[encoding]
        self.frame_rate, self.pixel_aspect, self.timecode = frame_rate, pixel_aspect, timecode
        self.with_alpha = with_alpha and output_format.carries_alpha
        self.count = 0
        self._unfinished: Path | None = temporary_name(path)
        self._container: Any = None
        self._stream: Any = None

    def _start(self, width: int, height: int) -> None:
        profile, pixel_format = _PROFILES[self.format]
        if self.with_alpha:
            pixel_format = "yuva444p10le"
        self._container = av.open(str(self._unfinished), "w", format="mov")
        stream = self._container.add_stream("prores_ks", rate=self.frame_rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = 1 / self.frame_rate
        context.options = {"profile": profile, "vendor": "apl0"}
        if self.with_alpha:
            context.options = {**context.options, "alpha_bits": "16"}
        context.sample_aspect_ratio = self.pixel_aspect
        context.colorspace = context.color_primaries = _BT709
        context.color_trc = self._transfer
        context.color_range = _LIMITED
        if self.timecode is not None:
            stream.metadata["timecode"] = self.timecode
        self._stream = stream

    def write(self, frame: Frame) -> Path:
        """Encode one frame; frames come in order.

        Raises :class:`~vfxstyle.errors.OutputError` naming the movie if it cannot be written.
        """
        frame = frame.on_display()
        try:
            if self._container is None:
                self._start(frame.rgb.shape[1], frame.rgb.shape[0])
            picture = self._picture(np.nan_to_num(frame.rgb, nan=0.0, posinf=1.1, neginf=0.0), frame.alpha)
            picture.pts, picture.time_base = self.count, 1 / self.frame_rate
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error, frame.number) from error
        self.count += 1
        return self.path

    def _picture(self, rgb: FloatArray, alpha: FloatArray | None) -> av.VideoFrame:
        picture = av.VideoFrame(rgb.shape[1], rgb.shape[0], self._stream.pix_fmt)
        planes = list(rgb_to_planes_10bit(rgb, subsampled="422" in self._stream.pix_fmt))
        if self.with_alpha:
            opaque = np.ones(rgb.shape[:2], np.float32) if alpha is None else alpha
            planes.append((np.clip(np.nan_to_num(opaque), 0, 1) * 1023 + 0.5).astype(np.uint16))
        for plane, codes in zip(picture.planes, planes, strict=True):
            _fill(plane, codes)
        picture.color_primaries = picture.colorspace = _BT709
        picture.color_trc = self._transfer
        picture.color_range = _LIMITED
        return picture

    def close(self) -> None:
        """Finish the movie, count its frames, and give it its name."""
        if self._container is None or self._unfinished is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            with av.open(str(self._unfinished)) as back:
                found = sum(1 for packet in back.demux(video=0) if packet.size)
            if found != self.count:
                raise OutputError(
                    f"{self.path} holds {found} frames instead of {self.count}; check the disk and run again."
                )
            finish(self._unfinished, self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error, None) from error
        self._unfinished = None

    def discard(self) -> None:
        """Drop the unfinished movie."""
        if self._unfinished is not None:
            try:
                if self._container is not None:
                    self._container.close()
            except (av.FFmpegError, OSError):  # it is thrown away; what went wrong has been raised already
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


def _fill(plane: av.video.plane.VideoPlane, codes: npt.NDArray[np.uint16]) -> None:
    """Copy code values into a plane whose rows may be longer than the picture."""
    rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
    rows[:, : codes.shape[1]] = codes
    plane.update(rows.tobytes())
