import csv
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
from click.testing import CliRunner
from helpers import moving_picture, write_picture

import tsp
from tsp.__main__ import main
from tsp.files import InputError, TspTable, read_picture, write_label_map
from tsp.overlay import borders

WISHED = 40


def process(*arguments):
    command = [sys.executable, "-m", "tsp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_here(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


def read_labels(path):
    image = oiio.ImageInput.open(str(path))
    spec = image.spec()
    assert (spec.channelnames, str(spec.format)) == (("id",), "uint")
    assert spec.get_string_attribute("compression") == "zip"
    return image.read_image(0, 0, 0, 1, oiio.UINT32)[..., 0]


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def display(linear):
    """The sRGB curve, by the library instead of by our formula."""
    buffer = oiio.ImageBuf(np.clip(linear, 0, 1).astype(np.float32))
    return oiio.ImageBufAlgo.colorconvert(buffer, "lin_rec709", "srgb_rec709_display").get_pixels(oiio.FLOAT)


def expected_rows(numbers, pictures, maps):
    """The table, pixel by pixel set."""
    seen = {}
    for number, labels in zip(numbers, maps, strict=True):
        for label in np.unique(labels).tolist():
            seen.setdefault(label, []).append(number)
    for label, frames in sorted(seen.items()):
        for number in frames:
            at = list(numbers).index(number)
            y, x = np.nonzero(maps[at] == label)
            lab = cv2.cvtColor(pictures[at], cv2.COLOR_RGB2LAB)[y, x].mean(axis=0, dtype=float)
            yield [label, number, frames[0], frames[-1], len(x), x.mean(), y.mean(), *lab]


def write_png_shot(folder, numbers=range(8, 11), name="sh010_plate"):
    for i, number in enumerate(numbers):
        picture = np.round(moving_picture(i) * 255).astype(np.uint8)
        write_picture(folder / f"{name}.{number:05d}.png", picture, kind="uint8")


def test_a_linear_exr_sequence(make_shot, tmp_path):
    shot, out = make_shot("plate", range(1001, 1004)), tmp_path / "labels"
    result = process(shot, "-o", out, "--superpixels", WISHED, "--seed", 3, "--overlay")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "3 frames" in result.stderr
    numbers = [1001, 1002, 1003]
    assert names_in(out) == sorted(
        ["tsps.csv", *(f"plate.{n}.exr" for n in numbers), *(f"overlay/plate.{n}.png" for n in numbers)]
    )

    pictures = [read_picture(shot / f"plate.{n}.exr") for n in numbers]
    linear = moving_picture(0).astype(np.float16)
    assert np.abs(pictures[0] - display(linear)).max() < 1e-5
    maps = [read_labels(out / f"plate.{n}.exr") for n in numbers]
    assert all((a == b).all() for a, b in zip(maps, tsp.segment(pictures, WISHED, seed=3), strict=True))

    with (out / "tsps.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert ",".join(header) == "label,frame,birth,death,area_px,centroid_x,centroid_y,mean_L,mean_a,mean_b"
    found = np.array(rows, float)
    assert np.abs(found - np.array(list(expected_rows(numbers, pictures, maps)))).max() < 2e-3
    assert all(text.isdigit() for row in rows for text in row[:5])

    drawn = oiio.ImageBuf(str(out / "overlay" / "plate.1002.png")).get_pixels(oiio.UINT8)
    assert (drawn == borders(np.round(pictures[1] * 255).astype(np.uint8), maps[1].astype(int))).all()


def test_names_numbers_and_padding_are_kept(tmp_path):
    write_png_shot(tmp_path / "in", range(8, 11))
    pictures = [read_picture(tmp_path / "in" / f"sh010_plate.{n:05d}.png") for n in (8, 9, 10)]
    result = run_here(tmp_path / "in", "-o", tmp_path / "out", "--superpixels", WISHED)
    assert result.exit_code == 0, result.output
    assert names_in(tmp_path / "out") == [*(f"sh010_plate.{n:05d}.exr" for n in (8, 9, 10)), "tsps.csv"]
    for number, labels in zip((8, 9, 10), tsp.segment(pictures, WISHED), strict=True):
        assert (read_labels(tmp_path / "out" / f"sh010_plate.{number:05d}.exr") == labels).all()


def write_movie(path, codec, pixel_format, frames=3):
    pictures = [np.round(moving_picture(i) * 255).astype(np.uint8) for i in range(frames)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 128, 72, pixel_format
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return pictures


def test_a_movie_gives_the_labels_of_its_frames(tmp_path):
    pictures = write_movie(tmp_path / "clip.mkv", "ffv1", "bgr0")  # lossless
    result = run_here(tmp_path / "clip.mkv", "-o", tmp_path / "out", "--superpixels", WISHED)
    assert result.exit_code == 0, result.output
    assert names_in(tmp_path / "out") == [*(f"clip.{n:04d}.exr" for n in (1, 2, 3)), "tsps.csv"]
    floats = [picture / np.float32(255) for picture in pictures]
    for number, labels in enumerate(tsp.segment(floats, WISHED), 1):
        assert (read_labels(tmp_path / "out" / f"clip.{number:04d}.exr") == labels).all()


def test_two_runs_write_the_same_bytes(tmp_path):
    write_png_shot(tmp_path / "in")
    for out in ("first", "second"):
        assert run_here(tmp_path / "in", "-o", tmp_path / out, "--superpixels", WISHED).exit_code == 0
    for name in names_in(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_picture_is_read_over_its_display_window(tmp_path):
    path = write_picture(
        tmp_path / "a.exr", np.full((2, 3, 4), 0.5), names=("A", "B", "G", "R"), origin=(1, 1), display=(0, 0, 8, 4)
    )
    picture = read_picture(path)
    assert picture.shape == (4, 8, 3)
    assert picture[1:3, 1:4] == pytest.approx(0.7353570, abs=1e-6)  # sRGB of 0.5
    assert picture.sum() == pytest.approx(18 * 0.7353570, abs=1e-4)


def test_channels_are_found_by_name_and_highlights_are_clipped(tmp_path):
    pixels = np.array([[[0.9, 0.002, 4.0, -1.0]]])
    path = write_picture(tmp_path / "a.exr", pixels, kind="float", names=("A", "B", "G", "R"))
    assert read_picture(path)[0, 0].tolist() == pytest.approx([0, 1, 12.92 * 0.002], abs=1e-6)


def test_a_grey_picture_is_taken_as_it_is(tmp_path):
    path = write_picture(tmp_path / "a.png", np.full((2, 2, 1), 51, np.uint8), kind="uint8", names=("Y",))
    assert read_picture(path) == pytest.approx(0.2)


def test_labels_of_any_size_come_back(tmp_path):
    labels = np.array([[0, 2**24 + 1, 2**31 - 1]], np.int32)
    write_label_map(tmp_path / "new" / "a.0001.exr", labels)
    assert (read_labels(tmp_path / "new" / "a.0001.exr") == labels).all()


def test_birth_and_death_in_the_table(tmp_path):
    table, grey = TspTable(), np.full((1, 2, 3), 0.5, np.float32)
    for number, labels in ((-1, [[4, 4]]), (0, [[4, 7]]), (1, [[7, 7]])):
        table.add(number, grey, np.array(labels, np.int32))
    table.write(tmp_path / "t.csv")
    rows = [line.split(",")[:7] for line in (tmp_path / "t.csv").read_text().splitlines()[1:]]
    assert rows == [
        ["4", "-1", "-1", "0", "2", "0.500", "0.000"],
        ["4", "0", "-1", "0", "1", "0.000", "0.000"],
        ["7", "0", "0", "1", "1", "1.000", "0.000"],
        ["7", "1", "0", "1", "2", "0.500", "0.000"],
    ]


def test_wrong_usage_exits_with_2(tmp_path):
    result = process(tmp_path)
    assert result.returncode == 2
    assert "Missing option '-o'" in result.stderr
    write_png_shot(tmp_path / "in")
    (tmp_path / "file").touch()
    for arguments, message in (
        (("-o", tmp_path / "out", "--superpixels", 0), "0 is not in the range"),
        (("-o", tmp_path / "out", "--device", "gpu"), "it must be 'cpu', 'cuda' or 'cuda:N'"),
        (("-o", tmp_path / "file"), "is a file"),
        (("-o", tmp_path / "in"), "holds the shot itself; choose another folder"),
    ):
        result = run_here(tmp_path / "in", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_bad_input_exits_with_3_and_leaves_nothing_half_written(make_shot, tmp_path):
    shot, out = make_shot(), tmp_path / "out"
    broken = moving_picture(2)
    broken[5, 5, 1] = np.nan
    write_picture(shot / "plate.1003.exr", broken)
    result = process(shot, "-o", out, "--superpixels", WISHED)
    assert result.returncode == 3
    assert result.stderr.splitlines()[-1].startswith(f"Error: {shot}/plate.1003.exr holds NaN pixels; render")
    assert set(names_in(out)) <= {"plate.1001.exr", "plate.1002.exr"}


def one_folder(tmp_path, *names):
    for name in names:
        write_picture(tmp_path / "in" / name, np.full((8, 8, 3), 9, np.uint8), kind="uint8")
    return tmp_path / "in"


def text_file(tmp_path, name):
    (tmp_path / name).write_text("no picture")
    return tmp_path / name


def two_sizes(tmp_path):
    folder = one_folder(tmp_path, "a.0001.png")
    write_picture(folder / "a.0002.png", np.zeros((8, 9, 3), np.uint8), kind="uint8")
    return folder


def cut_jpeg(tmp_path):
    folder = tmp_path / "in"
    path = write_picture(folder / "a.0001.jpg", np.round(moving_picture(0) * 255).astype(np.uint8), kind="uint8")
    path.write_bytes(path.read_bytes()[:-200])
    return folder


def no_rgb(tmp_path):
    write_picture(tmp_path / "in" / "a.0001.exr", np.zeros((8, 8, 2)), names=("depth", "id"))
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "absent", "absent; check the path"),
        (lambda folder: folder, "holds no pictures (cin, dpx, exr, "),
        (lambda folder: one_folder(folder, "a.0001.png", "b.0001.png"), "holds 2 sequences (a.####.png, b.####.png)"),
        (lambda folder: one_folder(folder, "a.0001.png", "a.0003.png"), "a.1,3####.png has no frame 0002; render"),
        (lambda folder: one_folder(folder, "a.0001.png") / "a.0001.png", "is one picture; hand in the folder"),
        (two_sizes, "a.0002.png is 9x8 px, the frames before it 8x8; bring all frames to one size"),
        (lambda folder: text_file(folder, "clip.mov"), "clip.mov is not a movie that can be read"),
        (lambda folder: text_file(folder, "a.0001.png").parent, "a.0001.png cannot be read"),
        (cut_jpeg, "a.0001.jpg is cut short; render or copy it again"),
        (no_rgb, "a.0001.exr has no R, G, B channels (it has depth, id)"),
    ],
)
def test_bad_input_is_named_with_its_remedy(tmp_path, make, message):
    result = run_here(make(tmp_path), "-o", tmp_path / "out", "--superpixels", 4)
    assert result.exit_code == 3
    assert message in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.rglob("*.part*"))
    assert not (tmp_path / "out" / "tsps.csv").exists()


def test_a_damaged_movie_is_named(tmp_path):
    path = tmp_path / "clip.mov"
    write_movie(path, "prores_ks", "yuv422p10le")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data)
    result = run_here(path, "-o", tmp_path / "out", "--superpixels", WISHED)
    assert result.exit_code == 3
    assert f"{path} is damaged in frame 2; copy" in result.stderr


