"""``python -m tsp`` on arrays and plain pictures."""

import csv
import subprocess
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from helpers import moving_picture, write_picture

import tsp
from tsp.__main__ import main
from tsp.overlay import borders

REQUESTED = 40


def process(*arguments):
    command = [sys.executable, "-m", "tsp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_here(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def frames_of(count=3):
    return np.stack([np.round(moving_picture(i) * 255).astype(np.uint8) for i in range(count)])


@pytest.fixture
def pictures(tmp_path):
    for number, frame in zip((8, 9, 10), frames_of(), strict=True):
        write_picture(tmp_path / "in" / f"sh010_plate.{number:05d}.png", frame, kind="uint8")
    return tmp_path / "in"


def read_maps(folder, names):
    return [np.load(folder / f"{name}.npy", allow_pickle=False) for name in names]


def test_an_array_becomes_label_maps_and_a_table(tmp_path):
    frames, out = frames_of(), tmp_path / "labels"
    np.save(tmp_path / "clip.npy", frames)
    result = process(tmp_path / "clip.npy", "-o", out, "--superpixels", REQUESTED, "--seed", 3, "--overlay")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    names = [f"clip.{number:04d}" for number in range(3)]
    assert names_in(out) == sorted(
        ["tsps.csv", *(f"{name}.npy" for name in names), *(f"overlay/{name}.png" for name in names)]
    )
    maps = read_maps(out, names)
    for stored, labels in zip(maps, tsp.segment(frames, REQUESTED, seed=3), strict=True):
        assert stored.dtype == np.int32
        np.testing.assert_array_equal(stored, labels)
    with (out / "tsps.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:5] == ["label", "frame", "birth", "death", "area_px"]
    areas = {(int(row[0]), int(row[1])): int(row[4]) for row in rows}
    shown = [np.unique(labels, return_counts=True) for labels in maps]
    assert areas == {
        (label, number): area for number, seen in enumerate(shown) for label, area in zip(*map(list, seen), strict=True)
    }
    assert f"3 frames, {len({label for label, _ in areas})} superpixels" in result.stderr
    drawn = cv2.imread(str(out / "overlay" / "clip.0001.png"))[..., ::-1]
    np.testing.assert_array_equal(drawn, borders(frames[1], maps[1]))


def test_pictures_give_the_labels_of_their_frames_by_their_names(pictures, tmp_path):
    result = run_here(pictures, "-o", tmp_path / "out", "--superpixels", REQUESTED)
    assert result.exit_code == 0, result.output
    names = [f"sh010_plate.{number:05d}" for number in (8, 9, 10)]
    assert names_in(tmp_path / "out") == [*(f"{name}.npy" for name in names), "tsps.csv"]
    for stored, labels in zip(read_maps(tmp_path / "out", names), tsp.segment(frames_of(), REQUESTED), strict=True):
        np.testing.assert_array_equal(stored, labels)
    with (tmp_path / "out" / "tsps.csv").open(newline="") as file:
        assert {row["frame"] for row in csv.DictReader(file)} == {"8", "9", "10"}


def test_two_runs_write_the_same_bytes(pictures, tmp_path):
    for out in ("first", "second"):
        assert run_here(pictures, "-o", tmp_path / out, "--superpixels", REQUESTED).exit_code == 0
    for name in names_in(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_wrong_usage_exits_with_2(pictures, tmp_path):
    result = process(pictures)
    assert result.returncode == 2
    assert "Missing option '-o'" in result.stderr
    (tmp_path / "file").touch()
    for arguments, message in (
        (("-o", tmp_path / "out", "--superpixels", 0), "0 is not in the range"),
        (("-o", tmp_path / "out", "--device", "gpu"), "it must be 'cpu', 'cuda' or 'cuda:N'"),
        (("-o", tmp_path / "out", "--device", "cuda:63"), "cuda:63 is not there"),
        (("-o", tmp_path / "file"), "is a file"),
        (("-o", pictures), "holds the clip itself; choose another folder"),
    ):
        result = run_here(pictures, *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_bad_input_exits_with_3_and_leaves_nothing_half_written(pictures, tmp_path):
    last = sorted(pictures.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-200])
    result = run_here(pictures, "-o", tmp_path / "out", "--superpixels", REQUESTED)
    assert result.exit_code == 3
    assert f"Error: {last} is no whole picture; render" in result.stderr
    assert not (tmp_path / "out" / "tsps.csv").exists()
    assert not list(tmp_path.rglob("*.part*"))


def test_film_formats_are_the_other_commands(make_shot, tmp_path):
    result = run_here(make_shot(), "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert f"use: vfxstyle superpixels {tmp_path / 'plate'} -o FOLDER" in result.stderr


def test_an_output_that_cannot_be_written_exits_with_4(pictures, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    result = run_here(pictures, "-o", tmp_path / "out" / "labels", "--superpixels", REQUESTED)
    assert result.exit_code == 4
    assert f"{tmp_path / 'out'}" in result.stderr
    assert "check the disk's space and permissions" in result.stderr
