"""Reading sequences of pictures with OpenImageIO."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfxstyle.color import Encoding
from vfxstyle.errors import FrameError
from vfxstyle.shots.frame import FloatArray, Frame, Window
from vfxstyle.shots.shot import Shot, ShotInfo

PICTURE_EXTENSIONS = frozenset({"exr", "dpx", "cin", "tif", "tiff", "png", "jpg", "jpeg"})
"""File name extensions (lower case) that count as frames."""

_RGB_NAMES = (("R", "G", "B"), ("r", "g", "b"), ("red", "green", "blue"))
_REC709_CHROMATICITIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_LOG_TRANSFERS = ("Printing density", "Logarithmic")
_ALPHA_NAMES = ("A", "a", "alpha")


class _Picture:
    """An open picture whose layout has been checked; closes itself."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number
        hint = oiio.ImageSpec()
        hint.attribute("oiio:UnassociatedAlpha", 1)
        if not path.is_file():
            raise self._error("is missing", "restore it or leave it out of the frame range")
        if path.stat().st_size == 0:
            raise self._error("is empty (0 bytes)", "render or copy it again")
        if path.suffix.lower() in (".jpg", ".jpeg") and _jpeg_ends_early(path.read_bytes()):
            raise self._error("is cut short", "render or copy it again")
        opened = oiio.ImageInput.open(str(path), hint)
        if opened is None:
            raise self._error(f"cannot be read: {_first_line(oiio.geterror())}", "render or copy it again")
        self.input = opened
        self.spec: oiio.ImageSpec = opened.spec()
        self._check_layout()

    def __enter__(self) -> _Picture:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.input.close()

    def _error(self, what: str, remedy: str) -> FrameError:
        return FrameError(f"Frame {self.number} ({self.path}) {what}; {remedy}.", frames=(self.number,))

    def _check_layout(self) -> None:
        spec = self.spec
        formats = [str(f) for f in (spec.channelformats or (spec.format,))]
        if spec.deep:
            raise self._error("is a deep image", "flatten it first")
        if spec.get_int_attribute("oiio:subimages", 1) > 1 and self.path.suffix.lower() == ".exr":
            raise self._error("has several parts", "write the part to grade into a file of its own")
        if "uint32" in formats or "uint" in formats:
            raise self._error("has unsigned integer (ID) channels", "write the beauty into a file of its own")
        if spec.get_int_attribute("Orientation", 1) != 1:
            raise self._error("is stored turned or mirrored (its Orientation tag)", "turn its pixels upright")
        if spec.depth > 1:
            raise self._error("is a volume", "hand in flat pictures")
        names = spec.channelnames
        if self.rgb_channels() is None:
            raise self._error(
                f"has no R, G, B channels (it has {', '.join(names[:8])}{' ...' if len(names) > 8 else ''})",
                "hand in a file whose main layer is a colour picture",
            )

    def rgb_channels(self) -> tuple[int, int, int] | None:
        """Indices of red, green, blue; a grey picture gives its one channel three times."""
        names = list(self.spec.channelnames)
        for triple in _RGB_NAMES:
            if all(name in names for name in triple):
                return (names.index(triple[0]), names.index(triple[1]), names.index(triple[2]))
        if len(names) <= 2 and names[0] in ("Y", "I", "L", "R"):
            return (0, 0, 0)
        return None

    def alpha_channel(self) -> int | None:
        """Index of alpha, or None."""
        names = list(self.spec.channelnames)
        return next((names.index(name) for name in _ALPHA_NAMES if name in names), None)

    def pixels(self) -> FloatArray:
        """float32 (H, W, channels), the file's own values (integers scaled to 0..1)."""
        spec = self.spec
        values = self.input.read_image(0, 0, 0, spec.nchannels, oiio.FLOAT)
        if values is None:
            raise self._error(f"cannot be read: {_first_line(self.input.geterror())}", "render or copy it again")
        array: FloatArray = np.asarray(values, np.float32).reshape(spec.height, spec.width, spec.nchannels)
        return array


def _jpeg_ends_early(data: bytes) -> bool:
    """Whether no end-of-image marker follows the last scan: the decoder only fills the rest with grey."""
    return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "unknown reason"


def windows_of(spec: oiio.ImageSpec) -> tuple[Window, Window]:
    """Data window and display window of a header."""
    data = Window(spec.x, spec.y, spec.width, spec.height)
    display = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    return data, display


