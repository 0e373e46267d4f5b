"""A field of transforms over a picture, and the changes by colour alone that come with it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

Along = tuple[LabelArray, LabelArray, FloatArray]
"""Where the pixels of a row lie between cells; see :func:`cells_along`."""


@dataclass(frozen=True, slots=True)
class TransformField:
    """A transform for every cell of a grid that covers a picture."""

    coefficients: FloatArray
    """float32 (h, w, 30), transforms as in :mod:`vfxstyle.looks.transform`."""
    guide: FloatArray
    """float32 (h, w, 3), the picture's colour in each cell, CIELab D65."""
    cubes: FloatArray = field(default_factory=lambda: np.zeros((0, 2, 2, 2, 3), np.float32))
    """float32 (K, n, n, n, 3), cubes of changes of Lab, see :class:`vfxstyle.looks.base.Base`."""
    shares: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    """float32 (h, w, K), 0..1, how much of each cube each cell has; empty for all of them."""
    strengths: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """float32 (h, w), 0..1, share of the change that is made in each cell; empty for all of it."""


@dataclass(frozen=True, slots=True)
class Placing:
    """How a field of transforms is put on a picture."""

    picture_size: tuple[int, int]
    """(width, height), in px, of the picture that the field covers."""
    offset: tuple[int, int] = (0, 0)
    """Position (x, y), in px, of the first pixel in that picture."""
    strength: float = 1.0
    """Share of the change that is made, in linear light, 0..1."""
    to_working: FloatArray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    """float32 (3, 3), from the primaries of the picture to Rec.709, in which the look is defined. Only the change is
    converted back, so unchanged pixels keep their bits."""

    @property
    def origin(self) -> tuple[float, float]:
        """Centre of the first pixel, (x, y), in px."""
        return self.offset[0] + 0.5, self.offset[1] + 0.5

    @property
    def from_working(self) -> FloatArray:
        """The inverse of :attr:`to_working`."""
        return np.ascontiguousarray(np.linalg.inv(self.to_working.astype(np.float64)), np.float32)

    def cells(self, columns: int, rows: int) -> tuple[float, float]:
        """Cells of a grid per px, along x and y."""
        width, height = self.picture_size
        return columns / width, rows / height


@kernel(inline="always")
def cell_of(x: Scalar, origin: Scalar, cell: Scalar, columns: int) -> Scalar:
    """Where a pixel lies between the centres of the cells along one axis."""
    return min(max((np.float32(x) + origin) * cell - np.float32(0.5), np.float32(0)), np.float32(columns - 1))


@kernel(inline="always")
def cells_along(pixels: int, origin: Scalar, cell: Scalar, columns: int) -> Along:
    """For each pixel along one axis the cell before it and the one after, int32, and how far between them, float32.

    origin: centre of the first pixel, in px. cell: cells per px. columns: cells along the axis.
    Found once for all rows of a picture: in each of them anew they took a quarter of the time of applying transforms.
    """
    before, after = np.empty(pixels, np.int32), np.empty(pixels, np.int32)
    between = np.empty(pixels, np.float32)
    for x in range(pixels):
        place = cell_of(x, origin, cell, columns)
        before[x] = np.int32(place)
        after[x] = min(before[x] + 1, columns - 1)
        between[x] = place - np.floor(place)
    return before, after, between


@kernel(inline="always")
def look_up(
    light: FloatArray,
    cubes: FloatArray,
    shares: tuple[FloatArray, FloatArray],
    along: Along,
    w: FloatArray,
    change: FloatArray,
) -> None:
    """Add what cubes say of each pixel of a row to its change in Lab, (3, W), trilinearly.

    light: (3, W), linear Rec.709, 0..1. shares: the rows of cells above and below. along: see :func:`cells_along`.
    w: (4, W), weights of the four cells.
    """
    above, below = shares
    columns = len(above)
    last = cubes.shape[1] - 1
    one = np.float32(1)
    for x in range(light.shape[1]):
        r = np.sqrt(min(max(light[0, x], np.float32(0)), one)) * np.float32(last)
        g = np.sqrt(min(max(light[1, x], np.float32(0)), one)) * np.float32(last)
        b = np.sqrt(min(max(light[2, x], np.float32(0)), one)) * np.float32(last)
        i, j, k = min(int(r), last - 1), min(int(g), last - 1), min(int(b), last - 1)
        r, g, b = r - np.float32(i), g - np.float32(j), b - np.float32(k)
        x0, x1 = np.uintp(along[0][x]), np.uintp(along[1][x])
        for n in range(len(cubes)):
            share = one
            if columns > 0:
                share = (
                    w[0, x] * above[x0, n] + w[1, x] * above[x1, n] + w[2, x] * below[x0, n] + w[3, x] * below[x1, n]
                )
            if share != np.float32(0):
                for c in range(3):
                    near = (one - b) * cubes[n, i, j, k, c] + b * cubes[n, i, j, k + 1, c]
                    far = (one - b) * cubes[n, i, j + 1, k, c] + b * cubes[n, i, j + 1, k + 1, c]
                    low = (one - g) * near + g * far
                    near = (one - b) * cubes[n, i + 1, j, k, c] + b * cubes[n, i + 1, j, k + 1, c]
                    far = (one - b) * cubes[n, i + 1, j + 1, k, c] + b * cubes[n, i + 1, j + 1, k + 1, c]
                    change[c, x] += share * ((one - r) * low + r * ((one - g) * near + g * far))


@kernel(inline="always")
def weaken(strengths: tuple[FloatArray, FloatArray], along: Along, w: FloatArray, mix: FloatArray) -> None:
    """Multiply the factor of the change of each pixel of a row by the strengths of its four cells."""
    above, below = strengths
    for x in range(len(mix)):
        x0, x1 = np.uintp(along[0][x]), np.uintp(along[1][x])
        mix[x] *= w[0, x] * above[x0] + w[1, x] * above[x1] + w[2, x] * below[x0] + w[3, x] * below[x1]
