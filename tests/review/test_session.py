"""The review without a browser: what it renders and corrects, and whom it refuses."""

import json
import shlex
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import QUICK, QUICK_FLAGS, main_in_process, read_pixels
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from serving import serving

from vfxstyle import grade
from vfxstyle.analysis import tracks
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.cli import cli
from vfxstyle.color import ColorConfig
from vfxstyle.color.screens import baked
from vfxstyle.errors import OutputError, ResourceError, UsageError
from vfxstyle.grading.corrections import Corrections, read_corrections
from vfxstyle.looks.library import user_folder
from vfxstyle.looks.matte_colours import MatteColours
from vfxstyle.review import following
from vfxstyle.review.following import Selection, inside
from vfxstyle.review.review import opened_review
from vfxstyle.review.session import Asked
from vfxstyle.superpixels import carrying
from vfxstyle.superpixels.tracks import Track, own_places


def ask(address, path="", sent=None, **headers):
    """Status and body of an answer."""
    data = None if sent is None else json.dumps(sent).encode()
    origin = {} if sent is None else {"Origin": "/".join(address.split("/")[:3])}
    request = urllib.request.Request(address + path, data=data, headers={**origin, **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def opened(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 6), extension="png")
    with opened_review(shot, str(lively_preset), analysis=tmp_path / "analysis", **QUICK) as review:
        yield shot, review.session


def test_the_page_shows_what_the_grade_writes_with_its_corrections(opened, tmp_path, lively_preset, identity_preset):
    shot, session = opened
    found = session.lassoed(3, [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)])
    session.correct(found, 0.0, None, "left")
    session.save()
    options = {**QUICK, "strength": 0.7, "analysis": tmp_path / "analysis", "adjust": str(session.file)}
    report = grade(shot, lively_preset, tmp_path / "out", format="png", **options)
    for number, path in zip(range(1, 6), report.files, strict=True):
        shown = session.graded(Asked(frame=number, preset=str(lively_preset), strength=0.7))
        gap = np.abs(read_pixels(path) * 255 - shown)
        assert gap.max() <= 1.01, number
    assert "--strength 0.7" in session.command(str(lively_preset), 0.7)
    assert f"--adjust {session.file}" in session.command(str(lively_preset), 0.7)


def test_undo_redo_and_what_is_saved(opened):
    _, session = opened
    one, two = (
        session.at(1, (0.1, 0.1), session.preset, group=False),
        session.at(1, (0.9, 0.9), session.preset, group=True),
    )
    session.correct(one, 0.5, None, "one")
    session.correct(two, 0.0, None, "two")
    assert [own["name"] for own in session.state()["corrections"]] == ["one", "two"]
    session.history.undo()
    assert (session.state()["can_undo"], session.state()["can_redo"], session.state()["saved"]) == (True, True, False)
    session.save()
    assert read_corrections(session.file).made[0].frames == one.frames
    session.history.redo()
    session.history.remove(0)
    assert [own["name"] for own in session.state()["corrections"]] == ["two"]
    for _ in range(9):
        session.history.undo()
    assert session.corrections.made == ()
    with pytest.raises(UsageError, match="Nothing is selected"):
        session.correct(Selection(), 0.5, None, "none")


def test_a_selection_moves_with_what_it_is_on(opened):
    """The made-up shot moves two pixels a frame to the left; so does what was selected on it."""
    _, session = opened
    selection = session.lassoed(3, [(0.4, 0.2), (0.7, 0.2), (0.7, 0.8), (0.4, 0.8)])
    labels = session.view.analysis.read_labels

    def centre(number):
        return np.nonzero(np.isin(labels(number), selection.on(number)))[1].mean() * 128 / 96

    assert sorted(selection.frames) == [1, 2, 3, 4, 5]
    assert centre(1) - centre(3) == pytest.approx(4, abs=2.5)
    assert centre(5) - centre(3) == pytest.approx(-4, abs=2.5)


def test_a_selection_takes_in_what_features_say_where_tracks_are_lost(opened, monkeypatch):
    _, session = opened
    labels = session.view.analysis.read_labels(1)

    def lost(analysis, graded, number):
        return Track(own_places(*labels.shape), np.zeros(labels.shape, np.float32))

    monkeypatch.setattr(following, "read_track", lost)
    monkeypatch.setattr(carrying, "_by_life", lambda _, labels, lab: np.zeros((2, *labels.shape), np.float32))
    monkeypatch.setattr(MatteColours, "logits", lambda self, lab: np.zeros(lab.shape[:2], np.float32))
    right = np.unique(labels[:, 48:])

    def on_the_right(analysis, vectors, mattes):
        assert vectors.shape[0] == len(analysis.read_superpixels().labels)
        assert list(mattes) == [3]
        assert 0.1 < mattes[3].mean() < 0.5
        known = analysis.read_superpixels().labels
        return np.stack([np.isin(known, right), np.ones(len(known))], axis=-1).astype(np.float32)

    monkeypatch.setattr(following, "classify_vectors", on_the_right)
    lasso = [(0.4, 0.2), (0.7, 0.2), (0.7, 0.8), (0.4, 0.8)]
    found = np.isin(labels, session.lassoed(3, lasso).on(1))
    assert found[:, 60:].all()
    assert not found[:, :30].any()
    session.view.look(session.preset).analysis.features_file.unlink()
    assert session.lassoed(3, lasso).on(1) != ()  # they have been read
    session.view.renew()
    monkeypatch.setattr(session, "_vectors", None)  # as in a review that is opened now
    assert session.lassoed(3, lasso).on(1) == ()  # nothing is known any more


