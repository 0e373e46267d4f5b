"""Mattes, regions and corrections: where a look is put, and how much of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import QUICK, farm_jobs, moving_picture, read_pixels, write_picture

from vfxstyle import grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import AnalysisError, FrameError, InputError, PartialError, PresetError, ShotError, UsageError
from vfxstyle.farm.openjd import asset_references, job_template
from vfxstyle.farm.tasks import steps_of
from vfxstyle.grading.corrections import Correction, Corrections, read_corrections
from vfxstyle.handover.mattes import mattes
from vfxstyle.looks import read_preset
from vfxstyle.shots.cryptomatte import coverage_of
from vfxstyle.shots.exr import ExrPart, read_parts
from vfxstyle.shots.writing import write_exr

FRAMES = range(1001, 1005)


def run(shot, preset, output, **options):
    """The frames of a grade, float32 (F, H, W, 3)."""
    report = grade(shot, preset, output, **{**QUICK, **options})
    return np.stack([read_pixels(path)[..., :3] for path in report.files])


def write_matte(folder, mask, frames=FRAMES):
    for number in frames:
        write_picture(folder / f"m.{number}.png", mask[..., None].astype(np.float32), kind="float")
    return folder


@pytest.fixture
def halves():
    """A mask with a hard edge: the left half."""
    mask = np.zeros((72, 128), np.float32)
    mask[:, :64] = 1
    return mask


@pytest.fixture
def graded(make_shot, tmp_path, lively_preset):
    """A shot, its plate and its grade without regions, and how to grade it with some."""
    shot = make_shot()
    plate = np.stack([read_pixels(path) for path in sorted(shot.iterdir())])
    whole = run(shot, lively_preset, tmp_path / "whole", analysis=tmp_path / "analysis")

    def with_regions(name, **options):
        return run(shot, lively_preset, tmp_path / name, analysis=tmp_path / "analysis", **options)

    return shot, plate, whole, with_regions


def test_a_matte_restricts_the_look_to_the_pixel(graded, tmp_path, halves):
    _, plate, whole, with_regions = graded
    matte = str(write_matte(tmp_path / "m", halves))
    inside = with_regions("inside", matte=matte)
    assert np.abs(whole - plate).mean() > 0.01
    np.testing.assert_array_equal(inside[:, :, 64:], plate[:, :, 64:])
    assert np.abs(inside[:, :, :50] - whole[:, :, :50]).mean() < 0.1 * np.abs(whole - plate)[:, :, :50].mean()
    outside = with_regions("outside", matte=matte, matte_invert=True)
    np.testing.assert_array_equal(outside[:, :, :64], plate[:, :, :64])
    blurred = with_regions("blurred", matte=matte, matte_blur=4.0)
    step = np.abs(blurred - plate)[:, :, 60:68].mean(axis=(0, 1, 3))
    assert (step > 0).all()
    assert step[0] > step[-1]


def test_superpixels_do_not_blend_across_a_hard_edge(graded, tmp_path, halves):
    """What the look is on one side does not depend on how the other side looks at the same cell."""
    _, plate, whole, with_regions = graded
    matte = str(write_matte(tmp_path / "m", halves))
    split = with_regions("split", region=(f"{matte}=1",))
    near, far = np.abs(split - whole)[:, :, 56:72].mean(), np.abs(split - whole)[:, :, :40].mean()
    assert near > 2 * far  # only near the edge does it differ from the look without regions
    assert near > 1e-4


def test_regions_have_strengths_and_later_ones_lie_on_top(graded, tmp_path, halves):
    _, plate, whole, with_regions = graded
    top = np.zeros_like(halves)
    top[:36] = 1
    one, two = write_matte(tmp_path / "one", halves), write_matte(tmp_path / "two", top)
    mixed = with_regions("mixed", region=(f"{one}=0.5", f"{two}=0"), rest=0.25)
    np.testing.assert_array_equal(mixed[:, :36], plate[:, :36])
    changes = [np.abs(mixed - plate)[:, 46:, place].mean() for place in (slice(0, 50), slice(78, None))]
    wholes = [np.abs(whole - plate)[:, 46:, place].mean() for place in (slice(0, 50), slice(78, None))]
    assert changes[0] / wholes[0] == pytest.approx(0.5, abs=0.03)
    assert changes[1] / wholes[1] == pytest.approx(0.25, abs=0.03)


def test_a_group_has_the_strength_that_it_is_given(graded, tmp_path):
    shot, plate, whole, with_regions = graded
    groups = grade_groups(tmp_path, shot)
    spared = with_regions("spared", region=("group:look_0=0",))
    inside = groups == 0
    assert np.abs(spared - plate)[inside].mean() < 0.35 * np.abs(whole - plate)[inside].mean()
    assert np.abs(spared - whole)[~inside].mean() < 0.35 * np.abs(whole - plate)[~inside].mean()
    with pytest.raises(UsageError, match="no group look_99; the look has look_0 to look_"):
        with_regions("none", region=("group:look_99=0",))


def grade_groups(tmp_path, shot):
    """The group of each pixel, int (F, H, W), as the Cryptomatte files have it."""
    preset = tmp_path / "lively.safetensors"
    mattes(shot, tmp_path / "mattes", preset, analysis=tmp_path / "analysis", **QUICK)
    found = []
    for path in sorted((tmp_path / "mattes").glob("*.exr")):
        (part,) = read_parts(path)
        cover = [coverage_of(part, f"look_{k}") for k in range(8)]
        found.append(np.argmax([np.zeros((72, 128)) if own is None else own for own in cover], axis=0))
    return np.stack(found)


def test_objects_and_channels_of_the_plates_own_files(tmp_path, lively_preset, make_shot, halves):
    shot = make_shot()
    written = mattes(shot, tmp_path / "crypto", lively_preset, **QUICK).output  # files with Cryptomatte layers
    (tmp_path / "full").mkdir()
    for number in FRAMES:  # a plate that has them too, and a matte as a channel
        (part,) = read_parts(written / f"crypto.{number}.exr")
        (plate,) = read_parts(shot / f"plate.{number}.exr")
        channels = {**plate.channels, **part.channels, "mask.A": halves}
        header = {**part.header, "compression": plate.header["compression"]}
        write_exr(tmp_path / "full" / f"full.{number}.exr", [ExrPart(header, channels)])
    full = tmp_path / "full"
    plate = np.stack([read_pixels(path)[..., :3] for path in sorted(shot.iterdir())])
    by_channel = run(full, lively_preset, tmp_path / "a", matte="channel:mask.A")
    np.testing.assert_array_equal(by_channel[:, :, 64:], plate[:, :, 64:])
    by_object = run(full, lively_preset, tmp_path / "b", matte="crypto:look_*")
    assert np.abs(by_object - plate).mean() > 0.01  # all groups together are everything
    run(full, lively_preset, tmp_path / "c", matte=f"{full}:mask.A")
    with pytest.raises(ShotError, match=r"No Cryptomatte object .* is called lok_1; some are look_1"):
        run(full, lively_preset, tmp_path / "d", matte="crypto:lok_1")
    with pytest.raises(FrameError, match=r"has no channel mask.B; it has mask.A"):
        run(full, lively_preset, tmp_path / "d", matte="channel:mask.B")
    with pytest.raises(ShotError, match="no Cryptomatte layer with names"):
        run(shot, lively_preset, tmp_path / "d", matte="crypto:hero")


def test_any_chunks_have_the_same_bytes_and_a_changed_matte_is_noticed(graded, tmp_path, lively_preset, halves):
    shot, _, _, with_regions = graded
    matte = write_matte(tmp_path / "m", halves)
    with_regions("one", matte=str(matte))
    for chunk in ("1001", "1004", "1002-1003"):
        with_regions("two", matte=str(matte), frames=chunk)
    for number in FRAMES:
        one, two = (tmp_path / name / f"{name}.{number}.exr" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    options = {**QUICK, "analysis": tmp_path / "analysis", "matte": str(matte)}
    assert grade(shot, lively_preset, tmp_path / "one", **options).written == ()
    write_picture(matte / "m.1002.png", 1 - halves[..., None], kind="float")
    assert grade(shot, lively_preset, tmp_path / "one", **options).written == (1002,)


def test_a_frame_without_matte_fails_alone(graded, tmp_path, lively_preset, halves):
    shot, _, _, _ = graded
    matte = write_matte(tmp_path / "m", halves)
    (matte / "m.1003.png").unlink()
    with pytest.raises(FrameError, match=r"Matte .*m has no frame 1003; render it") as caught:
        run(shot, lively_preset, tmp_path / "out", matte=str(matte))
    assert caught.value.frames == (1003,)
    with pytest.raises(PartialError) as caught:
        run(shot, lively_preset, tmp_path / "out", matte=str(matte), on_error="skip")
    assert caught.value.frames == (1003,)
    assert (tmp_path / "out" / "out.1004.exr").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"matte_blur": 3.0}, "name it with --matte"),
        ({"rest": 0.5}, "name one with --region"),
        ({"region": ("hero=2",)}, "write NAME=STRENGTH with a strength of 0 to 1"),
        ({"region": ("hero",)}, "write NAME=STRENGTH"),
        ({"region": ("group:sky=1",)}, "groups are called group:look_0"),
        ({"matte": "nowhere"}, "nowhere"),
    ],
)
def test_what_says_nothing_is_refused(make_shot, tmp_path, identity_preset, options, said):
    with pytest.raises((UsageError, ShotError), match=said):
        run(make_shot(), identity_preset, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_matte_of_another_size_is_refused(make_shot, tmp_path, identity_preset):
    matte = write_matte(tmp_path / "m", np.ones((36, 64), np.float32))
    with pytest.raises(ShotError, match="is 64x36, and the plate 128x72"):
        run(make_shot(), identity_preset, tmp_path / "out", matte=str(matte))


def test_a_farm_task_gets_its_mattes_by_their_absolute_paths(make_shot, tmp_path, identity_preset, halves, monkeypatch):
    write_matte(tmp_path / "m", halves)
    shot = make_shot()
    monkeypatch.chdir(tmp_path)
    (job,) = farm_jobs([shot], identity_preset, matte="m", region=("m/m.####.png=0.5", "group:look_1=1"), **QUICK)
    words = next(step for step in steps_of(job) if step.name == "grade").command
    assert words[words.index("--matte") + 1] == str(tmp_path / "m")
    regions = [words[at + 1] for at, word in enumerate(words) if word == "--region"]
    assert regions == [f"{tmp_path}/m/m.####.png=0.5", "group:look_1=1"]
    template = job_template([job])
    arguments = next(step for step in template["steps"] if step["name"].endswith(" grade"))
    said = arguments["script"]["actions"]["onRun"]["args"]
    assert said[said.index("--matte") + 1] == "{{Param.Folder1}}/m"
    assert "{{Param.Folder1}}/m/m.####.png=0.5" in said
    files = asset_references([job])["assetReferences"]["inputs"]["filenames"]
    assert [str(path) for path in sorted((tmp_path / "m").iterdir())] == [own for own in files if "/m/m." in own]


def test_corrections_protect_superpixels_and_give_them_another_look(graded, tmp_path, identity_preset):
    shot, plate, whole, with_regions = graded
    analysis = AnalysisFolder(tmp_path / "analysis")
    labels = np.stack([analysis.read_labels(number) for number in FRAMES])
    half = np.unique(labels[:, :, :30])
    first = Correction(superpixels=tuple(map(int, half)), strength=0.0, name="left")
    saved = tmp_path / "adjust.json"
    Corrections(analysis=analysis.identity, made=(first,)).save(saved)
    spared = with_regions("spared", adjust=str(saved))
    change, usual = np.abs(spared - plate), np.abs(whole - plate)
    assert change[:, :, :20].mean() < 0.1 * usual[:, :, :20].mean()
    np.testing.assert_allclose(spared[:, :, 110:], whole[:, :, 110:], atol=2e-3)

    other = Correction(
        superpixels=first.superpixels,
        strength=1.0,
        preset=str(identity_preset),
        digest=read_preset(identity_preset).digest,
    )
    Corrections(analysis=analysis.identity, made=(first, other)).save(saved)
    replaced = with_regions("replaced", adjust=str(saved))  # the look that changes nothing protects as well
    assert np.abs(replaced - plate)[:, :, :20].mean() < 0.1 * usual[:, :, :20].mean()
    assert read_corrections(saved).made == (first, other)

    single = replace(first, superpixels=(), frames={1002: first.superpixels})  # on one frame only
    Corrections(analysis=analysis.identity, made=(single,)).save(saved)
    once = with_regions("once", adjust=str(saved))
    np.testing.assert_array_equal(once[[0, 2, 3]], whole[[0, 2, 3]])
    np.testing.assert_array_equal(once[1], spared[1])
    assert read_corrections(saved).made == (single,)


def test_corrections_of_something_else_are_refused(graded, tmp_path, identity_preset):
    _, _, _, with_regions = graded
    saved = tmp_path / "adjust.json"
    one = Correction(superpixels=(1,), strength=0.5)
    Corrections(analysis="f" * 64, made=(one,)).save(saved)
    with pytest.raises(AnalysisError, match="another analysis"):
        with_regions("out", adjust=str(saved))
    strange = replace(one, preset="golden", digest="0")
    Corrections(analysis="f" * 64, made=(strange,)).save(saved)
    with pytest.raises(PresetError, match=r"take the look 'golden', which is another one here"):
        read_corrections(saved)
    for text in ("", "[]", '{"schema": 1}', '{"schema": 1, "analysis": "", "corrections": [{"strength": 1}]}'):
        saved.write_text(text)
        with pytest.raises(InputError, match=r"damaged|cannot be read"):
            read_corrections(saved)
    saved.write_text(json.dumps({"schema": 9}))
    with pytest.raises(InputError, match="of version 9"):
        read_corrections(saved)


def test_a_matte_lies_over_the_plates_data_window(tmp_path, lively_preset):
    """A plate with overscan and a matte that is a small box of the same display window."""
    for number in FRAMES:
        pixels = moving_picture(number - 1001, 80, 140)
        write_picture(tmp_path / "p" / f"p.{number}.exr", pixels, origin=(-6, -4), display=(0, 0, 128, 72))
        box = np.ones((20, 30, 1), np.float32)
        write_picture(
            tmp_path / "m" / f"m.{number}.exr", box, names=("A",), origin=(40, 30), display=(0, 0, 128, 72), kind="half"
        )
    report = grade(tmp_path / "p", lively_preset, tmp_path / "out", matte=f"{tmp_path}/m/m.####.exr:A", **QUICK)
    for path, plate in zip(report.files, sorted((tmp_path / "p").iterdir()), strict=True):
        changed = np.abs(read_pixels(path) - read_pixels(plate)).max(axis=-1) > 0
        rows, columns = np.nonzero(changed)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (34, 53, 46, 75)
