"""Displays and views of an OpenColorIO configuration: what a viewer shows of scene-linear light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import PyOpenColorIO as ocio


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
