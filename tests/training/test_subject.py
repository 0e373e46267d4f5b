"""A matte tells training what the subject is."""

import numpy as np
import pytest
from helpers import BACKBONE, Steps, in_process, moving_picture, write_picture

from vfxstyle import train
from vfxstyle.errors import FrameError, PairsError, UsageError
from vfxstyle.features import RawFeatures
from vfxstyle.looks import read_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.looks.layers import GradeLayers
from vfxstyle.progress import Clock, Silent, Stage
from vfxstyle.review import training_page
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.graded_frames import odd_frames
from vfxstyle.training.subject import balanced, lie_inside

OPTIONS = {"superpixels": 60, "analysis_width": 128, "epochs": 2, "backbone": BACKBONE, "device": "cpu"}


def example(count=10):
    """Superpixels with four pixels each, one below the other: superpixel n is row n of a picture 4 px wide."""
    pixels = np.arange(4 * count, dtype=np.int32).reshape(count, 4)
    values = np.repeat(np.arange(count, dtype=np.float32), 12).reshape(count, 4, 3)
    raw = RawFeatures(np.zeros(2, np.float16), {"mean": np.arange(count, dtype=np.float16)[:, None]})
    return TrainingExample(raw=raw, pixels=pixels, before=values, after=values, bands=values, shape=(count, 4))


def test_a_small_subject_counts_as_much_as_the_rest():
    matte = np.zeros((10, 4), np.float32)
    matte[2:4] = 1
    matte[5, :1] = 1  # a corner only
    found = balanced(example(), lie_inside(example(), matte))
    inside = lie_inside(found, matte)
    assert inside.sum() == (~inside).sum() == 8
    rows = found.raw.blocks["mean"][:, 0].astype(int)
    assert sorted(set(rows.tolist())) == list(range(10))  # nothing is left out
    np.testing.assert_array_equal(found.before[:, 0, 0], rows)
    np.testing.assert_array_equal(found.pixels[:, 0], 4 * rows)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_or_nothing_leaves_the_example_alone(value):
    inside = lie_inside(example(), np.full((10, 4), value, np.float32))
    assert balanced(example(), inside).pixels.shape == (10, 4)


@pytest.fixture
def shot(tmp_path):
    """A shot, three graded frames whose middle is treated apart, and its mattes."""
    matte = np.zeros((72, 128, 1), np.float32)
    matte[24:48, 40:80] = 1
    for number in range(1001, 1006):
        plate = moving_picture(number - 1001)
        write_picture(tmp_path / "shot" / f"s.{number}.png", (plate * 255 + 0.5).astype(np.uint8), kind="uint8")
        write_picture(tmp_path / "matte" / f"m.{number}.png", (matte * 255).astype(np.uint8), kind="uint8")
        if number % 2:
            graded = plate * 0.7 * (1 - matte) + np.clip(plate * [1.3, 1.0, 0.6], 0, 1) * matte
            write_picture(tmp_path / "graded" / f"g.{number}.png", (graded * 255 + 0.5).astype(np.uint8), kind="uint8")
    return {"shot": tmp_path / "shot", "graded": tmp_path / "graded"}


def test_the_subject_is_told_apart_and_its_matte_carried(shot, tmp_path):
    report = train(None, "x", **shot, matte=str(tmp_path / "matte"), output=tmp_path / "x.safetensors", **OPTIONS)
    assert report.subject is not None
    assert report.subject.subject > 0
    preset = read_preset(report.path)
    assert "- Graded frames of one shot: 1001, 1003, 1005;" in model_card(preset.info)
    layers = preset.graded.layers
    assert layers is not None
    assert layers.share == pytest.approx(24 * 40 / (72 * 128), rel=0.15)


def test_mattes_that_say_nothing_are_refused(shot, tmp_path):
    for path in (tmp_path / "matte").iterdir():
        write_picture(path, np.zeros((72, 128, 1), np.uint8), kind="uint8")
    with pytest.raises(PairsError, match="is empty on every graded frame"):
        train(None, "x", **shot, matte=str(tmp_path / "matte"), output=tmp_path / "x.safetensors", **OPTIONS)
    for side in ("before", "after"):
        plate = moving_picture(1)
        write_picture(tmp_path / "pairs" / side / "a.png", (plate * 255).astype(np.uint8), kind="uint8")
    with pytest.raises(UsageError, match="leave it out for pairs of pictures"):
        train(tmp_path / "pairs", "x", matte=str(tmp_path / "matte"), output=tmp_path / "x.safetensors", **OPTIONS)


