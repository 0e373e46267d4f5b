"""Fitting two layers to graded frames where the gate between them is known (docs/method.md, section 14).

What is done by place, such as a vignette, lies under both layers. A base that has seen both takes one for a part of
the other, so it is fitted anew to the first layer. Where that says nothing of the place of the second, the look's own
stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.looks.base import NO_BASE, Base, places
from vfxstyle.looks.base_fit import PlacedPixels, fit_change_cube, fitted_by_place, robust_fit
from vfxstyle.looks.detail import BANDS, GAIN_LIMITS, bands
from vfxstyle.looks.layers import LEAST, PURE, GradeLayers, matte_with_feather
from vfxstyle.looks.transform import LAB_SCALE, TERMS, basis

FEATHERS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0)
"""Feathers that are tried, standard deviations in px of the analysis picture."""
_NODES = 13  # along each axis of the cubes, which are fitted again to single pixels when all else is known
_PIXELS = 40_000  # that transforms and cubes are fitted to at most
_SEEN = 0.3  # mean change of L by local contrast from which it can be in the layers
_LOCAL = 0.9  # error with local contrast in the layers, over that without, up to which it is in them
_FEATHER = 4.0  # px of the feather outside of which a matte's layers are pure
_SOLID = 1.1  # error with a feathered matte, over that with the gate smoothed, up to which the gate is one


def layers_of_gates(
    before: Sequence[FloatArray],
    change: Sequence[FloatArray],
    gates: Sequence[FloatArray],
    base: Base = NO_BASE,
    *,
    are_mattes: bool = False,
    seed: int = 0,
) -> tuple[GradeLayers, float] | None:
    """Two layers whose gates are known, and the mean L2 in Lab that they miss; None where a layer has hardly a pixel.

    gates: float32 (h, w), 0..1, of each graded frame. are_mattes: whether they are hard mattes whose feather is not
    known, so that layers are fitted away from their borders. The rest is as for
    :func:`~vfxstyle.looks.layer_search.find_layers`.
    """
    pure = [matte_with_feather(gate > 0.5, _FEATHER) for gate in gates] if are_mattes else gates
    drawn = _drawn_in(np.concatenate([gate.reshape(-1) for gate in pure]), seed)
    if drawn is None:
        return None
    frames = _Frames.of(before, change, drawn)
    none = np.zeros((2, BANDS), np.float32)
    best = min(
        (_Fit.of(frames, gates, by_place, none) for by_place in frames.by_place(base)), key=lambda fit: fit.smooth
    )
    local = frames.gains(best.layers.by_place)
    if frames.shown_by(local) > _SEEN:
        contrasty = _Fit.of(frames, gates, best.layers.by_place, local)
        best = contrasty if contrasty.smooth < _LOCAL * best.smooth else best
    return best.feathered()


def drawn_pixels(count: int, seed: int) -> IntArray:
    """Pixels that transforms are fitted to, of so many, ascending."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:_PIXELS])


def _drawn_in(gate: FloatArray, seed: int) -> tuple[IntArray, IntArray] | None:
    """Pixels of either layer alone; None where one has hardly any. gate: float32 (N,)."""
    own = [np.flatnonzero(pure) for pure in (gate < PURE, gate > 1 - PURE)]
    if min(map(len, own)) < LEAST * len(gate):
        return None
    first, second = (one[drawn_pixels(len(one), seed)] for one in own)
    return first, second


