"""The global LUT of a look: what is written does what was measured."""

import numpy as np
import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest
from helpers import QUICK, moving_picture, read_pixels, space, write_picture

from vfxstyle import grade
from vfxstyle.color import ColorConfig, linear_to_lab
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.errors import PartialError, UsageError
from vfxstyle.handover.export import export
from vfxstyle.looks import save_preset
from vfxstyle.shots.exr import read_parts

CONFIG = ColorConfig.load("ocio://studio-config-latest")


@pytest.fixture
def global_preset(tmp_path):
    """A preset with one transform for all: a global LUT can follow it."""
    from helpers import make_preset

    bias = np.zeros(30, np.float32)
    bias[[6, 9, 17, 19, 29]] = 0.1, -0.02, -0.2, 0.05, -0.08
    return save_preset(make_preset(bias), tmp_path / "global.safetensors")


def through(path, rgb):
    out = np.ascontiguousarray(rgb.reshape(-1, 3))
    transform = ocio.FileTransform(str(path), interpolation=ocio.INTERP_TETRAHEDRAL)
    ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor().applyRGB(out)
    return out.reshape(rgb.shape)


@pytest.mark.parametrize("suffix", ["cube", "clf"])
def test_the_lut_of_a_global_look_in_openColorIO_is_the_grade(make_shot, tmp_path, global_preset, suffix):
    shot = make_shot(frames=range(1, 4))
    lut = tmp_path / f"look.{suffix}"
    report = export(shot, global_preset, lut=lut, **QUICK)
    residual = report.residuals[lut]
    assert report.space.name == "ACEScct"  # light has no end at 1, so its log stands for it
    assert residual.mean < 0.15
    assert residual.percentile_95 < 0.5
    assert residual.plate_mean > 5
    grade(shot, global_preset, tmp_path / "out", **QUICK)
    plate, wanted = read_pixels(shot / "plate.0002.exr"), read_pixels(tmp_path / "out" / "out.0002.exr")
    log = CONFIG.from_working(space("ACEScct")).apply(plate)
    got = CONFIG.to_working(space("ACEScct")).apply(through(lut, log))
    gap = delta_e_2000(linear_to_lab(np.clip(got, 0, 1)), linear_to_lab(np.clip(wanted, 0, 1)))
    assert gap.mean() == pytest.approx(residual.mean, abs=0.08)


def test_a_local_look_leaves_a_residual_and_the_map_shows_where(tmp_path, make_shot, lively_preset):
    shot = make_shot(frames=range(1, 4))
    lut, cdl = tmp_path / "look.cube", tmp_path / "look.cc"
    report = export(shot, lively_preset, lut=lut, cdl=cdl, map_file=tmp_path / "where.png", **QUICK)
    assert 0.3 < report.residuals[lut].mean < report.residuals[cdl].mean
    assert report.residuals[lut].percentile_95 > report.residuals[lut].mean
    assert set(report.residuals[lut].by_frame) == {1, 2, 3}
    assert list(report.maps) == [tmp_path / "where.png", tmp_path / "look.cc.map.png"]
    sheet = read_pixels(report.maps[0])
    assert sheet.shape == (2 * 72, 2 * 128, 3)
    heat = sheet[72:, 128:]
    assert heat.std() > 0.02
    assert "Slope" in cdl.read_text()


def test_a_display_plate_keeps_its_space_and_one_can_be_named(tmp_path, make_shot, global_preset):
    shot = make_shot(frames=range(1, 3), extension="png")
    report = export(shot, global_preset, lut=tmp_path / "a.cube", size=9, **QUICK)
    assert report.space.name == "sRGB - Display"
    assert "LUT_3D_SIZE 9" in (tmp_path / "a.cube").read_text()
    report = export(shot, global_preset, lut=tmp_path / "a.cube", space="ARRI LogC4", **QUICK)
    assert report.space.name == "ARRI LogC4"


def test_the_analysis_of_a_grade_is_used_again(tmp_path, make_shot, global_preset):
    shot = make_shot(frames=range(1, 3))
    grade(shot, global_preset, **QUICK)
    notes = []

    class Watch:
        def stage(self, name, total):
            from contextlib import nullcontext

            notes.append(name)
            return nullcontext(lambda: None)

        def note(self, text):
            notes.append(text)

    export(shot, global_preset, cdl=tmp_path / "a.cc", **QUICK, progress=Watch())
    assert "superpixels" not in notes
    assert any("is up to date" in note for note in notes)


def test_transparent_and_infinite_pixels_do_not_count(tmp_path, global_preset):
    pixels = np.concatenate([moving_picture(0), np.ones((72, 128, 1), np.float32)], axis=-1)
    pixels[:36] = 0
    pixels[40, 40, 0] = np.inf
    write_picture(tmp_path / "plate" / "plate.0001.exr", pixels, names=("R", "G", "B", "A"))
    report = export(tmp_path / "plate", global_preset, lut=tmp_path / "a.cube", **QUICK)
    assert report.residuals[tmp_path / "a.cube"].mean < 0.3
    assert oiio.ImageInput.open(str(report.maps[0])) is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Nothing to write"),
        ({"lut": "a.3dl"}, "neither .cube nor .clf"),
        ({"cdl": "a.cube"}, "no .cc file"),
        ({"lut": "a.cube", "size": 1}, "size is 1"),
        ({"lut": "a.cube", "space": "ACEScg"}, "name a log space with --space, for example ACEScct"),
    ],
)
def test_wrong_usage_is_named(make_shot, tmp_path, global_preset, options, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        export(make_shot(frames=range(1, 2)), global_preset, **QUICK, **options)


def test_mattes_of_where_a_lut_falls_short(tmp_path, make_shot, lively_preset, global_preset):
    shot = make_shot(frames=range(1, 4))
    report = export(shot, lively_preset, lut=tmp_path / "look.cube", residual=tmp_path / "short", frames="2-3", **QUICK)
    assert [path.name for path in report.mattes] == ["short.0002.exr", "short.0003.exr"]
    (part,) = read_parts(report.mattes[0])
    matte = part.channels["residual.matte"]
    assert (matte.dtype, matte.shape) == (np.float16, (72, 128))
    mean = report.residuals[tmp_path / "look.cube"].by_frame[2]
    assert 5 * float(matte.mean(dtype=np.float64)) == pytest.approx(
        mean, rel=0.2
    )  # of other pixels, and but for what is above 5
    plain = export(shot, global_preset, lut=tmp_path / "plain.cube", residual=tmp_path / "none", frames="2", **QUICK)
    (part,) = read_parts(plain.mattes[0])
    assert part.channels["residual.matte"].mean(dtype=np.float64) < 0.2 * matte.mean(dtype=np.float64)
    with pytest.raises(UsageError, match="where the plate is; choose another place with --residual"):
        export(shot, global_preset, lut=tmp_path / "plain.cube", residual=shot, **QUICK)


def test_frames_without_a_matte_are_told_and_a_wrong_folder_costs_nothing(tmp_path, make_shot, global_preset):
    shot = make_shot(frames=range(1, 5))
    (shot / "plate.0002.exr").unlink()
    where = {"lut": tmp_path / "a.cube", "analysis": tmp_path / "analysis", "missing": "skip"}
    with pytest.raises(UsageError, match="with --residual"):
        export(shot, global_preset, residual=shot, **where, **QUICK)
    assert not (tmp_path / "analysis").exists()
    with pytest.raises(PartialError) as caught:
        export(shot, global_preset, residual=tmp_path / "short", **where, **QUICK)
    assert caught.value.frames == (2,)
    assert len(list((tmp_path / "short").glob("*.exr"))) == 3
