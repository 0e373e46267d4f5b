"""Writing sequences of pictures: a temporary name, a read-back, then the final name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfxstyle.arrays import AnyArray
from vfxstyle.color import ColorSpace, SpaceKind
from vfxstyle.errors import OutputError
from vfxstyle.files import drop, finish, plain_path, temporary_name, writable_path
from vfxstyle.shots import exr
from vfxstyle.shots.dither import quantised, seed_of
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.formats import OutputFormat
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.metadata import exr_header_of, flat_header_of, set_exr_colour

_FLAT_NAMES = {OutputFormat.TIFF: "tiff", OutputFormat.PNG: "png", OutputFormat.DPX: "dpx"}
_LOSSY = ("pxr24", "b44", "b44a", "dwaa", "dwab")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStyle:
    """How picture files are written."""

    format: OutputFormat
    """File format."""
    space: ColorSpace
    """Colour space of the frames that the sink is given."""
    tag: bool
    """Whether the file must name ``space``, because the plate's own tags do not."""
    stamps: Mapping[str, str]
    """Header attributes to add, text by name."""
    compression: str | None = None
    """OpenEXR compression, as in ``dwaa:45``; None keeps the plate's."""
    seed: int = 0
    """Seed of the dither."""
    frame_rate: Fraction | None = None
    """Frames per second to state; None keeps the plate's."""
    summary: str = ""
    """Software, look and colour spaces in one line, for formats with a single field for them."""


class FrameSink(ABC):
    """The destination of graded frames, in two steps, so that one can be stored while the next is computed."""

    @abstractmethod
    def prepare(self, frame: Frame) -> Callable[[], Path]:
        """Prepare a frame, in the sink's colour space, for storing.

        Returns a function that stores it and returns the file that it is in, or raises
        :class:`~vfxstyle.errors.OutputError`. Several frames may be prepared and stored at once.
        """

    def write(self, frame: Frame) -> Path:
        """Prepare and store one frame."""
        return self.prepare(frame)()

    @abstractmethod
    def close(self) -> None:
        """Finish the output, to which nothing may be written afterwards."""

    @abstractmethod
    def discard(self) -> None:
        """Remove whatever is unfinished."""


class ImageSink(FrameSink):
    """Writes one picture file a frame.

    targets: the file of each frame number, all in ``folder``.
    """

    def __init__(self, folder: Path, targets: Mapping[int, Path], style: PictureStyle) -> None:
        make_folder(folder)
        self.targets, self.style = targets, style

    def prepare(self, frame: Frame) -> Callable[[], Path]:
        """Prepare one frame. Returns a function that writes its file, reads it back and renames it."""
        final = self.targets[frame.number]
        write = (
            _exr_writer(frame, self.style) if self.style.format is OutputFormat.EXR else _flat_writer(frame, self.style)
        )

        def store() -> Path:
            try:
                write(final)
            except OutputError as error:
                raise OutputError(str(error), frames=(frame.number,)) from error
            return final

        return store

    def close(self) -> None:
        """Do nothing: every frame is finished on its own."""

    def discard(self) -> None:
        """Do nothing: an interrupted write leaves nothing."""


def frame_file_name(name: str, number: int, padding: int, output_format: OutputFormat) -> str:
    """``NAME.FRAME.EXT``; a negative number keeps its sign in front of the padded digits."""
    sign = "-" if number < 0 else ""
    return f"{name}.{sign}{abs(number):0{padding}d}.{output_format.extension}"


def write_picture(final: Path, spec: oiio.ImageSpec, pixels: AnyArray) -> None:
    """Write a picture under a temporary name, read it back as the next program will, and rename it.

    pixels: (H, W, C), float32 or integers, converted to the type of ``spec``.
    Raises :class:`~vfxstyle.errors.OutputError` naming the file; then nothing is left behind and an older file stays.
    """
    part = temporary_name(final)
    try:
        target = writable_path(part)
        output = oiio.ImageOutput.create(target)
        if output is None:
            raise _failure(final, oiio.geterror())
        if not (output.open(target, spec) and output.write_image(pixels) and output.close()):
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
    """Write the final name into a DPX header, which holds its file's name in 100 bytes from byte 36 on (SMPTE 268M)."""
    with part.open("r+b") as file:
        file.seek(36)
        file.write(os.fsencode(name)[:99].ljust(100, b"\0"))


def _failure(final: Path, reason: str) -> OutputError:
    first = (reason.strip() or "unknown reason").splitlines()[0].rstrip(".")
    return OutputError(f"{final} cannot be written: {first}; check the disk's space and permissions.")


def _read_back(path: Path, spec: oiio.ImageSpec, final: Path) -> None:
    back = oiio.ImageInput.open(plain_path(path))
    whole = None if back is None else back.read_image(0, 0, 0, spec.nchannels, spec.format)
    if back is None or whole is None or whole.shape[:2] != (spec.height, spec.width):
        raise OutputError(f"{final} did not read back complete; check the disk and run again.")
    back.close()


def write_exr(final: Path, parts: Sequence[exr.ExrPart]) -> None:
    """Write an OpenEXR file under a temporary name, read it back, and rename it.

    Raises :class:`~vfxstyle.errors.OutputError` naming the file; then nothing is left behind and an older file stays.
    """
    part = temporary_name(final)
    try:
        exr.write_parts(part, parts)
        back = exr.read_parts(part)
        if [set(written.channels) for written in parts] != [set(read.channels) for read in back]:
            raise exr.ExrError("lacks channels", "run again")
        finish(part, final)
    except exr.ExrError as error:
        raise OutputError(f"{final} did not read back complete; check the disk and run again.") from error
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _failure(final, reason) from error
    finally:
        drop(part)


