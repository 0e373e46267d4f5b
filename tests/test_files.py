"""Every file that a studio or a telephone hands over: what is read, and kinds that once came out wrong."""

import errno
import importlib.util
import json
import os
import struct
import subprocess
import sys
import warnings
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from conftest import REAL_DATA, WITHOUT_DATA
from helpers import (
    QUICK,
    QUICK_FLAGS,
    REPOSITORY,
    moving_picture,
    planned_analysis,
    planned_grade,
    space,
    vfxstyle,
    write_picture,
)
from kinds_of_files import HEIGHT, KINDS, WIDTH, codes, dpx_of_ffmpeg, exr, fill_plane, movie, picture, png_with
from PIL import Image, ImageCms

from vfxstyle import files, grade, open_shot
from vfxstyle.color import ColorConfig, linear_to_srgb
from vfxstyle.color.described import REC709, DescribedSpace, icc_of, to_xyz
from vfxstyle.errors import FrameError, OutputError, PartialError, ShotError, UsageError
from vfxstyle.handover.export import export
from vfxstyle.handover.mattes import mattes
from vfxstyle.plates.plate import open_plate
from vfxstyle.progress import Silent
from vfxstyle.settings import PlateSettings
from vfxstyle.shots import Frame, OutputFormat, Window, hdr
from vfxstyle.shots.exr import read_parts
from vfxstyle.shots.hdr import hdr_of
from vfxstyle.shots.jpeg import picture_end
from vfxstyle.shots.movie_pixels import picture_to_rgb
from vfxstyle.shots.movie_times import SMPTE_RATES, constant_rate
from vfxstyle.shots.prores import MovieStyle, ProResSink
from vfxstyle.shots.yuv import BT709


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.files)
def test_each_kind_of_file_is_read(tmp_path, kind):
    path, rgb, alpha = kind.make(tmp_path)
    with open_shot(path) as shot:
        frame = shot.read(shot.frames[1 if shot.is_movie else 0])
        assert shot.info.has_alpha is (alpha is not None)
        gap = np.abs(frame.rgb - rgb)
        if kind.on_average is None:
            assert gap.max() <= kind.within
        else:
            assert gap.mean() <= kind.on_average
        if alpha is not None:
            np.testing.assert_allclose(frame.alpha, alpha, atol=1e-6)
        if shot.is_movie:  # and from any place
            assert len(shot) == 3
            np.testing.assert_array_equal(shot.read(2).rgb, frame.rgb)


def test_the_table_of_files_is_current():
    found = importlib.util.spec_from_file_location("make_files_docs", REPOSITORY / "scripts" / "make_files_docs.py")
    script = importlib.util.module_from_spec(found)
    found.loader.exec_module(script)
    assert script.page() == script.PAGE.read_text(), "run python scripts/make_files_docs.py"


# order and sign of frames


def named(folder, *names):
    for index, name in enumerate(names):
        write_picture(folder / name, np.full((8, 8, 3), index + 1, np.uint8), kind="uint8")
    return folder


@pytest.mark.parametrize(
    ("names", "pattern", "frames"),
    [
        (("render-0001.png", "render-0002.png", "render-0003.png"), "render-####.png", (1, 2, 3)),
        (("frame-9.png", "frame-10.png"), "frame-%d.png", (9, 10)),
        (("a.-0002.png", "a.-0001.png", "a.0000.png"), "a.####.png", (-2, -1, 0)),
        (("a-0002.png", "a-0001.png", "a0000.png"), "a####.png", (-2, -1, 0)),
        (("-0002.png", "-0001.png", "0000.png"), "####.png", (-2, -1, 0)),
        (("a.-0002.png", "a.-0001.png"), "a.%04d.png", (-2, -1)),
        (("a.0001.png", "a.0002.PNG"), "a.*.png", (1, 2)),
        (("a_01_beauty.png", "a_02_beauty.png"), "a_##_beauty.png", (1, 2)),
        (("take2.0001.png", "take2.0002.png"), "take2.????.png", (1, 2)),
        (("clip01.out0001.png", "clip01.out0002.png"), "clip01.out####.png", (1, 2)),
        (("x.0001.v2.png", "x.0002.v2.png"), "x.####.v2.png", (1, 2)),
        (("my plate -0001.png", "my plate -0002.png"), "my plate -####.png", (1, 2)),
    ],
)
def test_order_and_sign_of_frames(tmp_path, names, pattern, frames):
    """fileseq #143: a hyphen read as a minus sign turned shots round. Folder and pattern agree."""
    folder = named(tmp_path / "shot", *names)
    shot = open_shot(folder / pattern)
    assert shot.frames == frames
    assert [shot.file_of(number).name for number in frames] == list(names)
    if "beauty" not in pattern:
        assert open_shot(folder).frames == frames


def test_what_a_hyphen_is_taken_for_is_said(tmp_path):
    separator = open_shot(named(tmp_path / "a", "render-0001.png", "render-0002.png"))
    assert any("not for a minus sign" in note for note in separator.info.notes)
    sign = open_shot(named(tmp_path / "b", "a.-0002.png", "a.-0001.png"))
    assert any("taken for a minus sign" in note for note in sign.info.notes)
    assert not open_shot(named(tmp_path / "c", "a.-0001.png", "a.0000.png")).info.notes


def test_a_pattern_with_a_minus_sign_names_the_negative_frames(tmp_path):
    folder = named(tmp_path / "a", "a-0002.png", "a-0001.png", "a0000.png")
    assert open_shot(folder / "a-####.png").frames == (-2, -1)


def test_two_files_of_one_frame_are_named(tmp_path):
    folder = named(tmp_path / "a", "a.0001.png", "a.0001.PNG")
    with pytest.raises(ShotError, match=r"a\.0001\.PNG and a\.0001\.png are both frame 1"):
        open_shot(folder)


# which picture is the beauty


