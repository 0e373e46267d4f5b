"""How pictures are read: which layer, and how large they may say they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.shots.layers import LayerChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How the pictures of a shot are read."""

    layers: LayerChoice = field(default_factory=LayerChoice)
    """Which layer of EXR files is read."""
    max_pixels: int = DEFAULT_MAX_PIXELS
    """Pixels that a picture may have; more are refused before memory is taken."""

    def excess(self, width: int, height: int) -> str:
        """What is to be said of a picture that is too large; empty for any other."""
        if width * height <= self.max_pixels:
            return ""
        return f"says that it is {width}x{height} px, more than the {self.max_pixels} allowed"
