"""A look's transforms spread over a frame on a GPU: :mod:`.tables`, :mod:`.smoothing` and the bands of
:mod:`vfxstyle.looks.detail`, number for number.

Sums over superpixels are of whole numbers, which do not depend on the order of adding, so a frame is the same on every
run.
"""  # noqa: D205

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.looks.detail import EDGE, FADE, REACHES, WHITE
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS
from vfxstyle.superpixels.smoothing import BORDER_SIGMA, OWN, TAPS, fades_of

_FINE = 2.0**20  # numbers in whole sums are multiples of 1 / this
_PIXELS, _WIDE = tl.constexpr(64), tl.constexpr(32)  # pixels of a program, and numbers of a transform side by side
_TAPS, _COEFFICIENTS = tl.constexpr(TAPS), tl.constexpr(COEFFICIENTS)
_RANGE, _OWN = tl.constexpr(-0.5 / BORDER_SIGMA**2), tl.constexpr(float(OWN))
_L_TERM, _ONE_TERM = tl.constexpr(6), tl.constexpr(TERMS - 1)
_WHITE, _FADE, _SCALE = tl.constexpr(WHITE), tl.constexpr(FADE), tl.constexpr(LAB_SCALE[0])


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """The superpixels of one frame, on a device; see :class:`~vfxstyle.superpixels.tables.FrameTable`."""

    present: Tensor
    """int64 (N,), which of the shot's superpixels they are."""
    rows: Tensor
    """int32 (h, w), the row of the table that each pixel belongs to."""
    centroids: Tensor
    """float32 (N, 2)."""
    colours: Tensor
    """float32 (N, 3)."""


class ShotLook:
    """The transforms of a shot's superpixels, on a device.

    labels: int32 (M,), ascending. transforms: float32 (M, 33). device: of torch.
    """

    def __init__(self, labels: LabelArray, transforms: FloatArray, device: str) -> None:
        self.device = device
        self._labels = torch.from_numpy(labels).to(device)
        self._transforms = torch.from_numpy(np.ascontiguousarray(transforms, np.float32)).to(device)

    def coefficients(self, label_map: LabelArray, guide: Tensor) -> Tensor:
        """The plain look on a frame: its transforms smoothed, spread over pixels, and with the bands folded in.

        label_map: int32 (h, w). guide: float32 (h, w, 3), CIELab, on the device. Returns float32 (h, w, 30).
        """
        labels = torch.from_numpy(np.ascontiguousarray(label_map)).to(self.device)
        table = table_on_device(torch.searchsorted(self._labels, labels), len(self._labels), guide)
        own = smooth_on_device(self._transforms[table.present], table)
        return spread_on_device(own, table, guide)


def table_on_device(which: Tensor, count: int, guide: Tensor) -> DeviceTable:
    """The table of a frame. which: int64 (h, w), of the ``count`` superpixels of the shot that of each pixel."""
    device = guide.device
    flat = which.reshape(-1)
    areas = torch.zeros(count, dtype=torch.long, device=device).scatter_add_(0, flat, torch.ones_like(flat))
    present = torch.nonzero(areas)[:, 0]
    place = torch.zeros_like(areas)
    place[present] = torch.arange(len(present), device=device)
    rows = place[flat]
    y, x = (torch.arange(side, device=device) for side in which.shape)
    places = torch.stack([x.expand(which.shape), y[:, None].expand(which.shape)], dim=-1).double()
    whole = (torch.cat([places, guide.double()], dim=-1) * _FINE).round().long().view(-1, 5)
    sums = torch.zeros((len(present), 5), dtype=torch.long, device=device).index_add_(0, rows, whole)
    means = (sums.double() / _FINE / areas[present, None]).float()
    return DeviceTable(present, rows.int().view(which.shape), means[:, :2].contiguous(), means[:, 2:].contiguous())


