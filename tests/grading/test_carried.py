"""A look that keeps graded frames, on their shot and on another."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers import QUICK, listed, make_preset, moving_picture, planned_grade, read_pixels, write_picture

from vfxstyle import analyze, grade
from vfxstyle.analysis import predict, tracks
from vfxstyle.analysis.predict import look_of as looks_key
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.tracks import frames_beside, graded_round, ways_to
from vfxstyle.color import linear_to_lab
from vfxstyle.files import file_digest
from vfxstyle.grading.carried import CarriedGrade, change_of
from vfxstyle.looks import OUTPUTS, TransformField, read_preset, save_preset
from vfxstyle.looks.base import Base, places
from vfxstyle.looks.detail import bands
from vfxstyle.looks.graded_frames import GradedFrames
from vfxstyle.looks.layers import GradeLayers
from vfxstyle.looks.matte_colours import MatteColours
from vfxstyle.plates.plate import open_plate
from vfxstyle.progress import Silent
from vfxstyle.review.proof import proof
from vfxstyle.settings import PlateSettings
from vfxstyle.superpixels import carrying
from vfxstyle.superpixels.carrying import share_found, share_in_doubt
from vfxstyle.superpixels.tracks import Track, own_places

FRAMES = range(1, 10)
LIFT = 12.0  # L, of the subject


def subject(number):
    """A block that moves with the picture, two px a frame; float32 (72, 128), 0 or 1."""
    x = np.arange(128) + 2 * number
    return (
        np.broadcast_to((x >= 60) & (x < 100), (72, 128)).astype(np.float32) * (abs(np.arange(72) - 36) < 20)[:, None]
    )


@pytest.fixture
def shot(tmp_path):
    for number in FRAMES:
        write_picture(tmp_path / "plate" / f"plate.{number:04d}.exr", moving_picture(number))
    return tmp_path / "plate"


def look_of(shot, path, *, layered, frames=(3, 7), lift=LIFT, treated=subject):
    """The identity as a plain look, with graded frames in which the subject is lifted."""
    mattes = np.stack([treated(number) for number in frames])
    change = np.zeros((*mattes.shape, 3), np.float16)
    change[..., 0] = lift * mattes
    cubes = np.zeros((2, 2, 2, 2, 3), np.float32)
    cubes[1, ..., 0] = lift
    with open_plate(shot, PlateSettings()) as plate:
        space = plate.picture_identity
    graded = GradedFrames(
        frames,
        tuple(file_digest(shot / f"plate.{number:04d}.exr") for number in frames),
        space,
        change,
        GradeLayers(cubes, mattes, 1.0) if layered else None,
    )
    return save_preset(replace(make_preset(), graded=graded), path)


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def change_on(out, number):
    """What became of the lightness of a frame."""
    graded = read_pixels(out / f"{out.name}.{number:04d}.exr")[..., :3]
    return linear_to_lab(graded)[..., 0] - linear_to_lab(moving_picture(number))[..., 0]


@pytest.mark.parametrize("layered", [False, True], ids=["residual", "layers"])
def test_what_was_graded_by_hand_follows_its_subject(shot, tmp_path, layered):
    look = look_of(shot, tmp_path / "look.safetensors", layered=layered)
    grade(shot, look, tmp_path / "out", **QUICK)
    for number in (1, 3, 5, 9):
        change, matte = change_on(tmp_path / "out", number), subject(number)
        inside, outside = change[matte > 0.5], change[matte < 0.5]
        assert np.median(inside) == pytest.approx(LIFT, abs=1.0)
        assert abs(np.median(outside)) < 0.2
        assert np.abs(change - LIFT * matte).mean() < 1.6


@pytest.mark.parametrize("layered", [False, True], ids=["residual", "layers"])
def test_a_frame_where_the_subject_is_not_found_again_is_named(shot, tmp_path, layered):
    hidden = moving_picture(5)
    at = subject(5) > 0.5
    hidden[at] = np.random.default_rng(0).uniform(0, 0.05, (int(at.sum()), 3))
    write_picture(shot / "plate.0005.exr", hidden)
    look = look_of(shot, tmp_path / "look.safetensors", layered=layered)
    notes = Notes()
    report = grade(shot, look, tmp_path / "out", progress=notes, **QUICK)
    assert report.found_again[3] == report.found_again[7] == 1
    assert report.found_again[5] < 0.3 < min(share for n, share in report.found_again.items() if n != 5)
    said = [text for text in notes.said if text.startswith("what you treated apart is hard to follow to frame 5: on 5")]
    assert bool(said) is not layered  # a gate does not follow tracks alone


def test_the_frames_where_a_subject_is_least_certain_are_named(shot, tmp_path):
    """On frame 5 a part of the subject is half of its colour and cannot be followed."""
    blurred = moving_picture(5)
    at = subject(5) > 0.5
    blurred[at] = 0.5 * blurred[at] + 0.5 * blurred[~at].mean(axis=0)
    write_picture(shot / "plate.0005.exr", blurred)
    notes = Notes()
    look = look_of(shot, tmp_path / "look.safetensors", layered=True)
    report = grade(shot, look, tmp_path / "out", progress=notes, **QUICK)
    assert set(report.in_doubt) == {1, 2, 4, 5, 6, 8, 9}  # 3 and 7 were graded by hand
    assert max(report.in_doubt, key=report.in_doubt.get) == 5
    said = [text for text in notes.said if "is least certain on" in text]
    assert len(said) == 1
    assert "most on 5;" in said[0]
    again = Notes()
    grade(shot, look, tmp_path / "out", progress=again, frames="4-6", overwrite="always", **QUICK)
    assert not [text for text in again.said if "is least certain on" in text]


def test_what_tracks_are_sure_of_is_not_in_doubt():
    gate = np.zeros((40, 60), np.float32)
    gate[10:30, 20:40] = 1
    gate[10:30, 30:40] = 0.75
    sure, unsure = np.ones((40, 60), np.float32), np.zeros((40, 60), np.float32)
    places = own_places(40, 60)
    assert share_in_doubt(gate, [(Track(places, sure), 1)]) == 0
    assert share_in_doubt(gate, [(Track(places, unsure), 1)]) == pytest.approx(0.125)
    assert share_in_doubt(0 * gate, [(Track(places, unsure), 1)]) == 0


def test_frames_out_of_reach_are_named_too(shot, tmp_path, monkeypatch):
    monkeypatch.setattr(tracks, "REACH", 1)
    notes = Notes()
    report = grade(
        shot, look_of(shot, tmp_path / "l.safetensors", layered=True), tmp_path / "o", progress=notes, **QUICK
    )
    assert {number for number, share in report.found_again.items() if share == 0} == {1, 5, 9}
    assert [text for text in notes.said if "to frames 1-9x4: on 1 only 0% of it" in text]


def test_of_a_frame_that_shows_nothing_treated_nothing_is_said():
    places, sure = own_places(4, 6), np.ones((4, 6), np.float32)
    treated = np.zeros((4, 6), np.float32)
    assert share_found([Track(places, sure)], [treated]) is None
    treated[:, :3] = 1
    half = np.where(np.arange(6) < 2, sure, 0).astype(np.float32)
    assert share_found([Track(places, half)], [treated]) == pytest.approx(2 / 3)
    assert share_found([Track(places, half), Track(places, 0 * sure)], [treated, treated]) == pytest.approx(2 / 3)


def test_where_nothing_is_treated_apart_no_frame_is_hard_to_find(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=False, lift=0.3)
    assert grade(shot, look, tmp_path / "out", **QUICK).found_again == {}


def test_layers_bring_their_local_contrast_and_what_is_done_by_place(shot, tmp_path):
    """Half the gate has half the gains; by place is under both layers."""
    layers = GradeLayers(
        np.zeros((2, 2, 2, 2, 3), np.float32),
        np.zeros((1, 72, 128), np.float32),
        0.0,
        np.array([[1, 0, 0], [3, 0, 0]], np.float32),
        Base(gain=np.array([0, 0, -0.5, 0, -0.5, 0], np.float32), colour=np.zeros(30, np.float32)),
    )
    graded = GradedFrames((3,), ("a" * 64,), "", np.zeros((1, 72, 128, 3), np.float16), layers)
    guide = linear_to_lab(moving_picture(3))
    plain = TransformField(np.zeros((72, 128, 30), np.float32), guide)
    carried = CarriedGrade(graded, None, None, None)
    gate = np.full((72, 128), 0.5, np.float32)
    out = carried._layered(plain, gate, np.ones_like(gate), guide)
    finer = bands(guide[..., 0]) @ np.array([2, 0, 0], np.float32)
    assert np.abs(finer).max() > 1
    expected = layers.by_place.change(guide, places(72, 128))
    expected[..., 0] += finer
    np.testing.assert_allclose(change_of(out, guide), expected, atol=0.02)
    unsure = carried._layered(plain, gate, np.zeros_like(gate), guide)
    np.testing.assert_allclose(change_of(unsure, guide), 0, atol=1e-4)


def test_on_another_plate_it_is_the_plain_look_and_says_so(shot, tmp_path, make_shot):
    look = look_of(shot, tmp_path / "look.safetensors", layered=True)
    other, notes = make_shot("other", frames=range(1, 4)), Notes()
    grade(other, look, tmp_path / "out", progress=notes, **QUICK)
    assert any("this is another shot" in text for text in notes.said)
    plate = read_pixels(other / "other.0002.exr")
    np.testing.assert_array_equal(read_pixels(tmp_path / "out" / "out.0002.exr"), plate)


def test_frames_alone_have_the_bytes_of_the_whole_run_and_tracks_are_made_once(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=True)
    planned = planned_grade(shot, look, tmp_path / "out", **QUICK)
    grade(shot, look, tmp_path / "out", **QUICK)
    tracks = set((tmp_path / "out" / ".vfxstyle").rglob("tracks/*/*.npz"))
    assert tracks == {p for p in listed(planned["support_files"]) if "tracks" in p.parts}
    made = {path: path.read_bytes() for path in tracks}
    analyze(shot, preset=look, analysis=tmp_path / "an", **QUICK)  # as a farm's task before the chunks
    again = {p.relative_to(p.parents[1]): p.read_bytes() for p in (tmp_path / "an").rglob("tracks/*/*.npz")}
    assert again == {path.relative_to(path.parents[1]): data for path, data in made.items()}
    next(iter(sorted(tracks))).write_bytes(b"cut")
    grade(shot, look, tmp_path / "part", frames="4-5", analysis=tmp_path / "out" / ".vfxstyle", **QUICK)
    assert {path: path.read_bytes() for path in tracks} == made
    for number in (4, 5):
        whole, part = (tmp_path / n / f"{n}.{number:04d}.exr" for n in ("out", "part"))
        assert part.read_bytes() == whole.read_bytes()


def test_which_frames_are_tracked_to_which():
    ways = {(way.graded, way.frames) for way in ways_to([3, 6], range(1, 9))}
    assert ways == {(3, (4, 5)), (3, (2, 1)), (6, (7, 8)), (6, (5, 4))}
    assert [graded_round(number, [3, 6]) for number in (1, 3, 4, 8)] == [(3,), (3,), (3, 6), (6,)]
    assert graded_round(1000, [3, 6]) == ()


def test_frames_beside_a_graded_frame_are_near_it_and_end_at_the_next_one():
    readable = [1, 2, 3, 4, 5, 6, 7, 8, 30, 31, 40]
    analysis = SimpleNamespace(manifest={"frames": readable}, unreadable={4: "damaged"})
    found = {mark: frames_beside(analysis, mark, [1, 6, 31]) for mark in (1, 6, 31)}
    assert found == {1: [2, 3, 5], 6: [2, 3, 5, 7, 8], 31: [30]}


def box(number, left, right, top, bottom):
    """A part of a picture of 144x256 that moves by 4 px a frame, with a box from 100 to 200 and 32 to 112."""
    x, y = np.arange(256) + 4 * number, np.arange(144)
    return ((x >= left) & (x < right))[None, :] & ((y >= top) & (y < bottom))[:, None]


def whole(number):
    return box(number, 100, 200, 32, 112).astype(np.float32)


def pane(number):
    """Glass in the box, through which ground is seen that does not move."""
    return box(number, 106, 150, 38, 82)


def test_a_pane_of_glass_keeps_the_grade_of_its_subject_whatever_is_behind_it(shot, tmp_path):
    ground = moving_picture(0, 144, 256, seed=3)
    for number in FRAMES:
        solid = (whole(number) > 0.5) & ~pane(number)
        picture = np.where(solid[..., None], moving_picture(2 * number, 144, 256) * np.float32(0.4), ground)
        write_picture(shot / f"plate.{number:04d}.exr", picture)
    look = look_of(shot, tmp_path / "look.safetensors", layered=True, frames=(2,), treated=whole)
    grade(shot, look, tmp_path / "out", **{**QUICK, "analysis_width": 256})
    files = (tmp_path / "out" / "out.0009.exr", shot / "plate.0009.exr")
    graded, plate = (linear_to_lab(read_pixels(path)[..., :3])[..., 0] for path in files)
    new = pane(9) & ~pane(2)  # ground that the graded frame does not show through the glass
    assert new.sum() > 1000
    assert np.median((graded - plate)[new]) == pytest.approx(LIFT, abs=1.5)


def test_on_a_plate_read_in_another_space_it_is_the_plain_look(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=False)
    options = {"input_space": "ACEScg", "frames": "3", **QUICK}
    notes = Notes()
    grade(shot, look, tmp_path / "out", progress=notes, **options)
    assert any("read in another colour space" in text for text in notes.said)
    np.testing.assert_array_equal(read_pixels(tmp_path / "out" / "out.0003.exr"), read_pixels(shot / "plate.0003.exr"))


def test_every_frame_graded_by_hand_or_one_alone(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=True, frames=(3, 4))
    grade(shot, look, tmp_path / "both", within="3-4", **QUICK)
    assert np.abs(change_on(tmp_path / "both", 3) - LIFT * subject(3)).mean() < 1.0
    still = write_picture(tmp_path / "still" / "plate.0003.exr", moving_picture(3))
    alone = look_of(tmp_path / "still", tmp_path / "alone.safetensors", layered=False, frames=(3,))
    grade(still, alone, tmp_path / "one", **{**QUICK, "superpixels": 200})
    (written,) = (tmp_path / "one").glob("*.exr")
    change = linear_to_lab(read_pixels(written))[..., 0] - linear_to_lab(moving_picture(3))[..., 0]
    assert np.median(change[subject(3) > 0.5]) == pytest.approx(LIFT, abs=1.0)


def test_at_another_analysis_width_the_subject_is_where_it_was(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=True)
    grade(shot, look, tmp_path / "small", frames="3,5", **{**QUICK, "analysis_width": 64})
    for number in (3, 5):
        assert np.abs(change_on(tmp_path / "small", number) - LIFT * subject(number)).mean() < 2.0


def test_a_dry_run_that_makes_all_anew_lists_the_tracks(shot, tmp_path):
    look = look_of(shot, tmp_path / "look.safetensors", layered=False)
    grade(shot, look, tmp_path / "out", **QUICK)
    again = planned_grade(shot, look, tmp_path / "out", overwrite="always", **QUICK)
    tracks = set((tmp_path / "out" / ".vfxstyle").rglob("tracks/*/*.npz"))
    assert tracks <= listed(again["support_files"])


def test_what_features_say_of_the_second_layer_is_kept_with_the_transforms(shot, tmp_path, make_shot):
    look = look_of(shot, tmp_path / "look.safetensors", layered=True)
    analyze(shot, preset=look, analysis=tmp_path / "an", **QUICK)
    analysis = AnalysisFolder(tmp_path / "an")
    stored = analysis.read_transforms(looks_key(read_preset(look)))
    labels, matte = analysis.read_superpixels().labels, cv2.resize(subject(3), (96, 54)) > 0.5
    shown = analysis.read_labels(3)
    inside, outside = (
        stored[np.searchsorted(labels, np.unique(shown[place])), OUTPUTS].mean() for place in (matte, ~matte)
    )
    assert inside > outside + 0.05
    other = make_shot("other", frames=range(1, 4))
    analyze(other, preset=look, analysis=tmp_path / "an_other", **QUICK)
    unknown = AnalysisFolder(tmp_path / "an_other").read_transforms(looks_key(read_preset(look)))
    assert (unknown[:, OUTPUTS + 1] == 0).all()  # of another shot nothing is known


def test_what_features_say_reaches_the_grade(shot, tmp_path, monkeypatch):
    """Where tracks are lost, a subject that features see everywhere is everywhere."""
    look = look_of(shot, tmp_path / "look.safetensors", layered=True, frames=(3,))
    everywhere = lambda own, _: np.ones((len(own.analysis.read_superpixels().labels), 2), np.float32)  # noqa: E731
    monkeypatch.setattr(predict, "classify_superpixels", everywhere)
    monkeypatch.setattr(CarriedGrade, "_track", lambda own, number, mark, guide: nowhere(guide))
    monkeypatch.setattr(carrying, "_by_life", lambda _, labels, lab: np.zeros((2, *labels.shape), np.float32))
    grade(shot, look, tmp_path / "out", frames="8", **QUICK)
    assert np.median(change_on(tmp_path / "out", 8)) == pytest.approx(LIFT, abs=1.0)
    never = lambda self, lab: np.full(lab.shape[:2], -9, np.float32)  # noqa: E731
    monkeypatch.setattr(MatteColours, "logits", never)  # and colours that the subject does not have keep it away
    grade(shot, look, tmp_path / "other", frames="8", **QUICK)
    assert np.median(change_on(tmp_path / "other", 8)) == pytest.approx(0, abs=1.0)


def nowhere(guide):
    """A track that is lost."""
    return Track(own_places(*guide.shape[:2]), np.zeros(guide.shape[:2], np.float32))


def test_a_quick_proof_shows_first_middle_and_last_with_what_was_graded(shot, tmp_path, make_shot):
    look, notes = look_of(shot, tmp_path / "look.safetensors", layered=True, frames=(7, 8)), Notes()
    report = proof(shot, [str(look)], tmp_path / "proof.png", progress=notes, **QUICK)
    assert report.is_quick
    assert report.frames == (1, 5, 9)
    assert "what was graded by hand is carried along from frames 7, 8" in notes.said
    other = make_shot("other", frames=FRAMES)
    said = Notes()
    proof(other, [str(look)], tmp_path / "other.png", progress=said, **QUICK)
    assert not any("at one leap" in text for text in said.said)  # another shot has these numbers, and not these frames
