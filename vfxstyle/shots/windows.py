"""Windows: rectangles of pixels in the plane of a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels in the plane of the picture; y grows downwards."""

    x: int
    """Left-most column, in px; may be negative."""
    y: int
    """Top row, in px; may be negative."""
    width: int
    """Columns, in px."""
    height: int
    """Rows, in px."""
