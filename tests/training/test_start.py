import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import BACKBONE, main_in_process, make_preset, moving_picture, write_picture
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from vfxstyle import load_preset, train
from vfxstyle.errors import PairsError, PresetError, UsageError
from vfxstyle.looks import read_preset, save_preset
from vfxstyle.looks.cards import model_card
from vfxstyle.looks.fit import fit_side_by_side
from vfxstyle.looks.info import CLASSLESS_SCHEMA
from vfxstyle.looks.learning import MOST_FOLDS, Learning
from vfxstyle.looks.library import user_folder
from vfxstyle.looks.preset import _KEY
from vfxstyle.settings import TrainSettings
from vfxstyle.training import learn
from vfxstyle.training.learn import which_held_out
from vfxstyle.training.pair_digests import plates_of
from vfxstyle.training.preset_file import named
from vfxstyle.training.start import Start, check_start

SETTINGS = TrainSettings(backbone=BACKBONE)
QUICK = {"superpixels": 40, "analysis_width": 96, "backbone": BACKBONE, "device": "cpu"}


def network(bias):
    """A network of :func:`make_preset` that is known by its last bias."""
    preset = make_preset(np.full(30, bias, np.float32))
    return preset.layers, preset.standardisation


def known(found):
    """The bias by which a network is known; None for no network."""
    return None if found is None else round(float(found[0][-1][1][0]), 2)


def start_of(learning, plates):
    preset = replace(make_preset(np.full(30, 0.5, np.float32)), learning=learning)
    return Start.of(preset, tuple(plates), SETTINGS)


def of_pictures(plates, folds):
    return Learning(tuple(plates), tuple(folds), {fold: network(0.1 * (fold + 1)) for fold in set(folds)})


def test_a_plate_is_known_by_its_content_and_of_a_movie_by_its_frame_too():
    given = [("a b.0001.exr 1 ff00", "x"), ("c.png None ee", "y"), ("d.mov 12 aa", "z")]
    assert plates_of(given) == ("ff00", "ee", "12 aa")


def test_a_frame_that_was_graded_anew_is_named_where_the_look_says_what_it_learnt_from():
    learning = of_pictures("abc", (0, 1, 2))
    preset = make_preset(np.full(30, 0.5, np.float32))
    for card, words in (
        ({"grades": ["x", "y", "z"]}, "2 of these pictures are known to it (1 graded anew), 1 are new"),
        ({}, "2 of these pictures are known to it, 1 are new"),
        ({"grades": 3}, "2 of these pictures are known to it, 1 are new"),
    ):
        known = replace(preset, learning=learning, info=replace(preset.info, card=card))
        start = Start.of(known, ("a", "b", "d"), SETTINGS, ("x", "other", "w"))
        assert words in start.words


def test_what_training_goes_on_from_comes_back_whole(tmp_path):
    preset = replace(make_preset(), learning=of_pictures("abc", (0, 1, 2)))
    again = read_preset(save_preset(preset, tmp_path / "look.safetensors"))
    assert again.info.schema == CLASSLESS_SCHEMA
    assert (again.learning.plates, again.learning.folds) == (("a", "b", "c"), (0, 1, 2))
    for fold, (layers, standardisation) in preset.learning.networks.items():
        found, scaling = again.learning.networks[fold]
        np.testing.assert_array_equal(scaling.std, standardisation.std)
        for (weight, bias), (other, other_bias) in zip(layers, found, strict=True):
            np.testing.assert_allclose(other, weight, atol=1e-3)
            np.testing.assert_array_equal(other_bias, bias)


