"""One frame of a shot: its pixels, its windows, and the metadata of its file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.shots.windows import Window

if TYPE_CHECKING:
    import OpenImageIO as oiio

    from vfxstyle.shots.exr import ExrPart
    from vfxstyle.shots.layers import Layer


@dataclass(frozen=True, slots=True)
class ExrPlate:
    """The OpenEXR file that a frame came from, whole, so that the result can carry all of it."""

    parts: list[ExrPart]
    """Every part with its header and channels."""
    layer: Layer
    """The layer that the frame's pixels are from."""


@dataclass(frozen=True, slots=True)
class MovieMark:
    """Metadata of one frame of a movie."""

    timecode: str | None
    """SMPTE timecode of this frame, or None where the movie has none."""
    frame_rate: Fraction | None
    """Frames per second, or None where the movie does not state it."""
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    reel: str | None
    """Reel name, or None."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame in memory."""

    number: int
    """Frame number in the shot."""
    source: str
    """Its origin, for messages: the path of the picture, or movie and frame."""
    rgb: FloatArray
    """float32 (H, W, 3), the data window's pixels in the plate's own colour space; code values are scaled to 0..1."""
    data_window: Window
    """Window of the pixels in ``rgb``."""
    display_window: Window
    """Window of the pixels that a viewer shows."""
    alpha: FloatArray | None = None
    """float32 (H, W), 0..1, or None."""
    premultiplied: bool = True
    """Whether ``rgb`` is multiplied by ``alpha`` (EXR is, PNG and TIFF are not)."""
    header: oiio.ImageSpec | None = field(default=None, repr=False)
    """The file's own header, metadata included; None for OpenEXR and movie frames."""
    file_format: str = ""
    """OpenImageIO's name of the format that the frame was read from; empty for movie frames."""
    exr: ExrPlate | None = field(default=None, repr=False)
    """The OpenEXR file that the frame came from; None for all other frames."""
    mark: MovieMark | None = None
    """Metadata of a frame of a movie; None for pictures."""
    mattes: tuple[FloatArray, ...] = field(default=(), repr=False)
    """float32 (H, W), 0..1, mattes of the regions that a grade is given, over the data window."""
    others: tuple[Frame, ...] = field(default=(), repr=False)
    """Further views of the same OpenEXR file, which are written with this one."""

    def straightened(self) -> Frame:
        """The frame with ``rgb`` divided by ``alpha``, unchanged where alpha is 0."""
        if self.alpha is None or not self.premultiplied:
            return self
        cover = self.alpha[..., None]
        straight = np.divide(self.rgb, cover, out=self.rgb.copy(), where=cover > 0)
        return replace(self, rgb=straight, premultiplied=False)

    def on_display(self) -> Frame:
        """The frame cropped, or padded with black and alpha 0, to its display window."""
        data, display = self.data_window, self.display_window
        if data == display:
            return self
        left, top = data.x - display.x, data.y - display.y
        rows = slice(max(top, 0), min(top + data.height, display.height))
        columns = slice(max(left, 0), min(left + data.width, display.width))

        def conformed(plane: FloatArray | None) -> FloatArray | None:
            if plane is None:
                return None
            out = np.zeros((display.height, display.width, *plane.shape[2:]), np.float32)
            if rows.start < rows.stop and columns.start < columns.stop:
                out[rows, columns] = plane[
                    rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
                ]
            return out

        rgb = conformed(self.rgb)
        assert rgb is not None
        return replace(
            self,
            rgb=rgb,
            alpha=conformed(self.alpha),
            mattes=tuple(plane for matte in self.mattes if (plane := conformed(matte)) is not None),
            data_window=display,
        )
