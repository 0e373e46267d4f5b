"""The grades of two layers, fitted once more when the matte between them is known (docs/method.md, section 14).

Until then pixels of the analysis picture are enough. These are means of many of the frame's, of which a look makes
something else than of single ones, and a matte's feather is in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from vfxstyle.color.cubes import cube_nodes
from vfxstyle.looks.base import cube_change, places
from vfxstyle.looks.base_fit import CLEARLY_LESS, CUBE_SIZE, fit_change_cube
from vfxstyle.looks.detail import bands
from vfxstyle.looks.layers import LEAST, GradeLayers
from vfxstyle.looks.lut import apply_cube

_MOSTLY = 0.9  # share of a layer in the pixels that it is fitted to, or less where it has hardly any
_PARTLY = 0.2  # and at least: what the other layer does is divided by it
_PIXELS = 20_000  # of each layer, at most
_PASSES = 3  # a fourth changes the second layer by 0.05 to 0.1 Lab units more, and the first by none
_TYPICAL = 1.0  # Lab units: pixels that are missed by more count less and less, for the matte is wrong there


def layers_of_points(
    layers: GradeLayers,
    before: Sequence[FloatArray],
    points: Sequence[tuple[FloatArray, FloatArray]],
    seed: int = 0,
) -> GradeLayers:
    """The layers with cubes of :data:`CUBE_SIZE` nodes, fitted to single pixels of the graded frames.

    Where a layer has hardly any, or where single pixels say no more than means do (see
    :func:`~vfxstyle.looks.base_fit.fitted_to_points`), they are the cubes that are there, with as many nodes.

    before: float32 (h, w, 3), CIELab of each graded frame's plate. points: of each frame, CIELab of single pixels of
    the plate and of the graded frame, float32 (h, w, 3) both, see
    :func:`~vfxstyle.plates.picture.point_picture`.
    """
    share = np.stack([layers.shaped(gate) for gate in layers.gates]).reshape(-1).astype(np.float64)
    finer = replace(layers, cubes=np.stack([_with_more_nodes(cube) for cube in layers.cubes]))
    random = np.random.default_rng(seed)
    drawn = []
    for own in (1 - share, share):
        least = min(_MOSTLY, float(np.quantile(own, 1 - LEAST)))
        if least < _PARTLY:
            return finer
        drawn.append(random.permutation(np.flatnonzero(own >= least))[: 2 * _PIXELS])
    pixels = [_Pixels.of(layers, before, points, share, own) for own in drawn]
    odd: list[BoolArray] = [np.arange(len(own)) % 2 == 1 for own in drawn]
    fitted: list[FloatArray] = list(finer.cubes)
    for _ in range(_PASSES):
        fitted = [_refitted(fitted, side, pixels[side].only(odd[side])) for side in (0, 1)]
    unseen = [own.only(np.logical_not(chosen)) for own, chosen in zip(pixels, odd, strict=True)]
    errors = [sum(own.missed_by(cubes) for own in unseen) for cubes in (list(finer.cubes), fitted)]
    return replace(layers, cubes=np.stack(fitted)) if errors[1] < CLEARLY_LESS * errors[0] else finer


def _with_more_nodes(cube: FloatArray) -> FloatArray:
    """A cube with :data:`CUBE_SIZE` nodes along each axis, and the same between them, float32."""
    nodes = cube_nodes(CUBE_SIZE).astype(np.float32)
    return apply_cube(cube, nodes.reshape(-1, 3)).reshape(nodes.shape)


@dataclass(frozen=True, slots=True)
class _Pixels:
    """N single pixels."""

    lab: FloatArray
    """float32 (N, 3), CIELab of the plate."""
    change: FloatArray
    """float32 (N, 3), what the cubes of both layers have to make of them, in Lab units."""
    share: DoubleArray
    """(N,), how much of the second layer they have."""

    @classmethod
    def of(
        cls,
        layers: GradeLayers,
        before: Sequence[FloatArray],
        points: Sequence[tuple[FloatArray, FloatArray]],
        share: DoubleArray,
        drawn: IntArray,
    ) -> _Pixels:
        """Those that are drawn of all pixels of the frames. share: of all of them, (M,). drawn: (N,)."""
        rows, columns = before[0].shape[:2]
        frame, place = np.divmod(drawn, rows * columns)
        plates, graded = (np.stack([one.reshape(-1, 3) for one in side]) for side in zip(*points, strict=True))
        lab, own = plates[frame, place], share[drawn]
        change = graded[frame, place] - lab
        change -= layers.by_place.change(lab, places(rows, columns).reshape(-1, 2)[place])
        if layers.gains.any():
            finer = np.stack([bands(one[..., 0]).reshape(rows * columns, -1) for one in before])[frame, place]
            change[:, 0] -= (finer * (layers.gains[0] + own[:, None] * (layers.gains[1] - layers.gains[0]))).sum(axis=1)
        return cls(lab, change, own)

    def only(self, chosen: BoolArray) -> _Pixels:
        """Some of the pixels."""
        return _Pixels(self.lab[chosen], self.change[chosen], self.share[chosen])

    def missed_by(self, cubes: Sequence[FloatArray]) -> float:
        """Mean L2 in Lab by which the cubes of both layers miss them."""
        first, second = (cube_change(cube, self.lab) for cube in cubes)
        made = first + self.share[:, None] * (second - first)
        return float(np.linalg.norm(self.change - made, axis=1).mean())


def _refitted(cubes: Sequence[FloatArray], side: int, pixels: _Pixels) -> FloatArray:
    """The cube of a layer, fitted to pixels that are mostly its own, with what the other has of them taken out."""
    made = [cube_change(cube, pixels.lab) for cube in cubes]
    own = (pixels.share if side else 1 - pixels.share)[:, None]
    without = (pixels.change - (1 - own) * made[1 - side]) / own
    missed = np.linalg.norm(without - made[side], axis=1)
    weights = own[:, 0] ** 2 / (1 + (missed / _TYPICAL) ** 2)
    return fit_change_cube(pixels.lab, (pixels.lab + without).astype(np.float32), CUBE_SIZE, weights)
