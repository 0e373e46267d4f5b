"""Clips as arrays and plain pictures."""

import cv2
import numpy as np
import pytest
from helpers import moving_picture, write_picture

from tsp.files import InputError, OutputError, open_clip, read_picture, write_whole


def picture_of(index=0):
    return np.round(moving_picture(index) * 255).astype(np.uint8)


def folder_of(tmp_path, *names, size=(8, 8)):
    for name in names:
        write_picture(tmp_path / "in" / name, np.full((*size, 3), 9, np.uint8), kind="uint8")
    return tmp_path / "in"


def text_file(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("no picture")
    return tmp_path / name


def saved(tmp_path, array):
    np.save(tmp_path / "clip.npy", array)
    return tmp_path / "clip.npy"


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_an_array_is_read_frame_by_frame(tmp_path, kind):
    frames = np.stack([picture_of(i) for i in range(3)])
    stored = frames if kind is np.uint8 else frames / np.float32(255)
    clip = open_clip(saved(tmp_path, stored))
    assert (clip.numbers, clip.names) == ((0, 1, 2), ("clip.0000", "clip.0001", "clip.0002"))
    for read, frame in zip(clip.frames, frames, strict=True):
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, frame / np.float32(255))


def test_pictures_keep_their_names_and_numbers(tmp_path):
    for number in (9, 10, 8):
        write_picture(tmp_path / "in" / f"sh010_v2.{number}.png", picture_of(number), kind="uint8")
    clip = open_clip(tmp_path / "in")
    assert clip.numbers == (8, 9, 10)
    assert clip.names == ("sh010_v2.8", "sh010_v2.9", "sh010_v2.10")
    for number, frame in zip(clip.numbers, clip.frames, strict=True):
        np.testing.assert_array_equal(frame, picture_of(number) / np.float32(255))


@pytest.mark.parametrize("extension", ["png", "tif", "TIFF"])
def test_sixteen_bits_are_kept(tmp_path, extension):
    codes = np.random.default_rng(0).integers(0, 2**16, (5, 7, 3)).astype(np.uint16)
    path = write_picture(tmp_path / "a.1.tif", codes, kind="uint16")
    if extension != "TIFF":
        path = write_picture(tmp_path / f"a.1.{extension}", codes, kind="uint16")
    else:
        path = path.rename(tmp_path / "a.1.TIFF")
    np.testing.assert_array_equal(read_picture(path), codes / np.float32(65535))


def test_a_grey_picture_has_equal_channels_and_alpha_is_left_out(tmp_path):
    grey = write_picture(tmp_path / "a.png", np.full((2, 2, 1), 51, np.uint8), kind="uint8", names=("Y",))
    np.testing.assert_array_equal(read_picture(grey), np.full((2, 2, 3), 51, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.array([[[3, 2, 1, 0]]], np.uint8))  # BGRA
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png"), [[[1, 2, 3]]])


def broken(tmp_path, extension):
    path = write_picture(tmp_path / "in" / f"a.0001.{extension}", picture_of(), kind="uint8")
    path.write_bytes(path.read_bytes()[:-200])
    return path.parent


def two_sizes(tmp_path):
    folder_of(tmp_path, "a.0002.png", size=(8, 9))
    return folder_of(tmp_path, "a.0001.png")


def floats(tmp_path):
    write_picture(tmp_path / "in" / "a.0001.tif", moving_picture(0), kind="float")
    return tmp_path / "in"


def nan(tmp_path):
    frames = np.zeros((2, 8, 8, 3), np.float32)
    frames[1, 3, 4] = np.nan
    return saved(tmp_path, frames)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda at: at / "absent", "no array or folder of pictures at .*absent; check the path"),
        (lambda at: at, r"holds no pictures \(jpeg, jpg, png, .*use: vfxstyle superpixels"),
        (lambda at: text_file(at, "in/a.0001.exr").parent, "use: vfxstyle superpixels .*in -o FOLDER"),
        (lambda at: text_file(at, "clip.mov"), "clip.mov is no .npy array .*use: vfxstyle superpixels .*clip.mov -o"),
        (lambda at: text_file(at, "a.npy"), "a.npy cannot be read: .*; save it again with numpy.save"),
        (lambda at: saved(at, np.zeros((4, 4, 3), np.uint8)), r"clip.npy is uint8 \(4, 4, 3\); it must be uint8 or"),
        (lambda at: saved(at, np.zeros((1, 4, 4, 3))), "clip.npy is float64"),
        (lambda at: saved(at, np.zeros((0, 4, 4, 3), np.uint8)), r"clip.npy is uint8 \(0, 4, 4, 3\)"),
        (nan, "clip.npy: frame 1 has NaN or infinite values"),
        (lambda at: folder_of(at, "a.0001.png", "b.0001.png"), "not one sequence"),
        (lambda at: folder_of(at, "a.0001.png", "b.0002.png"), "not one sequence"),
        (lambda at: folder_of(at, "a.0001.png", "a.0002.jpg"), "not one sequence"),
        (lambda at: folder_of(at, "a.0001.png", "cover.png"), "not one sequence"),
        (lambda at: folder_of(at, "a.0001.png", "a.0003.png"), "has no frame 2; render"),
        (two_sizes, r"a.0002.png: frame 1 has shape \(8, 9, 3\), the frames before it \(8, 8, 3\)"),
        (lambda at: text_file(at, "in/a.0001.png").parent, "a.0001.png is no whole picture; render or copy it again"),
        (lambda at: broken(at, "png"), "a.0001.png is no whole picture"),
        (lambda at: broken(at, "jpg"), "a.0001.jpg is no whole picture"),
        (floats, "a.0001.tif holds float32 numbers, not 8 or 16 bits; .*vfxstyle superpixels"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_remedy(tmp_path, make, message):
    with pytest.raises(InputError, match=message):
        list(open_clip(make(tmp_path)).frames)


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        open_clip(tmp_path / "a.npy")


def test_a_file_is_whole_or_not_there(tmp_path):
    def half(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    target = tmp_path / "new" / "a.npy"
    with pytest.raises(OutputError, match=r"a\.npy cannot be written: .*No space left.*; check the disk's space"):
        write_whole(target, half)
    assert list(target.parent.iterdir()) == []
    write_whole(target, lambda file: file.write(b"whole"))
    with pytest.raises(OutputError):
        write_whole(target, half)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"whole"]
