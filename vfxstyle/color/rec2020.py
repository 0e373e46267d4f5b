"""The Rec.2020 display of standard dynamic range, which OpenColorIO's own configurations lack."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import PyOpenColorIO as ocio

REC2020_DISPLAY = "g24_rec2020_display"
"""Name given here to a Rec.2020 display (BT.1886)."""

# ITU-R BT.2020 primaries and D65, RGB to XYZ
_REC2020_TO_XYZ = (
    (0.636958048301291, 0.144616903586208, 0.168880975164172),
    (0.262700212011267, 0.677998071518871, 0.0593017164698620),
    (0.0, 0.0280726930490874, 1.06098505771079),
)


def with_rec2020(config: Any) -> Any:
    """The library's configuration with the Rec.2020 display of standard dynamic range, which it lacks."""
    extended = deepcopy(config)
    space = ocio.ColorSpace(
        referenceSpace=ocio.REFERENCE_SPACE_DISPLAY,
        name="Rec.1886 Rec.2020 - Display",
        aliases=[REC2020_DISPLAY],
        encoding="sdr-video",
        description="ITU-R BT.2020 primaries, BT.1886 curve",
    )
    space.setInteropID(REC2020_DISPLAY)
    rows = [[*row, 0.0] for row in _REC2020_TO_XYZ] + [[0.0, 0.0, 0.0, 1.0]]
    steps = ocio.GroupTransform()
    steps.appendTransform(ocio.ExponentTransform([2.4, 2.4, 2.4, 1.0], ocio.NEGATIVE_MIRROR))
    steps.appendTransform(ocio.MatrixTransform([value for row in rows for value in row]))
    space.setTransform(steps, ocio.COLORSPACE_DIR_TO_REFERENCE)
    extended.addColorSpace(space)
    return extended
