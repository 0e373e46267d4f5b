import numpy as np
import OpenImageIO as oiio
import pytest
from helpers import moving_picture, write_picture

from vfxstyle.errors import FrameError
from vfxstyle.shots import Window, open_shot


@pytest.mark.parametrize(
    ("extension", "space", "step"),
    [
        ("exr", "lin_rec709_scene", 2**-11),
        ("png", "srgb_rec709_display", 1 / 65535),
        ("tif", "srgb_rec709_display", 1 / 65535),
        ("dpx", "srgb_rec709_display", 1 / 1023),
    ],
)
def test_every_picture_format_is_read_at_its_depth(make_shot, extension, space, step):
    shot = open_shot(make_shot(extension=extension))
    frame = shot.read(1002)
    assert shot.info.color_tag.space == space
    assert shot.info.color_tag.assumed
    assert frame.rgb.dtype == np.float32
    np.testing.assert_allclose(frame.rgb, moving_picture(1), atol=step)


def test_jpeg_is_read_as_display_referred(make_shot):
    shot = open_shot(make_shot(extension="jpg"))
    assert shot.info.color_tag.space == "srgb_rec709_display"
    assert np.abs(shot.read(1002).rgb - moving_picture(1)).mean() < 0.05


def test_windows_channels_and_header_are_kept(tmp_path):
    pixels = np.random.default_rng(0).random((20, 30, 6)).astype(np.float32)
    path = write_picture(
        tmp_path / "a.0001.exr",
        pixels,
        kind="float",
        names=("R", "G", "B", "A", "Z", "id.mask"),
        origin=(-5, 3),
        display=(0, 0, 64, 36),
        attributes={"studio": "us"},
    )
    shot = open_shot(path)
    frame = shot.read(1)
    assert frame.data_window == Window(-5, 3, 30, 20)
    assert frame.display_window == Window(0, 0, 64, 36)
    assert (shot.info.width, shot.info.height) == (64, 36)
    np.testing.assert_array_equal(frame.rgb, pixels[..., :3])
    np.testing.assert_array_equal(frame.alpha, pixels[..., 3])
    (part,) = frame.exr.parts
    np.testing.assert_array_equal(part.channels["Z"], pixels[..., 4])
    np.testing.assert_array_equal(part.channels["id.mask"], pixels[..., 5])
    assert part.header["studio"] == "us"


def test_a_grey_picture_is_read_as_three_equal_channels(tmp_path):
    grey = np.random.default_rng(0).integers(0, 65535, (16, 16, 1)).astype(np.uint16)
    frame = open_shot(write_picture(tmp_path / "a.png", grey, kind="uint16")).read(1)
    np.testing.assert_array_equal(frame.rgb[..., 0], frame.rgb[..., 2])


def test_straight_alpha_of_png_is_not_multiplied_in(tmp_path):
    pixels = np.full((8, 8, 4), 65535, np.uint16)
    pixels[..., 3] = 32768
    spec = oiio.ImageSpec(8, 8, 4, oiio.UINT16)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    output = oiio.ImageOutput.create(str(tmp_path / "a.png"))
    assert output.open(str(tmp_path / "a.png"), spec)
    assert output.write_image(pixels)
    assert output.close()
    frame = open_shot(tmp_path / "a.png").read(1)
    assert not frame.premultiplied
    np.testing.assert_allclose(frame.rgb, 1)
    np.testing.assert_allclose(frame.alpha, 0.5, atol=1e-4)


def test_a_frame_of_another_size_is_named(make_shot, tmp_path):
    folder = make_shot()
    write_picture(folder / "plate.1003.exr", moving_picture(0, 36, 64))
    shot = open_shot(folder)
    shot.read(1002)
    with pytest.raises(FrameError, match=r"1003.*64x36.*128x72") as caught:
        shot.read(1003)
    assert caught.value.frames == (1003,)


def test_a_truncated_frame_is_named(make_shot):
    folder = make_shot()
    victim = folder / "plate.1002.exr"
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    with pytest.raises(FrameError, match=r"1002.*is damaged or cut short"):
        open_shot(folder).read(1002)


