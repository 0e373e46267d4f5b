"""ICC profiles of the kind that photographs and displays have: a curve for each channel, then a matrix.

Source: ICC.1:2022 (header, tag table, ``curveType``, ``parametricCurveType``, ``XYZType``, ``cicpType``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import DoubleArray


@dataclass(frozen=True, slots=True)
class Curve:
    """A function from encoded values, 0..1, to linear light."""

    of: Callable[[DoubleArray], DoubleArray]
    """The function."""
    exponent: float | None = None
    """Its exponent where it is a pure power, 1 for linear light; else None."""

    def __call__(self, values: DoubleArray) -> DoubleArray:
        """Linear light of encoded values."""
        return np.asarray(self.of(values), np.float64)


_NUMBERS = (1, 3, 4, 5, 7)  # of the five forms of a parametric curve
_D50_WHITE = (0.9642, 1.0, 0.8249)


@dataclass(frozen=True, slots=True)
class IccProfile:
    """What a profile says of the pixels it comes with."""

    to_pcs: DoubleArray
    """float64 (3, 3), from linear RGB to CIE XYZ adapted to D50."""
    curves: tuple[Curve, Curve, Curve]
    """From encoded red, green and blue, 0..1, to linear light."""
    is_grey: bool = False
    """Whether it describes one channel, so that it says nothing of colours; ``to_pcs`` is then the identity."""
    codes: tuple[int, int] | None = None
    """ITU-T H.273 codes of primaries and transfer, where the profile states them."""


def read_icc(data: bytes) -> IccProfile:
    """Read a profile. Raises ValueError, with a phrase that follows "the profile", for one of another kind."""
    try:
        return _read(data)
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError("is damaged") from error


def _read(data: bytes) -> IccProfile:
    if data[36:40] != b"acsp":
        raise ValueError("is damaged")
    kind, connection = data[16:20], data[20:24]
    (count,) = struct.unpack_from(">I", data, 128)
    tags = {}
    for index in range(min(count, 200)):
        name, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * index)
        tags[name] = data[offset : offset + size]
    codes = None
    if tags.get(b"cicp", b"")[:4] == b"cicp":
        codes = (tags[b"cicp"][8], tags[b"cicp"][9])
    if kind == b"GRAY" and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        return IccProfile(np.eye(3), (curve, curve, curve), True, codes)
    if kind != b"RGB ":
        raise ValueError(f"is for {kind.decode('ascii', 'replace').strip() or 'no'} values, not for RGB")
    needed = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if connection != b"XYZ " or not all(name in tags for name in needed):
        raise ValueError("holds tables instead of curves and a matrix")
    columns = [[v / 65536 for v in struct.unpack_from(">3i", tags[name], 8)] for name in needed[:3]]
    red, green, blue = (_curve(tags[name]) for name in needed[3:])
    return IccProfile(np.array(columns).T, (red, green, blue), False, codes)


def _curve(data: bytes) -> Curve:
    """The function of a curve tag."""
    kind = data[:4]
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", data, 8)
        if count == 0:
            return _power(1.0)
        values = np.array(struct.unpack_from(f">{count}H", data, 12), np.float64)
        if count == 1:
            return _power(values[0] / 256)
        table = values / 65535
        return Curve(lambda x: np.interp(x, np.linspace(0, 1, len(table)), table))
    if kind != b"para":
        raise ValueError("has a curve of an unknown kind")
    (form,) = struct.unpack_from(">H", data, 8)
    if form > 4:
        raise ValueError("has a curve of an unknown kind")
    return parametric([v / 65536 for v in struct.unpack_from(f">{_NUMBERS[form]}i", data, 12)])


def _power(exponent: float) -> Curve:
    return Curve(lambda x: np.maximum(x, 0) ** exponent, exponent)


def parametric(numbers: Sequence[float]) -> Curve:
    """The function of a parametric curve: Y = (aX + b)^g + c for X >= d, else Y = eX + f.

    numbers: as the standard lists them for its five forms: g; g a b; g a b c; g a b e d; g a b e d c f.
    """
    if len(numbers) == 1:
        return _power(numbers[0])
    g, a, b, c, d, e, f = numbers[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    a, b = numbers[1:3]
    d = -b / a if a else 0.0
    if len(numbers) == 4:
        c = f = numbers[3]
    elif len(numbers) > 4:
        e, d = numbers[3:5]
        c, f = numbers[5:7] if len(numbers) == 7 else (0.0, 0.0)
    return Curve(lambda x: np.where(x >= d, np.maximum(a * x + b, 0) ** g + c, e * x + f))


def make_icc(description: str, to_pcs: DoubleArray, numbers: Sequence[float] | DoubleArray) -> bytes:
    """A display profile.

    description: its name. to_pcs: float64 (3, 3), from linear RGB to CIE XYZ adapted to D50. numbers: of the parametric
    curve that makes linear light, as in :func:`parametric`; or an array of samples of the curve, 0..1.
    """

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))

    def text(words: str) -> bytes:
        coded = words.encode("utf-16-be")
        return struct.pack(">4sIII4sII", b"mluc", 0, 1, 12, b"enUS", len(coded), 28) + coded

    if isinstance(numbers, np.ndarray):
        codes = np.rint(np.clip(numbers, 0, 1) * 65535).astype(">u2").tobytes()
        curve = struct.pack(">4sII", b"curv", 0, len(numbers)) + codes
    else:
        curve = struct.pack(">4sIHH", b"para", 0, _NUMBERS.index(len(numbers)), 0) + fixed(*numbers)
    tags = {
        b"desc": text(description),
        b"cprt": text("No copyright, use freely"),
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*_D50_WHITE),
        **{
            name: b"XYZ \0\0\0\0" + fixed(*column)
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_pcs.T, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, places = b"", b"", dict[bytes, int]()
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s28x3i", 2024, 1, 1, 0, 0, 0, b"acsp", *struct.unpack(">3i", fixed(*_D50_WHITE)))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
