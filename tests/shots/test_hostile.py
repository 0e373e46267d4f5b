"""Files that are damaged, absurd or made to harm: refused by name, or a good frame; never a crash, a hang, or 4 GB."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import moving_picture, write_picture
from mutations import mutated

from vfxstyle import grade, open_shot
from vfxstyle.errors import FrameError, ShotError

HOSTILE = Path(__file__).parents[1] / "hostile.py"
pytestmark = pytest.mark.slow


def ends_of(paths):
    """How reading each file ends, in a child process of its own."""
    told = subprocess.run(
        [sys.executable, str(HOSTILE), "-"],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]


def assert_harmless(ends):
    bad = [end for end in ends if not str(end["ended"]).startswith(("good", "refused 3"))]
    assert not bad, bad[:5]
    assert max(end["peak_kib"] for end in ends) < 4 << 20


def png_that_claims(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_picture_that_claims_to_be_huge_is_refused_before_memory_is_taken(tmp_path):
    (tmp_path / "huge.png").write_bytes(png_that_claims(60000, 60000))
    with pytest.raises(FrameError, match=r"huge\.png"):  # the library's own guard, in its own words
        open_shot(tmp_path / "huge.png")
    write_picture(tmp_path / "small.exr", moving_picture(0))
    with pytest.raises(FrameError, match="128x72 px, more than the 9215 allowed"):
        open_shot(tmp_path / "small.exr", max_pixels=128 * 72 - 1)
    with open_shot(tmp_path / "small.exr", max_pixels=128 * 72) as shot:
        assert shot.info.width == 128
    write_picture(tmp_path / "wide.exr", moving_picture(0), display=(0, 0, 1 << 20, 1 << 12))
    with pytest.raises(
        FrameError,
        match="1048576x4096 px, more than the 134217728 allowed; copy it again, or let it pass with --max-pixels",
    ):
        open_shot(tmp_path / "wide.exr")


def test_a_movie_that_claims_to_be_huge_is_refused(make_shot, tmp_path, identity_preset):
    shot = make_shot(extension="png", frames=range(1, 3))
    movie = grade(shot, identity_preset, tmp_path / "clip.mov", superpixels=20, analysis_width=96).output
    with pytest.raises(ShotError, match="128x72 px, more than the 100 allowed"):
        open_shot(movie, max_pixels=100)


def test_every_damaged_file_of_the_openexr_images_is_refused_or_good(real_data, tmp_path):
    paths = []
    for index, source in enumerate(sorted((real_data / "exr" / "Damaged").iterdir())):
        link = tmp_path / f"damaged_{index}.exr"
        link.symlink_to(source)
        paths.append(link)
    ends = ends_of(paths)
    assert len(ends) == len(paths) >= 180
    assert_harmless(ends)


@pytest.fixture
def good_files(make_shot, tmp_path, identity_preset):
    shot = make_shot("good", extension="png", frames=range(1, 3))
    movie = grade(shot, identity_preset, tmp_path / "clip.mov", superpixels=20, analysis_width=96).output
    found = [movie, identity_preset]
    for extension in ("exr", "png", "dpx"):
        shot = make_shot(f"of_{extension}", extension=extension, frames=range(1, 2))
        found.append(shot / f"of_{extension}.0001.{extension}")
    return found


def test_mutated_files_are_refused_or_good(good_files, tmp_path):
    """A few of each kind; benchmarks/faults.py tries thousands."""
    random, paths = np.random.default_rng(7), []
    for source in good_files:
        data = source.read_bytes()
        for index in range(24):
            path = tmp_path / "mutated" / f"{source.stem}_{index}{source.suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(mutated(data, random))
            paths.append(path)
    ends = ends_of(paths)
    assert len(ends) == len(paths)
    assert_harmless(ends)
    assert sum(str(end["ended"]).startswith("refused") for end in ends) > len(ends) // 3
