"""Opening one picture file: its metadata, and its pixels as a frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import FrameError, UsageError
from vfxstyle.rates import exact_rate
from vfxstyle.shots import exr
from vfxstyle.shots.channels import alpha_channel, rgb_channels
from vfxstyle.shots.frame import ExrPlate, Frame
from vfxstyle.shots.layers import NoLayerError, find_layer
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.tags import ColorTag, tag_of_exr, tag_of_picture
from vfxstyle.shots.timecode import timecode_text
from vfxstyle.shots.windows import Window

_AGAIN = "render or copy it again"


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

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number
        if not path.is_file():
            raise self.error("is missing", "restore it or leave it out of the frame range")
        if path.stat().st_size == 0:
            raise self.error("is empty (0 bytes)", _AGAIN)

    def __enter__(self) -> OpenPicture:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - only some hold a file open
        """Close the file."""

    def error(self, what: str, remedy: str) -> FrameError:
        """An error about this frame."""
        return FrameError(f"Frame {self.number} ({self.path}) {what}; {remedy}.", frames=(self.number,))

    def _check_size(self, window: Window, reading: ReadOptions) -> None:
        excess = reading.excess(window.width, window.height)
        if excess:
            raise self.error(excess, "copy it again, or let it pass with --max-pixels")

    @abstractmethod
    def frame(self) -> Frame:
        """The picture with its pixels. Raises :class:`~vfxstyle.errors.FrameError`."""


def open_picture(path: Path, number: int, reading: ReadOptions) -> OpenPicture:
    """Open a picture file.

    Raises :class:`~vfxstyle.errors.FrameError` if it cannot be read or graded,
    :class:`~vfxstyle.errors.UsageError` if a layer is requested of a format without layers.
    """
    if path.suffix.lower() == ".exr":
        return _ExrPicture(path, number, reading)
    if reading.layers:
        raise UsageError(f"{path} has no layers or views; leave --layer and --view out, they are for EXR.")
    return _FlatPicture(path, number, reading)


class _ExrPicture(OpenPicture):
    """An OpenEXR file."""

    def __init__(self, path: Path, number: int, reading: ReadOptions) -> None:
        super().__init__(path, number)
        choice = reading.layers
        try:
            headers = exr.read_headers(path)
            for window in (window for header in headers for window in exr.windows_of(header)):
                self._check_size(window, reading)
            self._layer = find_layer(headers, choice)
        except exr.ExrError as error:
            raise self.error(error.what, error.remedy) from error
        except NoLayerError as error:
            raise self.error(str(error), "choose with --layer and --view, or hand in another file") from error
        header = headers[self._layer.part]
        self.data_window, self.display_window = exr.windows_of(header)
        shared = {name: value for name, value in headers[0].items() if name == "colorInteropID"}
        self.tag = tag_of_exr(shared | header)
        self.has_alpha = self._layer.alpha is not None
        if choice or self._layer.name or self._layer.view:
            self.layer = self._layer.label
        rate = header.get("framesPerSecond")
        self.frame_rate = Fraction(rate) if rate else None
        self.pixel_aspect = _aspect(header.get("pixelAspectRatio", 1.0))
        self.timecode = timecode_text(header["timeCode"]) if "timeCode" in header else None
        self.reel = str(header["reelName"]) if "reelName" in header else None

    def frame(self) -> Frame:
        try:
            parts = exr.read_parts(self.path)
        except exr.ExrError as error:
            raise self.error(error.what, error.remedy) from error
        channels = parts[self._layer.part].channels
        names = self._layer.rgb + ((self._layer.alpha,) if self._layer.alpha else ())
        if any(channels[name].dtype == np.uint32 for name in names):
            raise self.error("has unsigned integers for colours", "choose another layer with --layer")
        rgb = np.empty((self.data_window.height, self.data_window.width, 3), np.float32)
        for index, name in enumerate(self._layer.rgb):
            rgb[..., index] = channels[name]
        return Frame(
            number=self.number,
            source=str(self.path),
            rgb=rgb,
            data_window=self.data_window,
            display_window=self.display_window,
            alpha=channels[self._layer.alpha].astype(np.float32) if self._layer.alpha else None,
            file_format="openexr",
            exr=ExrPlate(parts, self._layer),
        )


class _FlatPicture(OpenPicture):
    """A file of one picture without layers, read with OpenImageIO."""

    def __init__(self, path: Path, number: int, reading: ReadOptions) -> None:
        super().__init__(path, number)
        if path.suffix.lower() in (".jpg", ".jpeg") and _jpeg_ends_early(path.read_bytes()):
            raise self.error("is cut short", _AGAIN)
        hint = oiio.ImageSpec()
        hint.attribute("oiio:UnassociatedAlpha", 1)
        opened = oiio.ImageInput.open(str(path), hint)
        if opened is None:
            raise self.error(f"cannot be read: {_first_line(oiio.geterror())}", _AGAIN)
        self._input = opened
        spec = self._spec = opened.spec()
        self._check_layout()
        self.data_window = Window(spec.x, spec.y, spec.width, spec.height)
        self.display_window = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        for window in (self.data_window, self.display_window):
            self._check_size(window, reading)
        self.tag = tag_of_picture(spec, path.suffix.lower().lstrip("."))
        self.has_alpha = self._alpha_channel() is not None
        self.frame_rate = _frame_rate_of(spec)
        self.pixel_aspect = _aspect(spec.get_float_attribute("PixelAspectRatio", 1.0))
        self.timecode = spec.get_string_attribute("smpte:TimeCode") or None
        self.reel = spec.get_string_attribute("reelName") or spec.get_string_attribute("dpx:InputDevice") or None

    def close(self) -> None:
        """Close the file."""
        self._input.close()

    def _check_layout(self) -> None:
        spec = self._spec
        if spec.get_int_attribute("Orientation", 1) != 1:
            raise self.error("is stored turned or mirrored (its Orientation tag)", "turn its pixels upright")
        if spec.depth > 1:
            raise self.error("is a volume", "hand in flat pictures")
        if self._rgb_channels() is None:
            names = spec.channelnames
            raise self.error(
                f"has no R, G, B channels (it has {', '.join(names[:8])}{' ...' if len(names) > 8 else ''})",
                "hand in a file whose main layer is a colour picture",
            )

    def _rgb_channels(self) -> tuple[int, int, int] | None:
        """Indices of red, green, blue; a grey picture gives its one channel three times."""
        names = list(self._spec.channelnames)
        rgb = rgb_channels(names)
        if rgb is not None:
            return (names.index(rgb[0]), names.index(rgb[1]), names.index(rgb[2]))
        if len(names) <= 2 and names[0] in ("Y", "I", "L", "R"):
            return (0, 0, 0)
        return None

    def _alpha_channel(self) -> int | None:
        names = list(self._spec.channelnames)
        alpha = alpha_channel(names)
        return None if alpha is None else names.index(alpha)

    def frame(self) -> Frame:
        spec = self._spec
        values = self._input.read_image(0, 0, 0, spec.nchannels, oiio.FLOAT)
        if values is None:
            raise self.error(f"cannot be read: {_first_line(self._input.geterror())}", _AGAIN)
        pixels: FloatArray = np.asarray(values, np.float32).reshape(spec.height, spec.width, spec.nchannels)
        bits = spec.get_int_attribute("oiio:BitsPerSample", 0)
        if 0 < bits < 16 and str(spec.format) == "uint16":  # the library spreads such codes, and not quite evenly
            top = np.float32((1 << bits) - 1)
            pixels = np.rint(pixels * top) / top
        rgb, alpha = self._rgb_channels(), self._alpha_channel()
        assert rgb is not None  # the layout was checked on opening
        return Frame(
            number=self.number,
            source=str(self.path),
            rgb=np.ascontiguousarray(pixels[:, :, list(rgb)]),
            data_window=self.data_window,
            display_window=self.display_window,
            alpha=np.ascontiguousarray(pixels[:, :, alpha]) if alpha is not None else None,
            premultiplied=not spec.get_int_attribute("oiio:UnassociatedAlpha", 0),
            header=spec,
            file_format=self._input.format_name(),
        )


def _jpeg_ends_early(data: bytes) -> bool:
    """Whether no end-of-image marker follows the last scan: the decoder only fills the rest with grey."""
    return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "unknown reason"


def _aspect(value: Any) -> Fraction:
    ratio = float(value)
    return Fraction(ratio).limit_denominator(1000) if 0 < ratio < 1000 else Fraction(1)


def _frame_rate_of(spec: oiio.ImageSpec) -> Fraction | None:
    value = spec.get("framesPerSecond") or spec.get("dpx:FrameRate") or spec.get("dpx:TemporalFrameRate")
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return Fraction(int(value[0]), int(value[1]))
    if isinstance(value, (int, float)) and 1 <= value <= 1000:
        return exact_rate(value)
    return None
