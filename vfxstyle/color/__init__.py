"""Colour: OpenColorIO spaces, CIELab, the sRGB curve, and the reversible grading encoding."""

from vfxstyle.color.config import ColorConfig, ColorSpace, SpaceKind
from vfxstyle.color.grading import from_grading, shown_as_photograph, to_grading
from vfxstyle.color.lab import lab_to_linear, linear_to_lab
from vfxstyle.color.srgb import linear_to_srgb, srgb_to_linear
from vfxstyle.color.transform import Transform

__all__ = [
    "ColorConfig",
    "ColorSpace",
    "SpaceKind",
    "Transform",
    "from_grading",
    "lab_to_linear",
    "linear_to_lab",
    "linear_to_srgb",
    "shown_as_photograph",
    "srgb_to_linear",
    "to_grading",
]
