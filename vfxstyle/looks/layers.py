"""Two layers of a grade and the gate between them, found on graded frames (docs/method.md, section 14).

An artist who treats a subject apart grades twice and joins the two by a matte. Both grades and the matte can be found
again where the frame is known before and after: each pixel's change lies somewhere between what the two layers would
make of its colour and of the contrast round it, and where it lies is the matte. What is done by place, such as a
vignette, is fitted to one layer alone: a base that has seen both took one for a part of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from vfxstyle.looks.base import NO_BASE, Base, cube_change, place_terms, places
from vfxstyle.looks.base_fit import PlacedPixels, fit_change_cube, fitted_by_place, robust_fit
from vfxstyle.looks.detail import BANDS, GAIN_LIMITS, bands
from vfxstyle.looks.transform import LAB_SCALE, TERMS, basis

FEATHERS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0)
"""Feathers that are tried, standard deviations in px of the analysis picture."""
SOFT = 6.0
"""Smoothing, in px of the analysis picture, of a gate that no matte explains, as that of a soft window."""
_SOFT_PASSES, _PASSES = 4, 16  # after which a soft window is taken: it flattens with more; and at most for a matte
_STILL = 5e-4  # share of the pixels that change sides in a pass, below which gates have come to rest
_PIXELS = 40_000  # that transforms and cubes are fitted to at most
_SAMPLES = 4000  # pixels that a layer is measured on in a frame at most
_PURE = 0.03  # gate within which of 0 or 1 a pixel belongs to one layer alone
_HIGHEST = 0.9  # quantile of the gates above one half that becomes 1
_LEAST = 0.002  # share of the pixels that a layer has at least
_LEVELS = ((0.8, 1.0), (2.5, 0.08), (8.0, 0.006), (25.0, 0.0005))  # sigma and weight of what fills unclear places
_SEEN = 0.3  # mean change of L by local contrast from which it can be in the layers
_LOCAL = 0.9  # error with local contrast in the layers, over that without, up to which it is in them
_FEATHER = 4.0  # px of the feather outside of which a matte's layers are pure
_FAR = 8.0  # px from which a smoothing is made of a picture of a quarter of the size
_SOLID = 1.1  # error with a feathered matte, over that with the gate smoothed, up to which the gate is one


@dataclass(frozen=True, slots=True)
class GradeLayers:
    """Two layers and the gate of each graded frame."""

    cubes: FloatArray
    """float32 (2, n, n, n, 3), the change of Lab of each layer, see :class:`~vfxstyle.looks.base.Base`."""
    gates: FloatArray
    """float32 (Q, h, w), 0..1, how much of the second layer each pixel of each graded frame has."""
    feather: float
    """Standard deviation of the matte's feather, px of the analysis picture; 0 where the gate is no feathered matte."""
    gains: FloatArray = field(default_factory=lambda: np.zeros((2, BANDS), np.float32))
    """float32 (2, 3), gains of the bands of lightness of each layer, see :mod:`vfxstyle.looks.detail`."""
    by_place: Base = NO_BASE
    """What is done by place under both layers."""

    @property
    def has_matte(self) -> bool:
        """Whether the gate is a feathered matte."""
        return self.feather > 0

    @property
    def share(self) -> float:
        """Share of the graded frames that is in the second layer, 0..1."""
        return float((self.gates > 0.5).mean())

    def shaped(self, gate: FloatArray) -> FloatArray:
        """A gate as a matte with this feather, or smoothed. gate: float32 (h, w), 0..1, of any size."""
        scale = gate.shape[1] / self.gates.shape[2]
        if self.feather:
            return matte_with_feather(gate > 0.5, self.feather * scale)
        return _blurred(gate, SOFT * scale)


def find_layers(
    before: Sequence[FloatArray], change: Sequence[FloatArray], base: Base = NO_BASE, seed: int = 0
) -> tuple[GradeLayers, float] | None:
    """Find two layers, and the mean L2 in Lab that they miss the graded frames by; None where there are no two.

    before: float32 (h, w, 3), CIELab of each graded frame's plate. change: float32 (h, w, 3), what it has to become
    less what it is. base: that of the look, which says in what way the place counts.
    """
    terms = [_terms(lab, by_place=base.has_place) for lab in before]
    moved, values = (np.concatenate([one.reshape(-1, one.shape[-1]) for one in these]) for these in (change, terms))
    drawn = _drawn(len(moved), seed)
    some, targets = values[drawn].astype(np.float64), moved[drawn] / np.array(LAB_SCALE)
    first = robust_fit(some, targets, passes=16)
    missed = np.linalg.norm((targets - some @ first) * np.array(LAB_SCALE), axis=1)
    apart = missed > max(4 * float(np.median(missed)), 3.0)
    if not _LEAST <= apart.mean() <= 0.5:
        return None
    second = robust_fit(some[apart], targets[apart])
    gates: list[FloatArray] = []
    windows: list[FloatArray] = []
    for number in range(_PASSES):
        earlier = gates
        gates = _reaching_one([_gate(*frame, first, second) for frame in zip(terms, change, strict=True)])
        if number < _SOFT_PASSES:
            windows = gates
        elif _share_moved(earlier, gates) < _STILL:
            break
        share = np.concatenate([gate.reshape(-1) for gate in gates])[drawn, None].astype(np.float64)
        both = robust_fit(np.concatenate([some * (1 - share), some * share], axis=1), targets, passes=2)
        first, second = np.split(both, 2)
    mattes = [matte_with_feather(gate > 0.5, _FEATHER) for gate in gates]
    tried = [layers_of_gates(before, change, these, base, seed) for these in (windows, mattes)]
    return min((found for found in tried if found is not None), key=lambda found: found[1], default=None)