@pytest.mark.parametrize(("layout", "layer"), [("parts", "beauty"), ("blender", "ViewLayer.Combined")])
def test_the_beauty_is_graded_and_the_rest_is_not(tmp_path, lively_preset, layout, layer):
    """OIIO #3593, Gaffer #6668: the first part was graded, normals among them."""
    (tmp_path / "shot").mkdir()
    path, _, _ = exr(layout)(tmp_path / "shot")
    with open_plate(path.parent, PlateSettings()) as plate:
        assert plate.shot.info.layer == layer
    result = grade(path.parent, lively_preset, tmp_path / "out", **QUICK)
    for before, after in zip(read_parts(path), read_parts(result.files[0]), strict=True):
        for name, pixels in before.channels.items():
            is_graded = before.header.get("name") == "beauty" or "Combined" in name
            assert (after.channels[name] != pixels).any() == is_graded, name


def test_every_view_of_a_stereo_plate_is_graded_in_one_run(tmp_path, lively_preset):
    left, right = picture().astype(np.float16), moving_picture(9, HEIGHT, WIDTH).astype(np.float16)
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, "multiView": ["left", "right"]}
    planes = {name: left[..., index].copy() for index, name in enumerate("RGB")}
    planes |= {f"right.{name}": right[..., index].copy() for index, name in enumerate("RGB")}
    (tmp_path / "shot").mkdir()
    for number in (1, 2):
        OpenEXR.File([OpenEXR.Part(header, planes, "")]).write(str(tmp_path / "shot" / f"s.{number:04d}.exr"))
    both = grade(tmp_path / "shot", lively_preset, tmp_path / "both", view="all", **QUICK)
    for view in ("left", "right"):
        grade(tmp_path / "shot", lively_preset, tmp_path / view, view=view, **QUICK)
    one, other, every = (
        read_parts(tmp_path / folder / f"{folder}.0002.exr")[0].channels for folder in ("left", "right", "both")
    )
    for name in "RGB":
        np.testing.assert_array_equal(every[name], one[name])
        np.testing.assert_array_equal(every[f"right.{name}"], other[f"right.{name}"])
    again = grade(tmp_path / "shot", lively_preset, tmp_path / "both", view="all", **QUICK)
    assert (both.written, again.written, again.kept) == ((1, 2), (), (1, 2))
    with pytest.raises(UsageError, match="takes one view"):
        mattes(tmp_path / "shot", tmp_path / "m", lively_preset, view="all", **QUICK)
    with pytest.raises(UsageError, match="Only EXR holds several views"):
        grade(tmp_path / "shot", lively_preset, tmp_path / "p", view="all", format="png", **QUICK)


def test_a_view_that_a_frame_lacks_is_an_unreadable_frame(tmp_path, lively_preset):
    planes = {name: np.ascontiguousarray(picture()[..., index]).astype(np.float16) for index, name in enumerate("RGB")}
    right = {f"right.{name}": plane for name, plane in planes.items()}
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, "multiView": ["left", "right"]}
    (tmp_path / "shot").mkdir()
    for number in (1, 2, 3):
        own = planes if number == 2 else planes | right
        OpenEXR.File([OpenEXR.Part(dict(header), own, "")]).write(str(tmp_path / "shot" / f"s.{number:04d}.exr"))
    with pytest.raises(PartialError, match=r"1 frame failed, 2 were written.*no view 'right'") as caught:
        grade(tmp_path / "shot", lively_preset, tmp_path / "out", view="all", on_error="skip", **QUICK)
    assert caught.value.frames == (2,)
    assert len(list((tmp_path / "out").glob("*.exr"))) == 2
    planned = planned_analysis(tmp_path / "shot", view="left", **QUICK)
    told = vfxstyle("analyze", tmp_path / "shot", "--view", "all", "--on-error", "skip", "-n", *QUICK_FLAGS)
    assert json.loads(told.stdout)["analysis"] == planned["analysis"]


# colour by numbers, not by words