def _neighbours(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Pairs of superpixels with a common side, each pair both ways, in ascending order: int64 (E,) here and there."""
    keys = []
    for one, two in ((rows[:, :-1], rows[:, 1:]), (rows[:-1], rows[1:])):
        here, there = one.reshape(-1).long(), two.reshape(-1).long()
        apart = here != there
        here, there = here[apart], there[apart]
        keys += [here * count + there, there * count + here]
    key = torch.unique(torch.cat(keys))
    return key // count, key % count


@triton.jit
def _smooth(
    transforms: tl.tensor, ends: tl.tensor, there: tl.tensor, weights: tl.tensor, out: tl.tensor, width: tl.tensor
) -> None:
    """A superpixel's transform becomes the weighted mean of its own and its neighbours'."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, 64)
    mask = column < width
    total, weight = tl.load(transforms + row * width + column, mask, 0.0).to(tl.float64), tl.full((), 1.0, tl.float64)
    begin = tl.load(ends + row)
    for edge in range(begin, tl.load(ends + row + 1)):
        share = tl.load(weights + edge)
        weight += share
        total += share * tl.load(transforms + tl.load(there + edge) * width + column, mask, 0.0).to(tl.float64)
    tl.store(out + row * width + column, (total / weight).to(tl.float32), mask)


def smooth_on_device(transforms: Tensor, table: DeviceTable) -> Tensor:
    """See :func:`vfxstyle.superpixels.smoothing.smooth_over_neighbours`. transforms: float32 (N, K), K up to 64."""
    count, width = transforms.shape
    here, there = _neighbours(table.rows, count)
    if not len(here):
        return transforms
    colour = (table.colours[here] - table.colours[there]).double().pow(2).sum(dim=1)
    place = (table.centroids[here] - table.centroids[there]).double().pow(2).sum(dim=1)
    weights = torch.exp(-colour / colour.mean().clamp(min=1e-6) - place / place.mean().clamp(min=1e-6))
    ends = torch.searchsorted(here, torch.arange(count + 1, device=here.device))
    transforms, out = transforms.contiguous(), torch.empty_like(transforms)
    _smooth[(count,)](transforms, ends, there, weights, out, width)
    return out


@triton.jit
def _three(values: tl.tensor, at: tl.tensor, mask: tl.tensor) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """The three numbers of each pixel."""
    at = values + at * 3
    return tl.load(at, mask, 0.0), tl.load(at + 1, mask, 0.0), tl.load(at + 2, mask, 0.0)


@triton.jit(do_not_specialize=["height", "width"])
def _spread(
    rows: tl.tensor, most: tl.tensor, last: tl.tensor, colours: tl.tensor, guide: tl.tensor, levels: tl.tensor,
    fades: tl.tensor, places: tl.tensor, out: tl.tensor, height: tl.tensor, width: tl.tensor,
) -> None:  # fmt: skip
    """Blend the transforms near each of a block of pixels, and fold the gains of the bands into them.

    most, last: the first 32 numbers of each transform with its gains, (N, 32), and the one that follows, (N,).
    levels: (h, w, 3), lightness after each smoothing. fades, places: of the samples round a pixel.
    """
    i = tl.program_id(0) * _PIXELS + tl.arange(0, _PIXELS)
    mask = i < height * width
    y, x = i // width, i % width
    own = tl.load(rows + i, mask, 0)
    L, a, b = (
        tl.load(guide + i * 3, mask, 0.0),
        tl.load(guide + i * 3 + 1, mask, 0.0),
        tl.load(guide + i * 3 + 2, mask, 0.0),
    )
    column = tl.arange(0, _WIDE)
    total = tl.zeros((_PIXELS,), tl.float32)
    blend, blend_last = tl.zeros((_PIXELS, _WIDE), tl.float32), tl.zeros((_PIXELS,), tl.float32)
    for j in range(_TAPS):
        sample_y = y + tl.load(places + j)
        for k in range(_TAPS):
            fade = tl.load(fades + j * _TAPS + k)
            sample_x = x + tl.load(places + k)
            here = mask & (sample_y >= 0) & (sample_y < height) & (sample_x >= 0) & (sample_x < width)
            row = tl.load(rows + sample_y * width + sample_x, here, 0)
            d0 = L - tl.load(colours + row * 3)
            d1 = a - tl.load(colours + row * 3 + 1)
            d2 = b - tl.load(colours + row * 3 + 2)
            like = tl.exp((d0 * d0 + d1 * d1 + d2 * d2) * _RANGE) + tl.where(row == own, _OWN, 0.0)
            weight = tl.where(here, fade * like, 0.0)
            total += weight
            blend += weight[:, None] * tl.load(most + row[:, None] * _WIDE + column[None, :])
            blend_last += weight * tl.load(last + row)
    share = 1.0 / tl.where(mask, total, 1.0)
    blend, blend_last = blend * share[:, None], blend_last * share
    # the gains of the three bands: the last two columns, and what comes after them
    l0, l1, l2 = (
        tl.load(levels + i * 3, mask, 0.0),
        tl.load(levels + i * 3 + 1, mask, 0.0),
        tl.load(levels + i * 3 + 2, mask, 0.0),
    )
    fine = tl.sum(tl.where(column[None, :] == _COEFFICIENTS, blend, 0.0), axis=1)
    middle = tl.sum(tl.where(column[None, :] == _COEFFICIENTS + 1, blend, 0.0), axis=1)
    faded = tl.minimum(tl.maximum((l0 - _WHITE) / -_FADE, 0.0), 1.0)
    constant = middle * (l0 - l1) + blend_last * (l1 - l2) - fine * l0
    blend += tl.where(column[None, :] == _L_TERM, (faded * fine)[:, None], 0.0)
    blend += tl.where(column[None, :] == _ONE_TERM, (faded * constant / _SCALE)[:, None], 0.0)
    wanted = mask[:, None] & (column[None, :] < _COEFFICIENTS)
    tl.store(out + i[:, None].to(tl.int64) * _COEFFICIENTS + column[None, :], blend, wanted)


def spread_on_device(transforms: Tensor, table: DeviceTable, guide: Tensor) -> Tensor:
    """See :func:`vfxstyle.superpixels.smoothing.spread_over_pixels`. transforms: float32 (N, 33), with gains."""
    height, width, _ = guide.shape
    device = guide.device
    reach = max(1.0, float(np.sqrt(height * width / len(transforms))))
    step = reach / (TAPS // 2)
    weights = fades_of(step, reach)
    fades = (torch.from_numpy(weights).float() / float(weights.max())).to(device)
    places = torch.from_numpy(np.rint((np.arange(TAPS) - TAPS // 2) * step).astype(np.int32)).to(device)
    out = torch.empty((height, width, COEFFICIENTS), device=device)
    most, last = transforms[:, : _WIDE.value].contiguous(), transforms[:, _WIDE.value].contiguous()
    _spread[(triton.cdiv(height * width, _PIXELS.value),)](
        table.rows,
        most,
        last,
        table.colours,
        guide,
        smoothed_on_device(guide[..., 0]),
        fades,
        places,
        out,
        height,
        width,
    )
    return out


def smoothed_on_device(lightness: Tensor) -> Tensor:
    """See :func:`vfxstyle.looks.detail.smoothed`. Returns float32 (h, w, 3)."""
    levels = []
    for reach in REACHES:
        radius = max(1, round(reach * lightness.shape[1]))
        centre, squares = _blurred(torch.stack([lightness, lightness * lightness]), radius)
        variance = (squares - centre * centre).clamp(min=0)
        share = variance / (variance + EDGE**2)
        kept, plain = _blurred(torch.stack([share, centre * (1 - share)]), radius)
        levels.append(kept * lightness + plain)
    return torch.stack(levels, dim=-1)


def _blurred(planes: Tensor, radius: int) -> Tensor:
    """Means over squares of ``2 radius + 1`` px, mirrored at the edges, of planes float32 (B, h, w)."""
    values = planes.double()
    for axis in (1, 2):
        size = values.shape[axis]
        at = torch.arange(-radius, size + radius, device=planes.device) % (2 * size)
        sums = values.index_select(axis, torch.minimum(at, 2 * size - 1 - at)).cumsum(axis)
        sums = torch.nn.functional.pad(sums, (1, 0) if axis == 2 else (0, 0, 1, 0))
        width = 2 * radius + 1
        values = (sums.narrow(axis, width, size) - sums.narrow(axis, 0, size)) / width
    return values.float()
