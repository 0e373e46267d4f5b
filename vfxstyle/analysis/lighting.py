"""The lighting of an analysed shot; see :mod:`vfxstyle.plates.lighting`."""

from __future__ import annotations

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import FloatArray
from vfxstyle.plates.lighting import Measured, lighting_of, stops_and_warmth
from vfxstyle.settings.values import MEASURED, parse_lighting


def measured_in(analysis: AnalysisFolder) -> dict[int, Measured]:
    """How each frame that has light is lit."""
    return {int(number): Measured(*values) for number, values in analysis.manifest.get("lighting", {}).items()}


def lighting_in(analysis: AnalysisFolder) -> FloatArray:
    """The lighting of the shot, float32 (3,): what its settings say, or the frames."""
    return lighting_of(*_lit(analysis))


def lighting_words(analysis: AnalysisFolder) -> str:
    """The lighting of the shot for people, and as the option ``--lighting`` takes it."""
    stops, warmth = _lit(analysis)
    return f"lighting: {stops:+.2f} stops, warmth {warmth:+.2f} (--lighting {stops:.2f},{warmth:.2f})"


def _lit(analysis: AnalysisFolder) -> tuple[float, float]:
    asked = parse_lighting(analysis.manifest.get("settings", {}).get("lighting", MEASURED))
    return stops_and_warmth(measured_in(analysis).values()) if asked is None else asked