def test_a_page_tells_how_far_training_is_and_what_it_learnt(shot, tmp_path):
    options = ["--superpixels", 60, "--analysis-width", 128, "--epochs", 2, "--backbone", BACKBONE, "--device", "cpu"]
    target = tmp_path / "x.safetensors"
    words = ["train", "--name", "x", "--shot", shot["shot"], "--graded", shot["graded"], "-o", target, *options]
    done = in_process(*words)
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "x.html").read_text()
    assert "refresh" not in page
    assert "Pairs, the worst first" in page
    assert "The shot is not analysed yet" in page
    assert page.count("data:image/jpeg") == 3 * 4 + 2 * len({1001, 1003, 1005, *next_frames(done.stderr)})


def next_frames(said):
    """The frame that the training says would help most, if it says one."""
    lines = [line for line in said.splitlines() if line.startswith("grading these frames")]
    return [int(lines[0].split(": ")[1].split(",")[0])] if lines else []


def run_that_stops(page, seen):
    """Two epochs, then a failure; ``seen`` takes up the page before it."""
    clock = Clock(page)
    with page:
        with clock.stage(Stage.TRAINING, 3) as step:
            for number in (1, 2):
                clock.epoch(number, 2.0 / number)
                step()
        seen.append(page.file.read_text())
        raise PairsError("the pairs are mixed up")


def test_the_page_goes_on_while_it_runs_and_says_why_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(training_page, "EVERY", 0.0)
    page, seen = training_page.TrainingPage(tmp_path / "x.html", "x", Silent()), []
    with pytest.raises(PairsError):
        run_that_stops(page, seen)
    assert all(words in seen[0] for words in ('http-equiv="refresh"', "2 of 3", "<polyline"))
    assert "Stopped: the pairs are mixed up" in page.file.read_text()
    assert "refresh" not in page.file.read_text()


def refuse_pairs(page):
    """A run whose first pair is good and whose second is not."""
    with page, Clock(page).stage(Stage.PAIRS, 2) as step:
        step()
        raise PairsError("the pairs are mixed up")


def test_pairs_that_are_refused_leave_an_earlier_page_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(training_page, "EVERY", 0.0)
    file = tmp_path / "x.html"
    file.write_text("learnt before")
    with pytest.raises(PairsError):
        refuse_pairs(training_page.TrainingPage(file, "x", Silent()))
    assert file.read_text() == "learnt before"


def test_a_matte_that_lacks_a_graded_frame_is_told_before_the_work(shot, tmp_path):
    next(iter(sorted((tmp_path / "matte").iterdir()))).unlink()
    seen = Steps()
    with pytest.raises(FrameError, match="has no frame 1001; render it, or leave that frame out, in grade with -f"):
        train(None, "x", **shot, matte=str(tmp_path / "matte"), output=tmp_path / "x.safetensors", progress=seen)
    assert seen.stages == []


def test_a_frame_that_was_graded_otherwise_than_the_rest_is_named():
    """Three frames of two layers; on one the second was edited afterwards."""
    random = np.random.default_rng(0)
    gates = np.zeros((3, 40, 60), np.float32)
    gates[:, 10:30, 10:40] = 1
    cubes = np.zeros((2, 2, 2, 2, 3), np.float32)
    cubes[1, ..., 0] = 10
    layers = GradeLayers(cubes, gates, 0.5)
    labs = [np.full((40, 60, 3), 40, np.float32) + random.normal(0, 8, (40, 60, 3)).astype(np.float32) for _ in gates]
    change = [layers.shaped(gate)[..., None] * np.array([10, 0, 0], np.float32) for gate in gates]
    names = ["1001", "1005", "1009"]
    assert odd_frames(layers, labs, change, names) == []
    change[1] = change[1] + layers.shaped(gates[1])[..., None] * np.array([2, 0, 1], np.float32)
    (text,) = odd_frames(layers, labs, change, names)
    assert text.startswith("frame 1005: what is treated apart is graded otherwise than on the other graded frames")
    change[2] = change[2] + 3 * (1 - layers.shaped(gates[2])[..., None])
    assert [text[:41] for text in odd_frames(layers, labs, change, names)] == [
        "frame 1009: the rest of the frame is grad",
        "frame 1005: what is treated apart is grad",
    ]
    two = GradeLayers(cubes, gates[:2], 0.5)
    assert odd_frames(two, labs[:2], change[:2], names[:2]) == []
