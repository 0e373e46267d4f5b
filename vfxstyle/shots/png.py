"""What the chunks of a PNG say of its colours.

Source: Portable Network Graphics, third edition (W3C): cICP, sRGB, gAMA and cHRM, which stand before the pixels.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vfxstyle.color.described import REC709, Chromaticities

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SRGB_GAMMA = 45455  # which writers mean sRGB by, together with its primaries; so does libpng
_LONGEST = 64  # bytes of a chunk that is read here


@dataclass(frozen=True, slots=True)
class PngColour:
    """The colour chunks of a PNG, of which only those that count are set."""

    codes: tuple[int, int] | None = None
    """ITU-T H.273 codes of primaries and transfer, from cICP."""
    is_narrow: bool = False
    """Whether cICP says that black and white are not the smallest and the largest code."""
    exponent: float | None = None
    """Power that makes linear light of the values, from gAMA; None too where an sRGB chunk comes before it."""
    has_profile: bool = False
    """Whether there is an ICC profile, readable or not."""
    chromaticities: Chromaticities | None = None
    """x and y of red, green, blue and white, from cHRM."""


def read_png_colour(path: Path) -> PngColour:
    """The colour chunks of a PNG; an empty answer for a file that is none. Raises OSError."""
    with path.open("rb") as file:
        chunks = _chunks(file) if file.read(8) == _SIGNATURE else {}
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, _, full = chunks[b"cICP"]
        return PngColour(codes=(primaries, transfer), is_narrow=full == 0, has_profile=b"iCCP" in chunks)
    if b"iCCP" in chunks:
        return PngColour(has_profile=True)
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return PngColour()
    (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    if not 0 < gamma < 10**7:
        return PngColour()
    stated = None
    if len(chunks.get(b"cHRM", b"")) == 32:
        wx, wy, rx, ry, gx, gy, bx, by = (value / 100000 for value in struct.unpack(">8I", chunks[b"cHRM"]))
        stated = (rx, ry, gx, gy, bx, by, wx, wy)
    if abs(gamma - _SRGB_GAMMA) <= 10 and (stated is None or np.allclose(stated, REC709, atol=2e-3)):
        return PngColour()
    return PngColour(exponent=100000 / gamma, chromaticities=stated)


def _chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The short chunks before the pixels, by name."""
    found = dict[bytes, bytes]()
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if name in (b"IDAT", b"IEND"):
            break
        if size <= _LONGEST:
            found.setdefault(name, file.read(size))
            file.seek(4, 1)
        else:
            found.setdefault(name, b"")
            file.seek(size + 4, 1)
    return found