def _terms(lab: FloatArray, *, by_place: bool) -> FloatArray:
    """What a layer's change is a sum of, float32 (h, w, 13 or 41): terms of the colour, and bands of lightness.

    by_place: whether a polynomial of place, and the same times lightness, are among them.
    """
    terms = [basis(lab), bands(lab[..., 0]) / np.float32(LAB_SCALE[0])]
    if by_place:
        polynomial = place_terms(places(*lab.shape[:2]))[..., 1:]
        terms += [polynomial, polynomial * lab[..., :1] / np.float32(LAB_SCALE[0])]
    return np.concatenate(terms, axis=-1)


def _share_moved(earlier: Sequence[FloatArray], gates: Sequence[FloatArray]) -> float:
    """Share of the pixels that are in another layer than they were."""
    return float(np.mean([((one > 0.5) != (other > 0.5)).mean() for one, other in zip(earlier, gates, strict=True)]))


def layers_of_gates(
    before: Sequence[FloatArray],
    change: Sequence[FloatArray],
    gates: Sequence[FloatArray],
    base: Base = NO_BASE,
    seed: int = 0,
) -> tuple[GradeLayers, float] | None:
    """Two layers whose gates are known, and the error of both together; None where a layer has hardly a pixel.

    gates: float32 (h, w), 0..1, of each graded frame. The rest is as for :func:`find_layers`.
    """
    gate = np.concatenate([one.reshape(-1) for one in gates])
    finer = np.concatenate([bands(one[..., 0]).reshape(-1, BANDS) for one in before])
    drawn = []
    for pure in (gate < _PURE, gate > 1 - _PURE):
        own = np.flatnonzero(pure)
        if len(own) < _LEAST * len(gate):
            return None
        drawn.append(own[_drawn(len(own), seed)])
    by_place = _by_place(before, change, drawn[0], base)
    left = [whole - by_place.change(lab, places(*lab.shape[:2])) for lab, whole in zip(before, change, strict=True)]
    colours, moved = (np.concatenate([one.reshape(-1, 3) for one in these]) for these in (before, left))

    def layers_with(gains: FloatArray) -> GradeLayers:
        cubes = []
        for own, gain in zip(drawn, gains, strict=True):
            after = colours[own] + moved[own]
            after[:, 0] -= finer[own] @ gain
            cubes.append(fit_change_cube(colours[own], after))
        return GradeLayers(np.stack(cubes), np.stack(gates), 0.0, gains, by_place)

    # errors are measured on every other pixel of every other row; gates are shaped whole, because they have feathers
    rows, columns = before[0].shape[:2]
    some_before, some_left, some_finer = (
        part.reshape(len(before), rows, columns, 3)[:, ::2, ::2] for part in (colours, moved, finer)
    )

    def missed(sides: Sequence[FloatArray], tried: GradeLayers) -> float:
        """Mean L2 in Lab from what layers make of the graded frames to what they became."""
        shaped = np.stack([tried.shaped(gate)[::2, ::2, None] for gate in gates])
        made = sides[0] + shaped * (sides[1] - sides[0])
        return float(np.linalg.norm(made - some_left, axis=-1).mean())

    local = np.stack([_gains(colours[own], moved[own], finer[own]) for own in drawn])
    seen = max(float(np.abs(finer[own] @ gain).mean()) for own, gain in zip(drawn, local, strict=True)) > _SEEN
    tried = []
    for gains in (np.zeros_like(local), local) if seen else (np.zeros_like(local),):
        layers = layers_with(gains)
        sides = [cube_change(cube, some_before) for cube in layers.cubes]
        for side, gain in zip(sides, gains, strict=True):
            side[..., 0] += some_finer @ gain
        tried.append((layers, sides, missed(sides, layers)))
    layers, sides, smooth = tried[-1] if tried[-1][2] < _LOCAL * tried[0][2] else tried[0]
    errors = {sigma: missed(sides, replace(layers, feather=sigma)) for sigma in FEATHERS} | {0.0: smooth}
    best = min(FEATHERS, key=lambda sigma: errors[sigma])
    feather = best if errors[best] <= _SOLID * smooth else 0.0
    return replace(layers, feather=feather), errors[feather]