def tensor(name, shape):
    return lambda tensors, values: tensors.update({name: np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    "change",
    [
        tensor("learning.1.0.weight", (3, 3)),
        tensor("learning.1.std", (0,)),
        tensor("learning.7.mean", (4,)),
        lambda tensors, values: tensors.pop("learning.1.2.bias"),
        lambda tensors, values: values.pop("learning"),
        lambda tensors, values: values["learning"].update(folds=[0]),
        lambda tensors, values: values["learning"].update(plates=[1, 2, 3]),
        lambda tensors, values: values["learning"].update(networks=[0, "1", 2]),
        lambda tensors, values: values["learning"].update(networks=[0, 1]),
        lambda tensors, values: values["learning"].update(folds=[0, 1, 10**20]),
        lambda tensors, values: values["learning"].update(folds=[0, 1, -1]),
        lambda tensors, values: values["learning"].update(folds=[0, 1, 1]),
        lambda tensors, values: values["learning"].update(earlier=[7]),
        lambda tensors, values: values.update(learning=3),
    ],
)
def test_what_does_not_fit_together_is_damage(tmp_path, change):
    path = save_preset(replace(make_preset(), learning=of_pictures("abc", (0, 1, 2))), tmp_path / "look.safetensors")
    with safe_open(path, framework="numpy") as file:
        values = json.loads(file.metadata()[_KEY])
    tensors = load_file(path)
    change(tensors, values)
    save_file(tensors, path, {_KEY: json.dumps(values)})
    with pytest.raises(PresetError, match="what training goes on from cannot be used"):
        read_preset(path)


def test_a_changed_grade_is_tested_by_networks_that_have_not_seen_its_frame():
    start = start_of(of_pictures("abc", (0, 1, 2)), "abc")
    folds = start.folds()
    assert folds.tolist() == [0, 1, 2]
    assert [known(start.network_without(fold, folds)) for fold in range(3)] == [0.1, 0.2, 0.3]


def test_a_frame_that_is_added_is_a_fold_of_its_own_and_tests_the_whole_network():
    start = start_of(of_pictures("abc", (0, 1, 2)), "abxc")
    folds = start.folds()
    assert folds.tolist() == [0, 1, 3, 2]
    assert known(start.network_without(3, folds)) == 0.5
    assert known(start.network_without(2, folds)) == 0.3
    assert "3 of these pictures are known to it, 1 are new" in start.words
    assert "forgotten" not in start.words


def test_a_fifth_frame_joins_a_fold_whose_network_has_seen_neither():
    start = start_of(of_pictures("abcd", (0, 1, 2, 3)), "xabcd")
    folds = start.folds()
    assert MOST_FOLDS == 4
    assert folds.tolist() == [0, 0, 1, 2, 3]
    assert known(start.network_without(0, folds)) == 0.1


def test_frames_of_one_fold_alone_are_put_into_several():
    start = start_of(of_pictures("abcdefghi", (0, 1, 2, 3, 0, 1, 2, 3, 0)), "aei")
    folds = start.folds()
    assert folds.tolist() == [0, 1, 2]
    assert [known(start.network_without(fold, folds)) for fold in range(3)] == [0.1] * 3
    assert "6 that it was learnt from are not given, and may be forgotten" in start.words


def test_one_frame_is_tested_in_tiles_and_so_are_two_but_not_three():
    tiles = Learning(("a",), (), {0: network(0.1), 1: network(0.2)})
    for plates in ("a", "ab"):
        start = start_of(tiles, plates)
        assert start.folds() is None
        assert [known(start.network_without(fold, None)) for fold in (0, 1)] == [0.1, 0.2]
    start = start_of(tiles, "abc")
    folds = start.folds()
    assert folds.tolist() == [0, 1, 2]
    assert [known(start.network_without(fold, folds)) for fold in range(3)] == [None, 0.5, 0.5]


def test_two_of_three_frames_have_no_network_that_has_not_seen_a_tile_of_them():
    start = start_of(of_pictures("abc", (0, 1, 2)), "ab")
    assert known(start.network_without(0, start.folds())) is None


def test_a_plate_that_was_left_out_and_comes_back_is_known_to_all_networks():
    """It is in no fold any more, but what the networks descend from has seen it."""
    first = start_of(of_pictures("abcd", (0, 1, 2, 3)), "abc")
    assert first.earlier == ("d",)
    second = replace(of_pictures("abc", (0, 1, 2)), earlier=first.earlier)
    start = start_of(second, "abcd")
    folds = start.folds()
    assert folds.tolist() == [0, 1, 2, 3]
    assert [known(start.network_without(fold, folds)) for fold in range(4)] == [0.1, 0.2, 0.3, None]
    assert "4 of these pictures are known to it, 0 are new" in start.words
    assert not any(start.unseen)
    assert start_of(second, "ab").earlier == ("c", "d")


def test_a_plate_that_is_there_twice_has_no_network_that_has_not_seen_it():
    start = start_of(of_pictures("aab", (0, 1, 2)), "aab")
    folds = start.folds()
    found = [known(start.network_without(fold, folds)) for fold in sorted(set(folds.tolist()))]
    assert found.count(None) >= 1
    assert set(found) <= {None, 0.3}


def test_of_many_pairs_those_that_were_held_out_stay_so_and_new_ones_join_them():
    plates = [f"p{index}" for index in range(30)]
    many = Learning(tuple(plates[:20]), (1, 1, 1) + (0,) * 17, {})
    for count, fewest in ((20, 0), (21, 0), (25, 1), (30, 1)):
        out = which_held_out(range(count), SETTINGS, start_of(many, plates[:count])).nonzero()[0].tolist()
        assert out[:3] == [0, 1, 2]
        assert len(out) - 3 >= fewest
        assert min(out[3:], default=20) >= 20
    with pytest.raises(PairsError, match="the look has learnt from all of these pairs"):
        start_of(many, [*plates[3:20], *plates[3:6]])


def test_twenty_pairs_of_which_one_is_new_stay_in_folds():
    """One new pair could not choose the epoch and measure the look, and would not be learnt."""
    plates = [f"p{index}" for index in range(24)]
    few = of_pictures(plates[:19], [index % 4 for index in range(19)])
    assert not start_of(few, plates[:20]).holds_out(SETTINGS)
    assert not start_of(few, plates[:19]).holds_out(SETTINGS)
    start = start_of(few, plates)
    assert start.holds_out(SETTINGS)
    assert which_held_out(range(24), SETTINGS, start).nonzero()[0].min() >= 19


def test_every_part_is_tested_by_the_network_that_has_not_seen_it(tmp_path, monkeypatch):
    """Of pairs of pictures that are learnt, and learnt again with one added and another edited."""
    folder, tasks = tmp_path / "pairs", []
    pair(folder, 0)
    pair(folder, 1)
    pair(folder, 2)
    first = train(folder, "look", output=tmp_path / "a.safetensors", **QUICK, epochs=1)
    learning = read_preset(first.path).learning
    pair(folder, 1, lift=0.1)
    pair(folder, 3)
    found = fit_side_by_side
    monkeypatch.setattr(
        "vfxstyle.training.learn.fit_side_by_side", lambda given, *rest: tasks.extend(given) or found(given, *rest)
    )
    train(folder, "look", start=first.path, output=tmp_path / "b.safetensors", **QUICK, epochs=1)
    *folds, whole = tasks
    assert len(folds) == 4
    for fold, task in enumerate(folds):
        out = set(task.held_out.picture.tolist())
        assert out == {fold}
        assert not out & set(task.samples.picture.tolist())
        expected = learning.networks[fold][0] if fold < 3 else first.preset.layers
        np.testing.assert_array_equal(task.start[0][0][0], expected[0][0])
    np.testing.assert_array_equal(whole.start[0][0][0], first.preset.layers[0][0])


def pair(folder, index, lift=0.0):
    """Write a pair of pictures, graded."""
    before = moving_picture(5 * index, seed=index)
    after = np.clip(0.8 * before + [0.15, 0.05 + lift, 0], 0, 1)
    for side, picture in (("before", before), ("after", after)):
        write_picture(folder / side / f"p{index}.png", (picture * 255).astype(np.uint8), kind="uint8")


def test_versions_of_one_photograph_are_held_out_together_or_not_at_all():
    plates = [f"p{index}" for index in range(8)]
    start = start_of(Learning(tuple(plates[:4]), (0, 1, 0, 0), {}), plates)
    out = which_held_out([0, 0, 1, 1, 2, 2, 3, 3], SETTINGS, start)
    assert out.tolist() in ([False] * 4 + [True] * 2 + [False] * 2, [False] * 6 + [True] * 2)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({"learning": None}, SETTINGS, "does not keep what training needs to go on"),
        ({}, replace(SETTINGS, backbone="efficientnet-lite0"), f"give --backbone {BACKBONE}"),
        ({}, replace(SETTINGS, blocks=("global",)), "was learnt with other blocks of features"),
        ({}, replace(SETTINGS, any_light=True), "is for the light of its pictures, and goes on as it began"),
    ],
)
def test_a_look_that_training_cannot_go_on_from_says_why(change, settings, message):
    preset = replace(make_preset(), learning=of_pictures("abc", (0, 1, 2)))
    with pytest.raises(UsageError, match=message):
        check_start(replace(preset, **change), settings, preset.info.weights)
    with pytest.raises(UsageError, match="other weights"):
        check_start(preset, SETTINGS, "f" * 64)
    check_start(preset, SETTINGS, preset.info.weights)


