"""Graded frames of a shot that a look was learnt from, kept in the preset (docs/method.md, section 14).

What an artist did to a frame says more about the frames beside it than any network can. So the preset of a shot keeps
what became of each pixel of its graded frames, at analysis resolution, and knows their plates by hash. On this shot it
is carried along to the other frames; on any other plate the preset is the plain look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray, HalfArray
from vfxstyle.looks.base import BASE_PARTS, NO_BASE, Base, base_of_tensors, base_tensors
from vfxstyle.looks.detail import BANDS, GAIN_LIMITS
from vfxstyle.looks.layers import GradeLayers

MOST_FRAMES = 24
"""Graded frames that a preset keeps at most; of more, these are evenly spread."""
MOST_WIDTH = 640
"""Width, in px, that they are kept at; with a wider analysis they are made larger again."""


_BASE, _FIRST = "base.", "gain_first"
_PLACED = tuple(name for name in BASE_PARTS if name != "cube")


@dataclass(frozen=True)
class GradedFrames:
    """What became of the pixels of Q graded frames, (h, w) each."""

    numbers: tuple[int, ...]
    """Numbers of the frames."""
    plates: tuple[str, ...]
    """SHA-256 of the file that each frame's plate is in."""
    reading: str
    """Stands for how the plate was read (colour space, layer); read otherwise, its frames are other pictures."""
    change: HalfArray = field(repr=False)
    """float16 (Q, h, w, 3), change of L, a and b."""
    layers: GradeLayers | None = field(default=None, repr=False)
    """The two layers of the grade, where it has two."""

    def resized(self, index: int, rows: int, columns: int) -> FloatArray:
        """The change of a frame at another size, float32 (rows, columns, 3)."""
        return resized(self.change[index].astype(np.float32), rows, columns)

    def resized_gate(self, index: int, rows: int, columns: int) -> FloatArray:
        """The gate of a frame at another size, float32 (rows, columns), 0..1; of layers only."""
        assert self.layers is not None
        return resized(self.layers.gates[index], rows, columns)

    @property
    def has_matte(self) -> bool:
        """Whether the grade has two layers that a matte joins."""
        return self.layers is not None and self.layers.has_matte

    def matte(self, index: int, rows: int, columns: int) -> BoolArray:
        """Where the second layer is on a frame, bool (rows, columns); of layers only."""
        return self.resized_gate(index, rows, columns) > 0.5


def resized(picture: FloatArray, rows: int, columns: int) -> FloatArray:
    """A picture at another size; at its own it is what it was."""
    if picture.shape[:2] == (rows, columns):
        return picture
    return np.asarray(cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def graded_tensors(graded: GradedFrames) -> dict[str, np.ndarray]:
    """The arrays of graded frames, by name."""
    tensors: dict[str, np.ndarray] = {"change": graded.change}
    if graded.layers is not None:
        tensors |= {"cubes": graded.layers.cubes, "gates": graded.layers.gates.astype(np.float16)}
        if graded.layers.gains.any():
            tensors["gains"] = graded.layers.gains
        tensors |= {f"{_BASE}{name}": part for name, part in base_tensors(graded.layers.by_place).items()}
    return tensors


def graded_values(graded: GradedFrames) -> dict[str, Any]:
    """What is said of graded frames beside their arrays, as JSON values."""
    feather = 0.0 if graded.layers is None else graded.layers.feather
    names = {"numbers": list(graded.numbers), "plates": list(graded.plates), "reading": graded.reading}
    first = graded.layers is not None and graded.layers.by_place.gain_first
    return {**names, "feather": feather, _FIRST: first}


def graded_of(tensors: Mapping[str, np.ndarray], values: Mapping[str, Any], base: Base) -> GradedFrames:
    """The graded frames that were taken apart. base: that of the look.

    Raises KeyError, TypeError or ValueError for what does not fit.
    """
    change = tensors["change"]
    numbers, plates, feather = tuple(values["numbers"]), tuple(values["plates"]), float(values["feather"])
    if change.dtype != np.float16:
        raise TypeError("the change is no half")
    if change.ndim != 4 or change.shape[3] != 3 or not len(change) == len(numbers) == len(plates) or not change.size:
        raise ValueError("the graded frames have the wrong size")
    if not np.isfinite(change).all() or not 0 <= feather < 100:
        raise ValueError("a number is out of range")
    named = all(isinstance(text, str) for text in (*plates, values["reading"]))
    if not named or not all(type(number) is int for number in numbers):
        raise TypeError("the graded frames are named by something else")
    layers = None
    if set(tensors) != {"change"}:
        layers = _layers(tensors, values, base)
        if layers.gates.shape != change.shape[:3]:
            raise ValueError("the gates have the wrong size")
    return GradedFrames(numbers, plates, values["reading"], change, layers)


def _layers(tensors: Mapping[str, np.ndarray], values: Mapping[str, Any], base: Base) -> GradeLayers:
    cubes, gates = tensors["cubes"].astype(np.float32), tensors["gates"].astype(np.float32)
    side = cubes.shape[1] if cubes.ndim == 5 else 0
    if side < 2 or cubes.shape != (2, side, side, side, 3) or len(base.cube) not in (0, side):
        raise ValueError("the layers have the wrong size")
    gains = tensors.get("gains", np.zeros((2, BANDS))).astype(np.float32)
    if gains.shape != (2, BANDS) or not (np.clip(gains, *GAIN_LIMITS) == gains).all():
        raise ValueError("the gains of the layers cannot be used")
    if _FIRST in values:
        parts = {name: tensors[f"{_BASE}{name}"].astype(np.float32) for name in _PLACED if f"{_BASE}{name}" in tensors}
        by_place = base_of_tensors(parts, gain_first=bool(values[_FIRST]))
    else:  # until format 5 layers lay over what the look's own base does by place
        parts, by_place = {}, replace(base, cube=NO_BASE.cube)
    if len(tensors) != 3 + len(parts) + ("gains" in tensors):
        raise ValueError("there are arrays too many")
    return GradeLayers(cubes, np.clip(gates, 0, 1), float(values["feather"]), gains, by_place)
