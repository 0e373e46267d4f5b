"""What earlier versions have written loads, and gives what it gave (tests/golden/make_golden.py)."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import read_pixels

from vfxstyle import grade, load_preset
from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA
from vfxstyle.color import ColorConfig
from vfxstyle.looks.info import PRESET_SCHEMA

CONFIGURATION = "studio-config-v5.0.0_aces-v2.1_ocio-v2.6"
HERE = Path(__file__).resolve().parent
WRITTEN = sorted(HERE.glob("preset_*_analysis_*"))
CURRENT = [place for place in WRITTEN if place.name.endswith(f"_{ANALYSIS_SCHEMA}")]
"""Those whose analyses are read: ones of earlier formats are made again by design (docs/analysis.md)."""


def test_the_formats_of_this_version_are_among_them():
    assert f"preset_{PRESET_SCHEMA}_analysis_{ANALYSIS_SCHEMA}" in [place.name for place in WRITTEN]


@pytest.mark.parametrize("place", WRITTEN, ids=lambda place: place.name)
def test_a_preset_of_an_earlier_version_loads(place):
    preset = load_preset(place / "look.safetensors")
    assert preset.info.schema == int(place.name.split("_")[1])
    assert (preset.info.name, preset.info.backbone) == ("test", "efficientnet-lite0")


@pytest.mark.parametrize("predicted", [False, True], ids=["as it is", "without transforms"])
@pytest.mark.parametrize("place", CURRENT, ids=lambda place: place.name)
def test_an_analysis_of_an_earlier_version_is_graded_with(place, predicted, tmp_path):
    """It is found to be the plate's, nothing of it is made again, and the frames are as they were."""
    if ColorConfig.load().name != CONFIGURATION:
        pytest.skip(f"made with {CONFIGURATION}, which this OpenColorIO does not have as its default")
    own = shutil.copytree(place, tmp_path / "golden")
    if predicted:
        shutil.rmtree(next((own / "analysis").glob("*/transforms")))
    before = {path: path.read_bytes() for path in (own / "analysis").rglob("*") if path.is_file()}
    options = {"superpixels": 20, "analysis_width": 64, "device": "cpu"}
    look = own / "look.safetensors"
    done = grade(own / "plate", look, own / "again", analysis=own / "analysis", overwrite="never", **options)
    assert done.written == (1001, 1002)
    assert "superpixels" not in done.seconds
    assert "features" not in done.seconds
    assert {path: path.read_bytes() for path in before} == before
    for number in done.written:
        was, now = (read_pixels(own / folder / f"{folder}.{number}.exr") for folder in ("graded", "again"))
        assert np.abs(now - was).max() < 2e-3
        assert np.abs(now - read_pixels(own / "plate" / f"plate.{number}.exr")).max() > 0.02
