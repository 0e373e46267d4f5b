"""Writing sequences of pictures with OpenImageIO: a temporary name, a read-back, then the final name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from vfxstyle.color import Encoding
from vfxstyle.errors import OutputError
from vfxstyle.files import drop, finish, temporary_name
from vfxstyle.shots.formats import OutputFormat
from vfxstyle.shots.frame import FloatArray, Frame, Window

HALF_MAX = 65504.0
"""Largest finite half; brighter finite values are written as this, not as infinity."""

_OWN_NAMES = {
    OutputFormat.EXR: "openexr",
    OutputFormat.TIFF: "tiff",
    OutputFormat.PNG: "png",
    OutputFormat.DPX: "dpx",
}

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
    "cineon:",
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


class FrameSink(ABC):
    """Where graded frames go. ``write`` returns once the frame is complete on disk, or raises."""

    @abstractmethod
    def write(self, frame: Frame) -> Path:
        """Write one frame, in the sink's encoding, and return its file."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output; nothing may be written afterwards."""

    @abstractmethod
    def discard(self) -> None:
        """Drop whatever is unfinished, leaving nothing half written."""


def make_folder(folder: Path) -> None:
    """Create an output folder and check that files can be made in it.

    Raises :class:`~vfxstyle.errors.OutputError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"Folder {folder} cannot be written: {error.strerror or error}; choose another with -o or change its "
            "permissions."
        ) from error


class ImageSink(FrameSink):
    """Writes one picture file a frame.

    targets: the file of each frame number, all in ``folder``.
    encoding: what the pixels handed to :meth:`write` are in.
    stamps: header attributes to add, name to text.
    """

    def __init__(
        self,
        folder: Path,
        targets: Mapping[int, Path],
        *,
        output_format: OutputFormat,
        encoding: Encoding,
        stamps: Mapping[str, str],
    ) -> None:
        make_folder(folder)
        self.targets, self.format = targets, output_format
        self.encoding, self.stamps = encoding, dict(stamps)

    def write(self, frame: Frame) -> Path:
        """Write, read back and rename one frame.

        Raises :class:`~vfxstyle.errors.OutputError` naming the file if any step fails.
        """
        final = self.targets[frame.number]
        pixels, spec = _pixels_and_header(frame, self.format, self.encoding, self.stamps)
        try:
            write_picture(final, spec, pixels)
        except OutputError as error:
            raise OutputError(str(error), frames=(frame.number,)) from error
        return final

    def close(self) -> None:
        """Nothing to do: every frame is finished on its own."""

    def discard(self) -> None:
        """Nothing to do: an interrupted write leaves nothing."""


def frame_file_name(name: str, number: int, padding: int, output_format: OutputFormat) -> str:
    """``NAME.FRAME.EXT``; a negative number keeps its sign in front of the padded digits."""
    sign = "-" if number < 0 else ""
    return f"{name}.{sign}{abs(number):0{padding}d}.{output_format.extension}"


def write_picture(final: Path, spec: oiio.ImageSpec, pixels: npt.NDArray[Any]) -> None:
    """Write a picture under a temporary name, read it back as the next program will, and rename it.

    pixels: (H, W, C) as ``spec`` says. Raises :class:`~vfxstyle.errors.OutputError` naming the file; then nothing
    is left behind and an older file stays.
    """
    part = temporary_name(final)
    try:
        output = oiio.ImageOutput.create(str(part))
        if output is None:
            raise _failure(final, oiio.geterror())
        if not (output.open(str(part), spec) and output.write_image(pixels) and output.close()):
            raise _failure(final, output.geterror())
        if final.suffix == ".dpx":
            _name_inside_dpx(part, final.name)
        _read_back(part, spec, final)
        finish(part, final)
    except OSError as error:
        raise _failure(final, error.strerror or str(error)) from error
    finally:
        drop(part)


def _name_inside_dpx(part: Path, name: str) -> None:
    """A DPX header holds its file's name, 100 bytes from byte 36 on (SMPTE 268M): the lasting one, not the part's."""
    with part.open("r+b") as file:
        file.seek(36)
        file.write(name.encode()[:99].ljust(100, b"\0"))


def _failure(final: Path, reason: str) -> OutputError:
    first = (reason.strip() or "unknown reason").splitlines()[0].rstrip(".")
    return OutputError(f"{final} cannot be written: {first}; check the disk's space and permissions.")


def _read_back(path: Path, spec: oiio.ImageSpec, final: Path) -> None:
    back = oiio.ImageInput.open(str(path))
    whole = None if back is None else back.read_image(0, 0, 0, spec.nchannels, spec.format)
    if back is None or whole is None or whole.shape[:2] != (spec.height, spec.width):
        raise OutputError(f"{final} did not read back complete; check the disk and run again.")
    back.close()


def _pixels_and_header(
    frame: Frame, output_format: OutputFormat, encoding: Encoding, stamps: Mapping[str, str]
) -> tuple[np.ndarray, oiio.ImageSpec]:
    """The array to write and the header to write it with."""
    exr = output_format is OutputFormat.EXR
    frame = frame if exr else frame.on_display()
    planes, names = [frame.rgb], ["R", "G", "B"]
    if frame.alpha is not None:
        planes.append(frame.alpha[..., None])
        names.append("A")
    if exr and frame.others is not None:
        planes.append(frame.others)
        names.extend(frame.other_names)
    pixels = np.concatenate(planes, axis=2)
    spec = _header(frame, output_format, encoding)
    spec.nchannels, spec.channelnames = len(names), tuple(names)
    spec.alpha_channel = names.index("A") if "A" in names else -1
    if exr:
        pixels = _set_exr_types(spec, frame, pixels)
    elif output_format is OutputFormat.TIFF and encoding is Encoding.LINEAR:
        spec.set_format(oiio.FLOAT)
    else:
        bits = _bits_for(frame, output_format)
        spec.set_format(oiio.UINT16)
        pixels = _as_uint16(pixels, bits)
        spec.attribute("oiio:BitsPerSample", bits)
    for name, text in stamps.items():
        spec.attribute(name, text)
    if not spec.get_string_attribute("DateTime"):
        spec.attribute("DateTime", "")  # else the library writes the time of day, and no two runs agree
    return np.ascontiguousarray(pixels), spec


def _header(frame: Frame, output_format: OutputFormat, encoding: Encoding) -> oiio.ImageSpec:
    """The plate's header, without what belongs to another file format."""
    own = frame.header
    same_format = frame.file_format == _OWN_NAMES[output_format]
    spec = oiio.ImageSpec(own) if own is not None else oiio.ImageSpec()
    if own is not None and not same_format:
        for attribute in list(own.extra_attribs):
            if attribute.name.startswith(_FOREIGN_PREFIXES) or attribute.name in _FOREIGN_NAMES:
                spec.erase_attribute(attribute.name)
        spec.tile_width = spec.tile_height = spec.tile_depth = 0
    data, display = frame.data_window, frame.display_window
    if output_format is not OutputFormat.EXR:  # no other format knows a display window with an origin
        data = display = Window(0, 0, display.width, display.height)
    spec.x, spec.y, spec.width, spec.height, spec.depth = data.x, data.y, data.width, data.height, 1
    spec.full_x, spec.full_y = display.x, display.y
    spec.full_width, spec.full_height, spec.full_depth = display.width, display.height, 1
    spec.channelformats = ()
    if not same_format:
        spec.set_colorspace(encoding.interop_id)
        spec.attribute("compression", "zip")
    elif output_format is OutputFormat.EXR and _tag_of(spec) and not _tag_of(spec).startswith("lin_"):
        spec.erase_attribute("colorInteropID")
        spec.set_colorspace(encoding.interop_id)
    spec.erase_attribute("oiio:UnassociatedAlpha")
    if not frame.premultiplied and frame.alpha is not None:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.erase_attribute("openexr:levelmode")  # one resolution level is written
    return spec


