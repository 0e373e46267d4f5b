"""The grades of two layers, fitted once more when the matte between them is known (docs/method.md, section 14).

Until then pixels of the analysis picture are enough. These are means of many of the frame's, of which a look makes
something else than of single ones, and a matte's feather is in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray, IntArray
from vfxstyle.looks.base import cube_change, places
from vfxstyle.looks.base_fit import fit_change_cube
from vfxstyle.looks.detail import bands
from vfxstyle.looks.layers import LEAST, GradeLayers

_MOSTLY = 0.9  # share of a layer in the pixels that it is fitted to, or less where it has hardly any
_PIXELS = 20_000  # of each layer, at most
_PASSES = 3
_TYPICAL = 1.0  # Lab units: pixels that are missed by more count less and less, for the matte is wrong there


def fitted_to_points(
    layers: GradeLayers,
    before: Sequence[FloatArray],
    points: Sequence[tuple[FloatArray, FloatArray]],
    seed: int = 0,
) -> GradeLayers:
    """The layers with cubes fitted to single pixels of the graded frames.

    before: float32 (h, w, 3), CIELab of each graded frame's plate. points: of each frame, CIELab of single pixels of
    the plate and of the graded frame, float32 (h, w, 3) both, see
    :func:`~vfxstyle.plates.picture.point_picture`.
    """
    share = np.stack([layers.shaped(gate) for gate in layers.gates]).reshape(-1).astype(np.float64)
    random = np.random.default_rng(seed)
    mostly = [np.flatnonzero(own >= min(_MOSTLY, float(np.quantile(own, 1 - LEAST)))) for own in (1 - share, share)]
    drawn = [np.sort(random.permutation(own)[:_PIXELS]) for own in mostly]
    pixels = [_Pixels.of(layers, before, points, share, own) for own in drawn]
    cubes = list(layers.cubes)
    for _ in range(_PASSES):
        cubes = [_refitted(cubes, side, pixels[side]) for side in (0, 1)]
    return replace(layers, cubes=np.stack(cubes))


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


def _refitted(cubes: Sequence[FloatArray], side: int, pixels: _Pixels) -> FloatArray:
    """The cube of a layer, fitted to pixels that are mostly its own, with what the other has of them taken out."""
    made = [cube_change(cube, pixels.lab) for cube in cubes]
    own = (pixels.share if side else 1 - pixels.share)[:, None]
    without = (pixels.change - (1 - own) * made[1 - side]) / own
    missed = np.linalg.norm(without - made[side], axis=1)
    weights = own[:, 0] ** 2 / (1 + (missed / _TYPICAL) ** 2)
    return fit_change_cube(pixels.lab, (pixels.lab + without).astype(np.float32), weights=weights)
