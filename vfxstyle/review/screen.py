"""How a plate and its grade look on a screen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vfxstyle.arrays import ByteArray, FloatArray
from vfxstyle.color import SpaceKind, Transform
from vfxstyle.color.screens import baked
from vfxstyle.cores import cores
from vfxstyle.plates.plate import Plate

_ROWS = 64  # that a thread converts at once


@dataclass(frozen=True)
class Screen:
    """An sRGB screen with the view of the colour configuration."""

    name: str
    """Display and view, for people."""
    matrix: FloatArray
    """float32 (3, 3), from the plate's light to the working light."""
    view: Transform
    """From the working light to the screen."""
    is_slow: bool
    """Whether the view is one that maps scene-linear light to a display, which takes 0.4 CPU s a megapixel."""

    @classmethod
    def of(cls, plate: Plate) -> Screen:
        """The screen for a plate. Raises :class:`~vfxstyle.errors.ColorError`."""
        view, name = plate.config.to_screen(plate.space.space)
        return cls(name, plate.light.matrix, view, plate.space.space.kind is not SpaceKind.VIDEO)

    def shown(self, light: FloatArray, *, quick: bool = False) -> ByteArray:
        """What the screen shows, uint8 (H, W, 3).

        light: float32 (H, W, 3), decoded as by the plate's light. quick: whether a code value here and there may be
        another, see :func:`~vfxstyle.color.screens.baked`.
        """
        view = self._baked if quick and self.is_slow else self.view

        def part(rows: FloatArray) -> ByteArray:
            working = np.nan_to_num(rows) @ self.matrix.T
            return as_bytes(view.apply(np.asarray(working, np.float32)))

        parts = [light[start : start + _ROWS] for start in range(0, len(light), _ROWS)]
        with ThreadPoolExecutor(cores()) as pool:
            return np.concatenate(list(pool.map(part, parts)))

    @cached_property
    def _baked(self) -> Transform:
        return baked(self.view)


def as_bytes(picture: FloatArray) -> ByteArray:
    """An encoded picture in eight bits. picture: float (H, W, 3), limited to 0..1."""
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, np.uint8)
