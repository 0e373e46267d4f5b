"""Pictures made for people to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from vfxstyle.shots.writing import write_picture


def write_sheet(path: Path, sheet: npt.NDArray[np.floating | np.integer]) -> None:
    """Write an 8-bit picture that is the same bytes whenever it is made. sheet: float32 (H, W, 3), display, 0..1."""
    spec = oiio.ImageSpec(sheet.shape[1], sheet.shape[0], 3, oiio.UINT8)
    spec.attribute("DateTime", "")
    write_picture(path, spec, (np.clip(sheet, 0, 1) * 255 + 0.5).astype(np.uint8))