def profile_with(curve, kind=b"RGB ", version=0x02400000):
    """A profile of Display P3's primaries as another program might write it, with any curve tag."""
    base = icc_of("srgb_p3d65_display")
    columns = {name: tag_of(base, name) for name in (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt")}
    curves = {b"kTRC": curve} if kind == b"GRAY" else dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none\0", **(columns if kind == b"RGB " else {}), **curves}
    tags.setdefault(b"wtpt", tag_of(base, b"wtpt"))
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytearray(base[:128])
    struct.pack_into(">I", head, 0, start + len(body))
    struct.pack_into(">I", head, 8, version)
    head[16:20] = kind
    return bytes(head) + struct.pack(">I", len(tags)) + table + body


def tag_of(profile, wanted):
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if name == wanted:
            return profile[offset : offset + size]
    raise AssertionError(wanted)


def fixed(form, *numbers):
    return struct.pack(f">4sIHH{len(numbers)}i", b"para", 0, form, 0, *(round(n * 65536) for n in numbers))


TABLE = np.rint(np.linspace(0, 1, 256) ** 1.6 * 65535).astype(">u2").tobytes()
CURVES = {
    "identity": struct.pack(">4sII", b"curv", 0, 0),
    "gamma 1.8": struct.pack(">4sIIH", b"curv", 0, 1, round(1.8 * 256)),
    "table": struct.pack(">4sII", b"curv", 0, 256) + TABLE,
    "form 0": fixed(0, 2.1),
    "form 1": fixed(1, 2.0, 0.9, 0.1),
    "form 2": fixed(2, 2.0, 0.85, 0.1, 0.05),
    "form 3": fixed(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "form 4": fixed(4, 2.2, 0.93, 0.06, 0.1, 0.05, 0.01, 0.0),
}


@pytest.mark.parametrize("name", CURVES)
def test_every_form_of_curve_is_read_as_littlecms_reads_it(name):
    profile = profile_with(CURVES[name])
    random = np.random.default_rng(0)
    seen = random.integers(20, 236, (64, 1, 3)).astype(np.uint8)
    way = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), "RGB", "RGB", renderingIntent=1
    )
    theirs = np.asarray(ImageCms.applyTransform(Image.fromarray(seen, "RGB"), way), np.float32) / 255
    config = ColorConfig.load()
    space = config.add(DescribedSpace("a file's", profile=profile))
    ours = linear_to_srgb(config.to_working(space).apply(seen.astype(np.float32) / 255))
    inside = ((ours > 0.02) & (ours < 0.98)).all(axis=-1)
    assert inside.mean() > 0.3
    assert np.abs(ours - theirs)[inside].max() < 1.6 / 255
    back = config.from_working(space).apply(config.to_working(space).apply(seen.astype(np.float32) / 255))
    assert np.abs(back - seen / 255).max() < 1e-3


def test_a_grey_profile_is_its_curve_and_no_profile_of_a_grade(tmp_path, identity_preset):
    assert DescribedSpace("g", profile=profile_with(CURVES["form 3"], b"GRAY")).known_as() == "srgb_rec709_display"
    odd = profile_with(CURVES["table"], b"GRAY")
    (tmp_path / "shot").mkdir()
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 1, "uint16")
    spec.attribute("ICCProfile", oiio.TypeDesc(f"uint8[{len(odd)}]"), np.frombuffer(odd, np.uint8))
    out = oiio.ImageOutput.create(str(tmp_path / "shot" / "a.0001.tif"))
    assert out.open(str(tmp_path / "shot" / "a.0001.tif"), spec)
    out.write_image(codes(16)[..., :1].copy())
    out.close()
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", format="tiff", **QUICK)
    written = bytes(open_shot(result.output).read(1).header["ICCProfile"])
    assert written[16:20] == b"RGB "
    config = ColorConfig.load()
    ways = [config.to_working(config.add(DescribedSpace(name, profile=p))) for name, p in (("a", odd), ("b", written))]
    ramp = np.repeat(np.linspace(0, 1, 33, dtype=np.float32)[:, None], 3, axis=1)
    np.testing.assert_allclose(ways[0].apply(ramp), ways[1].apply(ramp), atol=1e-3)


def test_light_above_white_of_a_linear_profile_is_kept(tmp_path, identity_preset):
    odd = DescribedSpace("odd", chromaticities=(0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585))
    light = picture() * 8
    (tmp_path / "shot").mkdir()
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "float")
    spec.attribute("ICCProfile", oiio.TypeDesc(f"uint8[{len(odd.icc)}]"), np.frombuffer(odd.icc, np.uint8))
    out = oiio.ImageOutput.create(str(tmp_path / "shot" / "a.0001.tif"))
    assert out.open(str(tmp_path / "shot" / "a.0001.tif"), spec)
    out.write_image(light)
    out.close()
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", format="tiff", **QUICK)
    np.testing.assert_allclose(open_shot(result.output).read(1).rgb, light, rtol=1e-3, atol=1e-3)
    sampled = DescribedSpace("sampled", profile=profile_with(CURVES["table"]))
    way = ColorConfig.load()
    bright = way.to_working(way.add(sampled)).apply(np.float32([[4, 4, 4], [-0.5, -0.5, -0.5]]))
    assert bright[0].min() > 3
    assert bright[1].max() < -0.2


def test_frames_of_one_space_may_have_profiles_of_two_days(tmp_path):
    one = profile_with(CURVES["table"])
    other = bytearray(one)
    other[26:28] = b"\0\7"  # the month
    (tmp_path / "shot").mkdir()
    with_profile(tmp_path / "shot" / "a.0001.tif", one, codes(16))
    with_profile(tmp_path / "shot" / "a.0002.tif", bytes(other), codes(16))
    shot = open_shot(tmp_path / "shot")
    assert shot.read(2).rgb.shape == shot.read(1).rgb.shape
    with_profile(tmp_path / "shot" / "a.0003.tif", profile_with(CURVES["form 0"]), codes(16))
    with pytest.raises(FrameError, match="Bring all frames to one colour space"):
        open_shot(tmp_path / "shot").read(3)


def test_two_spaces_of_one_kind_of_tag_are_two(tmp_path):
    config, found = ColorConfig.load(), []
    for blue in (4000, 9000):
        numbers = struct.pack(">8I", 31270, 32900, 70000, 30000, 19000, 75000, 14000, blue)
        path, _, _ = png_with([(b"gAMA", struct.pack(">I", 50000)), (b"cHRM", numbers)])(tmp_path)
        found.append(config.to_working(config.add(open_shot(path).info.color_tag.described)).matrix)
    assert np.abs(found[0] - found[1]).max() > 0.01


@pytest.mark.parametrize("curve", [fixed(0, -2.0), fixed(0, 0.0), struct.pack(">4sIIHH", b"curv", 0, 2, 900, 900)])
def test_curves_of_no_picture_are_refused(curve):
    with pytest.raises(ValueError, match="none of a picture"):
        DescribedSpace("bad", profile=profile_with(curve)).known_as()


@pytest.mark.parametrize(
    ("space", "called"),
    [
        ("srgb_p3d65_display", "DCI-P3 D65 Gamut with sRGB Transfer"),
        ("srgb_p3d65_display", "sRGB EOTF with DCI-P3 Color Gamut"),
        ("g22_adobergb_scene", "AdobeRGB1998"),
        ("lin_rec709_scene", "sRGB-elle-V4-g10"),
        ("g24_rec2020_display", "Rec2020"),
        ("ocio:itu709_rec709_scene", "HD 709-A"),
        ("srgb_rec709_display", "a monitor"),
    ],
)
def test_an_icc_profile_is_read_and_not_believed_by_its_name(space, called):
    """jellyfin-androidtv #5756: every profile with sRGB in its description was taken for sRGB."""
    profile = icc_of(space).replace(
        space.encode("utf-16-be"), called.ljust(len(space))[: len(space)].encode("utf-16-be")
    )
    assert DescribedSpace(called, profile=profile).known_as() == space


