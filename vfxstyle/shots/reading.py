"""How pictures are read: the layer, and the largest size."""

from __future__ import annotations

from dataclasses import dataclass, field

from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.shots.layers import LayerChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How the pictures of a shot are read."""

    layers: LayerChoice = field(default_factory=LayerChoice)
    """The layer that is read of EXR files."""
    max_pixels: int = DEFAULT_MAX_PIXELS
    """Largest number of pixels of a picture; larger ones are refused before memory is taken."""

    def excess(self, width: int, height: int) -> str:
        """What is wrong with a picture that is too large, for an error message; empty for any other."""
        if width * height <= self.max_pixels:
            return ""
        return f"says that it is {width}x{height} px, more than the {self.max_pixels} allowed"
