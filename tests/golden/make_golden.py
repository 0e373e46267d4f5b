"""Write the files that every later version must read: ``python tests/golden/make_golden.py``.

One folder for each pair of format versions, made once, by the version that introduced them, and never again: a plate, a
preset, an analysis of the plate, and the frames that came out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from helpers import make_preset, moving_picture, write_picture  # noqa: E402

from vfxstyle import grade  # noqa: E402
from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA  # noqa: E402
from vfxstyle.looks import save_preset  # noqa: E402
from vfxstyle.looks.preset import PRESET_SCHEMA  # noqa: E402


def main() -> None:
    """Make the folder of the formats of this version."""
    place = HERE / f"preset_{PRESET_SCHEMA}_analysis_{ANALYSIS_SCHEMA}"
    if place.exists():
        sys.exit(f"{place} is there, and stays as it is: later versions must read what earlier ones have written.")
    scratch = Path(tempfile.gettempdir()) / "vfxstyle-golden"  # a manifest names the folder of its plate
    scratch.mkdir()
    for number in (1001, 1002):
        write_picture(scratch / "plate" / f"plate.{number}.exr", moving_picture(4 * (number - 1001), 36, 64))
    preset = save_preset(make_preset(reacts=True, backbone="efficientnet-lite0"), scratch / "look.safetensors")
    options = {"superpixels": 20, "analysis_width": 64, "device": "cpu"}
    grade(scratch / "plate", preset, scratch / "graded", analysis=scratch / "analysis", **options)
    shutil.rmtree(scratch / "graded" / ".vfxstyle")
    shutil.move(scratch, place)


if __name__ == "__main__":
    main()