def test_it_is_saved_where_it_came_from_unless_it_is_shipped(tmp_path, monkeypatch):
    look = replace(make_preset(), learning=of_pictures("abc", (0, 1, 2)))
    own = save_preset(look, tmp_path / "show" / "own.safetensors")
    assert named(None, None, own) == ("test", own)
    assert named(None, None, str(own)) == ("test", own)
    assert named("other", None, own) == ("other", None)
    assert named(None, "o.safetensors", own) == ("test", "o.safetensors")
    installed = save_preset(look, user_folder() / "installed.safetensors")
    assert named(None, None, "installed") == ("test", installed)
    assert named(None, None, "golden") == ("golden", None)
    monkeypatch.setenv("VFXSTYLE_PRESETS", f"{user_folder()}:{own.parent}")
    assert named(None, None, "own") == ("test", None)  # a show's folder, which is not where looks are saved
    with pytest.raises(UsageError, match="give it with --name"):
        named(None, None, None)
    with pytest.raises(PresetError, match="There is no preset 'absent'"):
        named(None, None, "absent")
    with pytest.raises(PresetError, match=r"Did you mean golden\?$"):
        named(None, None, "goldn")


def graded(folder, numbers, lift=0.0):
    for number in numbers:
        plate = moving_picture(number - 1001)
        after = np.clip(0.8 * plate + 0.1 + lift * np.array([1, 0, 0]), 0, 1)
        write_picture(folder / f"g.{number}.png", (after * 255).astype(np.uint8), kind="uint8")
    return folder


