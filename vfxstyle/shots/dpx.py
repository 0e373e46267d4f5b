"""DPX files whose rows or headers OpenImageIO reads wrongly.

Source: SMPTE ST 268 (the positions of header fields, image data in words of 32 bits, so that every row begins at a
multiple of four bytes). OpenImageIO 3.2 takes 8, 12 and 16-bit rows to follow each other without a gap, and reads the
television header of files whose pixels begin before its end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vfxstyle.arrays import FloatArray

_FILM_HEADER_END, _TELEVISION_HEADER_END = 1920, 2048
_FILM_FIELDS = (
    "smpte:KeyCode",
    "dpx:Format",
    "dpx:FramePosition",
    "dpx:SequenceLength",
    "dpx:HeldCount",
    "dpx:FrameRate",
    "dpx:ShutterAngle",
    "dpx:FrameId",
    "dpx:SlateInfo",
)
_TELEVISION_FIELDS = (
    "smpte:TimeCode",
    "dpx:UserBits",
    "dpx:Interlace",
    "dpx:FieldNumber",
    "dpx:Signal",
    "dpx:HorizontalSampleRate",
    "dpx:VerticalSampleRate",
    "dpx:TemporalFrameRate",
    "dpx:TimeOffset",
    "dpx:BlackLevel",
    "dpx:BlackGain",
    "dpx:BreakPoint",
    "dpx:WhiteLevel",
    "dpx:IntegrationTimes",
)
_CHANNELS = {6: 1, 50: 3}  # by the code of the image element's descriptor: luma; red, green and blue


@dataclass(frozen=True, slots=True)
class DpxLayout:
    """Where the pixels of a DPX file lie."""

    order: str
    """Byte order, as in :mod:`struct`."""
    offset: int
    """Position of the first pixel, in bytes."""
    width: int
    """Columns."""
    height: int
    """Rows."""
    descriptor: int
    """Code of the channels."""
    bits: int
    """Bits of a code value."""
    packing: int
    """0 for packed code values, 1 for those in the high bits of their word (method A), 2 for the low ones."""
    compressed: bool
    """Whether the pixels are run-length encoded."""
    size: int
    """Bytes of the file."""

    @classmethod
    def read(cls, path: Path) -> DpxLayout | None:
        """The layout of a file; None where it is no DPX file or its header is cut short."""
        with path.open("rb") as file:
            head = file.read(_TELEVISION_HEADER_END)
        order = {b"SDPX": ">", b"XPDS": "<"}.get(head[:4])
        if order is None or len(head) < 816:
            return None
        (offset,) = struct.unpack_from(f"{order}I", head, 4)
        width, height = struct.unpack_from(f"{order}II", head, 772)
        descriptor, _, _, bits, packing, encoding, own_offset = struct.unpack_from(f"{order}BBBBHHI", head, 800)
        start = own_offset if 0 < own_offset < 0xFFFFFFFF else offset
        size = path.stat().st_size
        return cls(order, start, width, height, descriptor, bits, packing, encoding == 1, size)

    @property
    def absent_fields(self) -> tuple[str, ...]:
        """OpenImageIO's names of the header fields that the file has no room for before its pixels."""
        film = _FILM_FIELDS if self.offset < _FILM_HEADER_END else ()
        return film + (_TELEVISION_FIELDS if self.offset < _TELEVISION_HEADER_END else ())

    @property
    def _row_bytes(self) -> int:
        """Bytes of a row of 8, 12 or 16-bit code values, each in one or two bytes, without a gap after it; else 0."""
        in_words = self.bits in (8, 16) or (self.bits == 12 and self.packing in (1, 2))
        if self.compressed or not in_words:
            return 0
        return self.width * _CHANNELS.get(self.descriptor, 0) * (1 if self.bits == 8 else 2)

    @property
    def _stride(self) -> int:
        """Bytes from the beginning of a row to that of the next one where rows begin at multiples of four."""
        return self._row_bytes + -self._row_bytes % 4

    @property
    def is_ten_bit_luma(self) -> bool:
        """Whether it is grey with 10 bits, three code values to a word."""
        return self.descriptor == 6 and self.bits == 10

    def has_gaps(self, path: Path) -> bool:
        """Whether there are bytes between the rows, which OpenImageIO takes for pixels.

        The size of the file decides; where bytes follow the pixels, so that both may be, the rows that are more like
        their neighbours.
        """
        row, stride, there = self._row_bytes, self._stride, self.size - self.offset
        if row % 4 == 0 or there < stride * self.height or there == row * self.height:
            return False
        if there == stride * self.height or self.height < 2:
            return True
        data = np.fromfile(path, np.uint8, stride * self.height, offset=self.offset).astype(np.int16)
        with_gaps = data.reshape(self.height, stride)[:, :row]
        without = data[: row * self.height].reshape(self.height, row)
        apart, close = (np.abs(np.diff(rows[:, row % 2 :: 2], axis=0)).mean() for rows in (without, with_gaps))
        return bool(close < apart)

    def pixels(self, path: Path) -> FloatArray:
        """The pixels of a file with gaps between its rows, float32 (H, W, C), 0..1.

        Raises ValueError where the file is cut short, OSError where it cannot be read.
        """
        row, stride = self._row_bytes, self._stride
        data = np.fromfile(path, np.uint8, stride * self.height, offset=self.offset)
        rows = np.ascontiguousarray(data.reshape(self.height, stride)[:, :row])
        codes = rows if self.bits == 8 else rows.view(f"{self.order}u2")
        if self.bits == 12:
            codes = codes >> 4 if self.packing == 1 else codes & 4095
        top = np.float32((1 << self.bits) - 1)
        scaled: FloatArray = codes.astype(np.float32) / top
        return scaled.reshape(self.height, self.width, -1)
