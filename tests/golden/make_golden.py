"""Write the files that every later version must read: ``python tests/golden/make_golden.py``.

One folder for each pair of format versions, made once, by the version that introduced them, and never again: a plate, a
preset, an analysis of the plate, and the frames that came out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
from helpers import make_preset, moving_picture, write_picture  # noqa: E402

from vfxstyle import grade  # noqa: E402
from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA  # noqa: E402
from vfxstyle.looks import Preset, save_preset  # noqa: E402
from vfxstyle.looks.base import Base  # noqa: E402
from vfxstyle.looks.info import PRESET_SCHEMA  # noqa: E402
from vfxstyle.looks.learning import Learning  # noqa: E402


def _look() -> Preset:
    """A look for any light with everything that one can hold; such looks have no graded frames."""
    gain = np.array([0, 0, -0.3, 0, -0.3, 0], np.float32)
    cube = np.zeros((2, 2, 2, 3), np.float32)
    cube[1, ..., 2] = 6.0
    plain = make_preset(reacts=True, backbone="efficientnet-lite0")
    places = len(plain.projections["global"][1])
    network = plain.layers, plain.standardisation
    return replace(
        plain,
        info=replace(plain.info, any_light=True),
        pictures=np.random.default_rng(4).normal(0, 1, (12, places)).astype(np.float32),
        base=Base(cube=cube, gain=gain, colour=np.zeros(30, np.float32)),
        learning=Learning(("aa", "bb", "cc"), (0, 1, 0), dict.fromkeys((0, 1), network), ("dd",)),
    )


def main() -> None:
    """Make the folder of the formats of this version."""
    place = HERE / f"preset_{PRESET_SCHEMA}_analysis_{ANALYSIS_SCHEMA}"
    if place.exists():
        sys.exit(f"{place} is there, and stays as it is: later versions must read what earlier ones have written.")
    scratch = Path(tempfile.gettempdir()) / "vfxstyle-golden"  # a manifest names the folder of its plate
    scratch.mkdir()
    for number in (1001, 1002):
        write_picture(scratch / "plate" / f"plate.{number}.exr", moving_picture(4 * (number - 1001), 36, 64))
    preset = save_preset(_look(), scratch / "look.safetensors")
    options = {"superpixels": 20, "analysis_width": 64, "device": "cpu"}
    grade(scratch / "plate", preset, scratch / "graded", analysis=scratch / "analysis", **options)
    shutil.rmtree(scratch / "graded" / ".vfxstyle")
    shutil.move(scratch, place)


if __name__ == "__main__":
    main()
