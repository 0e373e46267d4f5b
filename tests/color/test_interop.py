"""Names of scene-linear spaces and their chromaticities, against the library that has the same table."""

import OpenEXR
import pytest

from vfxstyle.color.interop import chromaticities_of, interop_id_of

NAMES = ("rec709", "ap0", "ap1", "p3d65", "rec2020", "adobergb")


@pytest.mark.parametrize("name", [f"lin_{name}_scene" for name in NAMES])
def test_names_and_chromaticities_belong_together(name):
    own = chromaticities_of(name)
    assert interop_id_of(own) == name
    assert interop_id_of([value + 0.0009 for value in own]) == name
    assert interop_id_of([own[0] + 0.002, *own[1:]]) is None
    if hasattr(OpenEXR, "colorInteropIDToChromaticities"):  # of version 3.5 on
        assert own == pytest.approx(OpenEXR.colorInteropIDToChromaticities(name))


def test_other_names_have_none():
    assert chromaticities_of("srgb_rec709_display") is None
    assert chromaticities_of("") is None
