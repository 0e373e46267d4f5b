"""Finding the two layers of a grade on graded frames (docs/method.md, section 14).

Both grades and the matte can be found again where the frame is known before and after: each pixel's change lies
somewhere between what the two layers would make of its colour and of the contrast round it, and where it lies is the
matte.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.looks.base import NO_BASE, Base, place_terms, places
from vfxstyle.looks.base_fit import robust_fit
from vfxstyle.looks.detail import bands
from vfxstyle.looks.layer_fit import drawn_pixels, layers_of_gates
from vfxstyle.looks.layers import LEAST, GradeLayers, blurred
from vfxstyle.looks.transform import LAB_SCALE, basis

_SOFT_PASSES, _PASSES = 8, 16  # after which a soft window is taken: it flattens with more; and at most for a matte
_STILL = 5e-4  # share of the pixels that change sides in a pass, below which gates have come to rest
_HIGHEST = 0.9  # quantile of the gates above one half that becomes 1
_LEVELS = ((0.8, 1.0), (2.5, 0.08), (8.0, 0.006), (25.0, 0.0005))  # sigma and weight of what fills unclear places
_FAR = 8.0  # px from which a smoothing is made of a picture of a quarter of the size


def find_layers(
    before: Sequence[FloatArray], change: Sequence[FloatArray], base: Base = NO_BASE, seed: int = 0
) -> tuple[GradeLayers, float] | None:
    """Find two layers, and the mean L2 in Lab that they miss the graded frames by; None where there are no two.

    before: float32 (h, w, 3), CIELab of each graded frame's plate. change: float32 (h, w, 3), what it has to become
    less what it is. base: that of the look, which says in what way the place counts.
    """
    terms = [_terms(lab, by_place=base.has_place) for lab in before]
    moved, values = (np.concatenate([one.reshape(-1, one.shape[-1]) for one in these]) for these in (change, terms))
    drawn = drawn_pixels(len(moved), seed)
    some, targets = values[drawn].astype(np.float64), moved[drawn] / np.array(LAB_SCALE)
    first = robust_fit(some, targets, passes=16)
    missed = np.linalg.norm((targets - some @ first) * np.array(LAB_SCALE), axis=1)
    apart = missed > max(4 * float(np.median(missed)), 3.0)
    if not LEAST <= apart.mean() <= 0.5:
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
    mattes = [(gate > 0.5).astype(np.float32) for gate in gates]
    tried = [
        layers_of_gates(before, change, windows, base, seed=seed),
        layers_of_gates(before, change, mattes, base, are_mattes=True, seed=seed),
    ]
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


def _gate(terms: FloatArray, change: FloatArray, first: DoubleArray, second: DoubleArray) -> FloatArray:
    """Where each change lies between those of two transforms of the terms, float32 (h, w), 0..1.

    Where both would make much the same of a colour it cannot be told; what lies round such places fills them.
    """
    low = terms @ (first * np.array(LAB_SCALE)).astype(np.float32)
    step = terms @ ((second - first) * np.array(LAB_SCALE)).astype(np.float32)
    along, size = ((change - low) * step).sum(axis=-1), (step * step).sum(axis=-1) + np.float32(1)
    above, below = np.zeros_like(along), np.zeros_like(size)
    for sigma, weight in _LEVELS:
        smooth = blurred if sigma < _FAR else _blurred_far
        above += np.float32(weight) * smooth(along, sigma)
        below += np.float32(weight) * smooth(size, sigma)
    return np.asarray(np.clip(above / below, 0, 1), np.float32)


def _reaching_one(gates: list[FloatArray]) -> list[FloatArray]:
    """Gates scaled so that the highest tenth of what is above one half reaches 1.

    Half the gate towards a change twice as large is the same picture; smoothing lowers gates, and without this they
    sink from pass to pass, while the second layer grows.
    """
    inside = np.concatenate([gate[gate > 0.5] for gate in gates])
    highest = np.float32(np.quantile(inside, _HIGHEST)) if len(inside) else np.float32(1)
    return [np.minimum(gate / highest, np.float32(1)) for gate in gates]


def _blurred_far(picture: FloatArray, sigma: float) -> FloatArray:
    """As :func:`~vfxstyle.looks.layers.blurred` for a wide sigma, in a fraction of the time."""
    rows, columns = picture.shape
    size = (max(1, round(columns / 4)), max(1, round(rows / 4)))
    small = blurred(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32), sigma / 4)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
