"""The base of a look: what it does by colour alone, or by place on the frame, whatever is shown there.

A film print is one LUT, a vignette a gain in light that falls towards the corners, a graduated filter a plane. None of
that belongs to things, so it is fitted first (:mod:`vfxstyle.looks.base_fit`), and superpixels learn what is left.
Source: docs/method.md, section 13.

Place is that of the display window: x and y run from -1 to 1 across its width and height, so that overscan and crops
do not move it, and a frame of another aspect has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.color import lab_to_linear
from vfxstyle.looks.field import TransformField
from vfxstyle.looks.lut import apply_cube
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS, transform_lab

GAIN_TERMS = 6
"""Numbers of a gain: factors of x, y, x^2, xy, y^2 and (x^2 + y^2)^2 in its logarithm."""
DEGREE = 4
"""Degree of the polynomial of place."""
PLACE_TERMS = (DEGREE + 1) * (DEGREE + 2) // 2
"""Terms of the polynomial of place."""
_AT_ONCE = 2**17  # colours whose change is found at once
_BLACK = 16 / LAB_SCALE[0]  # what L is counted from where light is multiplied


def _none(*shape: int) -> FloatArray:
    return np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Base:
    """What a look does by colour alone or by place; each part is empty where the look has none of it."""

    cube: FloatArray = field(default_factory=lambda: _none(0, 0, 0, 3))
    """float32 (n, n, n, 3), change of L, a and b by the square root of linear Rec.709 light, 0..1 along each axis."""
    gain: FloatArray = field(default_factory=lambda: _none(0))
    """float32 (6,), logarithm of a gain in light by place, see :func:`gain_terms`."""
    colour: FloatArray = field(default_factory=lambda: _none(0))
    """float32 (30,), the transform that was fitted together with the gain."""
    gain_first: bool = True
    """Whether the gain comes before that transform."""
    place: FloatArray = field(default_factory=lambda: _none(0, COEFFICIENTS))
    """float32 (15, 30), a polynomial of place for every number of a transform, see :func:`place_terms`."""
    _fields: dict[tuple[int, int], FloatArray] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_none(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.cube.size or self.gain.size or self.place.size)

    @property
    def has_place(self) -> bool:
        """Whether it depends on the place on the frame."""
        return bool(self.gain.size or self.place.size)

    def transforms(self, place: FloatArray) -> FloatArray:
        """The part by place as transforms. place: float32 (..., 2), x and y, -1..1. Returns float32 (..., 30)."""
        out = np.zeros((*place.shape[:-1], COEFFICIENTS), np.float32)
        if self.place.size:
            out += place_terms(place) @ self.place
        if self.gain.size:
            gain = np.exp(gain_terms(place) @ self.gain / 3)  # light to the power of a third is what Lab is made of
            out += with_gain(self.colour, gain, first=self.gain_first)
        return out

    def field(self, rows: int, columns: int) -> FloatArray:
        """The part by place for every cell of a grid over the frame, float32 (rows, columns, 30); made once."""
        if (rows, columns) not in self._fields:
            # row by row: what a gain takes on the way is a hundred numbers for a cell
            self._fields[rows, columns] = np.stack([self.transforms(row) for row in places(rows, columns)])
        return self._fields[rows, columns]

    def change(self, lab: FloatArray, place: FloatArray) -> FloatArray:
        """The change of colours, in Lab units. lab: float32 (..., 3), CIELab. place: float32 (..., 2), -1..1.

        Returns float32 (..., 3).
        """
        flat, where = lab.reshape(-1, 3), np.broadcast_to(place, (*lab.shape[:-1], 2)).reshape(-1, 2)
        out = np.zeros(flat.shape, np.float32)
        for start in range(0, len(flat), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            out[part] = self._change(flat[part], where[part])
        return out.reshape(lab.shape)

    def _change(self, lab: FloatArray, place: FloatArray) -> FloatArray:
        out = np.zeros(lab.shape, np.float32)
        if self.cube.size:
            out += cube_change(self.cube, lab)
        if self.place.size:
            out += transform_lab(lab, place_terms(place) @ self.place) - lab
        if self.gain.size:
            gain, black = np.exp(gain_terms(place) @ self.gain / 3)[:, None], np.array([16, 0, 0], np.float32)
            start = gain * (lab + black) - black if self.gain_first else lab
            graded = transform_lab(start, self.colour)
            out += (graded if self.gain_first else gain * (graded + black) - black) - lab
        return out

    def added_to(self, field: TransformField) -> TransformField:
        """A field of transforms over the frame, with the base."""
        if self.has_place:
            field = replace(field, coefficients=field.coefficients + self.field(*field.guide.shape[:2]))
        return replace(field, cubes=self.cube[None]) if self.cube.size else field

    @cached_property
    def words(self) -> str:
        """What was found, in words of the trade; empty for nothing."""
        found = []
        if self.has_place:
            corners = self.change(np.array([[50, 0, 0]] * 5, np.float32), _CORNERS)[:, 0]
            left, right = self.change(np.array([[50, 0, 0]] * 2, np.float32), _SIDES)
            fall = float(corners[:4].mean() - corners[4])
            if abs(fall) > _SEEN:
                found.append(f"a vignette of {fall:+.0f} L in the corners")
            if np.linalg.norm(right - left) > _SEEN:
                L, a, b = right - left
                found.append(f"a gradient of {L:+.0f} L, {a:+.0f} a and {b:+.0f} b from left to right")
            if not found:
                found.append("a change with the place on the frame")
        if self.cube.size:
            found.append("a global look")
        return " and ".join(found)


_SEEN = 2.0  # Lab units of a mid grey, from which a change with the place has a name
_CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], [0, 0]], np.float32) * np.float32(0.95)
_SIDES = np.array([[-0.95, 0], [0.95, 0]], np.float32)

NO_BASE = Base()
"""The base of a look that has none."""


BASE_PARTS = ("cube", "gain", "colour", "place")
"""Names of the parts of a base."""


def base_tensors(base: Base) -> dict[str, FloatArray]:
    """The parts of a base that are not empty, by name."""
    parts = {name: getattr(base, name) for name in BASE_PARTS}
    return {name: part for name, part in parts.items() if part.size}


def base_of_tensors(parts: Mapping[str, FloatArray], *, gain_first: bool) -> Base:
    """The base that :func:`base_tensors` took apart. Raises ValueError for parts of the wrong size."""
    cube, gain, colour, place = (parts.get(name, getattr(NO_BASE, name)) for name in BASE_PARTS)
    base = Base(cube=cube, gain=gain, colour=colour, gain_first=gain_first, place=place)
    sizes = [(base.gain, (GAIN_TERMS,)), (base.colour, (COEFFICIENTS,)), (base.place, (PLACE_TERMS, COEFFICIENTS))]
    right = all(part.shape == shape for part, shape in sizes if part.size)
    side = base.cube.shape[0] if base.cube.ndim == 4 else -1
    if not right or base.cube.shape != (side, side, side, 3) or side == 1 or base.gain.size * 5 != base.colour.size:
        raise ValueError("a part of the base has the wrong size")
    return base


def places(rows: int, columns: int) -> FloatArray:
    """Where the centres of a grid's cells lie, float32 (rows, columns, 2), x and y, -1..1."""
    x = (np.arange(columns, dtype=np.float32) + np.float32(0.5)) / np.float32(columns) * 2 - 1
    y = (np.arange(rows, dtype=np.float32) + np.float32(0.5)) / np.float32(rows) * 2 - 1
    return np.stack(np.broadcast_arrays(x, y[:, None]), axis=-1).astype(np.float32)