def with_profile(path, profile, pixels):
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "uint16")
    spec.attribute("ICCProfile", oiio.TypeDesc(f"uint8[{len(profile)}]"), np.frombuffer(profile, np.uint8))
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(pixels)
    out.close()


def test_a_profile_of_no_named_space_is_used_as_it_is(tmp_path, identity_preset):
    """A monitor's own primaries and gamma: light by the profile, the profile in the result, the codes as they were."""
    odd = DescribedSpace("odd", chromaticities=(0.66, 0.32, 0.29, 0.62, 0.15, 0.07, 0.31, 0.33), exponent=1.9)
    assert not odd.known_as()
    (tmp_path / "shot").mkdir()
    with_profile(tmp_path / "shot" / "a.0001.tif", odd.icc, codes(16))
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", format="tiff", **QUICK)
    plate, graded = open_shot(tmp_path / "shot"), open_shot(result.output)
    assert bytes(graded.read(1).header["ICCProfile"]) == odd.icc
    assert np.abs(graded.read(1).rgb - plate.read(1).rgb).max() < 2 / 65535
    light = open_shot(grade(tmp_path / "shot", identity_preset, tmp_path / "light", **QUICK).output).read(1).rgb
    matrix = np.linalg.solve(to_xyz(REC709), to_xyz(odd.chromaticities))
    np.testing.assert_allclose(light, (plate.read(1).rgb.astype(np.float64) ** 1.9) @ matrix.T, atol=2e-3)


def test_a_wide_gamut_is_named_in_tiff_and_png(tmp_path, identity_preset):
    """Numbers of Display P3 in a file that says nothing would be seen as sRGB."""
    (tmp_path / "shot").mkdir()
    with_profile(tmp_path / "shot" / "a.0001.tif", icc_of("srgb_p3d65_display"), codes(16))
    for output_format in ("tiff", "png"):
        result = grade(
            tmp_path / "shot", identity_preset, tmp_path / output_format, format=output_format, strength=0.5, **QUICK
        )
        assert open_shot(result.output).info.color_tag.space == "srgb_p3d65_display"


def test_profiles_that_cannot_be_used_say_why(tmp_path):
    profile = icc_of("srgb_p3d65_display")
    (tmp_path / "shot").mkdir()
    for broken, why in ((profile.replace(b"rTRC", b"A2B0"), "holds tables instead"), (profile[:150], "is damaged")):
        with_profile(tmp_path / "shot" / "a.0001.tif", broken, codes(16))
        assert why in open_shot(tmp_path / "shot").info.color_tag.source


@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([(b"cICP", bytes((12, 13, 0, 1))), (b"sRGB", b"\0")], "srgb_p3d65_display"),
        ([(b"cICP", bytes((9, 16, 0, 1)))], "pq_rec2020_display"),
        ([(b"gAMA", struct.pack(">I", 45455)), (b"sRGB", b"\0")], "srgb_rec709_display"),
        ([(b"gAMA", struct.pack(">I", 100000))], "lin_rec709_scene"),
        (
            [
                (b"gAMA", struct.pack(">I", 45455)),
                (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)),
            ],
            "g22_adobergb_scene",
        ),
        ([], "srgb_rec709_display"),
    ],
)
def test_the_colour_chunks_of_a_png_count_in_their_order(tmp_path, chunks, space):
    path, _, _ = png_with(chunks)(tmp_path)
    assert open_shot(path).info.color_tag.space == space


def test_cmyk_is_refused(tmp_path):
    Image.fromarray(np.zeros((8, 8, 4), np.uint8), "CMYK").save(tmp_path / "a.jpg")
    with pytest.raises(FrameError, match="holds CMYK"):
        open_shot(tmp_path / "a.jpg")


def test_chromaticities_of_a_camera_are_a_space(tmp_path, identity_preset):
    """ALEXA Wide Gamut by its numbers: the light is right, and the result says the same numbers."""
    wide = (0.684, 0.313, 0.221, 0.848, 0.0861, -0.102, 0.3127, 0.329)
    planes = {name: np.ascontiguousarray(picture()[..., index]) for index, name in enumerate("RGB")}
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, "chromaticities": wide}
    (tmp_path / "shot").mkdir()
    OpenEXR.File([OpenEXR.Part(header, planes, "")]).write(str(tmp_path / "shot" / "a.0001.exr"))
    with open_plate(tmp_path / "shot", PlateSettings()) as plate:
        ours = plate.light.matrix
        named = ColorConfig.load().to_working(ColorConfig.load().space("Linear ARRI Wide Gamut 3")).matrix
        np.testing.assert_allclose(ours, named, atol=0.01)  # which adapts the white in another way
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", **QUICK)
    (part,) = read_parts(result.files[0])
    np.testing.assert_allclose(part.header["chromaticities"], wide, atol=1e-6)


def test_a_configuration_of_version_1_is_connected_by_its_srgb(tmp_path, identity_preset):
    x = np.linspace(0, 1, 4096)
    curve = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    table = "\n".join(f"{value:.7f}" for value in curve)
    (tmp_path / "srgb.spi1d").write_text(f"Version 1\nFrom 0 1\nLength 4096\nComponents 1\n{{\n{table}\n}}\n")
    spaces = """
  - !<ColorSpace> {name: linear, isdata: false}
  - !<ColorSpace> {name: sRGB, isdata: false, to_reference: !<FileTransform> {src: srgb.spi1d, interpolation: linear}}
  - !<ColorSpace> {name: film, isdata: false, to_reference: !<ExponentTransform> {value: [2.2, 2.2, 2.2, 1]}}
"""
    (tmp_path / "config.ocio").write_text(
        "ocio_profile_version: 1\nsearch_path: .\nroles: {scene_linear: linear, default: linear}\n"
        f"displays: {{d: [!<View> {{name: v, colorspace: sRGB}}]}}\ncolorspaces:{spaces}"
    )
    named(tmp_path / "shot", "a.0001.png")
    options = {**QUICK, "ocio": str(tmp_path / "config.ocio"), "input_space": "film"}
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", **options)
    np.testing.assert_allclose(open_shot(result.output).read(1).rgb, (1 / 255) ** 2.2, rtol=2e-3, atol=1e-7)


