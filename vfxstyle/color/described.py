"""Colour spaces that a file describes in numbers: by an ICC profile, or by chromaticities and an exponent.

Such a space is recognised where it is one that has a name, within what eight bits can tell; else it is used as it is
described. Sources: ICC.1:2022; the PNG specification (gAMA, cHRM); the OpenEXR specification (chromaticities); B.
Lindbloom for primaries to XYZ and the Bradford adaptation; IEC 61966-2-1, Adobe RGB (1998), ITU-R BT.709, BT.1886 and
BT.2020, SMPTE RP 431-2 and ST 2065-1 for the named ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.color.cubes import cube_nodes
from vfxstyle.color.icc import Curve, make_icc, parametric, read_icc
from vfxstyle.color.srgb import linear_to_srgb

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

REC709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_REC2020: Chromaticities = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
_P3_D65: Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)
_ADOBE: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)
_AP0: Chromaticities = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
_AP1: Chromaticities = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
_D50 = (0.3457, 0.3585)
_D65 = (0.3127, 0.3290)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_HALF_MAX = 65504.0
_SAME = 0.75 / 255  # of the sRGB curve's range


_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_BT709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_NAMED: dict[str, tuple[Chromaticities, tuple[float, ...]]] = {
    "srgb_rec709_display": (REC709, _SRGB),
    "srgb_p3d65_display": (_P3_D65, _SRGB),
    "g22_adobergb_scene": (_ADOBE, (563 / 256,)),
    "g24_rec709_display": (REC709, (2.4,)),
    "g22_rec709_display": (REC709, (2.2,)),
    "g18_rec709_scene": (REC709, (1.8,)),
    "ocio:itu709_rec709_scene": (REC709, _BT709),
    "g24_rec2020_display": (_REC2020, (2.4,)),
    "g26_p3d65_display": (_P3_D65, (2.6,)),
    "lin_rec709_scene": (REC709, (1.0,)),
    "lin_p3d65_scene": (_P3_D65, (1.0,)),
    "lin_adobergb_scene": (_ADOBE, (1.0,)),
    "lin_rec2020_scene": (_REC2020, (1.0,)),
    "lin_ap1_scene": (_AP1, (1.0,)),
    "lin_ap0_scene": (_AP0, (1.0,)),
}  # primaries, and numbers of the parametric curve to linear light
_TEXTURES = {  # scene-referred twins with the same numbers
    "srgb_rec709_scene": "srgb_rec709_display",
    "srgb_p3d65_scene": "srgb_p3d65_display",
    "g22_rec709_scene": "g22_rec709_display",
    "g24_rec709_scene": "g24_rec709_display",
}


def _white(xy: tuple[float, float]) -> DoubleArray:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def adapted(source: tuple[float, float], target: tuple[float, float]) -> DoubleArray:
    """The Bradford adaptation of XYZ from one white to another, float64 (3, 3). source, target: their x and y."""
    gains = (_BRADFORD @ _white(target)) / (_BRADFORD @ _white(source))
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD, np.float64)


def to_xyz(chromaticities: Chromaticities) -> DoubleArray:
    """From linear RGB of these primaries to XYZ adapted to D65, float64 (3, 3).

    Raises ValueError for numbers that are no primaries.
    """
    numbers = np.array(chromaticities, np.float64).reshape(4, 2)
    if not np.isfinite(numbers).all() or numbers[3, 1] <= 0:
        raise ValueError("has no primaries")
    primaries = np.column_stack([numbers[:3], 1 - numbers[:3].sum(axis=1)]).T
    white = (float(numbers[3, 0]), float(numbers[3, 1]))
    if abs(np.linalg.det(primaries)) < 1e-6:
        raise ValueError("has no primaries")
    scale = np.linalg.solve(primaries, _white(white))
    return np.asarray(adapted(white, _D65) @ primaries * scale, np.float64)


@dataclass(frozen=True, slots=True)
class DescribedSpace:
    """A colour space as a file describes it."""

    name: str
    """Name, the same for descriptions of one space alone."""
    profile: bytes = field(default=b"", repr=False)
    """ICC profile; empty where chromaticities and exponent say it."""
    chromaticities: Chromaticities = REC709
    """x and y of red, green, blue and white."""
    exponent: float = 1.0
    """Power that makes linear light of the encoded values."""

    @property
    def is_linear(self) -> bool:
        """Whether its numbers are linear light. Raises what :meth:`check` raises."""
        return all(curve.exponent == 1 for curve in _numbers_of(self)[1])

    def known_as(self) -> str:
        """Interop name of the same space, or empty. Raises what :meth:`check` raises."""
        return _known_as(self)

    def check(self) -> None:
        """Raise ValueError, with a phrase that follows "which", for a description that cannot be used."""
        _numbers_of(self)

    @property
    def digest(self) -> str:
        """Stands for what the space does, as hexadecimal: the same for two descriptions of one space."""
        seen = np.round(_seen(*_numbers_of(self)).astype(np.float64), 4) + 0.0
        return hashlib.sha256(seen.tobytes()).hexdigest()[:8]

    @property
    def icc(self) -> bytes:
        """An ICC profile of it for pictures in colour. Raises what :meth:`check` raises."""
        if not self.profile:
            return _made_icc(self.name, self.chromaticities, (self.exponent,))
        profile = read_icc(self.profile)
        if not profile.is_grey:
            return self.profile
        return _made_icc(self.name, REC709, profile.curves[0](np.linspace(0, 1, 1024)))

    @property
    def codes(self) -> tuple[int, int] | None:
        """ITU-T H.273 codes of primaries and transfer that the profile states, or None."""
        return read_icc(self.profile).codes if self.profile else None

    def to_working(self) -> Any:
        """The OpenColorIO transform to linear Rec.709. Raises what :meth:`check` raises."""
        matrix, curves = _numbers_of(self)
        steps = ocio.GroupTransform()
        exponents = [curve.exponent for curve in curves]
        if None in exponents:
            steps.appendTransform(_sampled(curves))
        elif exponents != [1, 1, 1]:
            steps.appendTransform(ocio.ExponentTransform([*exponents, 1.0], ocio.NEGATIVE_MIRROR))
        rows = [[*map(float, row), 0.0] for row in matrix] + [[0.0, 0.0, 0.0, 1.0]]
        steps.appendTransform(ocio.MatrixTransform([value for row in rows for value in row]))
        return steps


def _sampled(curves: tuple[Curve, Curve, Curve]) -> Any:
    """Curves at every value that a half can have; beyond 0..1 they go on straight, and mirrored below 0."""
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
    places = np.clip(np.nan_to_num(np.abs(values), nan=0.0, posinf=_HALF_MAX), 0, _HALF_MAX)
    columns = []
    for curve in curves:
        top, below = curve(np.array([1.0, 1 - 1 / 1024]))
        inside, beyond = curve(np.minimum(places, 1)), np.maximum(places - 1, 0)
        columns.append(np.copysign(inside + beyond * max(float(top - below) * 1024, 1e-3), values))
    table = ocio.Lut1DTransform(length=65536, inputHalfDomain=True)
    table.setData(np.stack(columns, axis=-1).astype(np.float32).ravel())
    return table


def icc_of(interop_id: str) -> bytes:
    """An ICC profile of a named space; empty for one that such a profile cannot describe."""
    name = _TEXTURES.get(interop_id, interop_id)
    return _made_icc(interop_id, *_NAMED[name]) if name in _NAMED else b""


def _made_icc(name: str, chromaticities: Chromaticities, numbers: tuple[float, ...] | DoubleArray) -> bytes:
    return make_icc(name, adapted(_D65, _D50) @ to_xyz(chromaticities), numbers)


def _to_rec709(matrix_to_xyz: DoubleArray) -> DoubleArray:
    return np.asarray(np.linalg.solve(to_xyz(REC709), matrix_to_xyz), np.float64)


@lru_cache(maxsize=32)  # every frame of a shot says the same
def _numbers_of(space: DescribedSpace) -> tuple[DoubleArray, tuple[Curve, Curve, Curve]]:
    """The matrix to linear Rec.709 and the curves before it."""
    if space.profile:
        profile = read_icc(space.profile)
        matrix, curves = np.eye(3), profile.curves
        if not profile.is_grey:
            matrix = _to_rec709(adapted(_D50, _D65) @ profile.to_pcs)
    else:
        power = parametric((space.exponent,))
        matrix, curves = _to_rec709(to_xyz(space.chromaticities)), (power, power, power)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-6:
        raise ValueError("has no primaries")
    for curve in curves:
        with np.errstate(all="ignore"):
            light = curve(np.linspace(0, 1, 65))
        if not np.isfinite(light).all() or (np.diff(light) < -1e-6).any() or not 0.05 < light[-1] - light[0] < 20:
            raise ValueError("has curves that are none of a picture")
    return matrix, curves


@lru_cache(maxsize=32)
def _known_as(space: DescribedSpace) -> str:
    """The name of the space whose light of a set of colours looks the same."""
    own = _seen(*_numbers_of(space))
    for name, (chromaticities, numbers) in _NAMED.items():
        curve = parametric(numbers)
        if np.abs(_seen(_to_rec709(to_xyz(chromaticities)), (curve, curve, curve)) - own).max() < _SAME:
            return name
    return ""


def _seen(matrix: DoubleArray, curves: tuple[Curve, Curve, Curve]) -> FloatArray:
    """Colours from black to white and on the cube's grid, decoded and encoded as sRGB, float32 (N, 3)."""
    codes = np.concatenate([np.repeat(np.linspace(0, 1, 65)[:, None], 3, axis=1), cube_nodes(5).reshape(-1, 3)])
    light = np.stack([curve(codes[:, index]) for index, curve in enumerate(curves)], axis=-1) @ matrix.T
    seen: FloatArray = linear_to_srgb(light.astype(np.float32))
    return seen
