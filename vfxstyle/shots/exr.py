"""OpenEXR files as a whole: every part, channel and attribute, unchanged.

They are read and written with the OpenEXR library itself, because it alone keeps unsigned integer channels beside half
ones and attributes of every type, and takes a fifth less CPU time than OpenImageIO (1080p, three half channels).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.files import plain_path, writable_path
from vfxstyle.shots.exr_text import plain_header, put_back, takable, write_foreign_texts
from vfxstyle.shots.halves import half_planes
from vfxstyle.shots.windows import Window

Header = dict[str, Any]
"""Attributes of a part, by name, as the OpenEXR module represents them."""

COMPRESSIONS = {
    "none": OpenEXR.NO_COMPRESSION,
    "rle": OpenEXR.RLE_COMPRESSION,
    "zip": OpenEXR.ZIP_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "pxr24": OpenEXR.PXR24_COMPRESSION,
    "b44": OpenEXR.B44_COMPRESSION,
    "b44a": OpenEXR.B44A_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
    "dwab": OpenEXR.DWAB_COMPRESSION,
}
"""OpenEXR's compressions by the names that users type."""
DWA_LEVEL = "dwaCompressionLevel"
"""Name of the header attribute with the level of dwaa and dwab."""


class ExrError(ValueError):
    """An OpenEXR file cannot be used.

    what: the fault, as a phrase that follows the file's name. remedy: what the user can do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class ExrPart:
    """One part of an OpenEXR file."""

    header: Header
    """Every attribute of the part."""
    channels: Mapping[str, AnyArray]
    """Channels by name, float16, float32 or uint32 (H, W), over the data window."""
    perceptual: frozenset[str] = frozenset()
    """Names of the channels whose ``pLinear`` flag is set."""


def read_headers(path: Path) -> list[Header]:
    """Read the headers of all parts of a file.

    Raises :class:`ExrError` if the file cannot be read, is deep, or has subsampled channels.
    """
    try:
        headers = _headers_of(path)
    except UnicodeDecodeError as error:
        raise ExrError("has an attribute whose name is not UTF-8", "write it with other names") from error
    except (RuntimeError, ValueError, OSError) as error:
        if os.access(path, os.R_OK) and not OpenEXR.isOpenExrFile(plain_path(path)):
            raise ExrError("is no OpenEXR file, or its beginning is damaged", "render or copy it again") from error
        raise ExrError(f"cannot be read: {error}", "render or copy it again") from error
    if not headers:
        raise ExrError("cannot be read: its header is damaged", "render or copy it again")
    try:
        for header in headers:
            _refuse_what_is_no_picture(header)
    except UnicodeDecodeError as error:
        raise ExrError("has a channel whose name is not UTF-8", "write it with other names") from error
    return headers


def _refuse_what_is_no_picture(header: Header) -> None:
    """Raise :class:`ExrError` for a part that is deep or has luminance and chroma."""
    if header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile):
        raise ExrError("is a deep image", "flatten it first")
    if any((channel.xSampling, channel.ySampling) != (1, 1) for channel in header["channels"]):
        raise ExrError("has subsampled channels (luminance and chroma)", "write it as R, G, B")
    if {"Y", "RY", "BY"} <= {str(channel.name) for channel in header["channels"]}:
        raise ExrError("has luminance and chroma (Y, RY, BY)", "write it as R, G, B")


def _headers_of(path: Path) -> list[Header]:
    with takable(path, headers_only=True) as file:
        headers = [dict(part.header) for part in OpenEXR.File(file.path, header_only=True).parts]
    put_back(headers, file.foreign)
    return headers


def read_parts(path: Path) -> list[ExrPart]:
    """Read all parts of a file, one that :func:`read_headers` has not refused.

    Raises :class:`ExrError` if a part cannot be read, is damaged or is cut short.
    """
    try:
        with takable(path) as file, _own_prints_kept() as printed:
            parts = [
                ExrPart(
                    dict(part.header),
                    {name: channel.pixels for name, channel in part.channels.items()},
                    frozenset(name for name, channel in part.channels.items() if channel.pLinear),
                )
                for part in OpenEXR.File(file.path, separate_channels=True).parts
            ]
    except (RuntimeError, ValueError, OSError) as error:
        read_headers(path)  # which says it better, where it is they that cannot be read
        raise ExrError(f"cannot be read: {error}", "render or copy it again") from error
    # for damaged pixels the library prints a message and leaves their part out
    if printed or len(parts) != (1 if file.is_single else len(read_headers(path))):
        read_headers(path)  # as above
        raise ExrError("is damaged or cut short", "render or copy it again")
    put_back([part.header for part in parts], file.foreign)
    return parts


class _Listener:
    """Standard output that keeps the text of threads that listen, and passes on that of all others."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Keep text or pass it on. Returns its length."""
        kept = _KEPT.get(threading.get_ident())
        if kept is not None:
            kept.append(text)
        elif self.stream is not None:
            self.stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_KEPT: dict[int, list[str]] = {}