# photographs of telephones


def test_an_ultra_hdr_photograph_gives_its_base_picture(tmp_path):
    """OIIO #4424: the gain map was applied, to linear light, and the light called sRGB."""
    path = case("jpeg-ultrahdr") / "uhdr_small.jpg"
    shot = open_shot(path)
    assert not shot.info.has_alpha
    assert any("Ultra HDR" in note for note in shot.info.notes)
    np.testing.assert_allclose(shot.read(1).rgb[70, 30], 118 / 255, atol=0.01)


def test_bytes_after_a_jpeg_are_no_part_of_it(tmp_path):
    """Telephones append films and padding, and the last bytes of those need not be those of a JPEG."""
    path = write_picture(tmp_path / "a.jpg", codes(8), kind="uint8")
    data = path.read_bytes()
    before = open_shot(path).read(1).rgb
    for more in (b"\0" * 100, b"MotionPhoto_Data" + bytes(range(256)) * 8, b"\xff\xda\xff\xd8junk"):
        path.write_bytes(data + more)
        np.testing.assert_array_equal(open_shot(path).read(1).rgb, before)
        assert picture_end(path.read_bytes()) == len(data)
    for cut in (len(data) - 2, len(data) // 2, 30):
        path.write_bytes(data[:cut])
        with pytest.raises(FrameError, match=r"is cut short|cannot be read"):
            open_shot(path)


# movies


@pytest.mark.parametrize("rate", SMPTE_RATES, ids=str)
@pytest.mark.parametrize("tick", [Fraction(1, 1000), Fraction(1, 16000), Fraction(1, 90000), Fraction(1, 600)], ids=str)
def test_the_rate_is_found_through_the_rounding_of_a_container(rate, tick):
    """OBS #13396: whole milliseconds of a remuxed recording are no variable rate, and 19001/317 is none at all."""
    fine = tick in (Fraction(1, 16000), Fraction(1, 90000))
    grain = Fraction(1, 1000) if fine else tick
    times = [int(round(index / rate / grain) * grain / tick) for index in range(480)]
    assert constant_rate(times, tick, [Fraction(len(times) - 1) / ((times[-1] - times[0]) * tick)]) == rate


def test_a_movie_without_time_has_no_rate():
    assert constant_rate([0, 0, 0], Fraction(1, 1000), [Fraction(24)]) is None


def test_the_times_of_a_long_movie_are_all_that_is_kept(tmp_path):
    path, _, _ = movie("mkv", "matroska", "ffv1", "bgr0")(tmp_path)
    with open_shot(path) as shot:
        assert all(isinstance(time, int) for time in shot._times)


@pytest.mark.parametrize("numbers", [(2.0, 0.3), (-0.01, 0.3)])
def test_numbers_that_no_display_has_are_not_stated(numbers):
    values = [(round(v * 50000), 50000) for v in (*numbers, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)]
    values += [(1, 10000), (1000, 1)]
    data = struct.pack("=22i", *(n for pair in values for n in pair), 1, 1)
    assert hdr._mastering(data) == b""


def test_uneven_frames_have_no_rate():
    tick = Fraction(1, 1000)
    assert constant_rate([0, 40, 80, 200, 240], tick, [Fraction(25)]) is None
    assert constant_rate([0, 40, 80, 160, 200, 240], tick, [Fraction(25)]) is None
    jitter = np.cumsum([0, *np.random.default_rng(0).integers(30, 50, 48)])
    assert constant_rate([int(time) for time in jitter], tick, [Fraction(25)]) is None
    assert constant_rate([0, 42], tick, [Fraction(24000, 1001)]) == Fraction(24000, 1001)  # of those that fit


MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


@pytest.mark.parametrize("orientation", MATRICES)
def test_the_whole_display_matrix_is_followed(tmp_path, orientation):
    """ffms2 #317: mirrored pictures came out turned. The pixels are moved as the matrix says, one by one."""
    path, rgb, _ = movie("mov", "mov", "png", "rgb24")(tmp_path)
    data = path.read_bytes()
    a, b, c, d = (value << 16 for value in MATRICES[orientation])
    own = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    track = data.index(own, data.index(b"tkhd"))
    path.write_bytes(data[:track] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[track + 36 :])
    seen = open_shot(path).read(2).rgb
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    a, b, c, d = MATRICES[orientation]
    to_x, to_y = a * x + c * y, b * x + d * y
    expected = np.zeros_like(seen)
    expected[to_y - to_y.min(), to_x - to_x.min()] = rgb
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_xyz_of_digital_cinema_becomes_p3():
    """White of a D65 master at 48 candela, and a code of each primary, by the numbers of SMPTE ST 428-1."""
    frame = av.VideoFrame(16, 4, "xyz12le")
    white = np.array([0.9505, 1.0, 1.0891])
    p3 = np.array([[0.4866, 0.2657, 0.1982], [0.2290, 0.6917, 0.0793], [0.0, 0.0451, 1.0439]])  # RGB to XYZ
    for light, expected in ((white, (1, 1, 1)), *((p3[:, index], np.eye(3)[index]) for index in range(3))):
        words = np.rint(4095 * (light * 48 / 52.37) ** (1 / 2.6)).astype(np.uint16) << 4
        rows = np.zeros((4, frame.planes[0].line_size // 2), np.uint16)
        rows[:, :48] = np.tile(words, 16)
        frame.planes[0].update(rows.tobytes())
        rgb, alpha = picture_to_rgb(frame, BT709)
        assert alpha is None
        np.testing.assert_allclose(np.maximum(rgb, 0) ** 2.6, np.broadcast_to(expected, rgb.shape), atol=4e-3)


def test_pixel_formats_that_are_not_read_say_what_keeps_alpha(tmp_path):
    frame = av.VideoFrame(16, 4, "gbrpf32le")
    with pytest.raises(ValueError, match="gbrpf32le"):
        picture_to_rgb(frame, BT709)


class Notes(Silent):
    """Keeps what a run says."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def test_mastering_display_and_light_levels_go_with_pq(tmp_path, identity_preset):
    places = (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450)
    stated = hdr.HdrMetadata(struct.pack(">8H2I", *places, 10_000_000, 50), struct.pack(">2H", 1000, 400))
    style = MovieStyle(
        format=OutputFormat.PRORES_422_HQ,
        space=space("pq_rec2020_display"),
        frame_rate=Fraction(25),
        pixel_aspect=Fraction(1),
        with_alpha=False,
        hdr=stated,
    )
    out = ProResSink(tmp_path / "pq.mov", style)
    window = Window(0, 0, 128, 72)
    for number in (1, 2):
        out.write(Frame(number, "made", moving_picture(number), window, window))
    out.close()
    plate = open_shot(tmp_path / "pq.mov").info
    assert plate.hdr == stated, "as FFmpeg reads it"
    assert (plate.color_tag.space, bool(plate.hdr)) == ("pq_rec2020_display", True)
    movie_out = grade(tmp_path / "pq.mov", identity_preset, tmp_path / "o.mov", **QUICK).output
    with av.open(str(movie_out)) as back:
        assert hdr_of(next(back.decode(video=0))) == plate.hdr
    assert struct.unpack(">2H", plate.hdr.light) == (1000, 400)
    options = {**QUICK, "output_space": "Rec.1886 Rec.709 - Display"}
    assert not open_shot(grade(tmp_path / "pq.mov", identity_preset, tmp_path / "s.mov", **options).output).info.hdr
    notes = Notes()
    grade(tmp_path / "pq.mov", identity_preset, tmp_path / "f", progress=notes, **QUICK)
    assert "the movie's mastering display and light levels do not fit the result, and are left out" in notes.said


def test_a_file_without_a_known_suffix_is_known_by_its_content(tmp_path):
    path, _, _ = movie("mkv", "matroska", "ffv1", "bgr0")(tmp_path)
    path.rename(tmp_path / "a.unknown")
    assert len(open_shot(tmp_path / "a.unknown")) == 3


# metadata must never stop or falsify a frame


def test_a_short_dpx_header_gives_no_timecode_of_pixels():
    shot = open_shot(case("dpx-ffmpeg-header"))
    assert shot.info.timecode is None
    for number in shot.frames:
        assert not shot.read(number).header.get_string_attribute("smpte:TimeCode")
    assert any("says Linear of its 10-bit codes" in note for note in shot.info.notes)


def test_a_timecode_that_is_no_time_of_a_day_is_dropped(tmp_path, identity_preset):
    spec = oiio.ImageSpec(8, 8, 3, "uint16")
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x29610012, 0))
    (tmp_path / "shot").mkdir()
    out = oiio.ImageOutput.create(str(tmp_path / "shot" / "a.0001.dpx"))
    assert out.open(str(tmp_path / "shot" / "a.0001.dpx"), spec)
    out.write_image(np.zeros((8, 8, 3), np.uint16))
    out.close()
    info = open_shot(tmp_path / "shot").info
    assert info.timecode is None
    assert any("is no time of a day, and is left out" in note for note in info.notes)
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", **QUICK)
    assert "timeCode" not in read_parts(result.files[0])[0].header


def test_a_text_that_is_no_utf8_reaches_exr_as_it_is(tmp_path, identity_preset):
    path = write_picture(
        tmp_path / "shot" / "a.0001.tif", codes(16), kind="uint16", attributes={"ImageDescription": "ab??cd"}
    )
    data = path.read_bytes()
    assert data.count(b"ab??cd") == 1
    path.write_bytes(data.replace(b"ab??cd", b"ab\xe9\xffcd"))
    result = grade(tmp_path / "shot", identity_preset, tmp_path / "out", **QUICK)
    assert b"ab\xe9\xffcd" in result.files[0].read_bytes()


# paths and file systems


@pytest.mark.parametrize("folder", ["c#1", "user@studio", "show[final]", "$F4", "%04d", "a*b"])
def test_only_the_last_component_of_a_path_is_a_pattern(tmp_path, folder):
    named(tmp_path / folder, "p.0001.png", "p.0002.png")
    assert open_shot(f"{tmp_path}/{folder}/p.####.png").frames == (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_names_that_are_no_utf8_go_through(tmp_path, identity_preset):
    """In a forced POSIX locale, where no letter beyond ASCII is any."""
    folder = tmp_path / os.fsdecode(b"sh\xe9t")
    named(tmp_path / "plain", "a.0001.png").rename(folder)
    (folder / "a.0001.png").rename(folder / os.fsdecode(b"\xff.0001.png"))
    environment = {**os.environ, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    flags = ["--preset", identity_preset, "-o", tmp_path / os.fsdecode(b"o\xe9"), *QUICK_FLAGS]
    command = [sys.executable, "-m", "vfxstyle", "grade", folder, *flags]
    ran = subprocess.run(
        [os.fsencode(part) for part in map(str, command)], env=environment, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / os.fsdecode(b"o\xe9") / os.fsdecode(b"o\xe9.0001.exr")).exists()
    gone = subprocess.run(
        [os.fsencode(part) for part in (*map(str, command[:4]), f"{folder}x", *map(str, flags))],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert gone.returncode == 3
    assert rb"sh\udce9tx" in gone.stderr


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_flush_is_a_warning(tmp_path, monkeypatch, identity_preset, number):
    """bup #37: fsync answers that it is not supported on CIFS and in user space."""

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    files._warn_of_flush.cache_clear()
    named(tmp_path / "shot", "a.0001.png", "a.0002.png")
    with pytest.warns(UserWarning, match="cannot flush") as told:
        assert grade(tmp_path / "shot", identity_preset, tmp_path / "out", **QUICK).written == (1, 2)
    assert len([warning for warning in told if "cannot flush" in str(warning.message)]) == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_or_is_full_is_not(tmp_path, monkeypatch, number):
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(number, "disk")))
    with warnings.catch_warnings(), pytest.raises(OSError, match="disk"):
        files.write_atomically(tmp_path / "a", b"x")
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_rename_is_named(tmp_path, monkeypatch, make_shot, identity_preset):
    """mountpoint-s3 #506: object stores have no rename."""
    real = Path.replace

    def refuse(self, target):
        if Path(target).suffix == ".exr" and "out" in str(target):
            raise OSError(errno.ENOSYS, "Function not implemented")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="cannot rename files"):
        grade(make_shot(frames=range(1, 2)), identity_preset, tmp_path / "out", **QUICK)


