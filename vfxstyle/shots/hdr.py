"""Mastering display and light levels of high-dynamic-range movies: read from pictures, written into ProRes movies.

Sources: SMPTE ST 2086 and CTA-861.3; ISO/IEC 14496-12 (boxes ``mdcv`` and ``clli`` of a sample entry); FFmpeg's
structures ``AVMasteringDisplayMetadata`` and ``AVContentLightMetadata``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import av

_MASTERING, _LIGHT = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
_WAY_TO_ENTRIES = (b"mdia", b"minf", b"stbl", b"stsd")


@dataclass(frozen=True, slots=True)
class HdrMetadata:
    """What a movie says of the display it was graded on and of its brightest pixels, as boxes hold it."""

    mastering: bytes = b""
    """Primaries, white and luminances of the display, 24 bytes; empty where it is not stated."""
    light: bytes = b""
    """Brightest pixel and brightest mean of a frame, 4 bytes; empty where they are not stated."""

    def __bool__(self) -> bool:
        return bool(self.mastering or self.light)

    @property
    def boxes(self) -> bytes:
        """The boxes of a sample entry."""
        parts = ((b"mdcv", self.mastering), (b"clli", self.light))
        return b"".join(struct.pack(">I4s", 8 + len(data), name) + data for name, data in parts if data)


def side_data_of(picture: av.VideoFrame) -> dict[str, bytes]:
    """What the decoder says beside a picture, by FFmpeg's name of its kind."""
    found = {}
    with suppress(ValueError):  # of kinds that the library has no name for, which come last in its list
        sides = cast(Any, picture.side_data)
        for side in (sides[index] for index in range(len(sides))):  # versions of the library iterate over other things
            found[side.type.name] = bytes(side)
    return found


def hdr_of(picture: av.VideoFrame) -> HdrMetadata:
    """The metadata of a decoded picture."""
    found = side_data_of(picture)
    return HdrMetadata(_mastering(found.get(_MASTERING, b"")), _light(found.get(_LIGHT, b"")))


def _mastering(data: bytes) -> bytes:
    if len(data) < 88:
        return b""
    numbers = struct.unpack_from("=22i", data)
    values = [numbers[i] / numbers[i + 1] if numbers[i + 1] else 0.0 for i in range(0, 20, 2)]
    has_primaries, has_luminance = numbers[20:22]
    if not (has_primaries and has_luminance):
        return b""
    red, green, blue, white, (low, high) = (values[i : i + 2] for i in range(0, 10, 2))
    places = [round(value * 50000) for pair in (green, blue, red, white) for value in pair]
    try:
        return struct.pack(">8H2I", *places, round(high * 10000), round(low * 10000))
    except struct.error:  # numbers that no display has
        return b""


def _light(data: bytes) -> bytes:
    if len(data) < 8:
        return b""
    return struct.pack(">2H", *(min(value, 65535) for value in struct.unpack_from("=2I", data)))


def write_hdr(path: Path, hdr: HdrMetadata) -> None:
    """Add the boxes to the picture track of a QuickTime movie whose ``moov`` box follows its pictures.

    Raises OSError, also where the movie is of another layout.
    """
    start = _find_moov(path)
    with path.open("r+b") as file:
        file.seek(start)
        moov = bytearray(file.read())
        grown, at = _way_to_entry(moov)
        moov[at:at] = hdr.boxes
        for place in grown:
            (size,) = struct.unpack_from(">I", moov, place)
            struct.pack_into(">I", moov, place, size + len(hdr.boxes))
        file.seek(start)
        file.write(moov)


def _find_moov(path: Path) -> int:
    """Position of the last box, which must be ``moov``, so that no picture moves when it grows."""
    end, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= end:
            file.seek(place)
            size, name = struct.unpack(">I4s", file.read(8))
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8))
            if name == b"moov" and place + size == end:
                return place
            if size < 8:
                break
            place += size
    raise OSError("the movie's index is not at its end")


def _way_to_entry(moov: bytearray) -> tuple[list[int], int]:
    """Positions of the boxes round the picture track's sample entry, and of the end of that entry."""

    def inside(start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        while start + 8 <= end:
            size, name = struct.unpack_from(">I4s", moov, start)
            if size < 8:
                return
            yield bytes(name), start, start + size
            start += size

    for _, track, track_end in ((n, s, e) for n, s, e in inside(8, len(moov)) if n == b"trak"):
        way, end = [0, track], track_end
        for name in _WAY_TO_ENTRIES:
            found = next(((s, e) for n, s, e in inside(way[-1] + 8, end) if n == name), None)
            if found is None:
                break
            way.append(found[0])
            end = found[1]
        else:
            entry = way[-1] + 16
            size, kind = struct.unpack_from(">I4s", moov, entry)
            if kind[:2] == b"ap":  # the ProRes formats
                return [*way, entry], entry + size
    raise OSError("the movie has no ProRes track")