def _tag_of(spec: oiio.ImageSpec) -> str:
    return str(spec.get_string_attribute("colorInteropID") or spec.get_string_attribute("oiio:ColorSpace"))


def _set_exr_types(spec: oiio.ImageSpec, frame: Frame, pixels: FloatArray) -> FloatArray:
    """Half for colour and alpha, or float where the plate is; other channels keep their own type."""
    types: dict[str, oiio.TypeDesc] = {}
    if frame.header is not None and frame.file_format == _OWN_NAMES[OutputFormat.EXR]:
        own = frame.header.channelformats or (frame.header.format,) * frame.header.nchannels
        types = dict(zip(frame.header.channelnames, own, strict=True))
    half, single = oiio.TypeDesc("half"), oiio.TypeDesc("float")
    first = next(iter(types.values()), half)  # a grey or lower-case plate has no channel of the name R
    chosen = [single if str(types.get(name, first)) == "float" else half for name in spec.channelnames]
    spec.set_format(single if single in chosen else half)
    if len({str(kind) for kind in chosen}) > 1:
        spec.channelformats = tuple(chosen)
    halves = [i for i, kind in enumerate(chosen) if kind == half]
    limited = pixels.copy()
    for channel in halves:
        plane = limited[..., channel]
        beyond = np.isfinite(plane) & (np.abs(plane) > HALF_MAX)
        plane[beyond] = np.copysign(np.float32(HALF_MAX), plane[beyond])
    return limited


def _bits_for(frame: Frame, output_format: OutputFormat) -> int:
    """Depth of the code values: 16, and for DPX the plate's own or 10."""
    if output_format is not OutputFormat.DPX:
        return 16
    own = frame.header is not None and frame.file_format == _OWN_NAMES[output_format]
    depth = frame.header.get_int_attribute("oiio:BitsPerSample", 10) if own and frame.header is not None else 10
    return depth if depth in (10, 12, 16) else 10


def _as_uint16(pixels: FloatArray, bits: int) -> np.ndarray:
    """Code values of ``bits`` depth, spread over 16 bits as the library expects them."""
    top = (1 << bits) - 1
    codes = np.floor(np.clip(np.nan_to_num(pixels, nan=0.0), 0.0, 1.0) * top + 0.5)
    spread: npt.NDArray[np.uint16] = (codes * (65535.0 / top) + 0.5).astype(np.uint16)
    return spread
