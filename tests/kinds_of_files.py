"""Kinds of files that are read, each made on the spot: the table of docs/files.md and the test that holds it true.

Every maker writes a file and returns the path and what reading it must give: R'G'B' or light, and alpha or None.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from helpers import moving_picture, write_picture

from vfxstyle.arrays import AnyArray, FloatArray

WIDTH, HEIGHT = 46, 30
"""Odd enough that rows of 8-bit pictures are no multiple of four bytes."""
Made = tuple[Path, FloatArray, FloatArray | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file."""

    files: str
    """What it is, as the table has it."""
    result: str
    """What comes of it."""
    make: Callable[[Path], Made]
    """Writes one to a folder."""
    within: float = 0
    """Largest difference of a value that is read from what was written."""
    on_average: float | None = None
    """Instead of it: the mean difference, where the format itself loses something at edges."""


def picture(channels: int = 3) -> FloatArray:
    """A picture to write, 0..1."""
    colours = moving_picture(0, HEIGHT, WIDTH)
    ramp = np.linspace(0.25, 1, WIDTH, dtype=np.float32)
    alpha = np.broadcast_to(ramp[None, :, None], (HEIGHT, WIDTH, 1))
    return np.concatenate([colours, alpha], axis=2)[..., :channels] if channels > 3 else colours


def codes(bits: int, channels: int = 3) -> AnyArray:
    """The same as code values."""
    return np.rint(picture(channels) * ((1 << bits) - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def flat(name: str, bits: int, *, channels: int = 3, **attributes: object) -> Callable[[Path], Made]:
    """A maker of pictures that OpenImageIO writes."""

    def make(folder: Path) -> Made:
        names = ("R", "G", "B", "A")[:channels]
        wanted = codes(bits, channels)
        kind = "uint8" if bits == 8 else "uint16"
        spread = wanted if bits in (8, 16) else np.rint(wanted * (65535.0 / ((1 << bits) - 1))).astype(np.uint16)
        more = {"oiio:BitsPerSample": bits} if bits not in (8, 16) else {}
        if channels > 3:
            more["oiio:UnassociatedAlpha"] = 1
        path = write_picture(folder / name, spread, kind=kind, names=names, attributes={**more, **attributes})
        seen = wanted.astype(np.float32) / np.float32((1 << bits) - 1)
        return path, seen[..., :3], seen[..., 3] if channels > 3 else None

    return make


def exr(layout: str) -> Callable[[Path], Made]:
    """A maker of EXR files."""

    def make(folder: Path) -> Made:
        rgb = picture().astype(np.float16)
        other = np.ones((HEIGHT, WIDTH, 3), np.float16)
        header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
        planes = {name: rgb[..., index].copy() for index, name in enumerate("RGB")}
        data = {name: other[..., index].copy() for index, name in enumerate("RGB")}
        path = folder / "a.0001.exr"
        if layout == "main":
            OpenEXR.File([OpenEXR.Part(header, planes | {"Z": other[..., 0].copy()}, "")]).write(str(path))
        elif layout == "parts":
            parts = [OpenEXR.Part(dict(header), data, "N"), OpenEXR.Part(dict(header), planes, "beauty")]
            OpenEXR.File(parts).write(str(path))
        elif layout == "dots":
            OpenEXR.File([OpenEXR.Part(header, {f".{name}": plane for name, plane in planes.items()}, "")]).write(
                str(path)
            )
        else:
            layers = {f"ViewLayer.Combined.{name}": plane for name, plane in planes.items()}
            layers |= {f"ViewLayer.Normal.{name}": plane for name, plane in data.items()}
            OpenEXR.File([OpenEXR.Part(header, layers, "")]).write(str(path))
        return path, rgb.astype(np.float32), None

    return make


def dpx_of_ffmpeg(pixel_format: str, bits: int) -> Callable[[Path], Made]:
    """A maker of DPX files as FFmpeg writes them: 1664 bytes of header, rows padded to four bytes."""

    def make(folder: Path) -> Made:
        encoder = av.CodecContext.create("dpx", "w")
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH - 1, HEIGHT, pixel_format
        encoder.time_base = Fraction(1, 24)
        wanted = codes(bits)[:, : WIDTH - 1]
        frame = av.VideoFrame(WIDTH - 1, HEIGHT, pixel_format)
        if frame.format.is_planar and len(frame.planes) == 3:
            for plane, index in zip(frame.planes, (1, 2, 0), strict=True):
                fill_plane(plane, wanted[..., index])
        else:
            fill_plane(frame.planes[0], wanted.reshape(HEIGHT, -1))
        path = folder / "a.0001.dpx"
        path.write_bytes(b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))))
        return path, wanted.astype(np.float32) / np.float32((1 << bits) - 1), None

    return make


