"""What a look does to the groups of superpixels that it treats alike, in a colourist's words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vfxstyle.arrays import ByteArray, FloatArray, IntArray, LabelArray
from vfxstyle.looks.base import Base
from vfxstyle.looks.transform import COEFFICIENTS, transform_lab

_TONES = np.array([[15, 0, 0], [50, 0, 0], [85, 0, 0]], np.float32)  # of grey: shadow, middle, highlight
_TINTS = np.array([[50, 30, 0], [50, 0, 30], [50, -30, 0], [50, 0, -30]], np.float32)
_CENTRE = np.zeros((1, 2), np.float32)  # of the frame, where a base depends on place
_WHEEL = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "magenta")
_HUES = (35, 65, 95, 160, 210, 270, 310, 350)  # degrees in Lab, of these
_LEAST = {"tone": 0.5, "tint": 1.0, "saturation": 0.03, "hue": 2.0}  # below this nothing is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of superpixels that a look treats alike, and its mean transform."""

    name: str
    """As ``mattes`` and ``--region group:`` call it: look_0 is the largest."""
    share: float
    """Of all pixels that were looked at, 0..1."""
    lift: float
    """Change of a shadow's lightness, L."""
    gamma: float
    """Change of middle grey's lightness, L."""
    gain: float
    """Change of a highlight's lightness, L."""
    saturation: float
    """Chroma after over chroma before, of four middle tints."""
    hue: float
    """Mean rotation of their hues, degrees."""
    cast: tuple[float, float]
    """Change of a and b of middle grey."""

    @property
    def words(self) -> str:
        """What the look does to it."""
        said = [
            f"{name} {value:+.0f} L" if abs(value) >= 1 else f"{name} {value:+.1f} L"
            for name, value in (("lift", self.lift), ("gamma", self.gamma), ("gain", self.gain))
            if abs(value) >= _LEAST["tone"]
        ]
        if abs(self.saturation - 1) >= _LEAST["saturation"]:
            said.append(f"saturation {self.saturation:.2f}")
        if abs(self.hue) >= _LEAST["hue"] and self.saturation > 0.1:
            said.append(f"hues turned {self.hue:+.0f}°")
        strength = float(np.hypot(*self.cast))
        if strength >= _LEAST["tint"]:
            said.append(f"towards {hue_name(*self.cast)} by {strength:.0f}")
        return ", ".join(said) or "left as it is"

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"words": self.words}


def hue_name(a: float, b: float) -> str:
    """The name of a hue by its direction in Lab."""
    angle = float(np.degrees(np.arctan2(b, a))) % 360
    gaps = [abs((angle - hue + 180) % 360 - 180) for hue in _HUES]
    return _WHEEL[int(np.argmin(gaps))]


def group_of(name: str, transforms: FloatArray, areas: IntArray, total: int, base: Base) -> Group:
    """What a look does to some superpixels on average.

    transforms: float32 (N, 33), of each. areas: their pixels. total: pixels of all superpixels. base: of the look.
    """
    weights = areas / max(1, areas.sum())
    mean = (transforms[:, :COEFFICIENTS] * weights[:, None]).sum(axis=0).astype(np.float32)

    def graded(lab: FloatArray) -> FloatArray:
        return transform_lab(lab, mean) + base.change(lab, np.repeat(_CENTRE, len(lab), axis=0))

    tones, tints = graded(_TONES) - _TONES, graded(_TINTS)
    chroma = np.hypot(tints[:, 1], tints[:, 2])
    turned = np.degrees(np.arctan2(tints[:, 2], tints[:, 1]) - np.arctan2(_TINTS[:, 2], _TINTS[:, 1]))
    turned = (turned + 180) % 360 - 180
    return Group(
        name=name,
        share=float(areas.sum() / max(1, total)),
        lift=float(tones[0, 0]),
        gamma=float(tones[1, 0]),
        gain=float(tones[2, 0]),
        saturation=float(chroma.mean() / 30),
        hue=float((turned * chroma).sum() / max(chroma.sum(), 1e-6)),
        cast=(float(tones[1, 1]), float(tones[1, 2])),
    )


def group_colour(index: int) -> tuple[int, int, int]:
    """The colour that stands for a group, sRGB, 0..255."""
    return _COLOURS[index % len(_COLOURS)]


_COLOURS = (
    *((66, 133, 244), (234, 134, 26), (52, 168, 83), (214, 69, 65)),
    *((155, 89, 182), (20, 184, 184), (240, 200, 60), (140, 110, 90)),
)


def painted(picture: ByteArray, groups: LabelArray) -> ByteArray:
    """A picture with the colours of its groups over it. picture: uint8 (H, W, 3). groups: int (H, W)."""
    paint = np.array([group_colour(index) for index in range(int(groups.max()) + 1)], np.float32)[groups]
    light = picture.astype(np.float32).mean(axis=-1, keepdims=True)
    return np.asarray(0.45 * light + 0.55 * paint, np.uint8)
