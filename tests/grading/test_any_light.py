"""Looks for any light: the lighting of a shot is taken out before the look and put back after it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import BACKBONE, QUICK, make_preset, moving_picture, read_pixels, write_picture

from vfxstyle import analyze, export, grade
from vfxstyle.analysis.lighting import lighting_in, lighting_words, measured_in
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.color import ColorConfig, linear_to_srgb, srgb_to_linear
from vfxstyle.errors import UsageError
from vfxstyle.grading.corrections import Correction, Corrections
from vfxstyle.grading.display_range import keep_in_range
from vfxstyle.grading.frame_renderer import guide_of
from vfxstyle.looks import read_preset, save_preset
from vfxstyle.looks.library import user_folder
from vfxstyle.plates.lighting import lighting_of
from vfxstyle.progress import Stage
from vfxstyle.review.review import opened_review
from vfxstyle.review.session import Asked
from vfxstyle.settings import GradeSettings

FRAMES = range(1001, 1004)
LIGHTS = {"dark": (0.25, 0.25, 0.25), "bright": (4.0, 4.0, 4.0), "tungsten": (1.680, 0.866, 0.326)}


def plate(folder, gains=(1.0, 1.0, 1.0)):
    """A shot under a light, scene-linear floats."""
    for number in FRAMES:
        light = srgb_to_linear(moving_picture(number - FRAMES[0])) * np.array(gains, np.float32)
        write_picture(folder / f"plate.{number}.exr", light.astype(np.float32), kind="float")
    return folder


def graded(shot, preset, output, **options):
    report = grade(shot, preset, output, analysis=output.parent / f"{output.name}_analysis", **{**QUICK, **options})
    return np.stack([read_pixels(path) for path in report.files])


def for_any_light(look, path):
    return save_preset(replace(look, info=replace(look.info, any_light=True)), path)


@pytest.fixture
def any_light(tmp_path):
    return for_any_light(make_preset(reacts=True), tmp_path / "any.safetensors")


def one_transform():
    """A look that does the same everywhere, and something else to every colour."""
    return make_preset(np.random.default_rng(5).normal(0, 0.05, 30))


@pytest.mark.parametrize("name", LIGHTS)
def test_a_shot_takes_the_same_look_in_any_light(tmp_path, name):
    gains = np.array(LIGHTS[name], np.float32)
    looks = {
        "any": for_any_light(one_transform(), tmp_path / "any.safetensors"),
        "own": save_preset(one_transform(), tmp_path / "own.safetensors"),
    }
    before = np.stack([read_pixels(path) for path in sorted(plate(tmp_path / "plate").iterdir())])
    off = {}
    for kind, look in looks.items():
        plain = graded(tmp_path / "plate", look, tmp_path / kind)
        other = graded(plate(tmp_path / name, gains), look, tmp_path / f"{kind}_{name}") / gains
        off[kind] = np.abs(other - plain).mean() / np.abs(plain - before).mean()
    assert off["any"] < (0.15 if name == "tungsten" else 0.01) * off["own"]  # the plate's own goes too
    assert off["own"] > 0.1


def test_a_look_that_changes_nothing_keeps_every_bit(tmp_path):
    shot = plate(tmp_path / "plate", LIGHTS["dark"])
    preset = for_any_light(make_preset(), tmp_path / "none.safetensors")
    before = np.stack([read_pixels(path) for path in sorted(shot.iterdir())])
    np.testing.assert_array_equal(graded(shot, preset, tmp_path / "out"), before)


def test_features_are_those_of_ordinary_light_for_such_looks_alone(tmp_path, any_light, lively_preset):
    plate(tmp_path / "plate")
    plate(tmp_path / "dark", LIGHTS["dark"])
    off = {}
    for look in (any_light, lively_preset):
        means = []
        for name in ("plate", "dark"):
            place = tmp_path / f"{look.stem}_{name}"
            analyze(tmp_path / name, preset=look, analysis=place, **QUICK)
            means.append(np.stack([one.raw.global_ for one in AnalysisFolder(place).read_features()]).mean(axis=0))
        off[look.stem] = np.abs(np.subtract(*means, dtype=np.float32)).mean() / np.abs(means[0]).mean()
    assert off["any"] < 0.1 * off["lively"]


def test_the_superpixels_of_a_look_of_the_other_kind_are_taken(tmp_path, any_light, lively_preset):
    shot = plate(tmp_path / "plate", LIGHTS["dark"])
    first = grade(shot, lively_preset, tmp_path / "own", analysis=tmp_path / "analysis", **QUICK)
    second = grade(shot, any_light, tmp_path / "any", analysis=tmp_path / "analysis", **QUICK)
    assert Stage.SUPERPIXELS in first.seconds
    assert Stage.SUPERPIXELS not in second.seconds
    assert Stage.FEATURES in second.seconds
    alone = graded(shot, any_light, tmp_path / "alone")
    np.testing.assert_array_equal(np.stack([read_pixels(path) for path in second.files]), alone)


def test_the_lighting_that_is_asked_for_is_used_for_a_lut_too(tmp_path):
    shot, look = plate(tmp_path / "plate", LIGHTS["dark"]), for_any_light(one_transform(), tmp_path / "any.safetensors")
    luts = {}
    for lighting in ("measured", "ordinary"):
        lut = tmp_path / f"{lighting}.cube"
        export(shot, look, lut=lut, size=5, analysis=tmp_path / "analysis", lighting=lighting, **QUICK)
        luts[lighting] = lut.read_text()
    assert luts["measured"] != luts["ordinary"]


def test_frames_by_themselves_are_those_of_the_whole(tmp_path, any_light):
    shot = plate(tmp_path / "plate", LIGHTS["dark"])
    whole = graded(shot, any_light, tmp_path / "out")
    report = grade(shot, any_light, tmp_path / "one", analysis=tmp_path / "out_analysis", frames="1002", **QUICK)
    np.testing.assert_array_equal(read_pixels(report.files[0]), whole[1])


def test_a_bright_plate_of_a_display_keeps_below_white_what_is_below_it(tmp_path):
    """The look lifts all lights; linear light, which has no white, is lifted beyond 1."""
    lift = np.zeros(30)
    lift[6], lift[9] = 0.3, 0.1
    look = for_any_light(make_preset(lift), tmp_path / "any.safetensors")
    bright = [linear_to_srgb(srgb_to_linear(moving_picture(i)) * np.float32(0.9) + np.float32(0.08)) for i in range(3)]
    for number, picture in zip(FRAMES, bright, strict=True):
        write_picture(
            tmp_path / "display" / f"p.{number}.png", (picture * 65535 + 0.5).astype(np.uint16), kind="uint16"
        )
        write_picture(tmp_path / "linear" / f"p.{number}.exr", srgb_to_linear(picture), kind="float")
    display = graded(tmp_path / "display", look, tmp_path / "out", format="png")
    linear = graded(tmp_path / "linear", look, tmp_path / "out_linear")
    assert (linear > 1.2).any()
    assert display.max() < 1
    low = np.stack(bright) < 0.3  # what does not come near white is changed alike
    np.testing.assert_allclose(display[low], linear_to_srgb(linear)[low], atol=0.02)


@pytest.mark.parametrize("space", ["pq_rec2020_display", "hlg_rec2020_display"])
def test_a_plate_of_an_hdr_display_gets_what_linear_light_gets(tmp_path, space):
    """Its white is not light of 1, and nothing is kept below that."""
    lift = np.zeros(30)
    lift[6], lift[9] = 0.3, 0.1
    look = for_any_light(make_preset(lift), tmp_path / "any.safetensors")
    config = ColorConfig.load()
    encode, decode = config.from_working(config.space(space)), config.to_working(config.space(space))
    for number in FRAMES:
        light = srgb_to_linear(moving_picture(number - FRAMES[0])) * np.float32(1.5)
        codes = (encode.apply(light).clip(0, 1) * 65535 + 0.5).astype(np.uint16)
        write_picture(tmp_path / "hdr" / f"p.{number}.png", codes, kind="uint16")
        write_picture(tmp_path / "linear" / f"p.{number}.exr", light, kind="float")
    linear = graded(tmp_path / "linear", look, tmp_path / "out_linear")
    codes = graded(tmp_path / "hdr", look, tmp_path / "out", format="png", input_space=space)
    assert (linear > 1.5).any()
    found = decode.apply(codes.astype(np.float32))
    np.testing.assert_allclose(found, linear, atol=0.02)


def test_a_rise_is_bent_without_a_kink_and_never_reaches_white():
    light = np.full((1, 400, 3), 0.8, np.float32)
    light[..., 1] = 1
    rise = np.linspace(-0.2, 3, 400, dtype=np.float32)[None, :, None]
    out = light + rise
    keep_in_range(out, light)
    np.testing.assert_array_equal(out[..., 1], np.minimum(light[..., 1] + rise[..., 0], 1))
    low = rise[..., 0] <= 0.09
    np.testing.assert_array_equal(out[..., 0][low], (light + rise)[..., 0][low])
    steps = np.diff(out[0, :, 0]) / np.diff(rise[0, :, 0])
    assert (steps > 0).all()
    assert steps[low[0, 1:]] == pytest.approx(1, abs=1e-2)
    assert np.abs(np.diff(steps)).max() < 0.3
    assert out[..., 0].max() < 0.95


def test_what_is_nearly_white_does_not_become_white_and_tones_keep_their_order():
    light = np.repeat(np.linspace(-3, 1, 4001, dtype=np.float32)[None, :, None], 3, axis=2)
    out = light + np.float32(3)
    keep_in_range(out, light)
    shown = linear_to_srgb(out[0, :, 0])
    assert (np.diff(out[0, :, 0]) > 0).all()
    nearly = (linear_to_srgb(light[0, :, 0]) < 252 / 255).sum()
    assert (shown[:nearly] < 253.5 / 255).all()


def test_what_is_nearly_black_does_not_become_black_and_tones_keep_their_order():
    light = np.repeat(np.linspace(0, 0.05, 5001, dtype=np.float32)[None, :, None], 3, axis=2)
    threshold = 0.5 / 255
    for share in (0.0, 0.1, 0.3, 0.7, 0.95):
        out = light * np.float32(share)
        keep_in_range(out, light)
        assert (np.diff(out[0, :, 0]) >= 0).all()
        assert (out <= light).all()
        assert (linear_to_srgb(out)[linear_to_srgb(light) > 1 / 255] > threshold).all()
        untouched = light * np.float32(share) > 0.002
        np.testing.assert_array_equal(out[untouched], (light * np.float32(share))[untouched])


def test_a_fall_is_bent_without_a_kink():
    for was in (0.0003, 0.001, 0.004, 0.2):
        light = np.full((1, 2000, 3), was, np.float32)
        fallen = np.linspace(0, was, 2000, dtype=np.float32)[None, :, None] + np.zeros(3, np.float32)
        out = fallen.copy()
        keep_in_range(out, light)
        steps = np.diff(out[0, :, 0].astype(np.float64)) / np.diff(fallen[0, :, 0].astype(np.float64))
        assert (steps > 0).all()
        assert np.abs(np.diff(steps)).max() < 0.1
        assert steps.max() < 1.05
    tiny = np.full((1, 3, 3), 1e-12, np.float32)
    fallen = tiny * np.float32(0.3)
    keep_in_range(fallen, tiny)
    np.testing.assert_array_equal(fallen, tiny)
    endless = np.full((1, 3, 3), np.inf, np.float32)
    keep_in_range(endless, np.full((1, 3, 3), 0.5, np.float32))
    assert (endless < 1).all()
    black = np.zeros((1, 3, 3), np.float32)
    below = np.full((1, 3, 3), -0.01, np.float32)
    keep_in_range(below, black)
    assert (below == np.float32(-0.01)).all()


def test_shots_of_a_scene_can_be_given_one_lighting(tmp_path):
    """What is measured on a shot is told, and a shot that is given it is graded as that one is."""
    shot, look = plate(tmp_path / "plate", LIGHTS["dark"]), for_any_light(one_transform(), tmp_path / "any.safetensors")
    whole = graded(shot, look, tmp_path / "out")
    words = lighting_words(AnalysisFolder(tmp_path / "out_analysis"))
    told = words.partition("--lighting ")[2].rstrip(")")
    stops, _ = map(float, told.split(","))
    assert stops < -1
    np.testing.assert_allclose(graded(shot, look, tmp_path / "told", lighting=told), whole, atol=2e-3)
    other = graded(shot, look, tmp_path / "ordinary", lighting="ordinary")
    own = graded(shot, save_preset(one_transform(), tmp_path / "own.safetensors"), tmp_path / "own")
    np.testing.assert_array_equal(other, own)


@pytest.mark.parametrize("lighting", ["bright", "1", "1,2,3", "nan,0", "99,0"])
def test_a_lighting_that_is_none_is_told(tmp_path, lighting):
    with pytest.raises(UsageError, match="lighting"):
        GradeSettings(lighting=lighting)


def test_the_analysis_keeps_how_each_frame_is_lit_in_sections_too(tmp_path):
    for number in range(1, 37):
        write_picture(tmp_path / "long" / f"long.{number:04d}.exr", moving_picture(number) * np.float32(1 / number))
    options = {**QUICK, "backbone": BACKBONE, "stage": "superpixels"}
    for name, cut in (("whole", 0), ("cut", 16)):
        analyze(tmp_path / "long", analysis=tmp_path / name, section_frames=cut, **options)
    whole, cut = (AnalysisFolder(tmp_path / name) for name in ("whole", "cut"))
    assert list(measured_in(whole)) == list(range(1, 37))
    assert measured_in(whole) == measured_in(cut)
    np.testing.assert_array_equal(lighting_in(whole), lighting_in(cut))


def test_what_is_shown_is_what_is_graded_for_both_kinds_of_look(tmp_path, make_shot, any_light, lively_preset):
    shot = make_shot(frames=FRAMES, extension="png")
    user_folder().mkdir(parents=True, exist_ok=True)
    any_light.rename(user_folder() / "any.safetensors")
    with opened_review(shot, str(lively_preset), analysis=tmp_path / "analysis", **QUICK) as review:
        for look in (str(lively_preset), "any"):
            written = graded(shot, look, tmp_path / "out", format="png", overwrite="always")[1]
            shown = review.session.graded(Asked(frame=1002, preset=look, strength=1.0))
            expected = np.clip(written * 255, 0, 255)
            assert np.abs(expected - shown).max() <= 1.01, look


def test_a_look_of_either_kind_corrects_the_other(tmp_path, make_shot, any_light, lively_preset):
    """All superpixels take the other look: the frames are those of that look."""
    shot = make_shot(frames=FRAMES, extension="png")
    for first, second in ((lively_preset, any_light), (any_light, lively_preset)):
        graded(shot, first, tmp_path / "out", format="png")
        analysis = AnalysisFolder(tmp_path / "out_analysis")
        every = tuple(map(int, analysis.read_superpixels().labels))
        made = Correction(superpixels=every, strength=1.0, preset=str(second), digest=read_preset(second).digest)
        Corrections(analysis=analysis.identity, made=(made,)).save(tmp_path / "adjust.json")
        options = {"adjust": str(tmp_path / "adjust.json"), "overwrite": "always", "format": "png"}
        corrected = graded(shot, first, tmp_path / "out", **options)
        np.testing.assert_allclose(
            corrected, graded(shot, second, tmp_path / f"only_{second.stem}", format="png"), atol=1e-3
        )
        with opened_review(
            shot, str(first), analysis=tmp_path / "out_analysis", adjust=options["adjust"], **QUICK
        ) as it:
            shown = it.session.graded(Asked(frame=1002, preset=str(first), strength=1.0))
        assert np.abs(corrected[1] * 255 - shown).max() <= 1.01


def test_a_review_opened_with_a_plain_look_shows_another_in_the_lighting_asked_for(tmp_path, any_light, lively_preset):
    shot, lighting = plate(tmp_path / "plate"), "-2,1.5"
    with opened_review(shot, str(lively_preset), analysis=tmp_path / "analysis", lighting=lighting, **QUICK) as review:
        view = review.session.view
        assert view.frame(FRAMES[0]).ordinary is None
        look = view.look(str(any_light))
        guide = view.frame(FRAMES[0]).guide_in(True)
        whole, light = view.plan.plate.read(FRAMES[0], view.wanted.stamps), view.plan.plate.light
    asked = light.without(lighting_of(-2, 1.5))
    np.testing.assert_array_equal(look.light.matrix, asked.matrix)
    np.testing.assert_array_equal(guide, guide_of(whole, look.light, look.analysis_width))
