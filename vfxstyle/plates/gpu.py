"""The analysis picture in CIELab, made on a GPU from a plate that is there: :mod:`.picture`, pixel for pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from vfxstyle.color.gpu import finite, gain_of, lab_of, rotated
from vfxstyle.plates.shrink import shares_of

_BLOCK = tl.constexpr(128)  # cells of a program


@dataclass(frozen=True, slots=True)
class Window:
    """Some rows of a plate, on a device."""

    rgb: Tensor
    """float32 (H, W, 3), decoded light."""
    alpha: Tensor | None
    """float32 (H, W), if the colours are multiplied by it."""
    offset: tuple[int, int]
    """Column and row of the display window that the first pixel lies on; may be negative."""


@triton.jit(do_not_specialize=["left", "top", "height", "width", "first_row", "rows", "columns"])
def _guide(
    rgb: tl.tensor, alpha: tl.tensor, matrix: tl.tensor, out: tl.tensor,
    first_x: tl.tensor, shares_x: tl.tensor, first_y: tl.tensor, shares_y: tl.tensor,
    left: tl.tensor, top: tl.tensor, height: tl.tensor, width: tl.tensor,
    first_row: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    taps_x: tl.constexpr, taps_y: tl.constexpr, has_alpha: tl.constexpr,
) -> None:  # fmt: skip
    """CIELab of a block of cells of some rows of the analysis picture."""
    i = tl.program_id(0) * _BLOCK + tl.arange(0, _BLOCK)
    mask = i < rows * columns
    row, column = first_row + i // columns, i % columns
    start_x, start_y = tl.load(first_x + column, mask, 0), tl.load(first_y + row, mask, 0)
    red, green, blue = tl.zeros((_BLOCK,), tl.float32), tl.zeros((_BLOCK,), tl.float32), tl.zeros((_BLOCK,), tl.float32)
    for v in range(taps_y):
        share_y = tl.load(shares_y + row * taps_y + v, mask, 0.0)
        y = start_y + v - top
        for u in range(taps_x):
            share = share_y * tl.load(shares_x + column * taps_x + u, mask, 0.0)
            x = start_x + u - left
            here = mask & (share > 0.0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
            at = y.to(tl.int64) * width + x
            r = tl.load(rgb + at * 3, here, 0.0)
            g = tl.load(rgb + at * 3 + 1, here, 0.0)
            b = tl.load(rgb + at * 3 + 2, here, 0.0)
            if has_alpha:
                cover = tl.load(alpha + at, here, 1.0)
                cover = tl.where((cover > 0.0) & (cover < 1.0), cover, 1.0)
                r, g, b = r / cover, g / cover, b / cover
            r, g, b = rotated(matrix, r, g, b)
            good = finite(r) & finite(g) & finite(b)
            r, g, b = tl.where(good, r, 0.0), tl.where(good, g, 0.0), tl.where(good, b, 0.0)
            gain = gain_of(tl.maximum(tl.maximum(r, g), b))
            red += share * tl.minimum(tl.maximum(r / gain, 0.0), 1.0)
            green += share * tl.minimum(tl.maximum(g / gain, 0.0), 1.0)
            blue += share * tl.minimum(tl.maximum(b / gain, 0.0), 1.0)
    L, A, B = lab_of(tl.minimum(red, 1.0), tl.minimum(green, 1.0), tl.minimum(blue, 1.0))
    tl.store(out + i * 3, L, mask)
    tl.store(out + i * 3 + 1, A, mask)
    tl.store(out + i * 3 + 2, B, mask)


def guide_on_device(
    window: Window, matrix: Tensor, display: tuple[int, int], size: tuple[int, int], part: slice
) -> Tensor:
    """Some rows of the analysis picture of a plate, as :func:`vfxstyle.plates.picture.analysis_lab` gives them.

    window: those rows of the plate that they show, or more. matrix: float32 (3, 3), to Rec.709, on the same device.
    display, size: (width, height), in px, of the display window and of the analysis picture. part: which rows of that.
    Returns float32 (rows, w, 3), CIELab.
    """
    device = window.rgb.device
    height, width, _ = window.rgb.shape
    columns, rows = size[0], part.stop - part.start
    tables = [torch.from_numpy(table).to(device) for axis in (0, 1) for table in shares_of(display[axis], size[axis])]
    first_x, shares_x, first_y, shares_y = tables
    out = torch.empty((rows, columns, 3), device=device)
    _guide[(triton.cdiv(rows * columns, _BLOCK.value),)](
        window.rgb,
        window.rgb if window.alpha is None else window.alpha,
        matrix,
        out,
        first_x,
        shares_x,
        first_y,
        shares_y,
        *window.offset,
        height,
        width,
        part.start,
        rows,
        columns,
        taps_x=shares_x.shape[1],
        taps_y=shares_y.shape[1],
        has_alpha=window.alpha is not None,
    )
    return out


def rows_shown(part: slice, display_height: int, rows: int) -> slice:
    """The rows of the display window that some of the ``rows`` of the analysis picture show."""
    first, shares = shares_of(display_height, rows)
    return slice(int(first[part.start]), min(int(first[part.stop - 1]) + shares.shape[1], display_height))
