import numpy as np
import OpenImageIO as oiio
import pytest
from helpers import moving_picture, read_pixels, space, write_picture

from vfxstyle.errors import OutputError
from vfxstyle.shots import Frame, OutputFormat, Window, open_shot
from vfxstyle.shots.writing import ImageSink, PictureStyle, frame_file_name

WINDOW = Window(0, 0, 128, 72)


def sink(folder, output_format=OutputFormat.EXR, space_name="lin_rec709_scene", *, tag=False, stamps=(), **options):
    targets = {n: folder / frame_file_name(folder.name, n, 4, output_format) for n in range(10)}
    style = PictureStyle(format=output_format, space=space(space_name), tag=tag, stamps=dict(stamps), **options)
    return ImageSink(folder, targets, style)


def frame(pixels, number=1, **options):
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    return Frame(number, "made", pixels, window, window, **options)


def spec_of(path):
    return oiio.ImageInput.open(str(path)).spec()


def test_names_follow_the_folder_and_the_padding(tmp_path):
    path = sink(tmp_path / "shot_golden").write(frame(moving_picture(0), 7))
    assert path == tmp_path / "shot_golden" / "shot_golden.0007.exr"
    assert frame_file_name("a", -3, 4, OutputFormat.PNG) == "a.-0003.png"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("output_format", "step"),
    [(OutputFormat.PNG, 1 / 65535), (OutputFormat.TIFF, 1 / 65535), (OutputFormat.DPX, 1 / 1023)],
)
def test_integer_formats_are_dithered_between_the_two_nearest_codes(tmp_path, output_format, step):
    picture = moving_picture(0)
    path = sink(tmp_path / "o", output_format, "srgb_rec709_display").write(frame(picture))
    assert np.abs(read_pixels(path) - picture).max() <= step
    assert np.abs((read_pixels(path) - picture).mean()) <= 0.02 * step


def test_grey_float_exr_stays_float(tmp_path):
    grey = np.random.default_rng(0).random((8, 8, 1)).astype(np.float32)
    plate = write_picture(tmp_path / "a.exr", grey, kind="float", names=("Y",))
    path = sink(tmp_path / "o").write(open_shot(plate).read(1))
    assert str(spec_of(path).format) == "float"
    np.testing.assert_array_equal(read_pixels(path)[..., :1], grey)


def test_scene_linear_tiff_is_float_and_keeps_highlights(tmp_path):
    path = sink(tmp_path / "o", OutputFormat.TIFF).write(frame(moving_picture(0) * 20))
    np.testing.assert_array_equal(read_pixels(path), moving_picture(0) * 20)
    assert open_shot(path).info.color_tag.space == "lin_rec709_scene"


def test_half_limits_what_is_too_bright_and_keeps_nan_and_infinity(tmp_path):
    picture = np.full((4, 4, 3), 1e6, np.float32)
    picture[0, 0], picture[1, 1], picture[2, 2] = np.nan, np.inf, -1e6
    back = read_pixels(sink(tmp_path / "o").write(frame(picture)))
    assert np.isnan(back[0, 0]).all()
    assert np.isposinf(back[1, 1]).all()
    assert (back[2, 2] == -65504).all()
    assert (back[3, 3] == 65504).all()


def test_everything_an_exr_says_is_said_again(tmp_path):
    pixels = np.random.default_rng(0).random((20, 30, 6)).astype(np.float32)
    plate = write_picture(
        tmp_path / "plate.0001.exr",
        pixels,
        kind="float",
        names=("R", "G", "B", "A", "Z", "matte"),
        origin=(-5, 3),
        display=(0, 0, 64, 36),
        compression="piz",
        attributes={"studio": "us", "nuke/node_hash": "abc", "PixelAspectRatio": 2.0},
    )
    path = sink(tmp_path / "o", stamps={"vfxstyle:preset": "golden"}.items()).write(open_shot(plate).read(1))
    before, after = spec_of(plate), spec_of(path)
    assert after.channelnames == before.channelnames
    assert (after.x, after.y, after.width, after.height) == (-5, 3, 30, 20)
    assert (after.full_x, after.full_y, after.full_width, after.full_height) == (0, 0, 64, 36)
    kept = {a.name: a.value for a in after.extra_attribs}
    for attribute in before.extra_attribs:
        if attribute.name != "DateTime":
            assert kept[attribute.name] == attribute.value, attribute.name
    assert kept["vfxstyle:preset"] == "golden"
    np.testing.assert_array_equal(read_pixels(path), read_pixels(plate))


def test_a_display_referred_exr_is_retagged_when_it_becomes_linear(tmp_path):
    plate = write_picture(tmp_path / "a.exr", moving_picture(0), attributes={"colorInteropID": "srgb_rec709_display"})
    shot = open_shot(plate)
    assert shot.info.color_tag.space == "srgb_rec709_display"
    path = sink(tmp_path / "o", tag=True).write(shot.read(1))
    assert open_shot(path).info.color_tag.space == "lin_rec709_scene"


def test_formats_without_windows_get_the_display_window(tmp_path):
    plate = write_picture(tmp_path / "a.exr", moving_picture(0), origin=(10, 10), display=(0, 0, 200, 100))
    path = sink(tmp_path / "o", OutputFormat.PNG).write(open_shot(plate).read(1))
    assert read_pixels(path).shape == (100, 200, 3)


def test_two_writes_of_one_frame_have_the_same_bytes(tmp_path):
    for output_format in (OutputFormat.EXR, OutputFormat.TIFF, OutputFormat.PNG, OutputFormat.DPX):
        one = sink(tmp_path / "a", output_format).write(frame(moving_picture(0)))
        data = one.read_bytes()
        two = sink(tmp_path / "a", output_format).write(frame(moving_picture(0)))
        assert two.read_bytes() == data
        assert b".part" not in data
        assert spec_of(two).get_string_attribute("DateTime") == ""


def test_a_failing_disk_leaves_the_old_frame_and_no_part(tmp_path, monkeypatch):
    out = sink(tmp_path / "o")
    path = out.write(frame(moving_picture(0)))
    old = path.read_bytes()
    monkeypatch.setattr("vfxstyle.shots.exr.read_parts", _broken)
    with pytest.raises(OutputError, match="disk"):
        out.write(frame(moving_picture(1)))
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def _broken(*_):
    raise OSError(28, "No space left on device (disk)")


def test_an_unwritable_folder_names_the_remedy(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="choose another with -o"):
        sink(tmp_path / "file" / "o")
