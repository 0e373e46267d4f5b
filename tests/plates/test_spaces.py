"""Which space a plate is in; and that one shot in many spaces gets one look."""

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest
from helpers import QUICK, moving_picture, read_pixels, space, write_picture

from vfxstyle import grade, open_shot
from vfxstyle.color import ColorConfig, linear_to_lab
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.errors import ColorError, UsageError
from vfxstyle.plates.spaces import Light, encoder, input_space, output_space
from vfxstyle.shots import OutputFormat
from vfxstyle.shots.exr import ExrPart, write_parts
from vfxstyle.shots.tags import ColorTag

CONFIG = ColorConfig.load("ocio://studio-config-latest")
UNTAGGED = ColorTag("lin_rec709_scene", "default of EXR", assumed=True)
SPACES = ["ACEScg", "ACES2065-1", "Linear Rec.709 (sRGB)", "ARRI LogC3 (EI800)", "ARRI LogC4", "S-Log3 S-Gamut3.Cine"]
SPACES += ["ACEScct", "Rec.1886 Rec.709 - Display", "sRGB - Display"]


def test_what_the_user_says_comes_first(tmp_path):
    plate = input_space(CONFIG, UNTAGGED, tmp_path, "ARRI LogC4")
    assert (plate.space.name, plate.source, plate.named_by_file) == ("ARRI LogC4", "--input-space", False)
    assert input_space(CONFIG, UNTAGGED, tmp_path, None).source == "default of EXR"
    assert input_space(CONFIG, UNTAGGED, tmp_path, "lin_rec709").named_by_file
    with pytest.raises(ColorError, match=r"no space 'logc9'. Nearest: .*LogC4.*; 'vfxstyle spaces' lists all"):
        input_space(CONFIG, UNTAGGED, tmp_path, "logc9")


@pytest.mark.parametrize(
    "tag",
    [
        ColorTag("", "DPX transfer 'Printing density'"),
        ColorTag("house:alexa_special", "colorInteropID 'house:alexa_special'"),
        ColorTag("", "chromaticities 1 0 0 1 0 0 0.3333 0.3333"),
    ],
)
def test_what_cannot_be_known_is_an_error_that_lists_the_choices(tmp_path, tag):
    with pytest.raises(
        ColorError, match=r"cannot be known: it says .*--input-space.*'vfxstyle spaces' lists all"
    ) as caught:
        input_space(CONFIG, tag, tmp_path / "a.dpx", None)
    assert tag.source in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("picked", "plate", "result"),
    [
        (OutputFormat.EXR, "ACEScg", "ACEScg"),
        (OutputFormat.EXR, "ARRI LogC4", "ACEScg"),
        (OutputFormat.EXR, "srgb_rec709_display", "Linear Rec.709 (sRGB)"),
        (OutputFormat.DPX, "ARRI LogC4", "ARRI LogC4"),
        (OutputFormat.PNG, "ACEScg", "ACEScg"),
        (OutputFormat.PRORES_4444, "ACEScg", "Rec.1886 Rec.709 - Display"),
        (OutputFormat.PRORES_4444, "ARRI LogC4", "ARRI LogC4"),
        (OutputFormat.PRORES_422, "srgb_rec709_display", "sRGB - Display"),
    ],
)
def test_the_space_of_the_result(picked, plate, result):
    assert output_space(CONFIG, picked, space(plate), None).name == result
    assert output_space(CONFIG, picked, space(plate), "lin_ap0").name == "ACES2065-1"


def test_an_exr_that_would_not_be_linear_is_refused():
    with pytest.raises(UsageError, match="ACEScct is log, but EXR is linear light"):
        output_space(CONFIG, OutputFormat.EXR, space("ACEScg"), "ACEScct")


@pytest.mark.parametrize("name", SPACES)
def test_light_goes_through_any_space_and_back(name):
    rgb = np.random.default_rng(0).uniform(0.01, 0.9, (500, 3)).astype(np.float32)
    way = Light.of(CONFIG, space(name))
    light = way.decoded(rgb)
    back = encoder(CONFIG, space(name), space(name))
    np.testing.assert_allclose(light if back is None else back.apply(light), rgb, atol=1e-4)
    working = light @ way.matrix.T
    np.testing.assert_allclose(working, CONFIG.to_working(space(name)).apply(rgb), rtol=1e-4, atol=1e-5)


