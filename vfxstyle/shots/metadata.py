"""Conversion of headers between file formats."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio

from vfxstyle.color import ColorSpace, SpaceKind
from vfxstyle.color.config import REC709_DISPLAY, SRGB_DISPLAY
from vfxstyle.color.described import icc_of
from vfxstyle.color.interop import chromaticities_of
from vfxstyle.files import plain_path
from vfxstyle.shots.exr import Header, box_of
from vfxstyle.shots.formats import OutputFormat
from vfxstyle.shots.frame import Frame, MovieMark
from vfxstyle.shots.tags import CODES_OF_SPACE
from vfxstyle.shots.timecode import is_timecode, timecode_attribute, timecode_bits, timecode_text
from vfxstyle.shots.windows import Window

_FOREIGN_PREFIXES = (
    "oiio:",
    "openexr:",
    "dpx:",
    "tiff:",
    "png:",
    "jpeg:",
    "Exif:",
    "GPS:",
    "IPTC:",
    "ICCProfile:",
    "cineon:",
    "cryptomatte/",
)
_FOREIGN_NAMES = frozenset(
    [
        "compression",
        "CompressionQuality",
        "ICCProfile",
        "Orientation",
        "planarconfig",
        "colorInteropID",
        "chromaticities",
        "acesImageContainerFlag",
        "multiView",
        "thumbnail_width",
        "thumbnail_height",
        "thumbnail_nchannels",
        "thumbnail_image",
        "XResolution",
        "YResolution",
        "ResolutionUnit",
    ]
)
_SET_APART = frozenset(["PixelAspectRatio", "screenWindowCenter", "screenWindowWidth"])
_EXR_NAMES = {
    "Copyright": "owner",
    "ImageDescription": "comments",
    "DateTime": "capDate",
    "ExposureTime": "expTime",
    "FNumber": "aperture",
    "smpte:TimeCode": "timeCode",
    "smpte:KeyCode": "keyCode",
}
_FLAT_COLOUR = ("CICP", "oiio:Gamma", "dpx:Transfer", "dpx:Colorimetric")
_SRGB = (SRGB_DISPLAY, "srgb_rec709_scene")  # needs no profile: it is what files without one are taken for
_COLOUR_ATTRIBUTES = ("colorInteropID", "oiio:ColorSpace", "chromaticities", "acesImageContainerFlag")


def new_exr_header(data: Window, display: Window) -> Header:
    """A minimal OpenEXR header of a scan-line part compressed with zip."""
    return {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "lineOrder": OpenEXR.INCREASING_Y,
        "dataWindow": box_of(data),
        "displayWindow": box_of(display),
        "pixelAspectRatio": 1.0,
        "screenWindowCenter": np.zeros(2, np.float32),
        "screenWindowWidth": 1.0,
    }


def exr_header_of(frame: Frame) -> Header:
    """An OpenEXR header for a frame of another format, with its metadata."""
    header = new_exr_header(frame.data_window, frame.display_window)
    if frame.mark is not None:
        header |= _of_mark(frame.mark)
    spec = frame.header
    if spec is None:
        return header
    header["pixelAspectRatio"] = spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0
    for attribute in spec.extra_attribs:
        name = _EXR_NAMES.get(attribute.name, attribute.name)
        foreign = attribute.name.startswith(_FOREIGN_PREFIXES) or attribute.name in _FOREIGN_NAMES | _SET_APART
        value = _as_exr(name, attribute, spec)
        if value is not None and not foreign:
            header[name] = value
    reel = spec.get_string_attribute("dpx:InputDevice")
    if reel:
        header.setdefault("reelName", reel)
    return header


def _of_mark(mark: MovieMark) -> Header:
    values: Header = {"pixelAspectRatio": float(mark.pixel_aspect)}
    if mark.frame_rate is not None:
        values["framesPerSecond"] = mark.frame_rate
    if mark.timecode is not None and is_timecode(mark.timecode):
        values["timeCode"] = timecode_attribute(mark.timecode)
    if mark.reel is not None:
        values["reelName"] = mark.reel
    return values


def _as_exr(name: str, attribute: Any, spec: oiio.ImageSpec) -> Any:
    """An OpenImageIO attribute's value as the OpenEXR module takes it; None where it has no such type."""
    value = attribute.value
    if isinstance(value, str) and "\ufffd" in value:  # the library's stand-in for bytes that are not UTF-8
        raw = spec.get_bytes_attribute(attribute.name)
        value = raw.decode("utf-8", "surrogateescape") if raw else value
    if name == "timeCode":
        text = spec.get_string_attribute("smpte:TimeCode")
        return timecode_attribute(text) if is_timecode(text) else None
    if name == "keyCode":
        return OpenEXR.KeyCode(*(int(v) for v in value)) if len(value) == 7 else None
    if name == "framesPerSecond":
        return Fraction(*value) if isinstance(value, tuple) and value[1] else None
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple) and value and all(isinstance(v, float) for v in value):
        return [float(v) for v in value]
    return None


def set_exr_colour(header: Header, space: ColorSpace) -> None:
    """Replace the colour tags of an OpenEXR header by those of ``space``; by none where it has no interop name."""
    had_primaries = "chromaticities" in header
    for name in _COLOUR_ATTRIBUTES:
        header.pop(name, None)
    if space.interop_id:
        header["colorInteropID"] = space.interop_id
        primaries = chromaticities_of(space.interop_id)
        if had_primaries and primaries is not None:
            header["chromaticities"] = primaries


