"""What users of other tools complain of most, each answered by a test that bears its name."""

import numpy as np
import pytest
from helpers import QUICK, make_preset, read_pixels, write_picture

from vfxstyle import grade, load_preset, open_shot
from vfxstyle.color import from_grading, lab_to_linear, linear_to_lab, to_grading
from vfxstyle.color.grading import HEADROOM
from vfxstyle.errors import ColorError
from vfxstyle.looks import TransformField, apply_field, save_preset
from vfxstyle.looks.library import shipped_folder
from vfxstyle.shots.exr import read_parts

RAYS = np.float32(
    [[1, 1, 1], [1, 0.5, 0.2], [0.2, 1, 0.4], [0.3, 0.4, 1], [1, 0, 0], [1, -0.02, 0.3], [0.5, 0.48, 0.45]]
)


def field_of(transform):
    return TransformField(np.tile(transform, (1, 1, 1)).astype(np.float32), np.zeros((1, 1, 3), np.float32))


def ray(direction, count=4000, top=64.0):
    """Light along one direction from black to ``top`` times white; float32 (1, N, 3), and its distances."""
    steps = np.concatenate([np.linspace(0, 2, count), np.geomspace(2, top, count)[1:]]).astype(np.float32)
    return (steps[:, None] * direction)[None], steps


def shipped_transforms(count=12):
    """Transforms that the shipped looks give to pictures' features, drawn from their training's spread."""
    found = []
    for path in sorted(shipped_folder().glob("*.safetensors")):
        preset = load_preset(path)
        random = np.random.default_rng(0)
        drawn = random.normal(0, 1, (count, preset.inputs)).astype(np.float32)
        vectors = drawn * preset.standardisation.std + preset.standardisation.mean
        found += list(preset.predict(vectors)[:, :30])
    return found


def test_1_highlights_are_not_clamped():
    """RIFE #118, RIFE-for-Nuke #5: values clamped at 1.3. Here order is kept to 64 times white, without a kink."""
    bright = np.zeros(30, np.float32)
    bright[[6, 9, 17, 28]] = 0.05, 0.02, 0.1, -0.1
    for direction in RAYS:
        light, steps = ray(direction)
        out, _ = apply_field(light, field_of(bright))
        strongest = int(np.argmax(direction))
        along = out[0, :, strongest].astype(np.float64)
        assert (np.diff(along) > 0).all(), direction
        assert along[-1] > 0.7 * 64 * direction[strongest]
        slopes = np.diff(along) / np.diff(steps.astype(np.float64))
        at_white = np.searchsorted(steps * direction.max(), 1.0)
        below, above = slopes[at_white - 60 : at_white - 20].mean(), slopes[at_white + 20 : at_white + 60].mean()
        assert abs(above / below - 1) < 0.06, direction  # the first derivative goes on where the extrapolation begins


def test_1_the_shipped_looks_keep_the_order_of_highlights():
    for transform in shipped_transforms():
        light, steps = ray(np.float32([1, 0.9, 0.8]))
        out, _ = apply_field(light, field_of(transform))
        luminance = out[0] @ np.float32([0.2126, 0.7152, 0.0722])
        assert (np.diff(luminance[steps > 1 + 4 * HEADROOM]) > 0).all()
        assert luminance[-1] > 10


def test_1_highlights_get_what_white_gets():
    """A look says nothing of light above white: what it does there must not turn with brightness."""
    light = np.float32([1, 2, 4, 64])[None, :, None] * np.float32([1, 1, 1])
    turned = []
    for transform in shipped_transforms():
        out, _ = apply_field(light, field_of(transform))
        warmth = np.log2(out[0, :, 0] / out[0, :, 2])
        turned.append(np.abs(warmth[1:] - warmth[0]).max())
    assert np.quantile(turned, 0.9) < 0.06  # stops of red over blue