def test_a_selection_ends_where_nothing_is_tracked(opened, monkeypatch):
    _, session = opened
    for module in (tracks, following):
        monkeypatch.setattr(module, "REACH", 2)
    found = session.at(1, (0.5, 0.5), session.preset).frames
    assert [bool(found[number]) for number in range(1, 6)] == [True, True, True, False, False]


def test_a_lasso_selects_what_lies_mostly_in_it():
    labels = np.zeros((10, 10), np.int32)
    labels[:, 5:] = 1
    mask = np.zeros((10, 10), bool)
    mask[:, 4:] = True
    assert inside(labels, mask) == (1,)
    mask[:] = False
    assert inside(labels, mask) == ()
    mask[3, 3] = True
    assert inside(labels, mask) == (0,)  # a lasso inside one superpixel selects it


def test_only_the_page_itself_is_answered(make_shot, tmp_path, lively_preset):
    with serving(make_shot(extension="png"), str(lively_preset)) as review:
        base = "/".join(review.address.split("/")[:3])
        assert review.address.startswith("http://127.0.0.1:")
        assert ask(review.address)[0] == 200
        assert ask(review.address, "plate/1001.png")[1].startswith(b"\x89PNG")
        assert ask(f"{base}/")[0] == 404
        assert ask(f"{base}/state")[0] == 404
        assert ask(f"{base}/{'x' * 32}/state")[0] == 404
        assert ask(review.address, "state", Host="example.com")[0] == 403
        assert ask(review.address, "state", Origin="http://example.com")[0] == 403
        assert ask(review.address, "undo", {}, Origin="http://example.com")[0] == 403
        assert ask(review.address, "undo", {}, Origin="null")[0] == 403
        assert ask(review.address, "undo", {})[0] == 200
        for path in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "review.py", "assets/review.js", "%2e%2e/page.css"):
            assert ask(review.address, path)[0] == 404, path
        for path in ("graded/1001.png?preset=..%2F..%2Fx", "graded/1001.png?preset=/etc/passwd.safetensors"):
            assert ask(review.address, path)[0] == 422, path
        for path in ("plate/9999.png", "plate/999999999999999999999.png", "graded/7.png?preset=x"):
            assert ask(review.address, path)[0] in (404, 422), path
        for path in ("graded/1001.png", f"graded/1001.png?preset={lively_preset}&strength=nan", "command"):
            assert ask(review.address, path)[0] == 400, path
        for selection in (0, -1, 10**20, "x", None):
            assert ask(review.address, "mask", {"frame": 1001, "selection": selection})[0] == 400
        assert ask(review.address, "correct", {"selection": 0, "strength": 7})[0] == 400
        assert ask(review.address, "remove", {"index": 3})[0] == 400
        assert ask(review.address, "lasso", {"frame": 1001, "outline": [[0, 0], ["x", 1], [1, 1]]})[0] == 400
        assert ask(review.address, "pick", {"frame": 1001, "x": 4, "y": 0, "preset": "x"})[0] == 400
        assert ask(review.address, "undo", {"x": "y" * 5_000_000})[0] == 413
        assert ask(review.address, "state")[0] == 200  # and it lives


def test_a_cleared_analysis_is_made_anew(make_shot, tmp_path, lively_preset):
    with serving(make_shot(extension="png"), str(lively_preset), analysis=tmp_path / "analysis") as review:
        shutil.rmtree(tmp_path / "analysis")
        status, body = ask(review.address, "graded/1004.png?preset=" + str(lively_preset))
        assert status == 409, body
        assert b"made anew" in body
        for _ in range(100):
            if not json.loads(ask(review.address, "state")[1])["mending"]:
                break
            time.sleep(0.2)
        assert ask(review.address, "graded/1004.png?preset=" + str(lively_preset))[0] == 200
        assert AnalysisFolder(tmp_path / "analysis").manifest


def test_a_frame_goes_out_to_be_graded_and_comes_back(opened):
    shot, session = opened
    sent = session.regrading.send(2)
    assert sent.read_bytes() == (shot / "plate.0002.png").read_bytes()
    note = json.loads((sent.parent / "spaces.json").read_text())
    assert note["plate space"] == "sRGB - Display"
    assert session.state()["regrading"]["arrived"] == []
    (session.regrading.graded / "look.0002.png").write_bytes(sent.read_bytes())
    assert session.state()["regrading"]["arrived"] == [2]


