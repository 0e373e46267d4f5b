"""Make the README's before/after picture from the example shot: ``python scripts/make_readme_picture.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from vfxstyle import grade, open_shot
from vfxstyle.arrays import FloatArray
from vfxstyle.color import linear_to_srgb

HERE = Path(__file__).resolve().parents[1]
SHOT = HERE / "examples" / "big_buck_bunny"
FRAME = 1024


def shown(folder: Path) -> FloatArray:
    return np.clip(linear_to_srgb(open_shot(folder).read(FRAME).rgb), 0, 1)


def main() -> None:
    pictures = [shown(SHOT)]
    with tempfile.TemporaryDirectory() as scratch:
        for preset in ("golden", "cold"):
            out = Path(scratch) / preset
            grade(SHOT, preset, out, analysis=Path(scratch) / "analysis")
            pictures.append(shown(out))
    sheet = cv2.resize(np.hstack(pictures), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    codes = (sheet[..., ::-1] * 255 + 0.5).astype(np.uint8)
    cv2.imwrite(str(HERE / "docs" / "images" / "before_golden_cold.jpg"), codes, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
