import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers import BACKBONE, make_preset, moving_picture, read_pixels, write_picture

from vfxstyle import load_preset, train
from vfxstyle.color import lab_to_linear, linear_to_lab, linear_to_srgb, srgb_to_linear
from vfxstyle.errors import PairsError, ShotError, UsageError, WeightsError
from vfxstyle.features.registry import load_backbone
from vfxstyle.grading.grade import grade
from vfxstyle.looks import read_preset, save_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.looks.graded_frames import MOST_WIDTH
from vfxstyle.looks.library import find_preset, installed_presets
from vfxstyle.looks.samples import measure
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Clock, Silent
from vfxstyle.settings import TrainSettings
from vfxstyle.shots import open_shot
from vfxstyle.shots.lettering import BAND
from vfxstyle.training.cross_validation import HELD_OUT_FROM
from vfxstyle.training.examples import example_of, superpixels_of
from vfxstyle.training.graded_frames import _bounded
from vfxstyle.training.kept_files import kept_folder
from vfxstyle.training.learn import learn
from vfxstyle.training.pairs import PairPictures, PictureReader, find_graded_frames, find_pairs
from vfxstyle.training.preset_file import named
from vfxstyle.training.report import _shrunk, rows_of, write_training_report

OPTIONS = {
    "superpixels": 60,
    "analysis_width": 128,
    "epochs": 20,
    "backbone": BACKBONE,
    "device": "cpu",
    "description": "brighter",
}


def brighter(rgb):
    lab = linear_to_lab(srgb_to_linear(rgb))
    lab[..., 0] = 0.8 * lab[..., 0] + 15
    lab[..., 2] += 8
    return np.clip(linear_to_srgb(lab_to_linear(lab)), 0, 1)


class Notes(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for index in range(4):
        before = moving_picture(5 * index, seed=index)
        for side, picture in (("before", before), ("after", brighter(before))):
            codes = (picture * 65535 + 0.5).astype(np.uint16)
            write_picture(folder / side / f"p{index}.png", codes, kind="uint16")
    return folder


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory):
    return train(pairs, "bright", output=tmp_path_factory.mktemp("presets") / "bright.safetensors", **OPTIONS)


def test_a_simple_look_is_learnt(trained):
    assert [pair.name for pair in trained.pairs] == ["p0", "p1", "p2", "p3"]
    assert trained.held_out == ()
    assert trained.errors.predicted < 0.1 * trained.errors.distance
    assert set(trained.seconds) == {"pairs", "features", "training"}


def test_the_learnt_look_is_put_on_a_shot(trained, tmp_path):
    plate = moving_picture(3, seed=2)
    write_picture(tmp_path / "shot" / "a.0001.png", (plate * 65535 + 0.5).astype(np.uint16), kind="uint16")
    grade(tmp_path / "shot", trained.path, tmp_path / "out", format="png", superpixels=60, analysis_width=128)
    out = open_shot(tmp_path / "out").read(1).rgb
    wanted, got, had = (linear_to_lab(srgb_to_linear(p)) for p in (brighter(plate), out, plate))
    error = np.linalg.norm(got - wanted, axis=-1).mean()
    assert error < 0.2 * np.linalg.norm(had - wanted, axis=-1).mean()


def test_the_preset_says_where_it_comes_from(trained):
    info = load_preset(trained.path).info
    assert (info.name, info.backbone, info.description) == ("bright", BACKBONE, "brighter")
    assert info.card["pairs"] == 4
    assert len(info.card["pairs_sha256"]) == 64
    assert info.card["errors"]["predicted"] == trained.errors.predicted
    card = model_card(info)
    assert "Trained on 4 pairs" in card
    assert f"{trained.errors.predicted:.2f}" in card


def test_the_same_pairs_and_seed_give_the_same_file(pairs, trained, tmp_path):
    again = train(pairs, "bright", output=tmp_path / "bright.safetensors", **OPTIONS)
    assert again.path.read_bytes() == trained.path.read_bytes()


def test_a_preset_is_installed_by_name(pairs):
    report = train(pairs, "mine", superpixels=20, analysis_width=64, epochs=1, backbone=BACKBONE)
    assert find_preset("mine") == report.path
    assert [(info.name, source) for info, _, source in installed_presets() if source == "user"] == [("mine", "user")]


