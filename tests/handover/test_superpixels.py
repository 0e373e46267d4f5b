"""Superpixels of a shot by themselves: label maps, table, overlay."""

import csv

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
from click.testing import CliRunner
from helpers import moving_picture, vfxstyle, write_picture

import tsp
from vfxstyle.cli.superpixels import superpixels
from vfxstyle.errors import FrameError, OutputError, PartialError, ResourceError, ShotError, UsageError
from vfxstyle.handover.superpixels import write_superpixels
from vfxstyle.plates.plate import open_plate
from vfxstyle.settings import ShotSettings

OPTIONS = {"superpixels": 40, "device": "cpu"}


def read_labels(path):
    image = oiio.ImageInput.open(str(path))
    spec = image.spec()
    assert (spec.channelnames, str(spec.format)) == (("id",), "uint")
    assert spec.get_string_attribute("compression") == "zip"
    return image.read_image(0, 0, 0, 1, oiio.UINT32)[..., 0]


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def analysis_pictures(shot, width=4096):
    """The pictures of a shot as the analysis sees them."""
    with open_plate(shot, ShotSettings()) as plate:
        return [plate.picture(frame, width) for frame in plate.shot]


def table_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_label_maps_table_and_overlay(make_shot, tmp_path):
    shot, out = make_shot("plate", range(1001, 1004)), tmp_path / "labels"
    options = ("--superpixels", 40, "--seed", 3, "--device", "cpu", "--overlay")
    result = vfxstyle("superpixels", shot, "-o", out, *options)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    numbers = [1001, 1002, 1003]
    assert names_in(out) == sorted(
        ["tsps.csv", *(f"plate.{n}.exr" for n in numbers), *(f"overlay/plate.{n}.png" for n in numbers)]
    )
    pictures = analysis_pictures(shot)
    maps = [read_labels(out / f"plate.{n}.exr") for n in numbers]
    for stored, labels in zip(maps, tsp.segment(pictures, 40, seed=3), strict=True):
        np.testing.assert_array_equal(stored, labels)
    rows = table_of(out / "tsps.csv")
    header = "label,frame,birth,death,area_px,centroid_x,centroid_y,mean_L,mean_a,mean_b"
    assert ",".join(rows[0]) == header
    areas = {(int(row["label"]), int(row["frame"])): int(row["area_px"]) for row in rows}
    for number, labels in zip(numbers, maps, strict=True):
        for label, area in zip(*np.unique(labels, return_counts=True), strict=True):
            assert areas.pop((label, number)) == area
    assert not areas
    last = result.stderr.strip().splitlines()[-1]
    assert last == f"3 frames written, {len({row['label'] for row in rows})} superpixels: {out}"
    drawn = cv2.imread(str(out / "overlay" / "plate.1002.png"))[..., ::-1]
    borders = tsp.overlay.borders(pictures[1], maps[1].astype(np.int32))
    np.testing.assert_array_equal(drawn, np.floor(borders * 255 + 0.5).astype(np.uint8))


def test_a_movie_is_read_by_the_same_reader(tmp_path):
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv444p"
        for index in range(3):
            codes = np.round(moving_picture(index) * 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, "rgb24")))
        container.mux(stream.encode())
    report = write_superpixels(tmp_path / "clip.mkv", tmp_path / "out", **OPTIONS)
    assert names_in(tmp_path / "out") == [*(f"clip.{n:04d}.exr" for n in (1, 2, 3)), "tsps.csv"]
    assert (report.written, report.size, report.device) == ((1, 2, 3), (128, 72), "cpu")
    for number, labels in enumerate(tsp.segment(analysis_pictures(tmp_path / "clip.mkv"), 40), 1):
        np.testing.assert_array_equal(read_labels(tmp_path / "out" / f"clip.{number:04d}.exr"), labels)


def test_the_label_maps_have_the_requested_width_or_the_plates(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 3))
    assert write_superpixels(shot, tmp_path / "own", **OPTIONS).size == (128, 72)
    report = write_superpixels(shot, tmp_path / "small", **OPTIONS, analysis_width=64)
    assert report.size == (64, 36)
    assert read_labels(tmp_path / "small" / "plate.0001.exr").shape == (36, 64)
    with pytest.raises(UsageError, match="analysis width is 5000; it must be"):
        write_superpixels(shot, tmp_path / "wide", **OPTIONS, analysis_width=5000)


def test_a_plate_wider_than_the_default_of_an_analysis_keeps_its_width(tmp_path):
    write_picture(tmp_path / "plate" / "plate.0001.exr", moving_picture(0, height=16, width=700))
    for name, options, width in (("own", (), 700), ("asked", ("--analysis-width", 640), 640)):
        arguments = [str(tmp_path / "plate"), "-o", str(tmp_path / name), "--superpixels", "9", "--device", "cpu"]
        result = CliRunner().invoke(superpixels, [*arguments, *map(str, options)])
        assert result.exit_code == 0, result.output
        assert read_labels(tmp_path / name / "plate.0001.exr").shape[1] == width


def test_an_option_that_does_not_exist_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(TypeError, match="no option 'superpixel'"):
        write_superpixels(tmp_path, tmp_path / "out", superpixel=40)


