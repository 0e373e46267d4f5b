"""Reports: the figures are right, the page is whole, the JSON says where everything came from."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers import QUICK, QUICK_FLAGS, in_process

from tsp.flow import DISFlow
from vfxstyle import grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import UsageError
from vfxstyle.files import file_digest
from vfxstyle.looks.base import NO_BASE
from vfxstyle.looks.transform import COEFFICIENTS, TERMS
from vfxstyle.review.figures import FrameFigures, Pictures, ShotFigures, beyond_lut, evenly, flicker
from vfxstyle.review.groups import group_of, hue_name
from vfxstyle.review.lives import lives_of
from vfxstyle.review.report import report, report_place
from vfxstyle.review.weak import warnings_of, weak_frames


def pictures(graded, plate=None):
    plate = np.full((40, 60, 3), 128, np.uint8) if plate is None else plate
    return Pictures(plate, graded.astype(np.uint8), 0)


def moving(offset):
    """A plate with something to follow, uint8 (H, W, 3), shifted by some px."""
    texture = np.random.default_rng(3).integers(40, 200, (12, 20, 3))
    large = np.kron(texture, np.ones((6, 6, 1))).astype(np.uint8)
    return np.ascontiguousarray(large[8:64, 8 + offset : 96 + offset])


def test_a_steady_grade_does_not_flicker_and_one_that_jumps_does():
    before, now = moving(0), moving(2)
    steady = flicker(Pictures(before, before // 2 + 60, 0), Pictures(now, now // 2 + 60, 0), DISFlow())
    jumping = flicker(Pictures(before, before // 2 + 60, 0), Pictures(now, now // 2 + 80, 0), DISFlow())
    assert steady < 2
    assert jumping > steady + 5


def test_clipped_pixels_are_counted_before_and_after():
    plate = np.full((10, 10, 3), 100, np.uint8)
    plate[:2] = 255
    graded = plate.copy()
    graded[:5] = 255
    graded[9] = 0
    figures = ShotFigures()
    figures.add(7, Pictures(plate, graded, 3), None)
    own = figures.frames[7]
    assert (own.white, own.black, own.not_finite, own.flicker) == ((0.2, 0.5), (0.0, 0.1), 3, None)


def test_a_global_look_is_within_a_lut_and_a_local_one_is_beyond():
    plate = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    gaps = []
    for local in (False, True):
        graded = plate // 2 + 40
        if local:
            graded[:, 40:] = plate[:, 40:]
        figures = ShotFigures()
        figures.add(1, pictures(graded, plate), None)
        cube = figures.fit_lut()
        gaps.append(figures.frames[1].beyond_lut)
        brightest = beyond_lut(cube, pictures(graded, plate)).max()
        assert brightest > 100 if local else brightest < 100
    assert gaps[0] < 0.7
    assert gaps[1] > 5


def test_a_groups_transform_in_a_colourists_words():
    transform = np.zeros((2, 33), np.float32)
    transform[:, TERMS - 1] = 0.05  # L + 5
    transform[:, COEFFICIENTS - 1] = 10 / 110  # b + 10
    transform[:, TERMS + 7] = transform[:, 2 * TERMS + 8] = 0.2  # a and b, a fifth more
    own = group_of("look_0", transform, np.array([30, 10]), 80, NO_BASE)
    assert own.share == 0.5
    assert own.lift == pytest.approx(5, abs=0.01)
    assert own.cast == pytest.approx((0, 10), abs=0.01)
    assert own.words.startswith("lift +5 L, gamma +5 L, gain +5 L, saturation 1.")
    assert own.words.endswith("towards yellow by 10")
    nothing = group_of("look_1", np.zeros((1, 33), np.float32), np.array([1]), 2, NO_BASE)
    assert nothing.words == "left as it is"
    assert [hue_name(1, 0), hue_name(-1, 0), hue_name(0, -1)] == ["magenta", "green", "blue"]


def test_evenly_spread_frames_have_both_ends():
    assert evenly(range(5), 60) == (0, 1, 2, 3, 4)
    assert evenly(range(100), 3) == (0, 50, 99)


@pytest.fixture
def graded(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 6))
    return shot, grade(shot, lively_preset, tmp_path / "out", **QUICK)


def test_the_json_says_where_everything_came_from(graded, tmp_path, lively_preset):
    shot, done = graded
    facts = report(
        shot, str(lively_preset), tmp_path / "r.json", analysis=tmp_path / "out" / ".vfxstyle", **QUICK
    ).facts
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads(json.dumps(facts))
    assert facts["schema"] == 1
    assert facts["preset"]["sha256"] == file_digest(lively_preset)
    assert facts["plate"] == {path.name: file_digest(path) for path in sorted(shot.iterdir())}
    assert [own["frame"] for own in facts["frames"]] == [1, 2, 3, 4, 5]
    assert {own["stage"] for own in facts["stages"]} >= {"transforms", "report"}
    assert all(own["peak_bytes"] > 2**20 for own in facts["stages"])
    assert facts["groups"][0]["name"] == "look_0"
    assert sum(own["share"] for own in facts["groups"]) == pytest.approx(1)


def test_births_deaths_and_chosen_frames_add_up(graded, tmp_path):
    analysis = AnalysisFolder(tmp_path / "out" / ".vfxstyle")
    lives = lives_of(analysis, [1, 2, 3, 4, 5])
    shown = [set(np.unique(analysis.read_labels(number)).tolist()) for number in range(1, 6)]
    every = set().union(*shown)
    assert sum(own.born for own in lives.frames) == len(every) == len(lives.areas)
    for index, own in enumerate(lives.frames):
        assert own.alive == len(shown[index])
        gone = shown[index - 1] - set().union(*shown[index:]) if index else set()
        assert own.died == len(gone)
    assert sum(own.new for own in lives.chosen) == len(every)
    assert sum(lives.areas.values()) == 5 * analysis.read_labels(1).size


def test_a_grade_writes_its_report_with_its_outputs(make_shot, tmp_path, lively_preset):
    shot = make_shot()
    arguments = ["grade", shot, "--preset", lively_preset, "-o", tmp_path / "out", *QUICK_FLAGS]
    assert str(tmp_path / "r.html") in in_process(*arguments, "--report", tmp_path / "r.html", "--dry-run").stdout
    done = in_process(*arguments, "--report", tmp_path / "r.html")
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "r.html").read_text()
    assert file_digest(tmp_path / "out" / "out.1001.exr") in page
    assert "4 there, 4 as written" in page
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)  # nothing is fetched from anywhere
    with pytest.raises(UsageError, match=r"A report is a .html or a .json file"):
        in_process(*arguments, "--report", tmp_path / "r.txt")


def test_what_is_no_report_is_refused(tmp_path):
    with pytest.raises(UsageError, match="name one"):
        report_place(tmp_path / "r.pdf")


def test_weak_frames_are_named_with_the_reason():
    figures = ShotFigures()
    nothing = {"change": 2.0, "not_finite": 0, "beyond_lut": 0.0, "flicker": None}
    plain = FrameFigures(frame=1, white=(0.0, 0.001), black=(0.0, 0.0), **nothing)
    figures.frames = {
        1: plain,
        2: replace(plain, frame=2, flicker=4.25),
        3: replace(plain, frame=3, white=(0.01, 0.02), flicker=1.0),
        4: replace(plain, frame=4, black=(0.02, 0.01), flicker=1.0),
        5: replace(plain, frame=5, black=(0.063, 0.068)),  # a twelfth more than there was: nobody sees it
    }
    far = {"worst": 2.5, "frames": {1: 1.0, 3: 2.5}}
    clipped = "2.0% at display white, the plate 1.0%"
    assert weak_frames(figures, far) == [
        {"frame": 2, "why": "the grade moves by 4.2 Lab"},
        {"frame": 3, "why": f"{clipped}; 2.5 times as far from the learnt pictures as usual"},
    ]
    told = warnings_of(figures, {"flicker_worst": 4.25, "not_finite": 0}, far)
    assert [text.split(":")[0] for text in told[:1]] == ["the grade moves most at frame 2"]
    assert len(told) == 3
    assert weak_frames(figures, None)[1]["why"] == clipped