def test_a_truncated_jpeg_is_not_graded_as_grey(make_shot):
    folder = make_shot(extension="jpg")
    victim = folder / "plate.1002.jpg"
    victim.write_bytes(victim.read_bytes()[:-1500])
    with pytest.raises(FrameError, match=r"1002.*is cut short"):
        open_shot(folder).read(1002)


def test_other_primaries_in_the_header_name_the_space(tmp_path):
    spec = oiio.ImageSpec(4, 4, 3, oiio.HALF)
    spec.attribute(
        "chromaticities", oiio.TypeDesc("float[8]"), (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    )
    output = oiio.ImageOutput.create(str(tmp_path / "a.exr"))
    assert output.open(str(tmp_path / "a.exr"), spec)
    assert output.write_image(np.zeros((4, 4, 3), np.float32))
    assert output.close()
    tag = open_shot(tmp_path / "a.exr").info.color_tag
    assert (tag.space, tag.assumed) == ("lin_ap1_scene", False)
    assert tag.source.startswith("chromaticities 0.713 0.293")


def test_a_frame_that_vanished_is_named(make_shot):
    folder = make_shot()
    shot = open_shot(folder)
    (folder / "plate.1002.exr").unlink()
    with pytest.raises(FrameError, match=r"1002.*is missing"):
        shot.read(1002)


def test_no_colour_channels(tmp_path):
    pixels = np.zeros((8, 8, 3), np.float32)
    path = write_picture(tmp_path / "a.exr", pixels, names=("depth.Z", "P.x", "P.y"))
    with pytest.raises(FrameError, match="no R, G, B"):
        open_shot(path)


def test_a_later_frame_in_another_space_is_named(make_shot):
    folder = make_shot()
    attributes = {"colorInteropID": "srgb_rec709_display"}
    write_picture(folder / "plate.1003.exr", moving_picture(2), attributes=attributes)
    shot = open_shot(folder)
    shot.read(1002)
    with pytest.raises(FrameError, match=r"1003.*'srgb_rec709_display'; the shot's first frame: default"):
        shot.read(1003)


TURNS = {
    0: lambda a: a,
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
def test_photographs_are_made_upright(tmp_path, orientation):
    codes = (moving_picture(0) * 255).astype(np.uint8)
    path = write_picture(tmp_path / "a.tif", codes, kind="uint8", attributes={"Orientation": orientation})
    shot = open_shot(path)
    frame = shot.read(1)
    expected = TURNS[orientation](codes)
    assert (shot.info.height, shot.info.width) == expected.shape[:2]
    np.testing.assert_array_equal(np.rint(frame.rgb * 255), expected)
    assert frame.header.get_int_attribute("Orientation", 1) == 1, "the result must not be turned again"
    assert any(f"Orientation ({orientation})" in note for note in shot.info.notes) is (orientation > 1)


@pytest.mark.parametrize("name", ["ScanLines/Desk.exr", "DisplayWindow/t08.exr", "DisplayWindow/t16.exr"])
def test_real_exr_files_with_all_sorts_of_windows(real_data, name):
    shot = open_shot(real_data / "exr" / name)
    assert shot.read(shot.frames[0]).on_display().rgb.shape == (shot.info.height, shot.info.width, 3)


def test_a_real_sequence_whose_data_window_moves(real_data):
    shot = open_shot(f"{real_data}/exr/Beachball/singlepart.####.exr")
    windows = {shot.read(number).data_window for number in shot.frames}
    assert len(shot) == 5
    assert len(windows) > 1
    assert (shot.info.width, shot.info.height) == (2048, 1556)


@pytest.mark.parametrize("name", ["Flowers", "CrissyField", "MtTamNorth", "StarField"])
def test_luminance_chroma_files_are_refused(real_data, name):
    path = real_data / "exr" / "LuminanceChroma" / f"{name}.exr"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the development pictures")
    with pytest.raises(FrameError, match=rf"{name}.*subsampled.*write it as R, G, B"):
        open_shot(path)


def test_deep_files_are_refused(real_data):
    with pytest.raises(FrameError, match="is a deep image; flatten it first"):
        open_shot(real_data / "exr" / "v2" / "LeftView" / "Trunks.exr")