def _exr_writer(frame: Frame, style: PictureStyle) -> Callable[[Path], None]:
    parts = _parts_of_plate(frame, style) if frame.exr is not None else [_new_part(frame, style)]
    return lambda final: write_exr(final, parts)


def _parts_of_plate(frame: Frame, style: PictureStyle) -> list[exr.ExrPart]:
    """The plate's own parts with graded colour channels; everything else is unchanged."""
    assert frame.exr is not None
    parts = list(frame.exr.parts)
    for view in (frame, *frame.others):
        _put_into(parts, view, style)
    return parts


def _put_into(parts: list[exr.ExrPart], frame: Frame, style: PictureStyle) -> None:
    """Replace the part of a graded layer."""
    assert frame.exr is not None
    layer = frame.exr.layer
    old = parts[layer.part]
    kinds = [old.channels[name].dtype for name in layer.rgb]
    channels = dict(old.channels)
    names = layer.rgb
    if layer.is_grey:  # a grade is not grey, so three channels replace the one
        del channels[layer.rgb[0]]
        stem = layer.rgb[0].removesuffix("Y")
        names = (f"{stem}R", f"{stem}G", f"{stem}B")
    channels |= zip(names, exr.as_channels(frame.rgb, kinds), strict=True)
    header = dict(old.header)
    if style.tag:
        set_exr_colour(header, style.space)
    header |= _requested_attributes(style)
    parts[layer.part] = exr.ExrPart(header, channels, old.perceptual)
    if style.compression is not None:
        name, level = exr.parse_compression(style.compression)
        # parts that are not graded keep their bits, so a lossy compression is used for the graded part alone
        where = [layer.part] if name in _LOSSY else range(len(parts))
        for index in where:
            parts[index] = replace(parts[index], header=_compressed(parts[index].header, name, level))


def _new_part(frame: Frame, style: PictureStyle) -> exr.ExrPart:
    header = exr_header_of(frame)
    set_exr_colour(header, style.space)
    header |= _requested_attributes(style)
    if style.compression is not None:
        header = _compressed(header, *exr.parse_compression(style.compression))
    wide = frame.header is not None and str(frame.header.format) in ("float", "double")
    kind = np.float32 if wide else np.float16
    channels = dict(zip("RGB", exr.as_channels(frame.rgb, [kind] * 3), strict=True))
    if frame.alpha is not None:
        (channels["A"],) = exr.as_channels(frame.alpha[..., None], [kind])
    return exr.ExrPart(header, channels)


def _requested_attributes(style: PictureStyle) -> exr.Header:
    rate = {} if style.frame_rate is None else {"framesPerSecond": style.frame_rate}
    return {**style.stamps, **rate}


def _compressed(header: exr.Header, name: str, level: float | None) -> exr.Header:
    changed = header | {"compression": exr.COMPRESSIONS[name]}
    changed.pop(exr.DWA_LEVEL, None)
    if level is not None:
        changed[exr.DWA_LEVEL] = level
    return changed


def _flat_writer(frame: Frame, style: PictureStyle) -> Callable[[Path], None]:
    """A function that writes a frame, over its display window, in a format without layers."""
    frame = frame.on_display()
    planes, names = [frame.rgb], ["R", "G", "B"]
    if frame.alpha is not None:
        planes.append(frame.alpha[..., None])
        names.append("A")
    pixels: AnyArray = np.concatenate(planes, axis=2) if len(planes) > 1 else frame.rgb
    spec = flat_header_of(frame, _FLAT_NAMES[style.format], style.space, tag=style.tag)
    spec.nchannels, spec.channelnames = len(names), tuple(names)
    spec.alpha_channel = names.index("A") if "A" in names else -1
    if style.format is OutputFormat.TIFF and style.space.kind is SpaceKind.LINEAR:
        spec.set_format(oiio.FLOAT)
    else:
        bits = _bits_for(frame, style.format)
        codes = quantised(pixels, bits, seed=seed_of(style.seed, frame.number))
        # OpenImageIO takes codes of any depth scaled to 16 bits
        pixels = codes if bits == 16 else np.rint(codes * (65535.0 / ((1 << bits) - 1))).astype(np.uint16)
        spec.set_format(oiio.UINT16)
        spec.attribute("oiio:BitsPerSample", bits)
    for name, text in style.stamps.items():  # PNG keeps all of them, DPX and TIFF only the one below
        spec.attribute(name, text)
    spec.attribute("Software", style.summary[:99])
    if style.frame_rate is not None:
        rate = (style.frame_rate.numerator, style.frame_rate.denominator)
        spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), rate)
        spec.attribute("dpx:FrameRate", float(style.frame_rate))
        spec.attribute("dpx:TemporalFrameRate", float(style.frame_rate))
    if not spec.get_string_attribute("DateTime"):
        spec.attribute("DateTime", "")  # else OpenImageIO writes the time of day, and no two runs agree
    pixels = np.ascontiguousarray(pixels)
    return lambda final: write_picture(final, spec, pixels)


def _bits_for(frame: Frame, output_format: OutputFormat) -> int:
    """Depth, in bits, of the code values: 16; for DPX the depth of a DPX plate, or 10."""
    if output_format is not OutputFormat.DPX:
        return 16
    own = frame.file_format == _FLAT_NAMES[output_format] and frame.header is not None
    depth = frame.header.get_int_attribute("oiio:BitsPerSample", 10) if own and frame.header is not None else 10
    return depth if depth in (10, 12, 16) else 10