def test_1_negative_and_out_of_gamut_values_survive(tmp_path, identity_preset):
    random = np.random.default_rng(0)
    rgb = (random.normal(0, 1, (64, 64, 3)) * 10 ** random.uniform(-3, 3, (64, 64, 1))).astype(np.float32)
    np.testing.assert_allclose(from_grading(*to_grading(rgb)), rgb, rtol=1e-5, atol=1e-6)
    out, _ = apply_field(rgb, field_of(np.zeros(30)))
    np.testing.assert_array_equal(out, rgb)
    np.testing.assert_allclose(lab_to_linear(linear_to_lab(rgb / 100)), rgb / 100, atol=2e-4)


def test_3_header_timecode_and_windows_are_not_lost(real_data, tmp_path, lively_preset):
    """Natron #105, OIIO #2217: compared attribute by attribute, on a real sequence whose data window moves."""
    shot = f"{real_data}/exr/Beachball/singlepart.####.exr"
    grade(shot, lively_preset, tmp_path / "out", **QUICK)
    plate, graded = open_shot(shot), open_shot(tmp_path / "out")
    for number in plate.frames:
        (before,), (after,) = (read_parts(s.file_of(number)) for s in (plate, graded))
        for name in before.header:
            if name not in ("channels", "chunkCount"):
                assert str(after.header[name]) == str(before.header[name]), name
        for name, pixels in before.channels.items():
            if name not in ("R", "G", "B"):
                assert after.channels[name].tobytes() == pixels.tobytes(), name
        assert any((after.channels[n] != before.channels[n]).any() for n in "RGB")