def plate_in(folder, name, light):
    """Two frames of linear Rec.709 light, converted to a space and written with its tag, as 32-bit floats."""
    numbers = CONFIG.from_working(space(name)).apply(light)
    for number in (1, 2):
        write_picture(folder / f"{folder.name}.{number:04d}.exr", numbers, kind="float")
    return folder


def test_one_shot_in_nine_spaces_gets_one_look(tmp_path, lively_preset):
    """A mean difference under CIEDE2000 0.5 on the display, for linear, camera log, ACEScct and display plates."""
    light = moving_picture(0, 144, 256) ** 2.2 * 0.95 + 0.01
    shown = {}
    for index, name in enumerate(SPACES):
        plate = plate_in(tmp_path / f"s{index}", name, light.astype(np.float32))
        out = tmp_path / f"o{index}"
        grade(plate, lively_preset, out, **QUICK, input_space=name, output_space="ACEScg")
        assert open_shot(out).info.color_tag.space == "lin_ap1_scene"
        working = CONFIG.to_working(space("ACEScg")).apply(read_pixels(out / f"o{index}.0001.exr"))
        shown[name] = linear_to_lab(np.clip(working, 0, 1))
    reference = shown["Linear Rec.709 (sRGB)"]
    plain = linear_to_lab(np.clip(light.astype(np.float32), 0, 1))
    assert delta_e_2000(reference, plain).mean() > 1.5  # the look does something
    for name, lab in shown.items():
        assert delta_e_2000(lab, reference).mean() < 0.5, name


@pytest.mark.parametrize("name", ["ACEScg", "ACES2065-1"])
def test_the_identity_of_a_wide_gamut_plate_is_bit_exact(tmp_path, identity_preset, name):
    random = np.random.default_rng(0)
    halves = random.normal(0, 3, (72, 128, 3)).astype(np.float16).astype(np.float32)
    halves[0, :3] = [65504, 0, -1]
    tag = {"colorInteropID": space(name).interop_id}
    write_picture(tmp_path / "plate" / "plate.0001.exr", halves, attributes=tag)
    grade(tmp_path / "plate", identity_preset, tmp_path / "out", **QUICK)
    out = read_pixels(tmp_path / "out" / "out.0001.exr")
    np.testing.assert_array_equal(out.view(np.uint32), halves.view(np.uint32))
    assert open_shot(tmp_path / "out").info.color_tag.space == space(name).interop_id


def test_a_named_space_is_tagged_and_the_wrong_tag_is_not_left(tmp_path, identity_preset):
    wrong = {"colorInteropID": "lin_rec709_scene"}
    write_picture(tmp_path / "plate" / "plate.0001.exr", moving_picture(0), attributes=wrong)
    for wanted, tag in (("ACEScg", "lin_ap1_scene"), ("Linear ARRI Wide Gamut 4", "ocio:lin_awg4_scene")):
        out = tmp_path / wanted
        grade(tmp_path / "plate", identity_preset, out, **QUICK, input_space=wanted)
        header = open_shot(out).read(1).exr.parts[0].header
        assert header["colorInteropID"] == tag
        assert header["vfxstyle:inputSpace"] == f"{wanted} (--input-space)"
        assert header["vfxstyle:ocio"].startswith("studio-config")
    out = tmp_path / "untouched"
    grade(tmp_path / "plate", identity_preset, out, **QUICK)
    assert open_shot(out).read(1).exr.parts[0].header["colorInteropID"] == "lin_rec709_scene"


def test_another_space_means_another_analysis(tmp_path, identity_preset):
    write_picture(tmp_path / "plate" / "plate.0001.exr", moving_picture(0))
    first = grade(tmp_path / "plate", identity_preset, tmp_path / "out", **QUICK)
    second = grade(tmp_path / "plate", identity_preset, tmp_path / "out", **QUICK, input_space="ACEScg")
    assert "superpixels" in first.seconds
    assert "superpixels" in second.seconds
    assert second.written == (1,)


