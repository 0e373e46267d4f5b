"""Templates of outputs, and the tokens that they are filled with."""

from pathlib import Path

import pytest

from vfxstyle.errors import UsageError
from vfxstyle.plates.naming import filled, folder_of, frame_names, is_template, tokens_of


def tokens(path, pattern=None, plate="v001"):
    return tokens_of(Path(path), plate, "golden", pattern)


def test_tokens_are_read_from_the_folders_of_a_path():
    path = "/jobs/show/sq010/sh020/plate/v001/v001.%04d.exr"
    found = tokens(path, "{seq}/{shot}/plate/{version}")
    assert found == {
        "plate": "v001", "preset": "golden", "root": "/jobs/show",
        "seq": "sq010", "shot": "sh020", "version": "v001",
    }  # fmt: skip
    assert filled("{root}/{seq}/{shot}/grade/{preset}/{shot}_{preset}.####.exr", found) == (
        "/jobs/show/sq010/sh020/grade/golden/sh020_golden.####.exr"
    )
    assert tokens(path, "sq{number}/{shot}")["number"] == "010"
    assert tokens("/a/x/plate/b/y/plate/v001.mov", "{shot}/plate")["shot"] == "y"  # the last place that fits
    assert tokens("/show/sh1/sh1_plate/v001.mov", "{shot}/{shot}_plate")["shot"] == "sh1"
    assert tokens(path)["root"] == "/jobs/show/sq010/sh020/plate/v001"
    assert tokens("/in/one.mov", "{shot}_{element}_v{version}", "sh010_bg_v003")["element"] == "bg"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{seq}/comp/{version}", "does not fit --tokens"),
        ("{shot}_{element}", "plate's name 'v001' does not fit"),
        ("plate", "write names in braces"),
        ("{preset}/{shot}", "{preset} is given already"),
        ("{0}/{shot}", "write names in braces"),
    ],
)
def test_patterns_that_do_not_fit_are_told(pattern, said):
    with pytest.raises(UsageError, match=said.replace("{", r"\{")):
        tokens("/jobs/show/sq010/sh020/plate/v001/v001.%04d.exr", pattern)


def test_a_token_that_nothing_stands_for_is_told_with_the_nearest():
    found = tokens("/show/sh010/plate/v001.mov", "{shot}/plate")
    with pytest.raises(UsageError, match=r"\{shto\}, which nothing stands for; did you mean \{shot\}\? there are"):
        filled("{root}/{shto}", found)


@pytest.mark.parametrize("value", ["..", ".", "a/b", ""])
def test_no_value_leads_to_another_folder(value):
    with pytest.raises(UsageError, match="no name of a folder or file"):
        filled("/out/{shot}/x", {"shot": value})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.{frame:04d}.exr", "x.0012.exr"), ("x.{frame:06}.exr", "x.000012.exr"), ("x_######.exr", "x_000012.exr"),
        ("x.%03d.exr", "x.012.exr"), ("x.{frame}.exr", "x.00012.exr"), ("x.%d.exr", "x.00012.exr"),
        ("x.$F4.exr", "x.0012.exr"),
    ],
)  # fmt: skip
def test_frames_are_called_as_the_output_says(name, expected):
    names = frame_names(Path("/out") / name)
    assert names.of(12, digits=5) == expected
    assert names.extension == "exr"
    assert names.of(-12, digits=5).count("-") == 1
    assert folder_of(f"/out/{name}") == Path("/out")
    assert is_template(f"/out/{name}")


def test_a_folder_is_no_template():
    assert not is_template("/out/graded")
    assert frame_names(Path("/out/graded")) is None
    assert folder_of("/out/graded.mov") == Path("/out/graded.mov")
    assert not is_template("/out#1/take#1_golden")  # a name with such a sign in it
    assert folder_of("/out/take#1_golden") == Path("/out/take#1_golden")
    with pytest.raises(UsageError, match="once is enough"):
        frame_names(Path("x.####.####.exr"))
