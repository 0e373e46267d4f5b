import numpy as np
import OpenImageIO as oiio
import pytest
from helpers import moving_picture, write_picture

from vfxstyle.shots import open_shot
from vfxstyle.shots.tags import CODES_OF_SPACE, tag_of_exr, tag_of_movie, tag_of_picture

AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
XYZ = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.3333, 0.3333)


@pytest.mark.parametrize(
    ("header", "space", "assumed"),
    [
        ({}, "lin_rec709_scene", True),
        ({"colorInteropID": "unknown"}, "lin_rec709_scene", True),
        ({"colorInteropID": "lin_ap1_scene", "chromaticities": XYZ}, "lin_ap1_scene", False),
        ({"chromaticities": AP1}, "lin_ap1_scene", False),
        ({"chromaticities": XYZ}, "", False),
        ({"acesImageContainerFlag": 1, "chromaticities": AP1}, "lin_ap0_scene", False),
        ({"colorInteropID": "scene_linear"}, "lin_rec709_scene", False),
    ],
)
def test_what_an_exr_header_says(header, space, assumed):
    tag = tag_of_exr(header)
    assert (tag.space, tag.assumed) == (space, assumed)
    assert tag.source


def spec(**attributes):
    made = oiio.ImageSpec(4, 4, 3, attributes.pop("format", "uint16"))
    for name, value in attributes.items():
        made.attribute(name.replace("__", ":"), value)
    return made


@pytest.mark.parametrize(
    ("extension", "attributes", "space", "assumed"),
    [
        ("png", {}, "srgb_rec709_display", True),
        ("png", {"oiio__ColorSpace": "srgb_rec709_scene"}, "srgb_rec709_display", True),
        ("png", {"oiio__ColorSpace": "pq_rec2020_display"}, "pq_rec2020_display", False),
        ("tif", {}, "srgb_rec709_display", True),
        ("tif", {"format": "float"}, "lin_rec709_scene", True),
        ("tif", {"format": "float", "colorInteropID": "lin_ap1_scene"}, "lin_ap1_scene", False),
        ("dpx", {}, "srgb_rec709_display", True),
        ("dpx", {"dpx__Transfer": "Linear"}, "lin_rec709_scene", False),
        ("dpx", {"dpx__Transfer": "ITU-R 709-4"}, "g24_rec709_display", False),
        ("dpx", {"dpx__Transfer": "User defined"}, "srgb_rec709_display", True),
        ("dpx", {"dpx__Transfer": "Printing density"}, "", False),
        ("dpx", {"dpx__Transfer": "Logarithmic"}, "", False),
        ("cin", {}, "", False),
    ],
)
def test_what_other_headers_say(extension, attributes, space, assumed):
    tag = tag_of_picture(spec(**attributes), extension)
    assert (tag.space, tag.assumed) == (space, assumed)
    if not space:
        assert tag.source.split("'")[0].strip() in ("DPX transfer", "Cineon printing density")


@pytest.mark.parametrize(
    ("primaries", "transfer", "space"),
    [
        (2, 2, "g24_rec709_display"),
        (1, 1, "g24_rec709_display"),
        (1, 13, "srgb_rec709_display"),
        (9, 1, "g24_rec2020_display"),
        (9, 16, "pq_rec2020_display"),
        (12, 16, "pq_p3d65_display"),
        (5, 6, "g24_rec709_display"),
        (2, 18, ""),
        (1, 8, "lin_rec709_scene"),
        (12, 1, ""),
        (22, 1, ""),
    ],
)
def test_what_the_codes_of_a_movie_say(primaries, transfer, space):
    tag = tag_of_movie(primaries, transfer)
    assert tag.space == space
    assert tag.assumed is (primaries == transfer == 2)


def test_a_movie_in_a_space_reads_back_as_that_space():
    for space, (primaries, transfer, _) in CODES_OF_SPACE.items():
        if not space.endswith("_scene"):  # a texture's space has a display's codes
            assert tag_of_movie(primaries, transfer).space == space


@pytest.mark.parametrize(("transfer", "space"), [("Printing density", ""), ("ITU-R 709-4", "g24_rec709_display")])
def test_a_dpx_on_disk(tmp_path, transfer, space):
    codes = (moving_picture(0) * 65535).astype(np.uint16)
    path = write_picture(tmp_path / "a.dpx", codes, kind="uint16", attributes={"dpx:Transfer": transfer})
    assert open_shot(path).info.color_tag.space == space


def test_a_real_cineon_scan_and_real_chromaticities(real_data):
    assert open_shot(real_data / "oiio" / "cineon" / "checker.cin").info.color_tag.space == ""
    assert open_shot(real_data / "exr" / "Chromaticities" / "Rec709.exr").info.color_tag.space == "lin_rec709_scene"
    assert open_shot(real_data / "exr" / "Chromaticities" / "XYZ.exr").info.color_tag.space == ""
