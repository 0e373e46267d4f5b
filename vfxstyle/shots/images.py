"""Sequences of pictures, one file a frame."""

from __future__ import annotations

from pathlib import Path

from vfxstyle.errors import FrameError
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.pictures import open_picture
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.shot import Shot, ShotInfo


class ImageShot(Shot):
    """A sequence of pictures, one file a frame.

    files: the file of each frame number. padding: digits of a frame number in a file name. reading: the layer that is
    read of EXR files, and the largest size of a picture.
    Raises :class:`~vfxstyle.errors.FrameError` if no frame can be read.
    """

    def __init__(
        self, name: str, path: Path, files: dict[int, Path], padding: int, reading: ReadOptions | None = None
    ) -> None:
        self.name, self.path, self.padding = name, path, padding
        self.frames = tuple(sorted(files))
        self._files = files
        self._reading = reading or ReadOptions()
        self.info = self._describe()

    def _describe(self) -> ShotInfo:
        """The facts of the first readable frame. Raises the first frame's error where none is readable."""
        first_error = None
        for number in self.frames:
            try:
                with open_picture(self._files[number], number, self._reading) as first:
                    return ShotInfo(
                        width=first.display_window.width,
                        height=first.display_window.height,
                        color_tag=first.tag,
                        has_alpha=first.has_alpha,
                        frame_rate=first.frame_rate,
                        pixel_aspect=first.pixel_aspect,
                        timecode=first.timecode if number == self.frames[0] else None,
                        reel=first.reel,
                        layer=first.layer,
                        views=first.views,
                        notes=first.notes(),
                    )
            except FrameError as error:
                first_error = first_error or error
        assert first_error is not None  # a shot has frames
        raise first_error

    @property
    def is_movie(self) -> bool:
        """False: one file a frame."""
        return False

    def file_of(self, number: int) -> Path:
        """The picture file of frame ``number``."""
        return self._files[number]

    def read(self, number: int) -> Frame:
        """Read a frame as float32 with its metadata.

        Raises :class:`~vfxstyle.errors.FrameError` if it is missing, damaged, of another size or colour space than
        the first frame, or of a kind that cannot be graded.
        """
        path = self._files[number]
        with open_picture(path, number, self._reading) as picture:
            display = picture.display_window
            if (display.width, display.height) != (self.info.width, self.info.height):
                raise FrameError(
                    f"Frame {number} ({path}) is {display.width}x{display.height} px but the shot is "
                    f"{self.info.width}x{self.info.height}; bring all frames to one size.",
                    frames=(number,),
                )
            if picture.layer != self.info.layer:
                raise FrameError(
                    f"Frame {number} ({path}) has its picture in {picture.layer or 'the main layer'}, the shot's first "
                    f"frame in {self.info.layer or 'the main layer'}; name the one that all have with --layer.",
                    frames=(number,),
                )
            if picture.tag != self.info.color_tag:
                raise FrameError(
                    f"Frame {number} ({path}) says of its colours: {picture.tag.source}; the shot's first frame: "
                    f"{self.info.color_tag.source}. Bring all frames to one colour space.",
                    frames=(number,),
                )
            return picture.frame()