@pytest.mark.parametrize("format_", ["dpx", "tiff", "png"])
def test_formats_with_one_field_for_it_say_the_spaces_too(tmp_path, identity_preset, format_):
    codes = (moving_picture(0) * 65535).astype(np.uint16)
    write_picture(tmp_path / "p" / "p.0001.png", codes, kind="uint16")
    spaces = {"input_space": "ACEScct", "output_space": "ARRI LogC4"}
    (path,) = grade(tmp_path / "p", identity_preset, tmp_path / "o", **QUICK, format=format_, **spaces).files
    said = oiio.ImageInput.open(str(path)).spec().get_string_attribute("Software")
    assert said.startswith("vfxstyle")
    assert said.endswith("test: ACEScct to ARRI LogC4")


def coded_with_alpha(folder, name, colour, cover):
    """A plate of one colour in a space that is not linear, multiplied by an alpha that rises from left to right."""
    alpha = np.tile(cover, (72, 1)).astype(np.float32)
    pixels = np.concatenate([np.full((72, 128, 3), colour, np.float32) * alpha[..., None], alpha[..., None]], axis=-1)
    pixels[:, alpha[0] == 0, :3] = colour  # a flame: light without cover
    write_picture(folder / "p.0001.exr", pixels, kind="float", names=("R", "G", "B", "A"))
    return folder


def test_premultiplied_code_values_are_straightened_before_they_are_light(tmp_path, lively_preset):
    cover = np.where(np.arange(128) < 20, 0.0, np.linspace(0.1, 1, 128))
    shot = coded_with_alpha(tmp_path / "p", "ARRI LogC4", 0.35, cover)
    grade(shot, lively_preset, tmp_path / "o", **QUICK, input_space="ARRI LogC4", output_space="lin_rec709")
    frame = open_shot(tmp_path / "o").read(1)
    covered = cover > 0
    straight = frame.rgb[36, covered] / frame.alpha[36, covered, None]
    spread = straight.max(axis=0) - straight.min(axis=0)
    light = CONFIG.to_working(space("ARRI LogC4")).apply(np.full((1, 3), 0.35, np.float32))
    assert spread.max() < 0.1 * light.max()  # one colour, whatever its cover
    assert frame.rgb[36, ~covered].min() > 0.3 * light.min()  # graded, not erased


def test_infinite_pixels_stay_what_they_are_in_another_space(tmp_path, identity_preset):
    picture = moving_picture(0)
    picture[5, 5] = np.inf, 0.5, 0.25
    write_picture(tmp_path / "p" / "p.0001.exr", picture)
    grade(tmp_path / "p", identity_preset, tmp_path / "o", **QUICK, output_space="ACEScg")
    np.testing.assert_array_equal(read_pixels(tmp_path / "o" / "o.0001.exr")[5, 5], [np.inf, 0.5, 0.25])


def test_each_part_says_its_own_space(tmp_path, identity_preset):
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    channels = {name: moving_picture(0)[..., i].astype("f2") for i, name in enumerate("RGB")}
    tags = {"a": "lin_rec709_scene", "b": "lin_ap1_scene"}
    parts = [ExrPart({**header, "name": name, "colorInteropID": tag}, channels) for name, tag in tags.items()]
    write_parts(tmp_path / "p.0001.exr", parts)
    assert open_shot(tmp_path / "p.0001.exr", layer="a").info.color_tag.space == "lin_rec709_scene"
    assert open_shot(tmp_path / "p.0001.exr", layer="b").info.color_tag.space == "lin_ap1_scene"


def test_a_house_without_rec709_still_makes_exr_and_says_what_a_movie_needs(tmp_path):
    config = ocio.Config()
    config.addColorSpace(ocio.ColorSpace(name="aces", encoding="scene-linear"))
    config.addColorSpace(ocio.ColorSpace(name="screen", encoding="sdr-video"))
    config.addDisplayView("monitor", "plain", "aces")
    for role in ("aces_interchange", "scene_linear", "default"):
        config.setRole(role, "aces")
    (tmp_path / "house.ocio").write_text(config.serialize())
    house = ColorConfig.load(tmp_path / "house.ocio")
    assert output_space(house, OutputFormat.EXR, house.space("screen"), None).name == "aces"
    with pytest.raises(ColorError, match=r"no Rec.709 display .* name a space with --output-space"):
        output_space(house, OutputFormat.PRORES_422, house.space("aces"), None)
