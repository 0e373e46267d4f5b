"""Chromaticities that the Color Interop Forum's names of scene-linear spaces stand for.

OpenEXR 3.5 has the same table; earlier ones, which studios on the VFX Reference Platform have, do not.
Source: ASWF Color Interop Forum, "Color Space Encodings for Textures and CG Rendering".
"""

from __future__ import annotations

from collections.abc import Sequence

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

_D65, _ACES_WHITE = (0.3127, 0.329), (0.32168, 0.33767)
_SPACES: dict[str, Chromaticities] = {
    "lin_rec709_scene": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, *_D65),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, *_ACES_WHITE),
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, *_ACES_WHITE),
    "lin_p3d65_scene": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
    "lin_rec2020_scene": (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, *_D65),
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65),
}
_TOLERANCE = 0.001


def chromaticities_of(interop_id: str) -> Chromaticities | None:
    """Chromaticities of a scene-linear space by its name; None for any other name."""
    return _SPACES.get(interop_id)


def interop_id_of(chromaticities: Sequence[float]) -> str | None:
    """The name of the scene-linear space with these chromaticities, each within 0.001; None where there is none."""
    for name, own in _SPACES.items():
        if all(abs(stated - value) <= _TOLERANCE + 1e-6 for stated, value in zip(chromaticities, own, strict=True)):
            return name
    return None