def fill_plane(plane: av.video.plane.VideoPlane, values: AnyArray) -> None:
    """Put values, uint8 or uint16 (H, W), into a plane, whose rows may be longer."""
    rows = np.zeros((plane.height, plane.line_size // values.dtype.itemsize), values.dtype)
    rows[:, : values.shape[1]] = values
    plane.update(rows.tobytes())


def png_with(chunks: Sequence[tuple[bytes, bytes]]) -> Callable[[Path], Made]:
    """A maker of PNG files whose colour is said by these chunks."""
    import zlib

    def make(folder: Path) -> Made:
        wanted = codes(16)
        raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wanted)

        def chunk(name: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0))
        body = b"".join(chunk(*one) for one in chunks) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
        path = folder / "a.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
        return path, wanted.astype(np.float32) / np.float32(65535), None

    return make


def movie(
    suffix: str, container: str, codec: str, pixel_format: str, *, rate: int = 25, **options: str
) -> Callable[[Path], Made]:
    """A maker of movies of three frames of which the second is what must be read."""

    def make(folder: Path) -> Made:
        path = folder / f"a.{suffix}"
        if codec not in av.codecs_available:
            pytest.skip(f"this FFmpeg writes no {codec}")
        shape = av.VideoFormat(pixel_format, WIDTH, HEIGHT)
        with_alpha = any(component.is_alpha for component in shape.components)
        grey = len([c for c in shape.components if not c.is_alpha]) == 1
        wanted = codes(8, 4)
        if grey:
            wanted[..., :3] = wanted[..., :1]
        with av.open(str(path), "w", format=container) as out:
            stream = out.add_stream(codec, rate=rate)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
            stream.codec_context.options = options
            for index in range(3):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wanted if index == 1 else wanted // 2), "rgba")
                if grey:
                    frame = _grey_frame(wanted if index == 1 else wanted // 2, pixel_format)
                elif pixel_format != "rgba":
                    frame = frame.reformat(format=pixel_format)
                frame.pts, frame.time_base = index, Fraction(1, rate)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        seen = wanted.astype(np.float32) / np.float32(255)
        return path, seen[..., :3], seen[..., 3] if with_alpha else None

    return make


def _grey_frame(wanted: AnyArray, pixel_format: str) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, pixel_format)
    if pixel_format == "gray":
        fill_plane(frame.planes[0], wanted[..., 0])
    else:
        fill_plane(frame.planes[0], np.ascontiguousarray(wanted[..., [0, 3]]).reshape(HEIGHT, -1))
    return frame


def unspecified_alpha(folder: Path) -> Made:
    """A TIFF with a fourth channel whose use it does not say."""
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 4, "uint16")
    spec.channelnames, spec.alpha_channel = ("R", "G", "B", "mask"), -1
    out = oiio.ImageOutput.create(str(folder / "a.tif"))
    assert out.open(str(folder / "a.tif"), spec)
    assert out.write_image(codes(16, 4))
    out.close()
    seen = codes(16, 4).astype(np.float32) / np.float32(65535)
    return folder / "a.tif", seen[..., :3], seen[..., 3]