def test_a_taken_port_is_said(make_shot, lively_preset):
    shot = make_shot()
    with opened_review(shot, str(lively_preset), **QUICK) as review:
        again = opened_review(shot, str(lively_preset), port=review.port, **QUICK)
        with pytest.raises(ResourceError, match=f"Port {review.port} of this machine is taken"), again:
            pass


def test_a_baked_view_is_near_the_view():
    """For pictures that are replaced when nothing moves; of colours of photographs it is within a code or two."""
    config = ColorConfig.load()
    view, _ = config.to_screen(config.space("lin_rec709_scene"))
    random = np.random.default_rng(0)
    grey = 2.0 ** random.uniform(-7, 3, (4000, 1))
    light = (grey * random.uniform(0.6, 1.4, (4000, 3))).astype(np.float32)
    gap = np.abs(np.clip(baked(view).apply(light), 0, 1) - np.clip(view.apply(light), 0, 1)) * 255
    assert gap.mean() < 0.1
    assert gap.max() < 3


def test_the_command_names_the_result_under_review_for_its_own_look_alone(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 3), extension="png"), tmp_path / "result"
    options = {**QUICK, "analysis": tmp_path / "analysis"}
    with opened_review(shot, str(lively_preset), output=str(out), **options) as review:
        words = shlex.split(review.session.command(str(lively_preset), 1.0))
        assert words[words.index("-o") + 1] == str(out)
        assert "-o" not in shlex.split(review.session.command("golden", 1.0))


def test_the_command_names_a_result_with_tokens_in_its_name(make_shot, tmp_path, lively_preset, monkeypatch):
    shot, said = make_shot(frames=range(1, 3), extension="png"), []
    monkeypatch.setattr(
        "vfxstyle.review.review.serve",
        lambda server, browser: said.append(shlex.split(server.session.command(str(lively_preset), 1.0))),
    )
    named = ["--to", "{root}/{seq}/graded", "--tokens", "{seq}/plate"]
    ran = main_in_process("review", shot, "--preset", lively_preset, *named, "--no-browser", *QUICK_FLAGS)
    assert ran.returncode == 0, ran.stderr
    (words,) = said
    assert words[words.index("-o") + 1] == str(tmp_path / "graded")


def test_the_command_has_the_strength_of_the_page_whatever_a_show_file_says(opened, tmp_path, lively_preset):
    shot, session = opened
    (tmp_path / "vfxstyle.toml").write_text("[grade]\nstrength = 0.5\n")
    runner = CliRunner()
    without = ["grade", str(shot), "--preset", str(lively_preset), "-n", "--progress", "none"]
    assert json.loads(runner.invoke(cli, without).stdout)["settings"]["strength"] == 0.5
    for strength in (1.0, 0.25):
        words = shlex.split(session.command(str(lively_preset), strength))
        planned = json.loads(runner.invoke(cli, [*words[1:], "-n", "--progress", "none"]).stdout)
        assert planned["settings"]["strength"] == strength


def test_a_damaged_look_of_the_user_is_no_trouble_of_another(opened, lively_preset):
    _, session = opened
    broken = user_folder() / "broken.safetensors"
    broken.parent.mkdir(parents=True, exist_ok=True)
    tensors = load_file(lively_preset)
    tensors["standardisation.mean"][0] = np.nan
    with safe_open(lively_preset, framework="numpy") as file:
        save_file(tensors, broken, file.metadata())
    assert "broken" not in session.presets
    assert session.state()["presets"][0] == session.preset


def test_a_correction_takes_a_look_by_its_whole_path(make_shot, tmp_path, lively_preset, monkeypatch):
    monkeypatch.chdir(lively_preset.parent)
    shot = make_shot(frames=range(1, 4), extension="png")
    with opened_review(shot, lively_preset.name, analysis=tmp_path / "analysis", **QUICK) as review:
        session = review.session
        session.correct(session.at(1, (0.1, 0.1), session.preset, group=False), 1.0, session.preset, "own")
        (made,) = session.history.now
    assert made.preset == str(lively_preset)


def test_corrections_that_cannot_be_saved_stay_a_draft(opened, monkeypatch):
    _, session = opened
    session.correct(session.at(1, (0.1, 0.1), session.preset, group=False), 0.5, None, "own")
    Corrections(analysis="another", made=session.history.now).save(session.file)

    def full(path, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OutputError, match=r"cannot be saved in .*No space left"):
            session.save()
    assert not session.history.is_saved
    assert session.file.with_name("adjust.draft.json").is_file()
    session.save()
    assert session.history.is_saved
    assert not session.file.with_name("adjust.draft.json").exists()
