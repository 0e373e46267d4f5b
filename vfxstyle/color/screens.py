"""Displays and views of an OpenColorIO configuration: what a viewer shows of scene-linear light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.color.cubes import cube_nodes
from vfxstyle.color.transform import Transform

_NODES = 97  # along an axis of a baked view
_ALLOCATION = [
    -12.0,
    7.0,
    2.0**-12,
]  # stops about 1 that a baked view covers, and what is added so that 0 is among them


@dataclass(frozen=True, slots=True)
class View:
    """A view of a display."""

    display: str
    """The display, an sRGB one where the configuration has one."""
    name: str
    """The view, the display's default."""

    @property
    def told(self) -> str:
        """Both, as messages give them."""
        return f"{self.display}, {self.name}"


def view_of(config: Any) -> View | None:
    """The view that a viewer on an sRGB screen shows by default; None for a configuration without displays."""
    displays = list(config.getDisplays())
    if not displays:
        return None
    default = config.getDefaultDisplay()
    display = default if "srgb" in default.lower() else next((d for d in displays if "srgb" in d.lower()), default)
    return View(display, config.getDefaultView(display))


def processor(config: Any, source: str, view: View) -> Any:
    """OpenColorIO's conversion from a space to a view. Raises its exceptions."""
    return config.getProcessor(source, view.display, view.name, ocio.TRANSFORM_DIR_FORWARD)


def baked(view: Transform) -> Transform:
    """A view of scene-linear light as a table, which is many times as fast.

    Of photographs it is within three 8-bit codes of the view, and a tenth of one on average; of saturated light it is
    farther off at times. It is for pictures that are replaced by exact ones when nothing moves.
    """
    raw = ocio.Config.CreateRaw()
    shaper = ocio.AllocationTransform(ocio.ALLOCATION_LG2, _ALLOCATION)
    nodes = cube_nodes(_NODES).reshape(-1, 3).astype(np.float32)
    light = Transform(raw.getProcessor(shaper, ocio.TRANSFORM_DIR_INVERSE)).apply(nodes)
    table = ocio.Lut3DTransform(_NODES)
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    table.setData(np.ascontiguousarray(view.apply(light)).reshape(-1))
    return Transform(raw.getProcessor(ocio.GroupTransform([shaper, table])))