# precision, places, parts


def test_each_channel_keeps_its_type(tmp_path, lively_preset):
    planes = {name: np.ascontiguousarray(picture()[..., index]) for index, name in enumerate("RGB")}
    kinds = {"R": np.float16, "G": np.float32, "B": np.float16}
    channels = {name: planes[name].astype(kind) for name, kind in kinds.items()}
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    (tmp_path / "shot").mkdir()
    OpenEXR.File([OpenEXR.Part(header, channels, "")]).write(str(tmp_path / "shot" / "a.0001.exr"))
    result = grade(tmp_path / "shot", lively_preset, tmp_path / "out", **QUICK)
    (part,) = read_parts(result.files[0])
    assert {name: part.channels[name].dtype for name in "RGB"} == {name: np.dtype(kind) for name, kind in kinds.items()}
    green = part.channels["G"]
    assert (green != green.astype(np.float16).astype(np.float32)).any(), "graded at its own precision"


@pytest.mark.parametrize(
    ("shot", "instead"),
    [("a.%V.%04d.png", r"'%V'.*a view; name the files of one view"), ("a.<UDIM>.png", r"<UDIM>.*tile of a texture")],
)
def test_tokens_of_other_programs_say_what_to_write(tmp_path, shot, instead):
    named(tmp_path, "a.left.0001.png", "a.1001.png")
    with pytest.raises(UsageError, match=instead):
        open_shot(f"{tmp_path}/{shot}")


