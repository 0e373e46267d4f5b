import pytest
from helpers import moving_picture, write_picture

from vfxstyle.errors import FrameError, ShotError, UsageError
from vfxstyle.shots import format_frames, open_shot, parse_frames


def test_a_folder_with_one_sequence(make_shot):
    shot = open_shot(make_shot())
    assert shot.frames == (1001, 1002, 1003, 1004)
    assert (shot.name, shot.padding, shot.is_movie) == ("plate", 4, False)


@pytest.mark.parametrize(
    "pattern",
    [
        "plate.####.exr",
        "plate.#.exr",
        "plate.@@@@.exr",
        "plate.%04d.exr",
        "plate.$F4.exr",
        "plate.1001-1004#.exr",
        "plate.1001-1004####.exr",
        "plate.%04d.exr 1001-1004",
    ],
)
def test_every_notation_of_a_sequence(make_shot, pattern):
    shot = open_shot(f"{make_shot()}/{pattern}")
    assert shot.frames == (1001, 1002, 1003, 1004)
    assert shot.read(1003).rgb.shape == (72, 128, 3)


def test_a_range_in_the_pattern_narrows_the_shot(make_shot):
    assert open_shot(f"{make_shot()}/plate.1001-1004x2#.exr").frames == (1001, 1003)
    assert open_shot(f"{make_shot()}/plate.%04d.exr 1002-1003").frames == (1002, 1003)


def test_contact_sheets_beside_frames_are_none(make_shot):
    folder = make_shot()
    for name in ("plate_golden.proof.png", "plate_proof.png"):
        write_picture(folder / name, (moving_picture(0) * 255).astype("uint8"), kind="uint8")
    assert open_shot(folder).frames == (1001, 1002, 1003, 1004)
    assert open_shot(folder / "plate_proof.png").frames == (1,)


def test_one_picture_is_a_shot_of_one_frame(make_shot, tmp_path):
    assert open_shot(make_shot() / "plate.1002.exr").frames == (1002,)
    lone = write_picture(tmp_path / "lone" / "still.exr", moving_picture(0))
    assert open_shot(lone).frames == (1,)
    assert open_shot(lone.parent).frames == (1,)
    odd = write_picture(tmp_path / "odd" / "img-10.21op7-p-139t000.png", moving_picture(0), kind="uint8")
    assert (open_shot(odd).name, open_shot(odd).frames) == ("img-10.21op7-p-139t", (0,))


def test_frames_with_only_numbers_are_called_after_their_folder(tmp_path):
    for number in (1, 2):
        write_picture(tmp_path / "swan" / f"{number:05d}.png", moving_picture(0), kind="uint8")
    assert open_shot(tmp_path / "swan" / "#####.png").name == "swan"


def test_other_files_in_the_folder_do_not_count(make_shot):
    folder = make_shot()
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.1001.exr").write_text("x")
    assert len(open_shot(folder)) == 4


def test_nothing_there_names_the_path(tmp_path):
    with pytest.raises(ShotError, match="no folder, frame sequence or movie"):
        open_shot(tmp_path / "absent")
    with pytest.raises(ShotError, match="no folder, frame sequence or movie"):
        open_shot(tmp_path / "absent.####.exr")


def test_an_empty_folder_says_what_it_looked_for(tmp_path):
    with pytest.raises(ShotError, match="holds no frames"):
        open_shot(tmp_path)


def test_two_sequences_in_one_folder_are_listed(tmp_path):
    for name in ("left", "right"):
        write_picture(tmp_path / f"{name}.0001.exr", moving_picture(0))
    with pytest.raises(ShotError, match=r"2 sequences \(left.*right") as caught:
        open_shot(tmp_path)
    assert "name one of them" in str(caught.value)


def test_a_folder_with_only_a_movie_names_it(tmp_path):
    (tmp_path / "clip.mov").write_bytes(b"x")
    with pytest.raises(ShotError, match=r"clip\.mov"):
        open_shot(tmp_path)


def test_a_hole_is_an_error_with_its_numbers(make_shot):
    folder = make_shot(frames=range(1001, 1007))
    (folder / "plate.1003.exr").unlink()
    (folder / "plate.1004.exr").unlink()
    with pytest.raises(ShotError, match="no frame 1003-1004") as caught:
        open_shot(folder)
    assert caught.value.frames == (1003, 1004)
    remedy = str(caught.value).rsplit("'", 2)[1]
    assert open_shot(remedy).frames == (1001, 1002, 1005, 1006)
    with pytest.raises(ShotError, match="1003-1004"):
        open_shot(f"{folder}/plate.1001-1006#.exr")
    assert open_shot(f"{folder}/plate.1001-1002,1005-1006#.exr").frames == (1001, 1002, 1005, 1006)


def test_a_hole_is_held_from_the_last_frame_before_it(make_shot):
    folder = make_shot(frames=range(1001, 1008))
    for number in (1003, 1004, 1006):
        (folder / f"plate.{number}.exr").unlink()
    shot = open_shot(f"{folder}/plate.999-1007#.exr", missing="hold")
    assert shot.frames == tuple(range(999, 1008))
    assert shot.missing == (999, 1000, 1003, 1004, 1006)
    sources = [int(shot.file_of(number).suffixes[0][1:]) for number in shot.frames]
    assert sources == [1001, 1001, 1001, 1002, 1002, 1002, 1005, 1005, 1007], "the first one where none is before it"


def test_a_text_file_is_not_a_shot(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ShotError, match="neither a picture"):
        open_shot(tmp_path / "a.txt")


def test_frame_ranges():
    assert parse_frames("1001-1005x2,1150") == (1001, 1003, 1005, 1150)
    assert format_frames((1, 2, 3, 7)) == "1-3,7"
    with pytest.raises(UsageError, match="not a frame range"):
        parse_frames("first-last")
    with pytest.raises(UsageError, match="empty"):
        parse_frames("")
    with pytest.raises(ShotError, match="cannot be a path"):
        open_shot("x" * 5000)


def test_an_empty_first_frame(make_shot):
    folder = make_shot()
    (folder / "plate.1001.exr").write_bytes(b"")
    shot = open_shot(folder)
    assert (shot.info.width, shot.info.height) == (128, 72)  # the next frame tells
    with pytest.raises(FrameError, match="is empty"):
        shot.read(1001)
