"""Pictures for people to look at: contact sheets and overlays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from vfxstyle.shots.writing import write_picture


def write_sheet(path: Path, sheet: npt.NDArray[np.floating | np.integer]) -> None:
    """Write an 8-bit picture, in the format of its extension, without a date, so that its bytes are reproducible.

    sheet: float (H, W, 3), display-encoded, limited to 0..1. Raises :class:`~vfxstyle.errors.OutputError`.
    """
    spec = oiio.ImageSpec(sheet.shape[1], sheet.shape[0], 3, oiio.UINT8)
    spec.attribute("DateTime", "")
    write_picture(path, spec, (np.clip(sheet, 0, 1) * 255 + 0.5).astype(np.uint8))
