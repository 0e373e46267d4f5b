"""Reading movies with PyAV, at the depth they were coded in."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import FrameError, ShotError
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.shots.frame import Frame, MovieMark
from vfxstyle.shots.hdr import hdr_of, side_data_of
from vfxstyle.shots.movie_files import film_to_decode
from vfxstyle.shots.movie_pixels import has_alpha, is_xyz, picture_to_rgb
from vfxstyle.shots.movie_times import SMPTE_RATES, constant_rate
from vfxstyle.shots.orientation import IN_WORDS, SIDEWAYS, UPRIGHT, orientation_of_matrix, upright
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.shot import Shot, ShotInfo
from vfxstyle.shots.tags import UNSPECIFIED, ColorTag, tag_of_movie
from vfxstyle.shots.timecode import is_timecode, timecode_after
from vfxstyle.shots.windows import Window
from vfxstyle.shots.yuv import BT601, BT709, MATRIX_OF_CODE, Matrix

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
        self._stream = film_to_decode(self._container)
        excess = ReadOptions(max_pixels=max_pixels).excess(self._stream.width, self._stream.height)
        if excess:
            raise ShotError(f"Movie {path} {excess}; copy it again, or let it pass with --max-pixels.")
        self._times = self._scan()
        self._rate = self._constant_rate()
        self.frames = tuple(range(1, len(self._times) + 1))
        self._decoder = self._decoded_from(None)
        self._next = 1
        first = self._picture(1)
        if first.interlaced_frame:
            raise ShotError(f"Movie {path} is interlaced; deinterlace it first (for example ffmpeg -vf bwdif).")
        self.orientation = self._orientation_of(first)
        """EXIF code of the way the pictures are stored, 1 to 8."""
        self.matrix = self._matrix_of(first)
        """The Y'CbCr matrix that the frames are decoded with."""
        self.info = self._describe(first)

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise ShotError(f"Movie {self.path} cannot be opened: {error}; it may be cut short, copy it.") from error
        if not container.streams.video:
            container.close()
            raise ShotError(f"Movie {self.path} has no picture track; hand in a movie with one.")
        return container

    def _scan(self) -> list[int]:
        """Presentation times of all frames, in order, from the packets alone; their count where there are none."""
        try:
            packets = self._container.demux(self._stream)
            timed = [(packet.pts, packet.dts) for packet in packets if packet.size and not packet.is_discard]
        except av.FFmpegError as error:
            raise ShotError(f"Movie {self.path} is damaged: {error}; copy or transcode it again.") from error
        if not timed:
            raise ShotError(f"Movie {self.path} holds no frame; copy or transcode it again.")
        # AVI has times of decoding alone, which are no times of pictures that were coded out of order
        out_of_order = self._container.format.name == "avi" and not self._stream.codec_context.codec.intra_only
        known = [time for time, _ in timed if time is not None]
        self._counted = out_of_order or not known
        """Whether frames are found by counting from the first one, for want of times."""
        self._decoding_times = [time for _, time in timed if time is not None]
        return list(range(len(timed))) if self._counted else sorted(known)

    def _decoded_from(self, time: int | None) -> Any:
        """Decoded pictures from the last key frame before a time on, or from the movie's beginning."""
        if time is None:  # not every container can go back to its first frame
            self._container.close()
            self._container = self._open()
            self._stream = film_to_decode(self._container)
        else:
            self._container.seek(time, stream=self._stream, backward=True)
        return self._container.decode(self._stream)

    def _constant_rate(self) -> Fraction | None:
        """Frames per second. Raises the error about frames that are not equally spaced."""
        stream = self._stream
        stated = [Fraction(rate) for rate in (stream.average_rate, stream.base_rate, stream.guessed_rate) if rate]
        stated.sort(key=lambda rate: rate not in SMPTE_RATES)
        tick = Fraction(stream.time_base or Fraction(1, 1000))
        times = self._times
        if self._counted:
            times = sorted(self._decoding_times)
            if len(times) < len(self._times):  # no times at all
                return Fraction(stream.guessed_rate) if stream.guessed_rate else next(iter(stated), None)
        rate = constant_rate(times, tick, stated)
        if rate is None and len(times) > 1:
            steps = [later - now for now, later in pairwise(times)]
            raise ShotError(
                f"Movie {self.path} has a variable frame rate ({min(steps)} to {max(steps)} ticks of {tick} s between "
                "frames); transcode it to a constant one (for example ffmpeg -fps_mode cfr)."
            )
        return rate

    def _orientation_of(self, picture: av.VideoFrame) -> int:
        matrix = side_data_of(picture).get("DISPLAYMATRIX")
        found = UPRIGHT if matrix is None else orientation_of_matrix(matrix)
        if found is None or picture.rotation % 90:
            raise ShotError(
                f"Movie {self.path} is to be shown turned by {picture.rotation % 360} degrees; transcode it upright."
            )
        return found

    def _describe(self, picture: av.VideoFrame) -> ShotInfo:
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        aspect = Fraction(aspect) if aspect > 0 else Fraction(1)
        sideways = self.orientation in SIDEWAYS
        timecode = self._tag("timecode")
        return ShotInfo(
            width=picture.height if sideways else picture.width,
            height=picture.width if sideways else picture.height,
            color_tag=self._color_tag(picture),
            has_alpha=has_alpha(picture) and not self._is_opaque(picture),
            frame_rate=self._rate,
            pixel_aspect=1 / aspect if sideways else aspect,
            timecode=timecode if timecode and is_timecode(timecode) else None,
            reel=self._tag("reel_name"),
            notes=self._notes(picture),
            hdr=hdr_of(picture),
        )

    def _is_opaque(self, picture: av.VideoFrame) -> bool:
        """Whether a picture of a format that always comes with alpha, such as GIF, has no use for it."""
        if self._container.format.name != "gif" and picture.format.name != "pal8":
            return False
        _, alpha = self._channels(picture, 1)
        return alpha is None or bool(alpha.min() == 1)

    def _color_tag(self, picture: av.VideoFrame) -> ColorTag:
        if is_xyz(picture):
            return ColorTag("g26_p3d65_display", "X'Y'Z' of digital cinema, in P3 primaries")
        return tag_of_movie(int(picture.color_primaries), int(picture.color_trc))

    def _tag(self, key: str) -> str | None:
        """The metadata under a key: that of the video track, else of another track, else of the movie."""
        metadata = [self._stream.metadata, *(s.metadata for s in self._container.streams), self._container.metadata]
        return next((str(tags[key]) for tags in metadata if tags.get(key)), None)

    def _notes(self, picture: av.VideoFrame) -> tuple[str, ...]:
        notes = []
        if not picture.format.is_rgb and len(picture.format.components) > 2 and not is_xyz(picture):
            known = int(picture.colorspace) not in UNSPECIFIED
            notes.append(
                f"Y'CbCr decoded with the {self.matrix.name} matrix, {'from its tag' if known else 'by its size'}"
            )
        if self.orientation != UPRIGHT:
            notes.append(f"pictures are {IN_WORDS[self.orientation]}, as the movie's display matrix asks")
        if len(self._container.streams.video) > 1:
            notes.append(f"of {len(self._container.streams.video)} picture tracks the main one is read")
        if has_alpha(picture) and self._is_opaque(picture):
            notes.append("the first picture is opaque, so the movie is taken to have no alpha")
        if self._stream.metadata.get("alpha_mode") == "1" and not has_alpha(picture):
            notes.append("the movie's alpha, a second stream of this format, is left out; ProRes 4444 would carry it")
        return tuple(notes)

    def _matrix_of(self, picture: av.VideoFrame) -> Matrix:
        tag = int(picture.colorspace)
        if tag in UNSPECIFIED or picture.format.is_rgb or is_xyz(picture):
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
        starts: list[int | None] = [number - 1 - back for back in (0, 12, 48, 192) if back < number - 1]
        try:
            picture = self._forward_to(number) if self._comes_later(number) else None
            for start in (*(starts if not self._counted else ()), None):
                if picture is not None:
                    break
                self._decoder = self._decoded_from(None if start is None else self._times[start])
                self._next = 1
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

    def _comes_later(self, number: int) -> bool:
        """Whether a frame is reached by decoding on from here."""
        return number == self._next or (self._counted and number > self._next > 0)

    def _forward_to(self, number: int) -> av.VideoFrame | None:
        """The frame's picture, or None if decoding from here on passes its time."""
        if self._counted:
            return next(islice(self._decoder, number - self._next, None), None)
        time = self._times[number - 1]
        picture: av.VideoFrame
        for picture in self._decoder:
            if picture.pts is not None and picture.pts >= time:
                return picture if picture.pts == time else None
        return None

    def read(self, number: int) -> Frame:
        """Read a frame, upright, as R'G'B' float32, 0..1 between black and white; codes beyond are kept.

        Raises :class:`~vfxstyle.errors.FrameError` if it cannot be decoded or has a pixel format that is not read.
        """
        picture = self._picture(number)
        if picture.interlaced_frame:
            raise FrameError(
                f"Frame {number} of {self.path} is interlaced; deinterlace the movie first (as with ffmpeg -vf bwdif).",
                frames=(number,),
            )
        if picture.is_corrupt:
            raise FrameError(
                f"Frame {number} of {self.path} is damaged; copy or transcode the movie again.", frames=(number,)
            )
        rgb, alpha = self._channels(picture, number)
        rgb = upright(rgb, self.orientation)
        alpha = None if alpha is None or not self.info.has_alpha else upright(alpha, self.orientation)
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
        try:
            return picture_to_rgb(picture, self.matrix)
        except ValueError as error:
            raise FrameError(
                f"Frame {number} of {self.path} has {error}, which is not read; transcode the movie to ProRes 4444, "
                "which keeps colour and alpha.",
                frames=(number,),
            ) from error