def test_the_label_maps_lie_over_the_display_window(tmp_path):
    for number in (1, 2):
        path = tmp_path / "plate" / f"plate.{number:04d}.exr"
        write_picture(path, moving_picture(number), origin=(10, 5), display=(4, 2, 150, 90))
    write_superpixels(tmp_path / "plate", tmp_path / "out", **OPTIONS)
    assert read_labels(tmp_path / "out" / "plate.0002.exr").shape == (90, 150)


def test_chosen_frames_are_a_clip_of_their_own(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 7))
    report = write_superpixels(shot, tmp_path / "out", frames="3-5", **OPTIONS)
    assert report.written == (3, 4, 5)
    assert names_in(tmp_path / "out") == [*(f"plate.{n:04d}.exr" for n in (3, 4, 5)), "tsps.csv"]
    for number, labels in zip((3, 4, 5), tsp.segment(analysis_pictures(shot)[2:5], 40), strict=True):
        np.testing.assert_array_equal(read_labels(tmp_path / "out" / f"plate.{number:04d}.exr"), labels)
    assert {row["frame"] for row in table_of(report.table)} == {"3", "4", "5"}
    with pytest.raises(UsageError, match="has no frame 9"):
        write_superpixels(shot, tmp_path / "other", frames=[9], **OPTIONS)


def test_a_second_run_writes_the_same_bytes(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 4))
    for out in ("first", "second"):
        write_superpixels(shot, tmp_path / out, **OPTIONS, overlay=True)
    for name in names_in(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_holes_are_an_error_or_left_out_with_exit_1(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 6))
    (shot / "plate.0003.exr").unlink()
    with pytest.raises(ShotError, match="has no frame 3"):
        write_superpixels(shot, tmp_path / "out", **OPTIONS)
    result = vfxstyle(
        "superpixels", shot, "-o", tmp_path / "out", "--superpixels", 40, "--device", "cpu", "--missing", "skip"
    )
    assert result.returncode == PartialError.exit_code
    assert result.stderr.splitlines()[-1] == "vfxstyle: FAILED code=partial retryable=no frames=3"
    assert names_in(tmp_path / "out") == [*(f"plate.{n:04d}.exr" for n in (1, 2, 4, 5)), "tsps.csv"]
    assert write_superpixels(shot, tmp_path / "part", frames="1-2", missing="skip", **OPTIONS).written == (1, 2)
    with pytest.raises(ShotError, match="has none of the frames that were asked for"):
        write_superpixels(shot, tmp_path / "none", frames="3", missing="skip", **OPTIONS)


def test_a_frame_that_cannot_be_read_leaves_nothing_half_written(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 8))
    (shot / "plate.0007.exr").write_bytes(b"no picture")
    with pytest.raises(FrameError) as failure:
        write_superpixels(shot, tmp_path / "out", **OPTIONS)
    assert failure.value.frames == (7,)
    assert set(names_in(tmp_path / "out")) <= {f"plate.{n:04d}.exr" for n in range(1, 7)}


def test_places_that_hold_a_plate_or_a_grade_are_refused(make_shot, tmp_path):
    shot = make_shot("overlay", frames=range(1, 3))
    before = names_in(tmp_path)
    for output in (shot, tmp_path):  # into the second one the pictures with borders would go to the plate
        with pytest.raises(UsageError, match="is where the plate is"):
            write_superpixels(shot, output, **OPTIONS, overlay=True)
    (tmp_path / "graded" / ".vfxstyle").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds graded frames"):
        write_superpixels(shot, tmp_path / "graded", **OPTIONS)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        write_superpixels(shot, tmp_path / "file", **OPTIONS)
    assert names_in(tmp_path) == sorted([*before, "file"])


def test_a_device_that_is_not_there_is_named_before_anything_is_written(make_shot, tmp_path):
    with pytest.raises(ResourceError, match="cuda:63 is not present"):
        write_superpixels(make_shot(), tmp_path / "out", device="cuda:63")
    assert not (tmp_path / "out").exists()


def test_auto_is_a_device_of_this_machine(make_shot, tmp_path):
    report = write_superpixels(make_shot(frames=range(1, 2)), tmp_path / "out", superpixels=9)
    assert report.device in ("cpu", "cuda")


def test_a_table_that_cannot_be_written_is_named(make_shot, tmp_path):
    (tmp_path / "out" / "tsps.csv").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"tsps\.csv cannot be written: .*; check the disk's space and permissions"):
        write_superpixels(make_shot(frames=range(1, 2)), tmp_path / "out", **OPTIONS)


def test_labels_of_any_size_are_kept(tmp_path, make_shot, monkeypatch):
    labels = np.full((72, 128), 2**31 - 1, np.int32)
    labels[:, 64:] = 2**24 + 1
    monkeypatch.setattr(tsp, "segment", lambda pictures, *_, **__: (labels for _ in pictures))
    write_superpixels(make_shot(frames=range(1, 2)), tmp_path / "out", **OPTIONS)
    np.testing.assert_array_equal(read_labels(tmp_path / "out" / "plate.0001.exr"), labels)