def test_a_part_of_a_movie_never_replaces_the_whole(tmp_path, identity_preset):
    plate, _, _ = movie("mkv", "matroska", "ffv1", "bgr0")(tmp_path)
    whole = grade(plate, identity_preset, **QUICK).output
    for how in ({"within": "1-2"}, {"frames": "1-2"}):
        part = planned_grade(plate, identity_preset, **{**QUICK, **how}) if "frames" in how else None
        made = grade(plate, identity_preset, **QUICK, **how).output
        assert made != whole
        assert part is None or part["output"] == str(made)
    assert len(open_shot(whole)) == 3
    named_one = grade(plate, identity_preset, tmp_path / "o.mov", **QUICK).output
    with pytest.raises(UsageError, match=r"holds other frames \(1-3\).*--overwrite always"):
        grade(plate, identity_preset, tmp_path / "o.mov", frames="2-3", **QUICK)
    (tmp_path / ".vfxstyle" / "frames" / "o.mov.json").unlink()  # and so where nobody knows what is in it
    with pytest.raises(UsageError, match=r"holds other frames \(3 of them\)"):
        grade(plate, identity_preset, tmp_path / "o.mov", frames="2-3", **QUICK)
    assert len(open_shot(named_one)) == 3
    grade(plate, identity_preset, tmp_path / "o.mov", frames="2-3", overwrite="always", **QUICK)
    assert len(open_shot(named_one)) == 2
    grade(plate, identity_preset, tmp_path / "o.mov", **QUICK)  # more frames than are in it: nothing is lost
    assert len(open_shot(named_one)) == 3


def test_what_follows_a_grade_takes_the_same_plate_options(tmp_path, make_shot, identity_preset):
    shot = make_shot(frames=range(1, 6))
    (shot / "plate.0002.exr").unlink()
    (shot / "plate.0004.exr").write_bytes(b"")
    options = {**QUICK, "missing": "skip", "on_error": "skip", "frame_based": True, "coverage": 0.9}
    with pytest.raises(PartialError, match=r"2 frames have no mattes, 3 were written") as caught:
        mattes(shot, tmp_path / "mattes", identity_preset, **options)
    assert (caught.value.frames, caught.value.exit_code) == ((2, 4), 1)
    assert len(list((tmp_path / "mattes").glob("*.exr"))) == 3
    assert export(shot, identity_preset, cdl=tmp_path / "a.cc", **options).residuals
    for name in ("mattes", "export"):
        told = vfxstyle(name, "--help").stdout
        for flag in ("--missing", "--on-error", "--within", "--coverage", "--frame-based"):
            assert flag in told, (name, flag)


def test_the_last_line_names_frames_that_were_never_begun(tmp_path, make_shot, identity_preset):
    shot = make_shot(frames=range(1, 6))
    (shot / "plate.0004.exr").write_bytes(b"")
    told = vfxstyle("grade", shot, "--preset", identity_preset, "-o", tmp_path / "out2", *QUICK_FLAGS)
    assert told.returncode == 3
    assert told.stderr.splitlines()[-1] == "vfxstyle: FAILED code=frame retryable=no frames=1-5"


def test_spaces_are_listed_and_the_nearest_are_named(tmp_path):
    listed = vfxstyle("spaces", "arri", "log").stdout
    assert listed.splitlines()[0].split()[:2] == ["ARRI", "LogC3"]
    told = vfxstyle("spaces", "logc9")
    assert told.returncode == 3
    assert "Nearest: ARRI LogC" in told.stderr


