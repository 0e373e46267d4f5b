"""How the analysis sees a plate: display range, sRGB-encoded, at analysis resolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.color import linear_to_lab, linear_to_srgb, shown_as_photograph, srgb_to_linear
from vfxstyle.plates.lighting import MEASURED_COLUMNS, Measured, lighting_of_one, measured
from vfxstyle.plates.shrink import shrunk_photograph
from vfxstyle.plates.spaces import Light
from vfxstyle.shots import Frame

_BARELY = 0.05  # of a pixel: colours that alpha covers less are divided by next to nothing
_NEXT_TO_NONE = 0.01  # of the pixels: what alpha covers less of is no picture


def analysis_size(width: int, height: int, analysis_width: int) -> tuple[int, int]:
    """Columns and rows of the analysis picture; a plate narrower than asked for is not enlarged."""
    columns = min(width, analysis_width)
    return columns, max(1, round(height * columns / width))


def measured_frame(frame: Frame, light: Light) -> Measured | None:
    """How a frame's display window is lit; see :func:`~vfxstyle.plates.lighting.measured`.

    Pixels that alpha does not cover do not count, unless it covers next to none.
    """
    shown = frame.on_display()
    step = max(1, shown.rgb.shape[1] // MEASURED_COLUMNS)
    shown = replace(
        shown, rgb=shown.rgb[::step, ::step], alpha=None if shown.alpha is None else shown.alpha[::step, ::step]
    )
    covered = None if shown.alpha is None else (shown.alpha > _BARELY) & np.isfinite(shown.alpha)
    if covered is None or covered.mean() < _NEXT_TO_NONE:
        shown, covered = replace(shown, alpha=None), None
    lit = light.decoded(np.ascontiguousarray(shown.straightened().rgb))
    return measured(np.nan_to_num(lit, nan=0, posinf=0, neginf=0) @ light.matrix.T, covered)


def in_ordinary_light(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A picture without its own lighting, float32 (H, W, 3), sRGB-encoded, 0..1, and the lighting, float32 (3,).

    picture: float32 (H, W, 3), sRGB-encoded, 0..1.
    """
    light = srgb_to_linear(picture)
    lighting = lighting_of_one(measured(light))
    shown = shown_as_photograph(light, np.diag(1 / lighting).astype(np.float32))
    return np.clip(linear_to_srgb(shown), 0, 1), lighting


def analysis_picture(frame: Frame, light: Light, analysis_width: int) -> FloatArray:
    """The frame's display window for flow, superpixels and features.

    Highlights are brought to the display's white with their hue kept (the grading encoding, then a clip);
    pixels that are not finite count as black. Returns float32 (h, w, 3), sRGB, 0..1.
    """
    return np.clip(linear_to_srgb(_small(frame, light, analysis_width)), 0, 1)


def point_picture(frame: Frame, light: Light, analysis_width: int) -> FloatArray:
    """Colours of single pixels: of each pixel of :func:`analysis_picture` the frame's one in its middle.

    What a look makes of a mean of colours is not the mean of what it makes of them, so a look is learnt from single
    ones. Returns float32 (h, w, 3), sRGB, 0..1.
    """
    shown = frame.on_display()
    rows, columns = shown.rgb.shape[:2]
    width, height = analysis_size(columns, rows, analysis_width)
    if (width, height) != (columns, rows):
        middle = np.ix_(middles(rows, height), middles(columns, width))
        alpha = None if shown.alpha is None else np.ascontiguousarray(shown.alpha[middle])
        shown = replace(shown, rgb=np.ascontiguousarray(shown.rgb[middle]), alpha=alpha)
    return analysis_picture(shown, light, width)


def middles(size: int, cells: int) -> IntArray:
    """The px in the middle of each cell along an axis, int64 (cells,)."""
    return np.minimum(((np.arange(cells) + 0.5) * size / cells).astype(np.int64), size - 1)


def analysis_lab(frame: Frame, light: Light, analysis_width: int) -> FloatArray:
    """CIELab of :func:`analysis_picture`, without encoding it and decoding it again. Returns float32 (h, w, 3)."""
    small = _small(frame, light, analysis_width)
    return linear_to_lab(np.clip(small, 0, 1, out=small))


def _small(frame: Frame, light: Light, analysis_width: int) -> FloatArray:
    """The analysis picture before it is encoded: float32 (h, w, 3), linear Rec.709."""
    shown = frame.on_display()
    if light.decoder is not None:
        shown = shown.straightened()
    cover = shown.alpha if shown.premultiplied else None
    size = analysis_size(shown.rgb.shape[1], shown.rgb.shape[0], analysis_width)
    return shrunk_photograph(light.decoded(shown.rgb), light.matrix, size, cover)


def lab_of_picture(picture: FloatArray) -> FloatArray:
    """CIELab of an analysis picture. Returns float32 (h, w, 3)."""
    return linear_to_lab(srgb_to_linear(picture))
