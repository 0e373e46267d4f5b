"""Two layers of a grade and the gate between them, found on graded frames (docs/method.md, section 14).

An artist who treats a subject apart grades twice and joins the two by a matte. Both grades and the matte can be found
again where the frame is known before and after: each pixel's change lies somewhere between what the two layers would
make of its colour, and where it lies is the matte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from vfxstyle.looks.base import cube_change
from vfxstyle.looks.base_fit import fit_change_cube, robust_fit
from vfxstyle.looks.transform import LAB_SCALE, TERMS, basis

FEATHERS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0)
"""Feathers that are tried, standard deviations in px of the analysis picture."""
SOFT = 6.0
"""Smoothing, in px of the analysis picture, of a gate that no matte explains, as that of a soft window."""
_PASSES = 8
_PIXELS = 60_000  # that transforms and cubes are fitted to at most
_PURE = 0.03  # gate within which of 0 or 1 a pixel belongs to one layer alone
_HIGHEST = 0.9  # quantile of the gates above one half that becomes 1
_LEAST = 0.002  # share of the pixels that a layer has at least
_LEVELS = ((0.8, 1.0), (2.5, 0.08), (8.0, 0.006), (25.0, 0.0005))  # sigma and weight of what fills unclear places
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

    @property
    def has_matte(self) -> bool:
        """Whether the gate is a feathered matte."""
        return self.feather > 0

    @property
    def share(self) -> float:
        """Share of the graded frames that is in the second layer, 0..1."""
        return float((self.gates > 0.5).mean())

    def sides(self, lab: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The change of colours by either layer, in Lab units, float32 (h, w, 3). lab: float32 (h, w, 3)."""
        first, second = (cube_change(cube, lab) for cube in self.cubes)
        return first, second

    def shaped(self, gate: FloatArray) -> FloatArray:
        """A gate as a matte with this feather, or smoothed. gate: float32 (h, w), 0..1, of any size."""
        scale = gate.shape[1] / self.gates.shape[2]
        if self.feather:
            return matte_with_feather(gate > 0.5, self.feather * scale)
        return _blurred(gate, SOFT * scale)


def find_layers(
    before: Sequence[FloatArray], change: Sequence[FloatArray], seed: int = 0
) -> tuple[GradeLayers, float] | None:
    """Find two layers, and the mean L2 in Lab that they miss the graded frames by; None where there are no two.

    before: float32 (h, w, 3), CIELab of each graded frame's plate. change: float32 (h, w, 3), what it has to become
    less what it is, without what the look's base does by place.
    """
    lab, moved = (np.concatenate([one.reshape(-1, 3) for one in these]) for these in (before, change))
    drawn = _drawn(len(lab), seed)
    some, targets = basis(lab[drawn]).astype(np.float64), moved[drawn] / np.array(LAB_SCALE)
    first = robust_fit(some, targets, passes=16)
    missed = np.linalg.norm((targets - some @ first) * np.array(LAB_SCALE), axis=1)
    apart = missed > max(4 * float(np.median(missed)), 3.0)
    if not _LEAST <= apart.mean() <= 0.5:
        return None
    second = robust_fit(some[apart], targets[apart])
    gates: list[FloatArray] = []
    for _ in range(_PASSES):
        gates = _reaching_one([_gate(*frame, first, second) for frame in zip(before, change, strict=True)])
        share = np.concatenate([gate.reshape(-1) for gate in gates])[drawn, None].astype(np.float64)
        both = robust_fit(np.concatenate([some * (1 - share), some * share], axis=1), targets, passes=2)
        first, second = both[:TERMS], both[TERMS:]
    return layers_of_gates(before, change, gates, seed)


def layers_of_gates(
    before: Sequence[FloatArray], change: Sequence[FloatArray], gates: Sequence[FloatArray], seed: int = 0
) -> tuple[GradeLayers, float] | None:
    """Two layers whose gates are known, and the error of both together; None where a layer has hardly a pixel.

    gates: float32 (h, w), 0..1, of each graded frame. The rest is as for :func:`find_layers`.
    """
    gate = np.concatenate([one.reshape(-1) for one in gates])
    lab, moved = (np.concatenate([one.reshape(-1, 3) for one in these]) for these in (before, change))
    cubes = []
    for pure in (gate < _PURE, gate > 1 - _PURE):
        own = np.flatnonzero(pure)
        if len(own) < _LEAST * len(gate):
            return None
        own = own[_drawn(len(own), seed)]
        cubes.append(fit_change_cube(lab[own], lab[own] + moved[own]))
    layers = GradeLayers(np.stack(cubes), np.stack(gates), 0.0)
    sides = [layers.sides(one) for one in before]

    def missed(tried: GradeLayers) -> float:
        """Mean L2 in Lab from what layers make of the graded frames to what they became."""
        made = [_mixed(side, tried.shaped(gate)) for side, gate in zip(sides, gates, strict=True)]
        return _distance(made, change)

    errors = {sigma: missed(replace(layers, feather=sigma)) for sigma in (0.0, *FEATHERS)}
    best = min(FEATHERS, key=lambda sigma: errors[sigma])
    feather = best if errors[best] <= _SOLID * errors[0.0] else 0.0
    return replace(layers, feather=feather), errors[feather]


def _gate(lab: FloatArray, change: FloatArray, first: DoubleArray, second: DoubleArray) -> FloatArray:
    """Where each change lies between those of two transforms, float32 (h, w), 0..1.

    Where both would make much the same of a colour it cannot be told; what lies round such places fills them.
    """
    values = basis(lab)
    low = values @ (first * np.array(LAB_SCALE)).astype(np.float32)
    step = values @ ((second - first) * np.array(LAB_SCALE)).astype(np.float32)
    along, size = ((change - low) * step).sum(axis=-1), (step * step).sum(axis=-1) + np.float32(1)
    above, below = np.zeros_like(along), np.zeros_like(size)
    for sigma, weight in _LEVELS:
        above += np.float32(weight) * _blurred(along, sigma)
        below += np.float32(weight) * _blurred(size, sigma)
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


def _mixed(sides: tuple[FloatArray, FloatArray], gate: FloatArray) -> FloatArray:
    return sides[0] + gate[..., None] * (sides[1] - sides[0])


def _distance(made: Sequence[FloatArray], change: Sequence[FloatArray]) -> float:
    return float(
        np.mean([np.linalg.norm(one - other, axis=-1).mean() for one, other in zip(made, change, strict=True)])
    )


def _blurred(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