@pytest.mark.parametrize("more", [0, 1, 600, 4096])
def test_rows_of_dpx_are_found_whatever_follows_them(tmp_path, more):
    """Both as FFmpeg writes them, with gaps, and as OpenImageIO does, without."""
    path, rgb, _ = dpx_of_ffmpeg("rgb24", 8)(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(more))
    np.testing.assert_allclose(open_shot(path).read(1).rgb, rgb, atol=1e-6)
    plain = write_picture(tmp_path / "b.0001.dpx", codes(8)[:, : WIDTH - 1], kind="uint8")
    plain.write_bytes(plain.read_bytes() + bytes(more))
    np.testing.assert_allclose(open_shot(plain).read(1).rgb, codes(8)[:, : WIDTH - 1] / 255, atol=1e-6)


def test_twelve_bits_of_dpx_are_exact_on_rows_without_gaps(tmp_path):
    encoder = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 48, 8, "gbrp12le", Fraction(1, 24)
    wanted = np.linspace(0, 4095, 48 * 8 * 3).astype(np.uint16).reshape(8, 48, 3)
    frame = av.VideoFrame(48, 8, "gbrp12le")
    for plane, index in zip(frame.planes, (1, 2, 0), strict=True):
        fill_plane(plane, wanted[..., index])
    path = tmp_path / "a.0001.dpx"
    path.write_bytes(b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))))
    np.testing.assert_array_equal(np.rint(open_shot(path).read(1).rgb * 4095), wanted)


@pytest.mark.parametrize("bits", [8, 16])
def test_white_is_zero_in_some_grey_tiffs(tmp_path, bits):
    import tifffile

    grey = codes(bits)[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    expected = 1 - grey.astype(np.float32) / ((1 << bits) - 1)
    np.testing.assert_allclose(open_shot(tmp_path / "a.tif").read(1).rgb[..., 1], expected, atol=1e-6)


def test_a_thumbnail_before_the_picture_is_passed_over(tmp_path):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(codes(8)[::2, ::2], photometric="rgb", subfiletype=1)
        out.write(codes(8), photometric="rgb")
        out.write(codes(8)[:4], photometric="rgb")
    shot = open_shot(tmp_path / "a.tif")
    np.testing.assert_allclose(shot.read(1).rgb, codes(8) / 255, atol=1e-6)
    assert "further pages of the file are left out" in shot.info.notes


def test_the_layer_is_the_same_in_every_frame(tmp_path):
    for number, name in ((1, "beauty"), (2, "diffuse")):
        header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
        planes = {f"{name}.{c}": np.zeros((8, 8), np.float16) for c in "RGB"}
        OpenEXR.File([OpenEXR.Part(header, planes, "")]).write(str(tmp_path / f"a.{number:04d}.exr"))
    shot = open_shot(tmp_path)
    with pytest.raises(FrameError, match="has its picture in diffuse, the shot's first frame in beauty"):
        shot.read(2)


def test_a_position_or_luminance_with_chroma_is_no_grey_picture(tmp_path):
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    for names, reason in (("X", "Y", "Z"), "has no R, G, B"), (("Y", "RY", "BY"), "luminance and chroma"):
        planes = {name: np.zeros((8, 8), np.float16) for name in names}
        OpenEXR.File([OpenEXR.Part(dict(header), planes, "")]).write(str(tmp_path / "a.exr"))
        with pytest.raises(FrameError, match=reason):
            open_shot(tmp_path / "a.exr")


def test_a_picture_is_what_it_contains(tmp_path):
    path, rgb, _ = exr("main")(tmp_path)
    path.rename(tmp_path / "a.0001.png")
    np.testing.assert_array_equal(open_shot(tmp_path / "a.0001.png").read(1).rgb, rgb)
    Image.fromarray(codes(8)).save(tmp_path / "b.webp")
    (tmp_path / "b.webp").rename(tmp_path / "b.jpg")
    with pytest.raises(FrameError, match="is a webp picture, whatever its name says"):
        open_shot(tmp_path / "b.jpg")


@pytest.mark.parametrize("tick", [Fraction(1, 25), Fraction(1, 50), Fraction(1, 100), Fraction(1, 600)], ids=str)
def test_a_frame_that_was_left_out_is_no_rounding(tick):
    times = [round(index / Fraction(25) / tick) for index in range(24) if index != 9]
    assert constant_rate(times, tick, [Fraction(len(times) * 25, 24), Fraction(25)]) is None


def test_nothing_is_no_place(tmp_path, make_shot, identity_preset):
    with pytest.raises(UsageError, match="-o is empty"):
        grade(make_shot(), identity_preset, "", **QUICK)
    with pytest.raises(ShotError, match="shot is empty"):
        open_shot(" ")


# the cases of the collection, where it is


def case(name):
    folder = REAL_DATA.parent / "cases" / name
    if not folder.is_dir():
        pytest.skip(WITHOUT_DATA)
    return folder


def test_dpx_rows_are_those_of_the_picture():
    shot = open_shot(case("dpx-8bit-width") / "d_rgb24.dpx")
    truth = oiio.ImageInput.open(str(case("dpx-8bit-width") / "truth.png")).read_image(oiio.FLOAT)
    assert np.abs(shot.read(shot.frames[0]).rgb - truth[..., :3]).max() < 2.5 / 255


@pytest.mark.parametrize(("name", "rate"), [("obsremux_60", 60), ("obsremux_24000_1001", Fraction(24000, 1001))])
def test_a_remuxed_recording_is_constant(name, rate):
    assert open_shot(case("movie-remuxed-cfr") / f"{name}.mp4").info.frame_rate == rate


def test_a_samsung_photograph_is_display_p3():
    shot = open_shot(case("jpeg-icc-p3-named-srgb") / "samsung_p3.jpg")
    assert shot.info.color_tag.space == "srgb_p3d65_display"
