"""Applying a field of transforms on a GPU: :mod:`.apply`, pixel for pixel, in one kernel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from vfxstyle.arrays import FloatArray
from vfxstyle.color.gpu import finite, floored, gain_of, lab_of, light_of, rotated
from vfxstyle.looks.apply import FAR, GUIDE_SIGMA, LARGEST, TOE
from vfxstyle.looks.field import Placing, TransformField
from vfxstyle.looks.likeness import LEAST_EXPONENT, exponent_of
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS

_BLOCK = tl.constexpr(256)  # pixels of a program
_RANGE, _LEAST = tl.constexpr(float(exponent_of(GUIDE_SIGMA))), tl.constexpr(LEAST_EXPONENT)
_FAR, _LARGEST, _TOE = tl.constexpr(float(FAR)), tl.constexpr(float(LARGEST)), tl.constexpr(TOE)
_COEFFICIENTS, _TERMS = tl.constexpr(COEFFICIENTS), tl.constexpr(TERMS)
_L, _A, _B = (tl.constexpr(scale) for scale in LAB_SCALE)


@dataclass(frozen=True, slots=True)
class DeviceField:
    """A :class:`~vfxstyle.looks.field.TransformField` on a device: tensors of the same shapes and meaning."""

    coefficients: Tensor
    guide: Tensor
    cubes: Tensor | None = None
    """None where there are none."""
    shares: Tensor | None = field(default=None)
    """None for all of every cube."""
    strengths: Tensor | None = field(default=None)
    """None for all of the change."""

    @classmethod
    def of(cls, host: TransformField, device: str) -> DeviceField:
        """Bring a field to a device."""
        optional = (host.cubes, host.shares, host.strengths)
        return cls(put(host.coefficients, device), put(host.guide, device), *(_optional(v, device) for v in optional))


def put(values: FloatArray, device: str) -> Tensor:
    """Bring numbers to a device, float32, one after the other in memory."""
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device)


def _optional(values: FloatArray, device: str) -> Tensor | None:
    return put(values, device) if values.size else None


@triton.jit
def _cell_of(x: tl.tensor, origin: tl.tensor, cell: tl.tensor, columns: tl.tensor) -> tl.tensor:
    """As :func:`vfxstyle.looks.field.cell_of`."""
    return tl.minimum(tl.maximum((x.to(tl.float32) + origin) * cell - 0.5, 0.0), (columns - 1).to(tl.float32))


@triton.jit
def _likeness(guide: tl.tensor, at: tl.tensor, L: tl.tensor, a: tl.tensor, b: tl.tensor, mask: tl.tensor) -> tl.tensor:
    """Weight of cells by their likeness in colour to pixels."""
    d0 = L - tl.load(guide + at * 3, mask, 0.0)
    d1 = a - tl.load(guide + at * 3 + 1, mask, 0.0)
    d2 = b - tl.load(guide + at * 3 + 2, mask, 0.0)
    return tl.exp2(tl.maximum((d0 * d0 + d1 * d1 + d2 * d2) * _RANGE, _LEAST)) + _FAR


@triton.jit
def _blended(
    values: tl.tensor, stride: tl.tensor, c: tl.tensor,
    one: tl.tensor, two: tl.tensor, three: tl.tensor, four: tl.tensor,
    w0: tl.tensor, w1: tl.tensor, w2: tl.tensor, w3: tl.tensor, mask: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """Number ``c`` of the ``stride`` that each cell has, as the four cells round pixels have it."""
    return (
        w0 * tl.load(values + one * stride + c, mask, 0.0)
        + w1 * tl.load(values + two * stride + c, mask, 0.0)
        + w2 * tl.load(values + three * stride + c, mask, 0.0)
        + w3 * tl.load(values + four * stride + c, mask, 0.0)
    )


@triton.jit
def _term(t: tl.constexpr, L: tl.tensor, a: tl.tensor, b: tl.tensor) -> tl.tensor:
    """Term ``t`` of the basis of :mod:`.transform`, of scaled colours."""
    if t == 0:
        value = L * L
    elif t == 1:
        value = a * a
    elif t == 2:
        value = b * b
    elif t == 3:
        value = L * a
    elif t == 4:
        value = L * b
    elif t == 5:
        value = a * b
    elif t == 6:
        value = L
    elif t == 7:
        value = a
    elif t == 8:
        value = b
    else:
        value = tl.zeros_like(L) + 1.0
    return value


@triton.jit
def _above_black(new: tl.tensor, old: tl.tensor) -> tl.tensor:
    """As :mod:`.apply` has it."""
    toe = tl.where(old > 0.0, tl.minimum(old, _TOE), 1.0)
    low = toe * tl.exp(tl.minimum(new / toe - 1.0, 0.0))
    return tl.where(old <= 0.0, tl.maximum(new, old), tl.where(new >= toe, new, low))


@triton.jit
def _cube(
    cubes: tl.tensor, at: tl.tensor, side: tl.tensor, r: tl.tensor, g: tl.tensor, b: tl.tensor, mask: tl.tensor
) -> tl.tensor:
    """One number of a cube, trilinearly. at: its place in the nearest lower corner of the cell of the cube."""
    down, across = side * side * 3, side * 3
    near = (1.0 - b) * tl.load(cubes + at, mask, 0.0) + b * tl.load(cubes + at + 3, mask, 0.0)
    far = (1.0 - b) * tl.load(cubes + at + across, mask, 0.0) + b * tl.load(cubes + at + across + 3, mask, 0.0)
    low = (1.0 - g) * near + g * far
    at += down
    near = (1.0 - b) * tl.load(cubes + at, mask, 0.0) + b * tl.load(cubes + at + 3, mask, 0.0)
    far = (1.0 - b) * tl.load(cubes + at + across, mask, 0.0) + b * tl.load(cubes + at + across + 3, mask, 0.0)
    return (1.0 - r) * low + r * ((1.0 - g) * near + g * far)


@triton.jit
def _axis(light: tl.tensor, last: tl.tensor) -> tuple[tl.tensor, tl.tensor]:
    """Where light lies along an axis of a cube: the corner before it, and how far beyond that."""
    place = tl.sqrt(tl.minimum(tl.maximum(light, 0.0), 1.0)) * last.to(tl.float32)
    corner = tl.minimum(place.to(tl.int32), last - 1)
    return corner, place - corner.to(tl.float32)


@triton.jit(do_not_specialize=["first_row", "height", "width", "rows", "columns", "count", "side"])
def _apply(
    rgb: tl.tensor, alpha: tl.tensor, coefficients: tl.tensor, guide: tl.tensor, cubes: tl.tensor, shares: tl.tensor,
    strengths: tl.tensor, share: tl.tensor, out: tl.tensor, left_alone: tl.tensor, to_working: tl.tensor,
    from_working: tl.tensor, first_row: tl.tensor, height: tl.tensor, width: tl.tensor, rows: tl.tensor,
    columns: tl.tensor, origin_x: tl.tensor, origin_y: tl.tensor, cell_x: tl.tensor, cell_y: tl.tensor,
    strength: tl.tensor, count: tl.tensor, side: tl.tensor, has_alpha: tl.constexpr, has_cubes: tl.constexpr,
    has_shares: tl.constexpr, has_strengths: tl.constexpr, has_share: tl.constexpr,
) -> None:  # fmt: skip
    """Grade a block of pixels of some rows of a picture. Arguments as of :func:`vfxstyle.looks.apply._apply`.

    first_row: of the rows, in the picture. height: how many they are. count: cubes. side: of a cube.
    """
    i = tl.program_id(0).to(tl.int64) * _BLOCK + tl.arange(0, _BLOCK)
    mask = i < height.to(tl.int64) * width
    y, x = (i // width).to(tl.int32), (i % width).to(tl.int32)
    # what a look may change, and the factor of the change
    p0 = tl.load(rgb + i * 3, mask, 0.0)
    p1 = tl.load(rgb + i * 3 + 1, mask, 0.0)
    p2 = tl.load(rgb + i * 3 + 2, mask, 0.0)
    cover = tl.full((_BLOCK,), 1.0, tl.float32)
    if has_alpha:
        cover = tl.load(alpha + i, mask, 1.0)
    good = finite(p0) & finite(p1) & finite(p2) & finite(cover)
    tl.atomic_add(left_alone, tl.sum((mask & ~good).to(tl.int32)))
    empty = (cover == 0.0) & (p0 == 0.0) & (p1 == 0.0) & (p2 == 0.0)
    graded = good & ~empty
    s0, s1, s2 = tl.where(graded, p0, 0.0), tl.where(graded, p1, 0.0), tl.where(graded, p2, 0.0)
    peak = tl.maximum(tl.maximum(tl.abs(s0), tl.abs(s1)), tl.abs(s2))
    covered = graded & (cover > 0.0) & (cover < 1.0)
    covered = covered & (peak < tl.where(covered, cover, 1.0) * _LARGEST)
    cover = tl.where(covered, cover, 1.0)
    r, g, b = rotated(to_working, s0 / cover, s1 / cover, s2 / cover)
    gain = gain_of(tl.maximum(tl.maximum(r, g), b))
    r, g, b = floored(r / gain), floored(g / gain), floored(b / gain)
    mix = tl.where(graded, strength * cover * gain, 0.0)
    L, A, B = lab_of(r, g, b)
    # the four cells round each pixel, and their weights
    fx, fy = _cell_of(x, origin_x, cell_x, columns), _cell_of(y + first_row, origin_y, cell_y, rows)
    x0, y0 = fx.to(tl.int32), fy.to(tl.int32)
    right, low = fx - x0.to(tl.float32), fy - y0.to(tl.float32)
    x1, y1 = tl.minimum(x0 + 1, columns - 1), tl.minimum(y0 + 1, rows - 1)
    one, two, three, four = y0 * columns + x0, y0 * columns + x1, y1 * columns + x0, y1 * columns + x1
    w0 = (1.0 - low) * (1.0 - right) * _likeness(guide, one, L, A, B, mask)
    w1 = (1.0 - low) * right * _likeness(guide, two, L, A, B, mask)
    w2 = low * (1.0 - right) * _likeness(guide, three, L, A, B, mask)
    w3 = low * right * _likeness(guide, four, L, A, B, mask)
    total = 1.0 / (w0 + w1 + w2 + w3)
    w0, w1, w2, w3 = w0 * total, w1 * total, w2 * total, w3 * total
    if has_strengths:
        mix *= _blended(strengths, 1, 0, one, two, three, four, w0, w1, w2, w3, mask)
    if has_share:
        mix *= tl.load(share + i, mask, 0.0)
    # the change in Lab
    change_l, change_a, change_b = tl.zeros_like(L), tl.zeros_like(L), tl.zeros_like(L)
    for t in tl.static_range(_TERMS):
        v = _term(t, L / _L, A / _A, B / _B)
        change_l += v * _blended(coefficients, _COEFFICIENTS, t, one, two, three, four, w0, w1, w2, w3, mask)
        change_a += v * _blended(coefficients, _COEFFICIENTS, _TERMS + t, one, two, three, four, w0, w1, w2, w3, mask)
        change_b += v * _blended(
            coefficients, _COEFFICIENTS, 2 * _TERMS + t, one, two, three, four, w0, w1, w2, w3, mask
        )
    change_l, change_a, change_b = change_l * _L, change_a * _A, change_b * _B
    if has_cubes:
        last = side - 1
        i0, q0 = _axis(r, last)
        i1, q1 = _axis(g, last)
        i2, q2 = _axis(b, last)
        at = ((i0 * side + i1) * side + i2) * 3
        for n in range(count):
            part = tl.full((_BLOCK,), 1.0, tl.float32)
            if has_shares:
                part = _blended(shares, count, n, one, two, three, four, w0, w1, w2, w3, mask)
            change_l += part * _cube(cubes, at, side, q0, q1, q2, mask)
            change_a += part * _cube(cubes, at + 1, side, q0, q1, q2, mask)
            change_b += part * _cube(cubes, at + 2, side, q0, q1, q2, mask)
            at += side * side * side * 3
    # back to light, of which only the difference is added
    old_r, old_g, old_b = light_of(L, A, B)
    new_r, new_g, new_b = light_of(L + change_l, A + change_a, B + change_b)
    d0 = mix * (_above_black(new_r, old_r) - old_r)
    d1 = mix * (_above_black(new_g, old_g) - old_g)
    d2 = mix * (_above_black(new_b, old_b) - old_b)
    d0, d1, d2 = rotated(from_working, d0, d1, d2)
    tl.store(out + i * 3, tl.where(d0 != 0.0, p0 + d0, p0), mask)
    tl.store(out + i * 3 + 1, tl.where(d1 != 0.0, p1 + d1, p1), mask)
    tl.store(out + i * 3 + 2, tl.where(d2 != 0.0, p2 + d2, p2), mask)


def apply_on_device(
    rgb: Tensor,
    over: DeviceField,
    placing: Placing,
    *,
    alpha: Tensor | None = None,
    share: Tensor | None = None,
    first_row: int = 0,
) -> tuple[Tensor, Tensor]:
    """Grade some rows of a picture on the device that it is on.

    rgb: float32 (H, W, 3), rows of the picture from ``first_row`` on. over: of the whole picture. alpha, share: float32
    (H, W), of these rows. Returns float32 (H, W, 3), and the number of pixels left alone, int32 (1,).
    """
    height, width, _ = rgb.shape
    rows, columns = over.guide.shape[:2]
    out, left_alone = torch.empty_like(rgb), torch.zeros(1, dtype=torch.int32, device=rgb.device)
    # a kernel is given some tensor where it reads none
    _apply[(triton.cdiv(height * width, _BLOCK.value),)](
        rgb,
        rgb if alpha is None else alpha,
        over.coefficients,
        over.guide,
        rgb if over.cubes is None else over.cubes,
        rgb if over.shares is None else over.shares,
        rgb if over.strengths is None else over.strengths,
        rgb if share is None else share,
        out,
        left_alone,
        put(placing.to_working, str(rgb.device)),
        put(placing.from_working, str(rgb.device)),
        first_row,
        height,
        width,
        rows,
        columns,
        *placing.origin,
        *placing.cells(columns, rows),
        placing.strength,
        0 if over.cubes is None else len(over.cubes),
        0 if over.cubes is None else over.cubes.shape[1],
        has_alpha=alpha is not None,
        has_cubes=over.cubes is not None,
        has_shares=over.shares is not None,
        has_strengths=over.strengths is not None,
        has_share=share is not None,
    )
    return out, left_alone