def flat_header_of(frame: Frame, file_format: str, space: ColorSpace, *, tag: bool) -> oiio.ImageSpec:
    """A header for a frame in a format other than OpenEXR, with its metadata and the size of its display window.

    file_format: OpenImageIO's name of the format. space: colour space of the pixels that will be written.
    tag: whether the header must name ``space``; otherwise the plate's own tags stay where the format is the same.
    """
    same_format = frame.file_format == file_format
    spec = _own_spec(frame)
    if not same_format:
        for attribute in list(spec.extra_attribs):
            if attribute.name.startswith(_FOREIGN_PREFIXES) or attribute.name in _FOREIGN_NAMES:
                spec.erase_attribute(attribute.name)
    display = frame.display_window
    spec.x = spec.y = spec.full_x = spec.full_y = 0
    spec.width = spec.full_width = display.width
    spec.height = spec.full_height = display.height
    spec.depth = spec.full_depth = 1
    spec.tile_width = spec.tile_height = spec.tile_depth = 0
    spec.channelformats = ()
    if not same_format:
        spec.attribute("compression", "zip")
    if tag or not same_format:
        _set_flat_colour(spec, file_format, space)
    elif file_format != "dpx" and _lacks_profile(spec, space):
        _set_profile(spec, _profile_of(space))
    spec.erase_attribute("oiio:UnassociatedAlpha")
    if not frame.premultiplied and frame.alpha is not None:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    return spec


def _set_flat_colour(spec: oiio.ImageSpec, file_format: str, space: ColorSpace) -> None:
    """Replace all that a header says of colours by what its format can say of ``space``."""
    stated = [attribute.name for attribute in spec.extra_attribs]
    for name in (*(name for name in stated if name.startswith("ICCProfile")), *_COLOUR_ATTRIBUTES, *_FLAT_COLOUR):
        spec.erase_attribute(name)
    if space.interop_id:
        spec.set_colorspace(space.interop_id)
    if file_format == "dpx":
        spec.attribute("dpx:Transfer", _dpx_transfer(space))
    elif space.interop_id not in _SRGB:
        _set_profile(spec, _profile_of(space))


def says_space(file_format: OutputFormat, space: ColorSpace) -> bool:
    """Whether a file of a format can say that it is in a space, so that the next program knows."""
    if file_format is OutputFormat.DPX:
        return space.kind is SpaceKind.LINEAR or space.interop_id in (REC709_DISPLAY, *_SRGB)
    if file_format is OutputFormat.PNG and space.interop_id in CODES_OF_SPACE:
        return True
    return file_format is not OutputFormat.TIFF or space.interop_id in _SRGB or bool(_profile_of(space))


def _profile_of(space: ColorSpace) -> bytes:
    """An ICC profile for pictures in colour; empty for a space that none describes."""
    return space.described.icc if space.described is not None else icc_of(space.interop_id)


def _lacks_profile(spec: oiio.ImageSpec, space: ColorSpace) -> bool:
    """Whether a header has no profile, or a grey one, though its space needs one."""
    grey = spec.get_string_attribute("ICCProfile:color_space").strip().upper().startswith("GR")
    return grey or (space.described is not None and spec.get("ICCProfile") is None)


def _set_profile(spec: oiio.ImageSpec, profile: bytes) -> None:
    if profile:
        spec.attribute("ICCProfile", oiio.TypeDesc(f"uint8[{len(profile)}]"), np.frombuffer(profile, np.uint8))


def _own_spec(frame: Frame) -> oiio.ImageSpec:
    if frame.header is not None:
        return oiio.ImageSpec(frame.header)
    spec = oiio.ImageSpec()
    if frame.exr is not None:
        opened = oiio.ImageInput.open(plain_path(Path(frame.source)))
        if opened is not None:  # a header that OpenImageIO cannot read costs metadata only; the pixels have been read
            opened.seek_subimage(frame.exr.layer.part, 0)
            spec = oiio.ImageSpec(opened.spec())
            opened.close()
    elif frame.mark is not None:
        if frame.mark.timecode is not None and is_timecode(frame.mark.timecode):
            spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (timecode_bits(frame.mark.timecode), 0))
        if frame.mark.frame_rate is not None:
            rate = frame.mark.frame_rate
            spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (rate.numerator, rate.denominator))
        spec.attribute("PixelAspectRatio", float(frame.mark.pixel_aspect))
    return spec


def _dpx_transfer(space: ColorSpace) -> str:
    if space.kind is SpaceKind.LINEAR:
        return "Linear"
    if space.kind is SpaceKind.LOG:
        return "Logarithmic"
    return "ITU-R 709-4" if space.interop_id == REC709_DISPLAY else "User defined"


def timecode_of(frame: Frame) -> str | None:
    """The SMPTE timecode in a frame's metadata as ``HH:MM:SS:FF``; None where there is none or it is no time."""
    text = _stated_timecode(frame)
    return text if is_timecode(text) else None


def _stated_timecode(frame: Frame) -> str:
    if frame.mark is not None:
        return frame.mark.timecode or ""
    if frame.exr is not None:
        value = frame.exr.parts[frame.exr.layer.part].header.get("timeCode")
        return "" if value is None else timecode_text(value)
    return "" if frame.header is None else frame.header.get_string_attribute("smpte:TimeCode")
