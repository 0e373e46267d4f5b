"""Reading movies with PyAV, at the depth they were coded in."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.errors import FrameError, ShotError
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.shots.frame import Frame, MovieMark
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.shot import Shot, ShotInfo
from vfxstyle.shots.tags import UNSPECIFIED, tag_of_movie
from vfxstyle.shots.timecode import timecode_after
from vfxstyle.shots.windows import Window
from vfxstyle.shots.yuv import BT601, BT709, MATRIX_OF_CODE, Matrix, planes_to_rgb

_HD_ROWS = 720  # by the convention of players untagged movies of at least so many rows are BT.709, others BT.601


class MovieShot(Shot):
    """The first video stream of a movie. Its frames are numbered from 1.

    max_pixels: largest number of pixels of a frame.
    Raises :class:`~vfxstyle.errors.ShotError` if the movie cannot be opened or decoded, or is of a kind that is not
    read: interlaced, of a variable frame rate, turned by an odd angle, or of an unknown Y'CbCr matrix.
    """

    def __init__(self, path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        self.name, self.path, self.padding = path.stem, path, 4
        self._container = self._open()
        self._stream = self._container.streams.video[0]
        excess = ReadOptions(max_pixels=max_pixels).excess(self._stream.width, self._stream.height)
        if excess:
            raise ShotError(f"Movie {path} {excess}; copy it again, or let it pass with --max-pixels.")
        self._stream.thread_type = "AUTO"
        self._times = self._scan()
        self._refuse_variable_rate()
        self.frames = tuple(range(1, len(self._times) + 1))
        self._decoder = self._decoded_from(None)
        self._next = 1
        first = self._picture(1)
        if first.interlaced_frame:
            raise ShotError(f"Movie {path} is interlaced; deinterlace it first (for example ffmpeg -vf bwdif).")
        self.turned = first.rotation % 360
        """Counter-clockwise rotation, in degrees, that makes the stored pictures upright: 0, 90, 180 or 270."""
        if self.turned % 90:
            raise ShotError(f"Movie {path} is to be shown turned by {self.turned} degrees; transcode it upright.")
        self.matrix = self._matrix_of(first)
        """The Y'CbCr matrix that the frames are decoded with."""
        self.info = self._describe(first)

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise ShotError(
                f"Movie {self.path} cannot be opened: {error}; it may be cut short, copy it again."
            ) from error
        if not container.streams.video:
            container.close()
            raise ShotError(f"Movie {self.path} has no picture track; hand in a movie with one.")
        return container

    def _scan(self) -> list[int]:
        """Presentation times of all frames, in order, from the packets alone."""
        try:
            packets = self._container.demux(self._stream)
            times = [p.pts for p in packets if p.pts is not None and p.size and not p.is_discard]
        except av.FFmpegError as error:
            raise ShotError(f"Movie {self.path} is damaged: {error}; copy or transcode it again.") from error
        if not times:
            raise ShotError(f"Movie {self.path} holds no frame; copy or transcode it again.")
        return sorted(times)

    def _decoded_from(self, time: int | None) -> Any:
        self._container.seek(self._times[0] if time is None else time, stream=self._stream, backward=True)
        return self._container.decode(self._stream)

    def _refuse_variable_rate(self) -> None:
        """Raise an error unless frames are equally spaced, but for the rounding of a coarse time base."""
        steps = np.diff(self._times)
        if len(steps) and steps.max() - steps.min() > max(2, 0.02 * float(np.median(steps))):
            raise ShotError(
                f"Movie {self.path} has a variable frame rate ({steps.min()} to {steps.max()} ticks of "
                f"{self._stream.time_base} s); transcode it to a constant one (for example ffmpeg -fps_mode cfr)."
            )

    def _describe(self, picture: av.VideoFrame) -> ShotInfo:
        names = [component.is_alpha for component in picture.format.components]
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        aspect = Fraction(aspect) if aspect > 0 else Fraction(1)
        rate = self._stream.average_rate
        sideways = self.turned in (90, 270)
        return ShotInfo(
            width=picture.height if sideways else picture.width,
            height=picture.width if sideways else picture.height,
            color_tag=tag_of_movie(int(picture.color_primaries), int(picture.color_trc)),
            has_alpha=any(names),
            frame_rate=Fraction(rate) if rate else None,
            pixel_aspect=1 / aspect if sideways else aspect,
            timecode=self._tag("timecode"),
            reel=self._tag("reel_name"),
            notes=self._notes(picture),
        )

    def _tag(self, key: str) -> str | None:
        """The metadata under a key: that of the video track, else of another track, else of the movie."""
        metadata = [self._stream.metadata, *(s.metadata for s in self._container.streams), self._container.metadata]
        return next((str(tags[key]) for tags in metadata if tags.get(key)), None)

    def _notes(self, picture: av.VideoFrame) -> tuple[str, ...]:
        notes = []
        if not picture.format.is_rgb:
            known = int(picture.colorspace) not in UNSPECIFIED
            notes.append(
                f"Y'CbCr decoded with the {self.matrix.name} matrix, {'from its tag' if known else 'by its size'}"
            )
        if self.turned:
            notes.append(f"pictures are turned by {self.turned} degrees, as the movie's rotation flag asks")
        return tuple(notes)

    def _matrix_of(self, picture: av.VideoFrame) -> Matrix:
        tag = int(picture.colorspace)
        if tag in UNSPECIFIED:
            return BT709 if picture.height >= _HD_ROWS else BT601
        if tag not in MATRIX_OF_CODE:
            raise ShotError(
                f"Movie {self.path} uses a Y'CbCr matrix (tag {tag}) that is not known; transcode it to BT.709."
            )
        return MATRIX_OF_CODE[tag]

    @property
    def is_movie(self) -> bool:
        """True: one file holds all frames."""
        return True

    def file_of(self, number: int) -> Path:
        """The movie itself."""
        return self.path

    def close(self) -> None:
        """Close the movie."""
        self._container.close()

    def _picture(self, number: int) -> av.VideoFrame:
        """Decode a frame; seeks only where frames are not read in order.

        In an open group of pictures the first frames after a key frame depend on the group before it, so a seek that
        lands too late is repeated from further back.
        """
        starts = [number - 1 - back for back in (0, 12, 48, 192) if back < number - 1] + [0]
        try:
            picture = self._forward_to(number) if number == self._next else None
            while picture is None and starts:
                self._decoder = self._decoded_from(self._times[starts.pop(0)])
                picture = self._forward_to(number)
        except av.FFmpegError as error:
            self._next = -1
            raise FrameError(
                f"Frame {number} of {self.path} cannot be decoded: {error}; transcode the movie again.",
                frames=(number,),
            ) from error
        if picture is None:
            self._next = -1
            raise FrameError(
                f"Frame {number} of {self.path} is not where its index says; transcode the movie again.",
                frames=(number,),
            )
        self._next = number + 1
        return picture

    def _forward_to(self, number: int) -> av.VideoFrame | None:
        """The frame's picture, or None if decoding from here on passes its time."""
        time = self._times[number - 1]
        picture: av.VideoFrame
        for picture in self._decoder:
            if picture.pts is not None and picture.pts >= time:
                return picture if picture.pts == time else None
        return None

    def read(self, number: int) -> Frame:
        """Read a frame as R'G'B' float32, 0..1 between black and white; super-white and sub-black codes are kept.

        Raises :class:`~vfxstyle.errors.FrameError` if it cannot be decoded or has a pixel format that is
        neither planar Y'CbCr nor planar RGB of 8 to 16 bits.
        """
        picture = self._picture(number)
        if picture.is_corrupt:
            raise FrameError(
                f"Frame {number} of {self.path} is damaged; copy or transcode the movie again.", frames=(number,)
            )
        rgb, alpha = self._channels(picture, number)
        if self.turned:
            rgb = np.ascontiguousarray(np.rot90(rgb, self.turned // 90))
            alpha = None if alpha is None else np.ascontiguousarray(np.rot90(alpha, self.turned // 90))
        if rgb.shape[:2] != (self.info.height, self.info.width):
            raise FrameError(
                f"Frame {number} of {self.path} changes size to {picture.width}x{picture.height}; "
                "transcode the movie to one size.",
                frames=(number,),
            )
        window = Window(0, 0, self.info.width, self.info.height)
        return Frame(
            number=number,
            source=f"{self.path} frame {number}",
            rgb=rgb,
            data_window=window,
            display_window=window,
            alpha=alpha,
            premultiplied=False,
            mark=self._mark(number),
        )

    def _mark(self, number: int) -> MovieMark:
        info = self.info
        timecode = None
        if info.timecode and info.frame_rate:
            timecode = timecode_after(info.timecode, number - 1, info.frame_rate)
        return MovieMark(timecode, info.frame_rate, info.pixel_aspect, info.reel)

    def _channels(self, picture: av.VideoFrame, number: int) -> tuple[FloatArray, FloatArray | None]:
        layout = picture.format
        bits = layout.components[0].bits
        if not layout.is_planar or not 8 <= bits <= 16 or len(layout.components) < 3:
            raise FrameError(
                f"Frame {number} of {self.path} has the pixel format {layout.name}, which is not read; "
                "transcode the movie to ProRes or H.264.",
                frames=(number,),
            )
        if layout.components[1].width not in (layout.width, (layout.width + 1) // 2):
            raise FrameError(
                f"Frame {number} of {self.path} has the chroma layout {layout.name}, which is not read; transcode the "
                "movie to 4:2:2.",
                frames=(number,),
            )
        planes = [_plane_codes(picture.planes[i], bits) for i in range(len(layout.components))]
        top = np.float32((1 << bits) - 1)
        alpha = planes[3].astype(np.float32) / top if len(planes) > 3 else None
        if layout.is_rgb:  # planes come as green, blue, red
            rgb = np.stack([planes[2], planes[0], planes[1]], axis=-1).astype(np.float32) / top
            return rgb, alpha
        full = int(picture.color_range) == 2 or layout.name.startswith("yuvj")
        rgb = planes_to_rgb(planes[0], planes[1], planes[2], bits=bits, full_range=full, matrix=self.matrix)
        return rgb, alpha


def _plane_codes(plane: av.video.plane.VideoPlane, bits: int) -> AnyArray:
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // np.dtype(kind).itemsize)
    return np.ascontiguousarray(rows[:, : plane.width])