def test_a_movie_that_is_cut_short_is_named(tmp_path):
    path = tmp_path / "clip.avi"
    write_movie(path, "ffv1", "bgr0", frames=8)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = run_here(path, "-o", tmp_path / "out", "--superpixels", WISHED)
    assert result.exit_code == 3
    assert f"{path} is cut short after frame" in result.stderr


def test_an_output_that_cannot_be_written_exits_with_4(tmp_path):
    write_png_shot(tmp_path / "in")
    (tmp_path / "out").write_text("a file where the folder should be")
    result = run_here(tmp_path / "in", "-o", tmp_path / "out" / "labels", "--superpixels", WISHED)
    assert result.exit_code == 4
    assert f"{tmp_path / 'out'}" in result.stderr
    assert "check the disk's space and permissions" in result.stderr


def test_read_picture_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"gone\.exr cannot be read: .*; render or copy it again"):
        read_picture(Path(tmp_path / "gone.exr"))


def test_a_device_that_is_not_there_is_wrong_usage(tmp_path):
    write_png_shot(tmp_path / "in")
    result = run_here(tmp_path / "in", "-o", tmp_path / "out", "--device", "cuda:63")
    assert result.exit_code == 2
    assert "cuda:63 is not there" in result.output
    assert not (tmp_path / "out").exists()