"""What each thread that listens has printed."""
_CHANGING = threading.Lock()


@contextmanager
def _own_prints_kept() -> Iterator[list[str]]:
    """Keep the text that this thread prints: the OpenEXR module prints messages instead of raising errors."""
    own, thread = list[str](), threading.get_ident()
    with _CHANGING:
        if not isinstance(sys.stdout, _Listener):
            sys.stdout = _Listener(sys.stdout)
        _KEPT[thread] = own
    try:
        yield own
    finally:
        with _CHANGING:
            del _KEPT[thread]
            if not _KEPT and isinstance(sys.stdout, _Listener):  # else other code has replaced it meanwhile
                sys.stdout = sys.stdout.stream


def write_parts(path: Path, parts: Sequence[ExrPart]) -> None:
    """Write a file. Raises OSError, RuntimeError or ValueError; what is at ``path`` then must not be used."""
    written = []
    for part in parts:
        header = {name: value for name, value in part.header.items() if name not in ("channels", "chunkCount")}
        if "tiles" in header:
            header["tiles"] = _one_level(header["tiles"])
        channels = {
            name: OpenEXR.Channel(name, np.ascontiguousarray(pixels), 1, 1, name in part.perceptual)
            for name, pixels in part.channels.items()
        }
        header = plain_header(header)
        written.append(OpenEXR.Part(header, channels, str(header.get("name", ""))))
    OpenEXR.File(written).write(writable_path(path))
    write_foreign_texts(path, [part.header for part in parts])


def _one_level(tiles: Any) -> Any:
    """A tile description without further resolution levels, which would hold the plate instead of its grade."""
    single = OpenEXR.TileDescription()
    single.xSize, single.ySize = tiles.xSize, tiles.ySize
    return single


def windows_of(header: Mapping[str, Any]) -> tuple[Window, Window]:
    """The data window and the display window of a header."""
    return _window(header["dataWindow"]), _window(header["displayWindow"])


def _window(box: Any) -> Window:
    (x0, y0), (x1, y1) = ((int(corner[0]), int(corner[1])) for corner in box)
    return Window(x0, y0, x1 - x0 + 1, y1 - y0 + 1)


def box_of(window: Window) -> tuple[AnyArray, AnyArray]:
    """A window as a header attribute: its first and its last pixel, int32 (x, y) each."""
    low = np.array([window.x, window.y], np.int32)
    high = np.array([window.x + window.width - 1, window.y + window.height - 1], np.int32)
    return low, high


def as_channels(picture: FloatArray, kinds: Sequence[Any]) -> list[AnyArray]:
    """The channels of a picture in the types of a file's; finite values beyond the range of half become its largest.

    picture: float32 (H, W, C). kinds: C types; float16 gives float16 (H, W), any other type float32 (H, W).
    """
    is_half = [np.dtype(kind) == np.float16 for kind in kinds]
    halves = half_planes(picture) if any(is_half) else None
    return [
        np.ascontiguousarray(picture[..., index], np.float32) if halves is None or not half else halves[index]
        for index, half in enumerate(is_half)
    ]


def parse_compression(text: str) -> tuple[str, float | None]:
    """The name and level in ``zip``, ``dwaa:45`` and the like. Raises ValueError with a message for the user."""
    name, _, level = text.partition(":")
    if name not in COMPRESSIONS:
        raise ValueError(f"compression is '{text}'; it must be one of {', '.join(COMPRESSIONS)}, or dwaa:LEVEL.")
    if not level:
        return name, None
    try:
        value = float(level)
    except ValueError:
        value = -1.0
    if name not in ("dwaa", "dwab") or not 0 <= value < 1e4:
        raise ValueError(f"compression is '{text}'; only dwaa and dwab take a level, as in dwaa:45 (0 loses least).")
    return name, value