def test_twenty_pairs_hold_some_out(tmp_path):
    for index in range(HELD_OUT_FROM):
        before = moving_picture(index, 36, 64, seed=index)
        for side, picture in (("before", before), ("after", brighter(before))):
            write_picture(tmp_path / side / f"p{index}.png", (picture * 255).astype(np.uint8), kind="uint8")
    quick = {"superpixels": 20, "analysis_width": 64, "epochs": 2, "held_out": 0.1, "backbone": BACKBONE}
    report = train(tmp_path, "x", output=tmp_path / "x.safetensors", **quick)
    assert len(report.held_out) == 2
    assert set(report.by_pair) == {pair.name for pair in report.held_out}
    worst = [error.missed for error in report.by_pair.values()]
    assert worst == sorted(worst, reverse=True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no folder before/"),
        (["before/a.png"], "no folder after/"),
        (["before/a.png", "after/a.txt"], "holds no pictures"),
        (["before/a.png", "before/b.png", "after/a.png"], r"'b' \(missing in after/\)"),
        (["before/a.png", "before/a.jpg", "after/a.png"], "have one stem"),
    ],
)
def test_unusable_folders_are_explained(tmp_path, files, message):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(PairsError, match=message):
        find_pairs(tmp_path)


def test_a_pair_of_two_shapes_is_named(tmp_path):
    write_picture(tmp_path / "before" / "a.png", np.zeros((64, 64, 3), np.uint8), kind="uint8")
    write_picture(tmp_path / "after" / "a.png", np.zeros((48, 64, 3), np.uint8), kind="uint8")
    with pytest.raises(PairsError, match="Pair 'a' does not match: before is 64x64 and after 64x48"):
        train(tmp_path, "x", output=tmp_path / "x.safetensors", **OPTIONS)
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b"])
def test_a_name_that_could_not_be_used_is_refused_first(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a look"):
        train(tmp_path / "absent", name)


@pytest.mark.parametrize("options", [{"samples": 0}, {"epochs": 0}, {"held_out": 0.96}])
def test_unusable_settings_are_named(options):
    with pytest.raises(UsageError, match=next(iter(options)).replace("_", " ")):
        TrainSettings(**options)


def test_an_option_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(TypeError, match="there is no option 'superpixel'"):
        train(tmp_path, "x", superpixel=60)


@pytest.fixture(scope="module")
def graded_frames(tmp_path_factory):
    """A shot of nine frames, and three of them graded."""
    folder = tmp_path_factory.mktemp("few")
    for number in range(1001, 1010):
        plate = moving_picture(number - 1001)
        write_picture(folder / "shot" / f"s.{number}.png", (plate * 65535 + 0.5).astype(np.uint16), kind="uint16")
        if number in (1001, 1004, 1007):
            codes = (brighter(plate) * 65535 + 0.5).astype(np.uint16)
            write_picture(folder / "graded" / f"s_graded.{number}.png", codes, kind="uint16")
    return folder


def test_a_look_is_learnt_from_a_few_frames_of_a_shot(graded_frames, tmp_path):
    report = train(
        None,
        "few",
        shot=graded_frames / "shot",
        graded=graded_frames / "graded",
        output=tmp_path / "few.safetensors",
        **OPTIONS,
    )
    assert [pair.name for pair in report.pairs] == ["1001", "1004", "1007"]
    assert report.errors.predicted < 0.1 * report.errors.distance
    assert report.next_frames
    assert set(report.next_frames) <= set(range(1001, 1010)) - {1001, 1004, 1007}
    drawn = write_training_report(report, rows_of(report))
    assert [path.name for path in drawn] == ["few.curve.png", "few.sheet.png", "few.md"]
    sheet = read_pixels(drawn[1])
    assert sheet.shape == (3 * (BAND + 270), 4 * 480 + 3 * 4, 3)
    plate, wanted, predicted = (sheet[BAND : BAND + 270, x : x + 480] for x in (0, 484, 968))
    assert np.abs(wanted - predicted).mean() < 0.3 * np.abs(wanted - plate).mean()
    assert sheet[:BAND, :480].max() > 0.5  # words
    page = drawn[2].read_text()
    assert "## What was not learnt\n\nBy the plain look: on its shot the graded frames are carried along" in page
    assert f"Frames whose grading would help most: {report.next_frames[0]}" in page


def test_graded_frames_are_kept_in_the_preset_and_carried_along_their_shot(graded_frames, tmp_path):
    options = {**OPTIONS, "epochs": 1, "no_suggest": True}
    places = {"shot": graded_frames / "shot", "graded": graded_frames / "graded"}
    report = train(None, "few", **places, output=tmp_path / "few.safetensors", **options)
    preset = read_preset(report.path)
    with PictureReader(report.settings) as reader:
        pictures = reader.pair(report.pairs[1])
    change = lab_of_picture(pictures.after) - lab_of_picture(pictures.before)
    assert preset.graded.numbers == (1001, 1004, 1007)
    np.testing.assert_allclose(preset.graded.change[1], change, atol=0.05)
    notes = Notes()
    grade(places["shot"], report.path, tmp_path / "out", frames="1004-1005", format="png", progress=notes, device="cpu")
    assert "what was graded by hand is carried along from frames 1001, 1004, 1007" in notes.said
    for number in (1004, 1005):
        plate = moving_picture(number - 1001)
        missed = np.abs(open_shot(tmp_path / "out").read(number).rgb - brighter(plate)).mean()
        assert missed < 0.1 * np.abs(plate - brighter(plate)).mean()


def test_graded_frames_are_kept_at_a_bounded_width():
    wide = np.zeros((90, MOST_WIDTH * 2, 3), np.float32)
    assert _bounded(wide).shape == (45, MOST_WIDTH, 3)
    assert _bounded(wide[:, :100]).shape == (90, 100, 3)


def test_graded_frames_that_are_not_the_shots_are_named(graded_frames, tmp_path):
    plate = np.zeros((72, 128, 3), np.uint8)
    write_picture(tmp_path / "graded" / "g.2001.png", plate, kind="uint8")
    with pytest.raises(PairsError, match=r"has frame 2001, which .* has not; it runs from 1001 to 1009"):
        train(None, "x", shot=graded_frames / "shot", graded=tmp_path / "graded")


@pytest.mark.parametrize(("names", "said"), [(["hero"], "hero.png has"), (["a", "b"], "a.png, .*b.png have")])
def test_graded_frames_without_a_number_are_not_taken_for_frame_1(names, said, tmp_path):
    plate = np.zeros((72, 128, 3), np.uint8)
    for number in (1, 2):
        write_picture(tmp_path / "shot" / f"s.{number:04d}.png", plate, kind="uint8")
    for name in names:
        write_picture(tmp_path / "graded" / f"{name}.png", plate, kind="uint8")
    with pytest.raises(PairsError, match=f"{said} no frame number, and .*shot has 2 frames, from 1 to 2. Give"):
        train(None, "x", shot=tmp_path / "shot", graded=tmp_path / "graded")


def test_a_folder_of_graded_frames_that_is_not_there_is_named_as_that(graded_frames, tmp_path):
    with pytest.raises(ShotError, match=r"^--graded: There is no folder"):
        train(None, "x", shot=graded_frames / "shot", graded=tmp_path / "none")


@pytest.mark.parametrize("given", [{}, {"shot": "s"}, {"graded": "g"}])
def test_it_must_be_clear_what_to_learn_from(given, pairs):
    with pytest.raises(UsageError, match="Give a folder of pairs, or --shot with --graded"):
        train(None, "x", **given)
    with pytest.raises(UsageError, match="not both"):
        train(pairs, "x", shot="s", graded="g")


def example(after_of, index=0):
    settings = TrainSettings(**{**OPTIONS, "superpixels": 80, "epochs": 200})
    before = moving_picture(index, seed=index)
    after = after_of(before)
    pictures = PairPictures(before, after, ((128, 72),) * 2, ("", ""), (before, after), False)
    backbone = load_backbone(settings.backbone, "cpu")
    return example_of(pictures, backbone, settings, 80, np.random.default_rng(0)), settings


def test_one_pair_is_never_worse_than_its_best_single_transform():
    """A look that is chance: there is nothing local to learn, and nothing local is kept."""

    def by_chance(before):
        random = np.random.default_rng(5)
        return np.clip(brighter(before) + random.normal(0, 0.2, before.shape), 0, 1).astype(np.float32)

    found, settings = example(by_chance)
    learnt = learn([found], settings, "cpu", Clock(Silent()))
    errors = measure(learnt.network, learnt.standardisation, learnt.unseen)
    assert errors.predicted <= 1.002 * errors.global_oracle


def test_one_pair_with_a_local_look_is_learnt_locally():
    def split(before):
        right = np.arange(before.shape[1])[None, :, None] >= before.shape[1] // 2
        return np.where(right, brighter(before), 0.7 * before).astype(np.float32)

    found, settings = example(split)
    learnt = learn([found], settings, "cpu", Clock(Silent()))
    assert learnt.share == 1
    assert learnt.errors.predicted < 0.85 * learnt.errors.global_oracle


def stopping_after(count):
    """Finds superpixels as training does, of so many plates, and then somebody ends the run."""
    made = []

    def stopping(*arguments):
        if len(made) == count:
            raise KeyboardInterrupt
        made.append(1)
        return superpixels_of(*arguments)

    return stopping


def test_a_stopped_run_goes_on_where_it_was(pairs, trained, tmp_path, monkeypatch):
    target = tmp_path / "bright.safetensors"
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", stopping_after(2))
    with pytest.raises(KeyboardInterrupt):
        train(pairs, "bright", output=target, **OPTIONS)
    kept = sorted(kept_folder().iterdir())
    assert len(kept) == 2
    kept[0].write_bytes(kept[0].read_bytes()[:1000])  # cut off, as by a full disk
    counted = []
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", lambda *a: counted.append(1) or superpixels_of(*a))
    train(pairs, "bright", output=target, **OPTIONS)
    assert len(counted) == 3
    assert target.read_bytes() == trained.path.read_bytes()
    assert len(list(kept_folder().iterdir())) == 5  # four plates and their projections


def test_another_grade_of_the_same_plates_costs_only_the_fit(pairs, tmp_path, monkeypatch):
    options = {**OPTIONS, "epochs": 1}
    bright = train(pairs, "bright", output=tmp_path / "bright.safetensors", **options)
    other = tmp_path / "other"
    shutil.copytree(pairs / "before", other / "before")
    for path in (pairs / "before").iterdir():
        codes = (brighter(brighter(read_pixels(path))) * 65535 + 0.5).astype(np.uint16)
        write_picture(other / "after" / path.name, codes, kind="uint16")
    made = []
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", lambda *a: made.append(1) or superpixels_of(*a))
    quick = train(other, "plain", output=tmp_path / "quick.safetensors", **options)
    assert not made
    monkeypatch.setenv("VFXSTYLE_CACHE", str(tmp_path / "another"))
    fresh = train(other, "plain", output=tmp_path / "fresh.safetensors", **options)
    assert len(made) == 4
    assert quick.path.read_bytes() == fresh.path.read_bytes()
    assert quick.errors.distance > 1.2 * bright.errors.distance


def test_a_grade_in_another_kind_of_file_is_one_of_the_same_plates(pairs, tmp_path, monkeypatch):
    options = {**OPTIONS, "epochs": 1}
    train(pairs, "bright", output=tmp_path / "bright.safetensors", **options)
    other = tmp_path / "other"
    shutil.copytree(pairs / "before", other / "before")
    for path in (pairs / "after").iterdir():
        write_picture(other / "after" / f"{path.stem}.exr", srgb_to_linear(read_pixels(path)))
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", None)
    train(other, "bright", output=tmp_path / "again.safetensors", **options)


def test_many_pairs_that_were_stopped_go_on_and_leave_nothing(tmp_path, monkeypatch):
    for index in range(10):
        before = moving_picture(index, seed=index)
        for side, picture in (("before", before), ("after", brighter(before))):
            codes = (picture * 65535 + 0.5).astype(np.uint16)
            write_picture(tmp_path / "many" / side / f"p{index}.png", codes, kind="uint16")
    options = {**OPTIONS, "epochs": 1, "superpixels": 20, "analysis_width": 64}
    made = []
    target = tmp_path / "many.safetensors"
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", stopping_after(4))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "many", "many", output=target, **options)
    assert len(list(target.with_suffix(".training").iterdir())) == 4
    monkeypatch.setattr("vfxstyle.training.train.superpixels_of", lambda *a: made.append(1) or superpixels_of(*a))
    train(tmp_path / "many", "many", output=target, **options)
    assert len(made) == 6
    assert not target.with_suffix(".training").exists()


def test_where_nothing_can_be_kept_a_look_is_learnt_all_the_same(pairs, tmp_path, monkeypatch):
    (tmp_path / "plates").touch()
    monkeypatch.setenv("VFXSTYLE_CACHE", str(tmp_path))
    warned = []
    monkeypatch.setattr(Clock, "warn", lambda self, text: warned.append(text))
    train(pairs, "bright", output=tmp_path / "bright.safetensors", **{**OPTIONS, "epochs": 1})
    (said,) = warned
    assert said.startswith("the next training will work out these frames again: ")
    assert str(tmp_path / "plates") in said


def test_a_preset_file_that_cannot_be_is_refused_before_the_work(pairs, tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    for target in (tmp_path, tmp_path / "look.v2", tmp_path / "folder.safetensors"):
        with pytest.raises(UsageError, match=r"must be a file that ends in \.safetensors"):
            train(pairs, "x", output=target)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.safetensors"]


def test_a_look_of_another_weight_file_is_refused_before_the_work(make_shot, tmp_path):
    preset = make_preset()
    other = replace(preset, info=replace(preset.info, weights="0" * 64))
    path = save_preset(other, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=f"other weights of {BACKBONE}"):
        grade(make_shot(), path, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.exr"))


def test_names_that_are_no_utf8_train_a_look_too(pairs, tmp_path):
    folder = tmp_path / "pairs"
    for side in ("before", "after"):
        (folder / side).mkdir(parents=True)
        for index in range(2):
            shutil.copy(
                pairs / side / f"p{index}.png", os.fsdecode(os.fsencode(folder / side) + b"/caf\xe9%d.png" % index)
            )
    report = train(folder, "odd", output=tmp_path / "odd.safetensors", **{**OPTIONS, "epochs": 2})
    files = write_training_report(report, rows_of(report))
    assert all(path.is_file() for path in files)


@pytest.mark.parametrize("option", ["description", "data_note"])
def test_texts_that_could_not_be_read_again_are_refused(pairs, tmp_path, option):
    with pytest.raises(UsageError, match="UTF-8"):
        train(pairs, "odd", output=tmp_path / "odd.safetensors", **{**OPTIONS, option: "caf\udce9"})
    assert not list(tmp_path.iterdir())


def test_pictures_of_any_shape_share_a_sheet(pairs, tmp_path):
    folder = tmp_path / "pairs"
    for name, shape in (("tall", (260, 96)), ("wide", (80, 200))):
        picture = np.resize(moving_picture(1), (*shape, 3)).astype(np.float32)
        for side, own in (("before", picture), ("after", brighter(picture))):
            codes = (own * 65535 + 0.5).astype(np.uint16)
            write_picture(folder / side / f"{name}.png", codes, kind="uint16")
    report = train(folder, "both", output=tmp_path / "both.safetensors", **{**OPTIONS, "epochs": 2})
    assert all(path.is_file() for path in write_training_report(report, rows_of(report)))


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (400, 300)])
def test_pictures_of_a_sheet_have_bounds_however_narrow_they_are(shape):
    rows, columns, _ = _shrunk(np.zeros((*shape, 3), np.float32)).shape
    assert rows <= 960
    assert columns <= 480
    assert rows == 960 or columns == 480


def test_a_look_without_a_name_has_that_of_its_file(tmp_path):
    assert named(None, tmp_path / "dusk.safetensors", None) == ("dusk", tmp_path / "dusk.safetensors")
    with pytest.raises(UsageError, match="or a file with -o"):
        named(None, None, None)


def test_graded_frames_that_are_the_plate_are_named_before_anything_is_read(make_shot):
    shot = make_shot(frames=range(1, 4))
    with pytest.raises(PairsError, match="is the plate itself"):
        find_graded_frames(shot, shot.parent / "." / shot.name)


def test_points_of_a_pair_are_single_pixels_unless_its_files_differ_in_size(tmp_path):
    plate = np.random.default_rng(0).uniform(0.1, 0.9, (96, 256, 3)).astype(np.float32)
    for name, after in (
        ("alike", plate**0.5),
        ("half", cv2.resize(plate**0.5, (128, 48), interpolation=cv2.INTER_AREA)),
    ):
        for side, picture in (("before", plate), ("after", after)):
            write_picture(tmp_path / side / f"{name}.png", (picture * 65535 + 0.5).astype(np.uint16), kind="uint16")
    with PictureReader(TrainSettings(analysis_width=128)) as reader:
        alike, half = (reader.pair(pair) for pair in find_pairs(tmp_path))
    np.testing.assert_allclose(alike.points[0], plate[1::2, 1::2], atol=1e-4)
    np.testing.assert_allclose(alike.points[1], alike.points[0] ** 0.5, atol=1e-4)
    assert np.abs(alike.before - alike.points[0]).mean() > 0.05
    assert half.points == (half.before, half.after)