def test_a_lookdev_artist_goes_on_after_an_edit_and_with_a_frame_added(tmp_path):
    shot = tmp_path / "shot"
    for number in range(1001, 1010):
        write_picture(shot / f"s.{number}.png", (moving_picture(number - 1001) * 255).astype(np.uint8), kind="uint8")
    options = ["--superpixels", "40", "--analysis-width", "96", "--backbone", BACKBONE, "--no-suggest"]
    hand = graded(tmp_path / "hand", (1001, 1004, 1007))
    command = ["train", "--shot", shot, "--graded", hand, *options]
    first = main_in_process(*command, "--name", "sh010")
    assert first.returncode == 0, first.stderr
    path = user_folder() / "sh010.safetensors"
    before = load_preset("sh010")
    graded(hand, (1004, 1009), lift=0.05)
    again = main_in_process(*command, "--continue", "sh010", "-v")
    assert again.returncode == 0, again.stderr
    assert "training goes on from sh010: 3 of these pictures are known to it (1 graded anew), 1 are new" in again.stderr
    after = load_preset("sh010")
    assert read_preset(path).digest == after.digest != before.digest
    assert after.info.card["start"] == f"sh010, SHA-256 {before.digest}"
    assert f"Training went on from sh010, SHA-256 {before.digest}" in model_card(after.info)
    assert len(after.learning.plates) == 4
    np.testing.assert_array_equal(after.standardisation.mean, before.standardisation.mean)


def test_going_on_takes_a_third_of_the_passes_and_ends_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(learn, "_MIN_STEPS", 300)  # a fifth of what few pairs get, which is what takes time
    folder = tmp_path / "pairs"
    for index in range(3):
        pair(folder, index)
    first = train(folder, "look", output=tmp_path / "a.safetensors", **QUICK)
    again = train(folder, None, start=first.path, output=tmp_path / "b.safetensors", **QUICK)
    assert again.preset.info.name == "look"
    assert again.curve[-1].number == -(-first.curve[-1].number // 3)
    assert again.errors.predicted < 1.05 * first.errors.predicted
    same = train(folder, "look", start=first.path, output=tmp_path / "c.safetensors", **QUICK)
    assert same.path.read_bytes() == again.path.read_bytes()


def test_a_look_of_fewer_blocks_goes_on_with_these(tmp_path):
    """Those of an earlier version, when there were fewer."""
    folder, blocks = tmp_path / "pairs", ("global", "semantic_coarse", "mean")
    pair(folder, 0)
    pair(folder, 1)
    first = train(folder, "look", output=tmp_path / "a.safetensors", **QUICK, epochs=1, blocks=blocks)
    again = train(folder, "look", start=first.path, output=tmp_path / "b.safetensors", **QUICK, epochs=1)
    assert again.preset.info.blocks == blocks


def test_a_block_that_the_backbone_has_not_is_refused(tmp_path):
    pair(tmp_path / "pairs", 0)
    with pytest.raises(UsageError, match=r"has no block of features called 'classes_fine'; choose among global, "):
        train(tmp_path / "pairs", "look", output=tmp_path / "a.safetensors", **QUICK, blocks=("global", "classes_fine"))
