"""Pictures without layers: DPX, Cineon, TIFF, PNG and JPEG, read with OpenImageIO."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfxstyle.arrays import FloatArray
from vfxstyle.color.config import WORKING
from vfxstyle.files import plain_path
from vfxstyle.rates import exact_rate
from vfxstyle.shots.channels import alpha_channel, rgb_channels
from vfxstyle.shots.dpx import DpxLayout
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.jpeg import picture_end
from vfxstyle.shots.open_file import AGAIN, OpenPicture, aspect_of, time_of_day
from vfxstyle.shots.orientation import IN_WORDS, SIDEWAYS, UPRIGHT, upright
from vfxstyle.shots.png import read_png_colour
from vfxstyle.shots.reading import ReadOptions
from vfxstyle.shots.tags import tag_of_picture
from vfxstyle.shots.windows import Window

_KINDS = ("dpx", "cineon", "tiff", "png", "jpeg")
_UNCALIBRATED = 65535  # in Exif: neither sRGB nor said here
_TAGGED_AS = {"jpeg": "jpg", "tiff": "tif", "cineon": "cin"}


class FlatPicture(OpenPicture):
    """A file of one picture without layers."""

    def __init__(self, path: Path, number: int, reading: ReadOptions) -> None:
        super().__init__(path, number)
        self._notes: list[str] = []
        self._page = 0
        self._is_adobe_by_exif = False
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._input = self._opened(path)
        try:
            self._describe(path, reading)
        except BaseException:
            self.close()
            raise

    def _describe(self, path: Path, reading: ReadOptions) -> None:
        kind = self._input.format_name()
        if kind not in _KINDS:
            raise self.error(f"is a {kind} picture, whatever its name says, which is not read", "convert it")
        if kind == "jpeg":
            self._keep_to_the_picture()
        if kind == "tiff":
            self._pass_over_thumbnails()
        spec = self._spec = oiio.ImageSpec(self._input.spec())
        self._dpx = DpxLayout.read(path) if kind == "dpx" else None
        for name in self._dpx.absent_fields if self._dpx else ():
            spec.erase_attribute(name)
        self._check_layout()
        self._orientation = self._upright_from()
        self.data_window = Window(spec.x, spec.y, spec.width, spec.height)
        self.display_window = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        for window in (self.data_window, self.display_window):
            self.check_size(window, reading)
        self.pixel_aspect = aspect_of(spec.get_float_attribute("PixelAspectRatio", 1.0))
        self._turn_windows()
        self._tag_it(kind)
        self.has_alpha = self._alpha_channel() is not None
        self.frame_rate = _frame_rate_of(spec)
        stated = spec.get_string_attribute("smpte:TimeCode")
        self.timecode = time_of_day(stated)
        if stated and self.timecode is None:
            spec.erase_attribute("smpte:TimeCode")
            self._notes.append(f"the timecode {stated} is no time of a day, and is left out")
        self.reel = spec.get_string_attribute("reelName") or spec.get_string_attribute("dpx:InputDevice") or None

    def _opened(self, path: Path) -> oiio.ImageInput:
        hint = oiio.ImageSpec()
        hint.attribute("oiio:UnassociatedAlpha", 1)
        opened = oiio.ImageInput.open(plain_path(path), hint)
        if opened is None:
            raise self.error(f"cannot be read: {_first_line(oiio.geterror())}", AGAIN)
        return opened

    def _keep_to_the_picture(self) -> None:
        """Refuse a JPEG that is cut short; take the base picture of one with a gain map, as every viewer does."""
        data = self.path.read_bytes()
        end = picture_end(data)
        if end is None:  # the decoder only fills the rest with grey
            self._input.close()
            raise self.error("is cut short", AGAIN)
        self._is_adobe_by_exif = b"R03\0" in data[:65536]  # the interoperability index, which the library does not read
        if str(self._input.spec().format) != "uint8":  # the library applies a gain map, to linear light
            self._input.close()
            self._copy = tempfile.TemporaryDirectory()
            base = Path(self._copy.name, "base.jpg")
            base.write_bytes(data[:end])
            self._input = self._opened(base)
            self._notes.append("an Ultra HDR photograph: its base picture is taken, without the gain map")

    def _pass_over_thumbnails(self) -> None:
        """Go to the first page of a TIFF that is no reduced version of another."""
        page = 0
        while self._input.spec().get_int_attribute("tiff:subfiletype") & 1 and self._input.seek_subimage(page + 1, 0):
            page += 1
        self._page = page
        more = self._input.seek_subimage(page + 1, 0)
        if more and not self._input.spec().get_int_attribute("tiff:subfiletype") & 1:
            self._notes.append("further pages of the file are left out")
        self._input.seek_subimage(page, 0)  # a page that is not there has left the file at none

    def close(self) -> None:
        """Close the file."""
        self._input.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _check_layout(self) -> None:
        spec = self._spec
        if spec.depth > 1:
            raise self.error("is a volume", "hand in flat pictures")
        if "CMYK" in (spec.get_string_attribute("jpeg:ColorSpace"), spec.get_string_attribute("tiff:ColorSpace")):
            raise self.error(
                "holds CMYK, the inks of a printer", "convert it to RGB in a program that knows its profile"
            )
        if self._dpx is not None and self._dpx.is_ten_bit_luma:
            raise self.error("holds luma of 10 bits, whose columns the library mixes up", "write it as R, G, B")
        if self._rgb_channels() is None:
            names = spec.channelnames
            raise self.error(
                f"has no R, G, B channels (it has {', '.join(names[:8])}{' ...' if len(names) > 8 else ''})",
                "hand in a file whose main layer is a colour picture",
            )

    def _upright_from(self) -> int:
        """The EXIF orientation that the pixels are stored in; the header that goes on says upright."""
        spec = self._spec
        stated = spec.get_int_attribute("Orientation", UPRIGHT)
        spec.erase_attribute("Orientation")
        if stated not in IN_WORDS:
            return UPRIGHT
        if (spec.x, spec.y, spec.width, spec.height) != (spec.full_x, spec.full_y, spec.full_width, spec.full_height):
            raise self.error("is stored turned, and a part of a larger picture", "turn its pixels upright")
        self._notes.append(f"the picture is {IN_WORDS[stated]}, as its Orientation ({stated}) asks")
        return stated

    def _turn_windows(self) -> None:
        if self._orientation in SIDEWAYS:
            window = self.data_window
            self.data_window = self.display_window = Window(window.x, window.y, window.height, window.width)
            self.pixel_aspect = 1 / self.pixel_aspect
            self._spec.attribute("PixelAspectRatio", float(self.pixel_aspect))

    def _tag_it(self, kind: str) -> None:
        chunks = read_png_colour(self.path) if kind == "png" else None
        if chunks is not None and chunks.is_narrow:
            raise self.error("says of its values that black and white lie within them (cICP)", "write it in full range")
        if self._is_adobe_by_exif and self._spec.get_int_attribute("Exif:ColorSpace") == _UNCALIBRATED:
            self._spec.attribute("Exif:InteroperabilityIndex", "R03")
        self.tag = tag_of_picture(self._spec, _TAGGED_AS.get(kind, kind), chunks)
        bits = self._spec.get_int_attribute("oiio:BitsPerSample", 0)
        if self._dpx is not None and self.tag.space == WORKING and bits <= 10:
            self._notes.append(
                f"the DPX header says Linear of its {bits}-bit codes, which some programs write for video too; name "
                "the space with --input-space if it is another"
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
        """Index of alpha; of the one channel beside the colours where the file does not say what that is."""
        names = list(self._spec.channelnames)
        alpha = alpha_channel(names)
        if alpha is not None:
            return names.index(alpha)
        colours = set(self._rgb_channels() or ())
        others = [index for index in range(len(names)) if index not in colours]
        return others[0] if len(others) == 1 else None

    def notes(self) -> tuple[str, ...]:
        """What was made of the file that it does not say itself."""
        names = list(self._spec.channelnames)
        beside = [name for index, name in enumerate(names) if index not in set(self._rgb_channels() or ())]
        if self._alpha_channel() is not None and alpha_channel(names) is None:
            return (*self._notes, "the channel beside the colours, of unspecified use, is carried over as alpha")
        if len(beside) > 1:
            lost = [name for name in beside if name != alpha_channel(names)]
            return (*self._notes, f"channels beside colour and alpha are left out: {', '.join(lost)}")
        return tuple(self._notes)

    @cached_property
    def _own_pixels(self) -> bool:
        """Whether the pixels are read here, because the library would skew them."""
        return self._dpx is not None and self._dpx.has_gaps(self.path)

    def _is_inverted(self, bits: int) -> bool:
        """Whether 0 is white, which the library turns round for 8 bits alone."""
        is_white = (
            self._input.format_name() == "tiff"
            and self._spec.get_int_attribute("tiff:PhotometricInterpretation", 1) == 0
        )
        return is_white and (bits != 8 or str(self._spec.format) != "uint8")

    def _values(self) -> FloatArray:
        """The pixels as the file has them, float32 (H, W, C)."""
        spec = self._spec
        if self._dpx is not None and self._own_pixels:
            return self._dpx.pixels(self.path)
        values = self._input.read_image(self._page, 0, 0, spec.nchannels, oiio.FLOAT)
        if values is None:
            raise self.error(f"cannot be read: {_first_line(self._input.geterror())}", AGAIN)
        return np.asarray(values, np.float32).reshape(spec.height, spec.width, spec.nchannels)

    def frame(self) -> Frame:
        """The picture, upright."""
        spec = self._spec
        pixels = self._values()
        bits = spec.get_int_attribute("oiio:BitsPerSample", 0)
        if 0 < bits < 16 and str(spec.format) == "uint16" and not self._own_pixels:
            codes = np.rint(pixels * 65535).astype(np.int32) >> (16 - bits)  # spread in several ways, or not at all
            pixels = codes.astype(np.float32) / np.float32((1 << bits) - 1)
        if self._is_inverted(bits):
            pixels = 1 - pixels
        rgb, alpha = self._rgb_channels(), self._alpha_channel()
        assert rgb is not None  # the layout was checked on opening
        pixels = upright(pixels, self._orientation)
        return Frame(
            number=self.number,
            source=str(self.path),
            rgb=np.ascontiguousarray(pixels[:, :, list(rgb)]),
            data_window=self.data_window,
            display_window=self.display_window,
            alpha=np.ascontiguousarray(pixels[:, :, alpha]) if alpha is not None else None,
            premultiplied=self._is_premultiplied(),
            header=spec,
            file_format=self._input.format_name(),
        )

    def _is_premultiplied(self) -> bool:
        declared = alpha_channel(self._spec.channelnames) is not None
        return declared and not self._spec.get_int_attribute("oiio:UnassociatedAlpha", 0)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "unknown reason"


def _frame_rate_of(spec: Any) -> Fraction | None:
    value = spec.get("framesPerSecond") or spec.get("dpx:FrameRate") or spec.get("dpx:TemporalFrameRate")
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return Fraction(int(value[0]), int(value[1]))
    if isinstance(value, (int, float)) and 1 <= value <= 1000:
        return exact_rate(value)
    return None
