import numpy as np
import pytest
from helpers import moving_picture, write_picture

from vfxstyle import load_preset, train
from vfxstyle.color import lab_to_linear, linear_to_lab, linear_to_srgb, srgb_to_linear
from vfxstyle.errors import PairsError, UsageError
from vfxstyle.pipeline.cards import model_card
from vfxstyle.pipeline.grade import grade
from vfxstyle.pipeline.library import find_preset, installed_presets
from vfxstyle.pipeline.pairs import find_pairs
from vfxstyle.pipeline.settings import TrainSettings
from vfxstyle.shots import open_shot

QUICK = TrainSettings(superpixels=60, analysis_width=128, epochs=60, device="cpu", description="brighter")


def brighter(rgb):
    lab = linear_to_lab(srgb_to_linear(rgb))
    lab[..., 0] = 0.8 * lab[..., 0] + 15
    lab[..., 2] += 8
    return np.clip(linear_to_srgb(lab_to_linear(lab)), 0, 1)


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
    return train(pairs, "bright", output=tmp_path_factory.mktemp("presets") / "bright.safetensors", settings=QUICK)


def test_a_simple_look_is_learnt(trained):
    assert trained.pairs == 4
    assert trained.held_out == 0
    assert trained.errors.predicted < 0.25 * trained.errors.distance
    assert set(trained.seconds) == {"features", "training"}


def test_the_learnt_look_is_put_on_a_shot(trained, tmp_path):
    plate = moving_picture(3, seed=2)
    write_picture(tmp_path / "shot" / "a.0001.png", (plate * 65535 + 0.5).astype(np.uint16), kind="uint16")
    grade(tmp_path / "shot", trained.path, tmp_path / "out", format="png", superpixels=60, analysis_width=128)
    out = open_shot(tmp_path / "out").read(1).rgb
    wanted, got, had = (linear_to_lab(srgb_to_linear(p)) for p in (brighter(plate), out, plate))
    error = np.linalg.norm(got - wanted, axis=-1).mean()
    assert error < 0.5 * np.linalg.norm(had - wanted, axis=-1).mean()


def test_the_preset_says_where_it_comes_from(trained):
    info = load_preset(trained.path).info
    assert (info.name, info.backbone, info.description) == ("bright", "efficientnet-lite0", "brighter")
    assert info.card["pairs"] == 4
    assert len(info.card["pairs_sha256"]) == 64
    assert info.card["errors"]["predicted"] == trained.errors.predicted
    card = model_card(info)
    assert "Trained on 4 pairs" in card
    assert f"{trained.errors.predicted:.2f}" in card


def test_the_same_pairs_and_seed_give_the_same_file(pairs, trained, tmp_path):
    again = train(pairs, "bright", output=tmp_path / "bright.safetensors", settings=QUICK)
    assert again.path.read_bytes() == trained.path.read_bytes()


def test_a_preset_is_installed_by_name(pairs):
    report = train(pairs, "mine", settings=TrainSettings(superpixels=20, analysis_width=64, epochs=1))
    assert find_preset("mine") == report.path
    assert [(info.name, source) for info, _, source in installed_presets() if source == "user"] == [("mine", "user")]


def test_ten_pairs_hold_some_out(tmp_path):
    for index in range(10):
        before = moving_picture(index, 36, 64, seed=index)
        for side, picture in (("before", before), ("after", brighter(before))):
            write_picture(tmp_path / side / f"p{index}.png", (picture * 255).astype(np.uint8), kind="uint8")
    settings = TrainSettings(superpixels=20, analysis_width=64, epochs=2, held_out=0.2)
    report = train(tmp_path, "x", output=tmp_path / "x.safetensors", settings=settings)
    assert report.held_out == 2


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
    with pytest.raises(PairsError, match="Pair 'a' does not match: before is 64x64"):
        train(tmp_path, "x", output=tmp_path / "x.safetensors", settings=QUICK)
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b"])
def test_a_name_that_could_not_be_used_is_refused_first(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a look"):
        train(tmp_path / "absent", name)


@pytest.mark.parametrize("options", [{"samples": 0}, {"epochs": 0}, {"held_out": 0.96}])
def test_unusable_settings_are_named(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        TrainSettings(**options)
