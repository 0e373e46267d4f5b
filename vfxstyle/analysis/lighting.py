"""The lighting of an analysed shot; see :mod:`vfxstyle.plates.lighting`."""

from __future__ import annotations

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import FloatArray
from vfxstyle.plates.lighting import Measured, lighting_of


def measured_in(analysis: AnalysisFolder) -> dict[int, Measured]:
    """How each frame that has light is lit."""
    return {int(number): Measured(*values) for number, values in analysis.manifest.get("lighting", {}).items()}


def lighting_in(analysis: AnalysisFolder) -> FloatArray:
    """The lighting of the shot, float32 (3,)."""
    return lighting_of(measured_in(analysis).values())