def missed_by_layers(layers: GradeLayers, before: Sequence[FloatArray], change: Sequence[FloatArray]) -> FloatArray:
    """The mean of what either layer misses on each frame, float32 (2, Q, 3), in Lab units.

    A frame that was graded as the others misses what they do, whatever no layer can say of it. before, change: as for
    :func:`find_layers`. NaN where a frame has next to nothing of a layer.
    """
    missed = np.full((2, len(before), 3), np.nan, np.float32)
    for frame, (lab, whole, gate) in enumerate(zip(before, change, layers.gates, strict=True)):
        shaped = layers.shaped(gate)
        for side, pure in enumerate((shaped < _PURE, shaped > 1 - _PURE)):
            own = np.flatnonzero(pure)
            if len(own) < _LEAST * pure.size:
                continue
            own = own[:: -(-len(own) // _SAMPLES)]
            colours, place = lab.reshape(-1, 3)[own], places(*lab.shape[:2]).reshape(-1, 2)[own]
            left = whole.reshape(-1, 3)[own] - layers.by_place.change(colours, place)
            left -= cube_change(layers.cubes[side], colours)
            left[:, 0] -= bands(lab[..., 0]).reshape(-1, BANDS)[own] @ layers.gains[side]
            missed[side, frame] = left.mean(axis=0)
    return missed


def _gains(lab: FloatArray, change: FloatArray, finer: FloatArray) -> FloatArray:
    """Gains of bands of lightness that fit a change beside a transform, float32 (3,). finer: the bands, in L."""
    scale = np.array(LAB_SCALE)
    terms = np.concatenate([basis(lab), finer / np.float32(scale[0])], axis=-1)
    found = robust_fit(terms.astype(np.float64), change / scale)[TERMS:, 0]
    return np.clip(found, *GAIN_LIMITS).astype(np.float32)


def _by_place(before: Sequence[FloatArray], change: Sequence[FloatArray], drawn: IntArray, base: Base) -> Base:
    """What is done by place, fitted to the drawn pixels of all frames."""
    if not base.has_place:
        return NO_BASE
    lab, moved = (np.concatenate([one.reshape(-1, 3) for one in these])[drawn] for these in (before, change))
    place = np.concatenate([places(*lab.shape[:2]).reshape(-1, 2) for lab in before])[drawn]
    return fitted_by_place(base, PlacedPixels(lab, lab + moved, place))


def _gate(terms: FloatArray, change: FloatArray, first: DoubleArray, second: DoubleArray) -> FloatArray:
    """Where each change lies between those of two transforms of the terms, float32 (h, w), 0..1.

    Where both would make much the same of a colour it cannot be told; what lies round such places fills them.
    """
    low = terms @ (first * np.array(LAB_SCALE)).astype(np.float32)
    step = terms @ ((second - first) * np.array(LAB_SCALE)).astype(np.float32)
    along, size = ((change - low) * step).sum(axis=-1), (step * step).sum(axis=-1) + np.float32(1)
    above, below = np.zeros_like(along), np.zeros_like(size)
    for sigma, weight in _LEVELS:
        blurred = _blurred if sigma < _FAR else _blurred_far
        above += np.float32(weight) * blurred(along, sigma)
        below += np.float32(weight) * blurred(size, sigma)
    return np.asarray(np.clip(above / below, 0, 1), np.float32)


def _reaching_one(gates: list[FloatArray]) -> list[FloatArray]:
    """Gates scaled so that the highest tenth of what is above one half reaches 1.

    Half the gate towards a change twice as large is the same picture; smoothing lowers gates, and without this they
    sink from pass to pass, while the second layer grows.
    """
    inside = np.concatenate([gate[gate > 0.5] for gate in gates])
    highest = np.float32(np.quantile(inside, _HIGHEST)) if len(inside) else np.float32(1)
    return [np.minimum(gate / highest, np.float32(1)) for gate in gates]


def _drawn(count: int, seed: int) -> IntArray:
    return np.sort(np.random.default_rng(seed).permutation(count)[:_PIXELS])


def matte_with_feather(matte: BoolArray, sigma: float) -> FloatArray:
    """A hard matte with a feather, float32 (h, w), 0..1. sigma: in px."""
    return _blurred(matte.astype(np.float32), sigma)


def _blurred(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _blurred_far(picture: FloatArray, sigma: float) -> FloatArray:
    """As :func:`_blurred` for a wide sigma, in a fraction of the time."""
    rows, columns = picture.shape
    size = (max(1, round(columns / 4)), max(1, round(rows / 4)))
    small = _blurred(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32), sigma / 4)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
