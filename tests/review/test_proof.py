"""Proofs and contact sheets: what is drawn, where, and that it is what a grade writes."""

import json
import re

import numpy as np
import pytest
from helpers import QUICK, QUICK_FLAGS, Steps, in_process, read_pixels

from vfxstyle import grade
from vfxstyle.color import ColorConfig
from vfxstyle.errors import UsageError
from vfxstyle.review.proof import proof
from vfxstyle.shots.lettering import BAND


def cells(path, frames, looks, size=(72, 96)):
    """The pictures of a proof, uint8 (frames, looks + 1, H, W, 3). size: H and W of one."""
    sheet = np.rint(read_pixels(path)[..., :3] * 255).astype(np.uint8)
    height, width = size
    rows = [BAND + BAND * (row + 1) + height * row for row in range(frames)]
    columns = [(width + 4) * column for column in range(looks + 1)]
    assert sheet.shape[:2] == (rows[-1] + height, columns[-1] + width)
    return np.stack([[sheet[y : y + height, x : x + width] for x in columns] for y in rows])


def test_a_proof_shows_what_a_viewer_shows_of_the_grade(make_shot, tmp_path, lively_preset, identity_preset):
    shot = make_shot(frames=range(1, 7))
    graded = grade(shot, lively_preset, tmp_path / "out", **QUICK)
    report = proof(
        shot,
        [str(lively_preset), str(identity_preset)],
        tmp_path / "p.png",
        frames="2,5",
        analysis=tmp_path / "out" / ".vfxstyle",
        **QUICK,
    )
    assert (report.frames, report.presets, report.is_quick) == ((2, 5), ("lively", "identity"), False)
    drawn = cells(tmp_path / "p.png", 2, 2, size=(54, 96))
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])  # a look that changes nothing shows the plate
    view, name = ColorConfig.load().to_screen(ColorConfig.load().space("lin_rec709_scene"))
    assert name == report.screen
    for row, number in enumerate((2, 5)):
        whole = np.clip(view.apply(read_pixels(graded.files[number - 1])), 0, 1) * 255
        gap = np.abs(whole.mean(axis=(0, 1)) - drawn[row, 1].mean(axis=(0, 1)))
        assert gap.max() < 3, gap  # smaller, but the same picture


def test_a_shot_that_is_not_analysed_gets_a_quick_analysis_that_is_said_and_removed(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 8), extension="png")
    done = in_process("proof", shot, "--preset", lively_preset, *QUICK_FLAGS)
    assert done.exit_code == 0, done.stderr
    assert "has not been analysed for this look; what is shown (1-7x3) is analysed by itself" in done.stderr
    assert "vfxstyle analyze, with the same options, analyses the whole shot" in done.stderr
    assert "shown by sRGB display" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lively.safetensors", "plate", "plate_proof.png"]
    cells(tmp_path / "plate_proof.png", 3, 1, size=(54, 96))


def test_a_page_is_whole_by_itself(make_shot, tmp_path, lively_preset):
    proof(make_shot(), [str(lively_preset)], tmp_path / "p.html", frames="1001", **QUICK)
    page = (tmp_path / "p.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)


def test_a_frame_that_is_not_there_is_named_before_anything_is_worked_out(make_shot, tmp_path, lively_preset):
    shot = make_shot()
    grade(shot, lively_preset, tmp_path / "out", frames="1001", **QUICK)
    seen = Steps()
    with pytest.raises(UsageError, match="no frame 77"):
        proof(shot, [str(lively_preset)], frames="77", analysis=tmp_path / "out" / ".vfxstyle", progress=seen, **QUICK)
    assert seen.stages == []


def test_what_is_no_proof_is_refused(make_shot, tmp_path, lively_preset):
    with pytest.raises(UsageError, match=r"is a .png or a .html, not .*p.jpg"):
        proof(make_shot(), [str(lively_preset)], tmp_path / "p.jpg", **QUICK)
    with pytest.raises(UsageError, match="No look is named"):
        proof(make_shot(), [], tmp_path / "p.png", **QUICK)


def test_a_grade_ends_with_a_contact_sheet(make_shot, tmp_path, lively_preset):
    shot = make_shot()
    arguments = ["grade", shot, "--preset", lively_preset, "-o", tmp_path / "out", *QUICK_FLAGS]
    sheet = tmp_path / "out.proof.png"
    planned = json.loads(in_process(*arguments, "--dry-run").stdout)
    assert str(sheet) in planned["support_files"]
    done = in_process(*arguments)
    assert f"to look at: {sheet}" in done.stderr.splitlines()[-2]
    cells(sheet, 3, 1, size=(54, 96))
    before = sheet.stat().st_mtime_ns
    assert str(sheet) not in json.loads(in_process(*arguments, "--dry-run").stdout)["support_files"]
    in_process(*arguments)
    assert sheet.stat().st_mtime_ns == before  # nothing was written, so nothing is drawn


def test_a_part_of_a_shot_gets_none_unless_it_is_asked_for(make_shot, tmp_path, lively_preset):
    shot = make_shot()
    arguments = ["grade", shot, "--preset", lively_preset, "-o", tmp_path / "out", *QUICK_FLAGS]
    assert "--proof png draws one" in in_process(*arguments, "-f", "1002").stderr
    assert "draws one" not in in_process(*arguments, "--proof", "none").stderr
    assert not list(tmp_path.glob("*.proof.*"))
    in_process(*arguments, "-f", "1002", "--proof", "html")
    assert (tmp_path / "out.proof.html").exists()


def test_all_looks_on_one_picture(make_shot, tmp_path, monkeypatch):
    done = in_process("presets", "sheet", make_shot(extension="png"), "-o", tmp_path / "looks.png")
    assert done.exit_code == 0, done.stderr
    assert "under bleach-bypass, cold, golden" in done.stderr
    assert "presets sheet" in in_process("presets", "list").stderr