@pytest.mark.parametrize("attributes", [{"dpx:Transfer": "Logarithmic"}, {"dpx:Transfer": "Printing density"}])
def test_4_colour_spaces_are_not_guessed(tmp_path, identity_preset, attributes):
    """openexr #1783, OIIO #4555: what cannot be known is an error that names the nearest."""
    codes = np.full((72, 128, 3), 30000, np.uint16)
    write_picture(tmp_path / "scan" / "scan.0001.dpx", codes, kind="uint16", attributes=attributes)
    with pytest.raises(ColorError, match=r"Name it with --input-space\. Nearest: .*ARRI LogC4"):
        grade(tmp_path / "scan", identity_preset, tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()
    named = {**QUICK, "input_space": "ARRI LogC4"}
    assert grade(tmp_path / "scan", identity_preset, tmp_path / "out", **named).written == (1,)


def test_7_movies_do_not_come_out_darker(tmp_path, identity_preset):
    """Sammie-Roto-2 #52, gpac #1319: tags written and seen again, colours within half an 8-bit code."""
    levels = np.repeat(np.linspace(0, 1, 16, dtype=np.float32), 8)
    picture = np.tile(levels[None, :, None], (64, 1, 3))
    for number in (1, 2):
        codes = (picture * 65535 + 0.5).astype(np.uint16)
        write_picture(tmp_path / "p" / f"p.{number:04d}.png", codes, kind="uint16")
    movie = grade(tmp_path / "p", identity_preset, tmp_path / "o.mov", **QUICK, format="prores4444").output
    frame = open_shot(movie).read(2)
    assert open_shot(movie).info.color_tag.space == "srgb_rec709_display"
    middles = frame.rgb[32, 4::8]
    assert np.abs(middles - levels[4::8, None]).max() <= 0.00195


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_8_skies_do_not_band(tmp_path, strength):
    """IA-3DLUT #71: a 16-bit ramp graded to 10 bits bends no more than the plate's own steps would."""
    width, height = 1024, 256
    ramp = np.linspace(0.3, 0.4, width, dtype=np.float32)
    codes = np.rint(np.tile(ramp[None, :, None], (height, 1, 3)) * 65535).astype(np.uint16)
    write_picture(tmp_path / "sky" / "sky.0001.png", codes, kind="uint16")
    bias = np.zeros(30, np.float32)
    bias[[6, 9]] = 0.1, -0.03
    preset = save_preset(make_preset(bias), tmp_path / "look.safetensors")
    grade(tmp_path / "sky", preset, tmp_path / "o", **QUICK, format="dpx", strength=strength)
    out = read_pixels(tmp_path / "o" / "o.0001.dpx") * 1023
    columns = out[..., 1].mean(axis=0)  # what the eye sees of a column

    def bends(values):
        return np.abs(np.diff(values.reshape(-1, 4).mean(axis=1), 2)).max()

    assert bends(columns) < 0.2  # the plate's own steps and the noise of 1024 pixels
    assert bends(np.rint(columns)) > 0.5  # what rounding to ten bits makes of the same ramp


def test_10_numbering_starts_where_the_pipeline_wants(make_shot, tmp_path, identity_preset):
    """CoCoTools_IO #16, tixl #670: numbers and padding are the plate's, or as asked."""
    shot = make_shot(frames=range(1, 4))
    grade(shot, identity_preset, tmp_path / "same", **QUICK)
    grade(shot, identity_preset, tmp_path / "own", **QUICK, start_frame=1001, padding=5)
    assert sorted(p.name for p in (tmp_path / "same").glob("*.exr")) == [f"same.{n:04d}.exr" for n in (1, 2, 3)]
    assert sorted(p.name for p in (tmp_path / "own").glob("*.exr")) == [f"own.{n:05d}.exr" for n in (1001, 1002, 1003)]


def test_11_compression_is_the_plates_or_as_asked(make_shot, tmp_path, identity_preset):
    """HQ-Image-Save #16: sizes do not explode."""
    shot = make_shot(frames=range(1, 2), compression="piz")
    for name, option in (("PIZ", None), ("ZIPS", "zips"), ("NO_", "none"), ("DWAB", "dwab:60")):
        out = tmp_path / name
        grade(shot, identity_preset, out, **QUICK, compression=option)
        (part,) = read_parts(out / f"{name}.0001.exr")
        assert name in str(part.header["compression"])
    assert part.header["dwaCompressionLevel"] == 60


def grade_what_is_shown(folder, preset, shot):
    """A shot of what the display windows of another show, graded."""
    for number in shot.frames:
        write_picture(folder / "shown" / f"shown.{number:04d}.exr", shot.read(number).on_display().rgb)
    grade(folder / "shown", preset, folder / "graded", **QUICK)
    return open_shot(folder / "graded")


@pytest.mark.parametrize(
    ("origin", "display"), [((-8, -6), (0, 0, 112, 60)), ((10, 12), (0, 0, 200, 120)), ((-300, 0), (0, 0, 64, 64))]
)
def test_14_overscan_and_bounding_boxes_do_not_break_it(tmp_path, lively_preset, origin, display):
    """ViTMatte-for-Nuke #8: pixels in and outside the display window are graded, windows stay."""
    random = np.random.default_rng(0)
    for number in (1, 2):
        pixels = (0.2 + 0.6 * random.random((72, 128, 3))).astype(np.float32)
        place = (origin[0] + number, origin[1])
        write_picture(tmp_path / "p" / f"p.{number:04d}.exr", pixels, origin=place, display=display)
    grade(tmp_path / "p", lively_preset, tmp_path / "o", **QUICK)
    shown = grade_what_is_shown(tmp_path, lively_preset, open_shot(tmp_path / "p"))
    for number in (1, 2):
        before, after = open_shot(tmp_path / "p").read(number), open_shot(tmp_path / "o").read(number)
        assert (after.data_window, after.display_window) == (before.data_window, before.display_window)
        inside = before.on_display().rgb.any(axis=-1)
        got, wanted = after.on_display().rgb[inside], shown.read(number).rgb[inside]
        assert not len(got) or np.abs(got - wanted).mean() < 2e-3
        changed = np.abs(after.rgb - before.rgb).max(axis=-1) > 1e-4
        assert changed.mean() > 0.9
        assert np.isfinite(after.rgb).all()