def gain_terms(place: FloatArray) -> FloatArray:
    """Terms of the logarithm of a gain. place: float32 (..., 2). Returns float32 (..., 6)."""
    x, y = place[..., 0], place[..., 1]
    return np.stack([x, y, x * x, x * y, y * y, (x * x + y * y) ** 2], axis=-1)


def place_terms(place: FloatArray) -> FloatArray:
    """Terms of the polynomial of place, products of Chebyshev polynomials. Returns float32 (..., 15)."""
    x, y = (np.polynomial.chebyshev.chebvander(place[..., i], DEGREE) for i in range(2))
    both = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    return np.stack([x[..., i] * y[..., j] for i, j in both], axis=-1).astype(np.float32)


def with_gain(colour: FloatArray, gain: FloatArray, *, first: bool) -> FloatArray:
    """A transform together with a gain in light, as one transform.

    A gain multiplies L + 16, a and b by its cube root, so a quadratic of Lab stays one (exactly, above Lab's linear
    segment near black). colour: float32 (30,). gain: float32 (...), its cube root. Returns float32 (..., 30).
    """
    rows = colour.astype(np.float64).reshape(3, TERMS)
    s, t = gain.astype(np.float64), (gain.astype(np.float64) - 1) * _BLACK
    out = np.zeros((*gain.shape, 3, TERMS))
    identity = np.zeros((3, TERMS))
    identity[[0, 1, 2], [6, 7, 8]] = 1
    shift = np.zeros((*gain.shape, 3, TERMS))
    shift[..., 0, 9] = t
    if first:
        out += np.einsum("rt,...tu->...ru", rows, _stretched(s, t))
        out += (s[..., None, None] - 1) * identity + shift
    else:
        out += s[..., None, None] * rows + (s[..., None, None] - 1) * identity + shift
    return out.reshape(*gain.shape, COEFFICIENTS).astype(np.float32)


def _stretched(s: DoubleArray, t: DoubleArray) -> DoubleArray:
    """The matrix, (..., 10, 10), that takes V of a colour to V of [s L + t, s a, s b]."""
    m = np.zeros((*s.shape, TERMS, TERMS))
    for term in range(6):  # L^2, a^2, b^2, La, Lb, ab
        m[..., term, term] = s * s
    m[..., 0, 6], m[..., 0, 9] = 2 * s * t, t * t
    m[..., 3, 7] = m[..., 4, 8] = s * t
    for term in range(6, 9):
        m[..., term, term] = s
    m[..., 6, 9], m[..., 9, 9] = t, 1
    return m


def cube_place(lab: FloatArray) -> FloatArray:
    """Where colours lie in a cube: the square root of their light, float32 (..., 3), 0..1."""
    return np.sqrt(np.clip(lab_to_linear(np.ascontiguousarray(lab, np.float32)), 0, 1))


def cube_change(cube: FloatArray, lab: FloatArray) -> FloatArray:
    """The change that a cube makes to colours, in Lab units. lab: float32 (..., 3). Returns float32 (..., 3)."""
    return apply_cube(cube, cube_place(lab).reshape(-1, 3)).reshape(lab.shape)
