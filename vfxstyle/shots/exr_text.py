"""Values in OpenEXR headers that the OpenEXR module cannot take.

Texts that are not UTF-8 are read and written byte for byte; rational numbers over 0 are dropped. The format does not
say how its strings are encoded, and the OpenEXR module reads and writes UTF-8 alone. Here such a text is a ``str`` with
surrogate escapes (PEP 383), which encode to the very bytes of the file.
Source: "OpenEXR file layout" (magic number, version field, headers as name, type, size and value).
"""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from vfxstyle.files import is_utf8, plain_path

_MAGIC, _DEEP, _MULTI_PART = 20000630, 0x800, 0x1000
_ROOM_FOR_OFFSETS = 1 << 22  # bytes after the headers, where the places of the pixels are listed
_LONGEST = 1 << 26  # bytes of an attribute; a header with a longer one is damaged


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A text or a rational number in the header of a part."""

    part: int
    """Index of the part."""
    name: str
    """Name of the attribute."""
    index: int | None
    """Place in a list of texts; None where the attribute is one text."""
    offset: int
    """Position of its first byte in the file."""
    raw: bytes
    """Its bytes."""
    is_text: bool = True
    """Whether it is a text."""

    @property
    def text(self) -> str:
        """The text, with surrogate escapes for bytes that are not UTF-8."""
        return self.raw.decode("utf-8", "surrogateescape")

    @property
    def stand_in(self) -> bytes:
        """What the module can take in its place, as many bytes; the same bytes where it can take them."""
        if self.is_text:
            return self.raw if is_utf8(self.text) else b"?" * len(self.raw)
        return self.raw[:4] + struct.pack("<I", 1) if self.raw[4:] == bytes(4) else self.raw


def header_values(path: str | Path) -> list[HeaderValue]:
    """Every text and rational number in the headers of a file. Raises ValueError or OSError for a damaged one."""
    return _headers(path).values


@dataclass(frozen=True, slots=True)
class _Headers:
    """What is read of the headers of all parts of a file."""

    values: list[HeaderValue]
    """Every text and rational number."""
    end: int
    """Position after the last header."""
    version: int
    """The file's second four bytes: a version number and flags."""


def _headers(path: str | Path) -> _Headers:
    """The headers of a file. Raises ValueError or OSError for a damaged one."""
    with Path(path).open("rb") as file:
        magic, version = struct.unpack("<iI", _exactly(file, 8))
        if magic != _MAGIC:
            raise ValueError("no OpenEXR file")
        values, part = list[HeaderValue](), 0
        while True:
            start = file.tell()
            values += _values_of_part(file, part)
            part += 1
            is_empty = file.tell() == start + 1  # the end of the headers of a file of several parts
            if not version & _MULTI_PART or is_empty:
                return _Headers(values, file.tell(), version)


def _values_of_part(file: BinaryIO, part: int) -> Iterator[HeaderValue]:
    """The values of the header that begins here, which is read to its end."""
    while name := _word(file):
        kind, (size,) = _word(file), struct.unpack("<i", _exactly(file, 4))
        if not 0 <= size <= _LONGEST:
            raise ValueError("damaged header")
        start, value = file.tell(), _exactly(file, size)
        if kind == "string" or (kind == "rational" and size == 8):
            yield HeaderValue(part, name, None, start, value, kind == "string")
        elif kind == "stringvector":
            place = index = 0
            while place + 4 <= size:
                (length,) = struct.unpack_from("<i", value, place)
                if not 0 <= length <= size - place - 4:
                    raise ValueError("damaged header")
                yield HeaderValue(part, name, index, start + place + 4, value[place + 4 : place + 4 + length])
                place, index = place + 4 + length, index + 1


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("header is cut short")
    return data


def _word(file: BinaryIO) -> str:
    start = file.tell()
    word, end, _ = file.read(256).partition(b"\0")
    if not end:
        raise ValueError("damaged header")
    file.seek(start + len(word) + 1)
    return word.decode("utf-8", "surrogateescape")


def dropped_values(path: Path) -> list[str]:
    """Names of the attributes of a file that are rational numbers over 0, which are not read.

    Raises ValueError or OSError where the headers cannot be read.
    """
    return [value.name for value in header_values(path) if not value.is_text and value.stand_in != value.raw]


@dataclass(frozen=True, slots=True)
class TakableFile:
    """A file that the OpenEXR module can take."""

    path: str
    """The file itself, or a copy where it has values that the module cannot take."""
    foreign: list[HeaderValue]
    """These values, for which others stand in the copy."""
    is_single: bool
    """Whether it has one part, which is not deep; False for a damaged file."""


@contextmanager
def takable(path: Path, *, headers_only: bool = False) -> Iterator[TakableFile]:
    """A file that the OpenEXR module can take, in the place of one that it may not be able to.

    headers_only: whether the headers are all that will be read, so that a copy needs no pixels. Raises OSError where
    the copy cannot be made.
    """
    try:
        headers = _headers(path)
    except ValueError:  # damaged, which the module says better
        headers = _Headers([], 0, _MULTI_PART)
    is_single = not headers.version & (_DEEP | _MULTI_PART)
    foreign = [value for value in headers.values if value.stand_in != value.raw]
    if not foreign:
        yield TakableFile(plain_path(path), [], is_single)
        return
    with tempfile.TemporaryDirectory(prefix="vfxstyle-") as folder:
        copy = Path(folder, "copy.exr")
        with path.open("rb") as source, copy.open("w+b") as file:
            if headers_only:
                file.write(source.read(headers.end + _ROOM_FOR_OFFSETS))
            else:
                shutil.copyfileobj(source, file, 1 << 24)
            for value in foreign:
                file.seek(value.offset)
                file.write(value.stand_in)
        yield TakableFile(str(copy), foreign, is_single)


def put_back(headers: Sequence[dict[str, Any]], foreign: Sequence[HeaderValue]) -> None:
    """Set the texts of :func:`takable` in the headers that were read of its copy; drop the numbers over 0."""
    for value in foreign:
        header = headers[value.part] if value.part < len(headers) else {}  # a damaged part is left out
        if value.name not in header:
            continue
        if not value.is_text:
            del header[value.name]
        elif value.index is None:
            header[value.name] = value.text
        else:
            header[value.name] = [*header[value.name]]
            header[value.name][value.index] = value.text


def plain_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """A header with question marks, one a byte, for its texts that are not UTF-8."""
    return {
        name: [_plain(item) for item in value] if isinstance(value, list) else _plain(value)
        for name, value in header.items()
    }


def _plain(value: Any) -> Any:
    if not isinstance(value, str) or is_utf8(value):
        return value
    return "?" * len(value.encode("utf-8", "surrogateescape"))


def write_foreign_texts(path: Path, headers: Sequence[Mapping[str, Any]]) -> None:
    """Write the texts that :func:`plain_header` replaced into the file that was written with its headers."""
    if all(plain_header(header) == dict(header) for header in map(_texts_only, headers)):
        return
    places = header_values(path)
    with path.open("r+b") as file:
        for place in places:
            value = headers[place.part].get(place.name)
            text = value[place.index] if isinstance(value, list) and place.index is not None else value
            if isinstance(text, str) and not is_utf8(text):
                file.seek(place.offset)
                file.write(text.encode("utf-8", "surrogateescape"))


def _texts_only(header: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if isinstance(value, (str, list))}
