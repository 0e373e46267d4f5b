"""How a plate and its grade look on a screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import ByteArray, FloatArray
from vfxstyle.color import Transform
from vfxstyle.plates.plate import Plate


@dataclass(frozen=True, slots=True)
class Screen:
    """An sRGB screen with the view of the colour configuration."""

    name: str
    """Display and view, for people."""
    matrix: FloatArray
    """float32 (3, 3), from the plate's light to the working light."""
    view: Transform
    """From the working light to the screen."""

    @classmethod
    def of(cls, plate: Plate) -> Screen:
        """The screen for a plate. Raises :class:`~vfxstyle.errors.ColorError`."""
        view, name = plate.config.to_screen(plate.space.space)
        return cls(name, plate.light.matrix, view)

    def shown(self, light: FloatArray) -> ByteArray:
        """What the screen shows. light: float32 (H, W, 3), decoded as by the plate's light. Returns uint8 (H, W, 3)."""
        working = np.nan_to_num(light) @ self.matrix.T
        return as_bytes(self.view.apply(np.asarray(working, np.float32)))


def as_bytes(picture: FloatArray) -> ByteArray:
    """An encoded picture in eight bits. picture: float (H, W, 3), limited to 0..1."""
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, np.uint8)