def _encoding_of(picture: _Picture) -> tuple[Encoding, str]:
    """The plate's encoding and where that was learnt from.

    Without OpenColorIO only the tags of the three encodings below are understood; a log or unknown tag
    is refused rather than graded as something it is not.
    """
    spec, suffix = picture.spec, picture.path.suffix.lower().lstrip(".")
    tag = spec.get_string_attribute("colorInteropID") or spec.get_string_attribute("oiio:ColorSpace")
    if suffix == "exr":
        if tag in (
            "",
            "lin_rec709_scene",
            "lin_rec709",
            "Linear",
            "linear",
            "scene_linear",
            "data",
            "unknown",
        ):
            known = f"header tag {tag}" if tag.startswith("lin_") else "default of EXR"
            return Encoding.LINEAR, known + _unused_primaries(spec)
        if tag.startswith("lin_"):
            return Encoding.LINEAR, f"header tag {tag}, its primaries taken as Rec.709"
        if tag.startswith("srgb_"):
            return Encoding.SRGB, f"header tag {tag}"
    elif spec.get_string_attribute("dpx:Transfer") in _LOG_TRANSFERS:
        tag = spec.get_string_attribute("dpx:Transfer")
    elif suffix in ("tif", "tiff") and tag == "" and str(spec.format) in ("float", "half", "double"):
        return Encoding.LINEAR, "default of floating-point TIFF"
    elif tag.startswith("lin_") or tag.lower() == "linear":
        return Encoding.LINEAR, f"header tag {tag}"
    elif tag.startswith("g24_") or tag in ("Rec709", "rec709", "ocio:itu709_rec709_scene"):
        return Encoding.REC709, f"header tag {tag}"
    elif "srgb" in tag.lower() or tag == "":
        # the library gives every JPEG and PNG without a tag of its own this one
        assumed = tag == "" or suffix in ("jpg", "jpeg", "png")
        return Encoding.SRGB, f"default of {suffix.upper()}" if assumed else f"header tag {tag}"
    raise FrameError(
        f"Frame {picture.number} ({picture.path}) is tagged '{tag}', which cannot be graded as it is; convert "
        "the plate to scene-linear Rec.709, sRGB or Rec.709 first.",
        frames=(picture.number,),
    )


def _unused_primaries(spec: oiio.ImageSpec) -> str:
    """A warning if the header states primaries other than the ones assumed."""
    stated = spec.get("chromaticities")
    if stated is None or np.allclose(stated, _REC709_CHROMATICITIES, atol=1e-3):
        return ""
    return "; its header states other primaries, which are not used"


def _frame_rate_of(spec: oiio.ImageSpec) -> Fraction | None:
    value = spec.get("framesPerSecond") or spec.get("dpx:FrameRate") or spec.get("dpx:TemporalFrameRate")
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return Fraction(int(value[0]), int(value[1]))
    if isinstance(value, (int, float)) and 1 <= value <= 1000:
        return Fraction(value).limit_denominator(1001)
    return None


class ImageShot(Shot):
    """A sequence of pictures, one file a frame."""

    def __init__(self, name: str, path: Path, files: dict[int, Path], padding: int) -> None:
        self.name, self.path, self.padding = name, path, padding
        self.frames = tuple(sorted(files))
        self._files = files
        with _Picture(files[self.frames[0]], self.frames[0]) as first:
            encoding, source = _encoding_of(first)
            display = windows_of(first.spec)[1]
            aspect = first.spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0
            self.info = ShotInfo(
                width=display.width,
                height=display.height,
                encoding=encoding,
                encoding_source=source,
                has_alpha=first.alpha_channel() is not None,
                frame_rate=_frame_rate_of(first.spec),
                pixel_aspect=Fraction(aspect).limit_denominator(1000),
                timecode=first.spec.get_string_attribute("smpte:TimeCode") or None,
            )

    @property
    def is_movie(self) -> bool:
        """False: one file a frame."""
        return False

    def file_of(self, number: int) -> Path:
        """The picture file of frame ``number``."""
        return self._files[number]

    def read(self, number: int) -> Frame:
        """Frame ``number`` as float32 with its metadata.

        Raises :class:`~vfxstyle.errors.FrameError` if it is missing, damaged, of another size than the
        first frame, or of a kind that cannot be graded without losing part of it.
        """
        path = self._files[number]
        with _Picture(path, number) as picture:
            data, display = windows_of(picture.spec)
            if (display.width, display.height) != (self.info.width, self.info.height):
                raise FrameError(
                    f"Frame {number} ({path}) is {display.width}x{display.height} px but the shot is "
                    f"{self.info.width}x{self.info.height}; bring all frames to one size.",
                    frames=(number,),
                )
            encoding, source = _encoding_of(picture)
            if encoding is not self.info.encoding:
                raise FrameError(
                    f"Frame {number} ({path}) is {encoding.value} ({source}) but the shot is "
                    f"{self.info.encoding.value}; bring all frames to one encoding.",
                    frames=(number,),
                )
            return _frame_of(picture, data, display)


def _frame_of(picture: _Picture, data: Window, display: Window) -> Frame:
    pixels = picture.pixels()
    rgb = picture.rgb_channels()
    assert rgb is not None  # the layout was checked on opening
    alpha = picture.alpha_channel()
    names = picture.spec.channelnames
    rest = [i for i in range(len(names)) if i not in rgb and i != alpha]
    return Frame(
        number=picture.number,
        source=str(picture.path),
        rgb=np.ascontiguousarray(pixels[:, :, list(rgb)]),
        data_window=data,
        display_window=display,
        alpha=np.ascontiguousarray(pixels[:, :, alpha]) if alpha is not None else None,
        premultiplied=not picture.spec.get_int_attribute("oiio:UnassociatedAlpha", 0),
        others=np.ascontiguousarray(pixels[:, :, rest]) if rest else None,
        other_names=tuple(names[i] for i in rest),
        header=picture.spec,
        file_format=picture.input.format_name(),
    )