@dataclass(frozen=True, slots=True)
class _Frames:
    """The pixels of the graded frames, N in all, and those that are fitted to."""

    shape: tuple[int, int, int]
    """Frames, rows and columns."""
    pixels: PlacedPixels
    finer: FloatArray
    """float32 (N, 3), bands of lightness, in L."""
    drawn: tuple[IntArray, IntArray]
    """Pixels of either layer alone."""

    @classmethod
    def of(
        cls, before: Sequence[FloatArray], change: Sequence[FloatArray], drawn: tuple[IntArray, IntArray]
    ) -> _Frames:
        rows, columns = before[0].shape[:2]
        lab, moved = (np.concatenate([one.reshape(-1, 3) for one in these]) for these in (before, change))
        place = np.tile(places(rows, columns).reshape(-1, 2), (len(before), 1))
        finer = np.concatenate([bands(one[..., 0]).reshape(-1, BANDS) for one in before])
        return cls((len(before), rows, columns), PlacedPixels(lab, lab + moved, place), finer, drawn)

    def by_place(self, base: Base) -> list[Base]:
        """What may be done by place: what the look's own base says, and the same fitted to the first layer."""
        if not base.has_place:
            return [NO_BASE]
        return [fitted_by_place(base, self.pixels.only(self.drawn[0])), replace(base, cube=NO_BASE.cube)]

    def gains(self, by_place: Base) -> FloatArray:
        """Gains of the bands of either layer that fit beside a transform, float32 (2, 3)."""
        scale, found = np.array(LAB_SCALE), []
        for own in self.drawn:
            left = self.pixels.only(own).without(by_place)
            terms = np.concatenate([basis(left.before), self.finer[own] / np.float32(scale[0])], axis=-1)
            phi = robust_fit(terms.astype(np.float64), (left.after - left.before) / scale)
            found.append(np.clip(phi[TERMS:, 0], *GAIN_LIMITS))
        return np.stack(found).astype(np.float32)

    def shown_by(self, gains: FloatArray) -> float:
        """Mean change of L that gains make, of the layer where it is larger."""
        return max(float(np.abs(self.finer[own] @ gain).mean()) for own, gain in zip(self.drawn, gains, strict=True))

    def thinned(self, part: FloatArray) -> FloatArray:
        """Every other pixel of every other row, which errors are measured on. part: float32 (N, 3)."""
        return part.reshape(*self.shape, 3)[:, ::2, ::2]


@dataclass(frozen=True, slots=True)
class _Fit:
    """Layers over what is done by place, and what they make of the frames."""

    layers: GradeLayers
    sides: tuple[FloatArray, FloatArray]
    """float32 (Q, h, w, 3), the change of either layer alone, thinned."""
    wanted: FloatArray
    """float32 (Q, h, w, 3), the change without what is done by place, thinned."""
    smooth: float
    """Mean L2 in Lab that they miss with the gate smoothed."""

    @classmethod
    def of(cls, frames: _Frames, gates: Sequence[FloatArray], by_place: Base, gains: FloatArray) -> _Fit:
        left = frames.pixels.without(by_place)
        cubes = []
        for own, gain in zip(frames.drawn, gains, strict=True):
            after = left.after[own].copy()
            after[:, 0] -= frames.finer[own] @ gain
            cubes.append(fit_change_cube(left.before[own], after, _NODES))
        layers = GradeLayers(np.stack(cubes), np.stack(gates), 0.0, gains, by_place)
        lab, finer = frames.thinned(left.before), frames.thinned(frames.finer)
        sides = (layers.side(0, lab, finer), layers.side(1, lab, finer))
        fit = cls(layers, sides, frames.thinned(left.after - left.before), 0.0)
        return replace(fit, smooth=fit.missed(0.0))

    def missed(self, feather: float) -> float:
        """Mean L2 in Lab from what the layers make of the frames to what they became, with a feather in px."""
        shaped = replace(self.layers, feather=feather)
        gates = np.stack([shaped.shaped(gate)[::2, ::2, None] for gate in self.layers.gates])
        made = self.sides[0] + gates * (self.sides[1] - self.sides[0])
        return float(np.linalg.norm(made - self.wanted, axis=-1).mean())

    def feathered(self) -> tuple[GradeLayers, float]:
        """The layers with the feather that explains the frames best, if one does, and what they miss with it."""
        errors = {sigma: self.missed(sigma) for sigma in FEATHERS} | {0.0: self.smooth}
        best = min(FEATHERS, key=lambda sigma: errors[sigma])
        feather = best if errors[best] <= _SOLID * self.smooth else 0.0
        return replace(self.layers, feather=feather), errors[feather]
