"""Opening one picture file: its metadata, and its pixels as a frame."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np

from vfxstyle.errors import UsageError
from vfxstyle.shots import exr
from vfxstyle.shots.exr_text import dropped_values
from vfxstyle.shots.flat_files import FlatPicture
from vfxstyle.shots.frame import ExrPlate, Frame
from vfxstyle.shots.halves import picture_of_planes
from vfxstyle.shots.layers import NoLayerError, find_layer, views_of
from vfxstyle.shots.open_file import OpenPicture, aspect_of, time_of_day
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.tags import tag_of_exr
from vfxstyle.shots.timecode import timecode_text

_EXR_MAGIC = b"\x76\x2f\x31\x01"


def open_picture(path: Path, number: int, reading: ReadOptions) -> OpenPicture:
    """Open a picture file.

    Raises :class:`~vfxstyle.errors.FrameError` if it cannot be read or graded,
    :class:`~vfxstyle.errors.UsageError` if a layer is requested of a format without layers.
    """
    if path.suffix.lower() == ".exr" or _is_exr(path):
        return _ExrPicture(path, number, reading)
    if reading.layers:
        raise UsageError(f"{path} has no layers or views; leave --layer and --view out, they are for EXR.")
    return FlatPicture(path, number, reading)


def _is_exr(path: Path) -> bool:
    """Whether a file is OpenEXR whatever its name says."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _EXR_MAGIC
    except OSError:  # which opening it will say
        return False


class _ExrPicture(OpenPicture):
    """An OpenEXR file."""

    def __init__(self, path: Path, number: int, reading: ReadOptions) -> None:
        super().__init__(path, number)
        choice = reading.layers
        try:
            headers = exr.read_headers(path)
            for window in (window for header in headers for window in exr.windows_of(header)):
                self.check_size(window, reading)
            self._layer = find_layer(headers, choice)
        except exr.ExrError as error:
            raise self.error(error.what, error.remedy) from error
        except NoLayerError as error:
            raise self.error(str(error), "choose with --layer and --view, or hand in another file") from error
        self.views = views_of(headers)
        header = headers[self._layer.part]
        self.data_window, self.display_window = exr.windows_of(header)
        shared = {name: value for name, value in headers[0].items() if name == "colorInteropID"}
        self.tag = tag_of_exr(shared | header)
        self.has_alpha = self._layer.alpha is not None
        if choice or self._layer.name or self._layer.view:
            self.layer = self._layer.label
        rate = header.get("framesPerSecond")
        self.frame_rate = Fraction(rate) if rate else None
        self.pixel_aspect = aspect_of(header.get("pixelAspectRatio", 1.0))
        self.timecode = time_of_day(timecode_text(header["timeCode"]) if "timeCode" in header else "")
        self.reel = str(header["reelName"]) if "reelName" in header else None

    def notes(self) -> tuple[str, ...]:
        """What was left out of the header."""
        names = ""
        with suppress(ValueError, OSError):  # of a damaged file, which is another error
            names = ", ".join(dict.fromkeys(dropped_values(self.path)))
        return (f"{names}: a rational number over 0 in the header, which is left out of the result",) if names else ()

    def frame(self) -> Frame:
        try:
            parts = exr.read_parts(self.path)
        except exr.ExrError as error:
            raise self.error(error.what, error.remedy) from error
        channels = parts[self._layer.part].channels
        names = self._layer.rgb + ((self._layer.alpha,) if self._layer.alpha else ())
        if any(channels[name].dtype == np.uint32 for name in names):
            raise self.error("has unsigned integers for colours", "choose another layer with --layer")
        return Frame(
            number=self.number,
            source=str(self.path),
            rgb=picture_of_planes([channels[name] for name in self._layer.rgb]),
            data_window=self.data_window,
            display_window=self.display_window,
            alpha=channels[self._layer.alpha].astype(np.float32) if self._layer.alpha else None,
            file_format="openexr",
            exr=ExrPlate(parts, self._layer),
        )
