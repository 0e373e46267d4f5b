"""Two layers of a grade and the gate between them (docs/method.md, section 14).

An artist who treats a subject apart grades twice and joins the two by a matte. ``layer_search.py`` finds both grades
and the matte again on graded frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.looks.base import NO_BASE, Base, cube_change, places
from vfxstyle.looks.detail import BANDS, bands

SOFT = 6.0
"""Smoothing, in px of the analysis picture, of a gate that no matte explains, as that of a soft window."""
PURE = 0.03
"""Gate within which of 0 or 1 a pixel belongs to one layer alone."""
LEAST = 0.002
"""Share of the pixels that a layer has at least."""
_SAMPLES = 4000  # pixels that a layer is measured on in a frame at most


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

    def side(self, index: int, lab: FloatArray, finer: FloatArray) -> FloatArray:
        """What a layer alone makes of colours, the change in Lab units, float32 (..., 3).

        index: 0 or 1. lab: float32 (..., 3), CIELab. finer: float32 (..., 3), their bands of lightness, in L.
        """
        change = cube_change(self.cubes[index], lab)
        change[..., 0] += finer @ self.gains[index]
        return change

    def shaped(self, gate: FloatArray) -> FloatArray:
        """A gate as a matte with this feather, or smoothed. gate: float32 (h, w), 0..1, of any size."""
        scale = gate.shape[1] / self.gates.shape[2]
        if self.feather:
            return matte_with_feather(gate > 0.5, self.feather * scale)
        return blurred(gate, SOFT * scale)


def missed_by_layers(layers: GradeLayers, before: Sequence[FloatArray], change: Sequence[FloatArray]) -> FloatArray:
    """The mean of what either layer misses on each frame, float32 (2, Q, 3), in Lab units.

    A frame that was graded as the others misses what they do, whatever no layer can say of it. before, change: as for
    :func:`~vfxstyle.looks.layer_search.find_layers`. NaN where a frame has next to nothing of a layer.
    """
    missed = np.full((2, len(before), 3), np.nan, np.float32)
    for frame, (lab, whole, gate) in enumerate(zip(before, change, layers.gates, strict=True)):
        shaped, finer = layers.shaped(gate), bands(lab[..., 0]).reshape(-1, BANDS)
        for side, pure in enumerate((shaped < PURE, shaped > 1 - PURE)):
            own = np.flatnonzero(pure)
            if len(own) < LEAST * pure.size:
                continue
            own = own[:: -(-len(own) // _SAMPLES)]
            colours, place = lab.reshape(-1, 3)[own], places(*lab.shape[:2]).reshape(-1, 2)[own]
            left = whole.reshape(-1, 3)[own] - layers.by_place.change(colours, place)
            missed[side, frame] = (left - layers.side(side, colours, finer[own])).mean(axis=0)
    return missed


def matte_with_feather(matte: BoolArray, sigma: float) -> FloatArray:
    """A hard matte with a feather, float32 (h, w), 0..1. sigma: in px."""
    return blurred(matte.astype(np.float32), sigma)


def blurred(picture: FloatArray, sigma: float) -> FloatArray:
    """A picture smoothed, float32 (h, w). sigma: standard deviation, in px."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