_EXACT = 1e-6
KINDS = (
    Kind(files="EXR: R, G, B with other channels", result="graded; all others as they are", make=exr("main")),
    Kind(
        files="EXR: parts in any order, normals first",
        result="the beauty, named",
        make=exr("parts"),
    ),
    Kind(files="EXR: `.R`, `.G`, `.B` (V-Ray)", result="graded", make=exr("dots")),
    Kind(
        files="EXR: `ViewLayer.Combined.R` and passes (Blender)",
        result="the combined picture, named",
        make=exr("blender"),
    ),
    Kind(files="DPX, 10 bits", result="exact codes", make=flat("a.0001.dpx", 10), within=_EXACT),
    Kind(files="DPX, 12 bits", result="exact codes", make=flat("a.0001.dpx", 12), within=_EXACT),
    Kind(files="DPX, 16 bits", result="exact codes", make=flat("a.0001.dpx", 16), within=_EXACT),
    Kind(
        files="DPX, 8 bits, rows padded to four bytes (FFmpeg, ImageMagick)",
        result="exact codes",
        make=dpx_of_ffmpeg("rgb24", 8),
        within=_EXACT,
    ),
    Kind(
        files="DPX, 12 bits, the same",
        result="exact codes",
        make=dpx_of_ffmpeg("gbrp12le", 12),
        within=_EXACT,
    ),
    Kind(
        files="DPX, 16 bits, the same",
        result="exact codes",
        make=dpx_of_ffmpeg("rgb48le", 16),
        within=_EXACT,
    ),
    Kind(
        files="TIFF, 8 and 16 bits, alpha",
        result="alpha kept, not multiplied",
        make=flat("a.tif", 16, channels=4),
        within=_EXACT,
    ),
    Kind(
        files="TIFF with a channel of unspecified use",
        result="carried over as alpha, and said",
        make=unspecified_alpha,
        within=_EXACT,
    ),
    Kind(
        files="PNG, 8 and 16 bits, alpha",
        result="alpha kept, not multiplied",
        make=flat("a.png", 16, channels=4),
        within=_EXACT,
    ),
    Kind(
        files="PNG with cICP",
        result="colour by its codes",
        make=png_with([(b"gAMA", struct.pack(">I", 45455)), (b"cICP", bytes((12, 13, 0, 1)))]),
        within=_EXACT,
    ),
    Kind(
        files="PNG with gAMA, cHRM",
        result="colour by their numbers",
        make=png_with([(b"gAMA", struct.pack(">I", 55556))]),
        within=_EXACT,
    ),
    Kind(
        files="JPEG",
        result="sRGB, or what its ICC profile says",
        make=flat("a.jpg", 8, CompressionQuality=100),
        on_average=0.02,
    ),
    Kind(
        files="QuickTime and MP4: H.264",
        result="Y'CbCr by tag or size",
        make=movie("mp4", "mp4", "libx264", "yuv444p", qp="0"),
        within=0.03,
    ),
    Kind(
        files="QuickTime: Animation with alpha (`argb`)",
        result="exact codes, alpha kept",
        make=movie("mov", "mov", "qtrle", "argb"),
        within=_EXACT,
    ),
    Kind(
        files="QuickTime: PNG with alpha (`rgba`)",
        result="exact codes, alpha kept",
        make=movie("mov", "mov", "png", "rgba"),
        within=_EXACT,
    ),
    Kind(
        files="QuickTime: PNG, grey with alpha (`ya8`)",
        result="exact codes, alpha kept",
        make=movie("mov", "mov", "png", "ya8"),
        within=_EXACT,
    ),
    Kind(
        files="QuickTime: uncompressed 4:2:2 (`2vuy`)",
        result="Y'CbCr at its depth",
        make=movie("mov", "mov", "rawvideo", "uyvy422"),
        on_average=0.02,
    ),
    Kind(
        files="QuickTime: uncompressed 4:4:4, 10 bits (`v410`)",
        result="Y'CbCr at its depth",
        make=movie("mov", "mov", "v410", "yuv444p10le"),
        within=0.03,
    ),
    Kind(
        files="Matroska: FFV1 RGB (`bgr0`)",
        result="exact codes",
        make=movie("mkv", "matroska", "ffv1", "bgr0"),
        within=_EXACT,
    ),
    Kind(
        files="Matroska: FFV1 grey",
        result="three equal channels",
        make=movie("mkv", "matroska", "ffv1", "gray"),
        within=_EXACT,
    ),
    Kind(
        files="AVI: H.264 with frames coded out of order",
        result="in the order they are shown",
        make=movie("avi", "avi", "libx264", "yuv444p", qp="0", bf="2"),
        within=0.03,
    ),
    Kind(
        files="WebM: VP9",
        result="Y'CbCr by tag or size",
        make=movie("webm", "webm", "libvpx-vp9", "yuv444p", lossless="1"),
        within=0.05,
    ),
    Kind(
        files="MPEG transport stream (`.ts`, `.mts`)",
        result="Y'CbCr by tag or size",
        make=movie("ts", "mpegts", "libx264", "yuv444p", qp="0"),
        within=0.03,
    ),
    Kind(
        files="MPEG program stream (`.mpg`)",
        result="Y'CbCr by tag or size",
        make=movie("mpg", "mpeg", "mpeg2video", "yuv422p", qmin="1", qmax="1"),
        on_average=0.02,
    ),
    Kind(
        files="Flash video",
        result="Y'CbCr by tag or size",
        make=movie("flv", "flv", "libx264", "yuv420p", qp="0"),
        on_average=0.03,
    ),
    Kind(
        files="YUV4MPEG (`.y4m`)",
        result="Y'CbCr by tag or size",
        make=movie("y4m", "yuv4mpegpipe", "wrapped_avframe", "yuv444p"),
        within=0.03,
    ),
)
