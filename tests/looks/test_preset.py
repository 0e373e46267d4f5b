import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import make_preset
from safetensors import safe_open
from safetensors.numpy import load, load_file, save_file

from vfxstyle.errors import OutputError, PresetError
from vfxstyle.looks import preset as preset_module
from vfxstyle.looks import read_info, read_preset, save_preset
from vfxstyle.looks.base import Base, base_tensors
from vfxstyle.looks.graded_frames import GradedFrames
from vfxstyle.looks.info import ANY_LIGHT_SCHEMA, CLASSLESS_SCHEMA, PLAIN_SCHEMA, PRESET_SCHEMA, UNPICTURED_SCHEMA
from vfxstyle.looks.layers import GradeLayers
from vfxstyle.looks.preset import _KEY


@pytest.fixture
def path(tmp_path):
    return save_preset(make_preset(reacts=True), tmp_path / "test.safetensors")


def rewritten(path, change, header=None):
    tensors = load_file(path)
    change(tensors)
    info = header if header is not None else {_KEY: json.dumps(info_values(path))}
    save_file(tensors, path, info)
    return path


def info_values(path):
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()[_KEY])


def test_a_preset_comes_back_whole(path):
    preset, original = read_preset(path), make_preset(reacts=True)
    assert preset.info == original.info
    assert len(preset.digest) == 64
    np.testing.assert_array_equal(preset.standardisation.std, original.standardisation.std)
    for part, (mean, components) in original.projections.items():
        np.testing.assert_array_equal(preset.projections[part][0], mean)
        np.testing.assert_array_equal(preset.projections[part][1], components)
    for one, two in zip(preset.layers, original.layers, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


def test_the_same_preset_has_the_same_bytes(path, tmp_path):
    again = save_preset(make_preset(reacts=True), tmp_path / "again.safetensors")
    assert again.read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [
        "again.safetensors",
        "test.safetensors",
    ]


def test_junk_is_called_damaged(tmp_path):
    for name, data in (("empty", b""), ("text", b"hello" * 100), ("huge_header", b"\xff" * 64)):
        file = tmp_path / f"{name}.safetensors"
        file.write_bytes(data)
        with pytest.raises(PresetError, match=rf"{name}\.safetensors is damaged"):
            read_preset(file)


def test_a_cut_preset_is_damaged(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PresetError, match="is damaged"):
        read_preset(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(PresetError, match="cannot be read"):
        read_preset(tmp_path / "absent.safetensors")


def test_safetensors_that_are_no_preset(path):
    rewritten(path, lambda tensors: None, header={"format": "pt"})
    with pytest.raises(PresetError, match="does not carry a vfxstyle preset header"):
        read_preset(path)


def test_a_newer_format_asks_for_an_update(path):
    values = info_values(path) | {"schema": 99}
    rewritten(path, lambda tensors: None, header={_KEY: json.dumps(values)})
    with pytest.raises(PresetError, match=r"format version 99.*update vfxstyle"):
        read_preset(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("network.1.bias"), r"network\.1\.bias.* is missing"),
        (lambda t: t.update({"network.0.weight": t["network.0.weight"][:, :5]}), "layer 0 .* wrong size"),
        (lambda t: t["standardisation.mean"].__setitem__(0, np.nan), "not finite"),
        (lambda t: t["standardisation.std"].__setitem__(0, 0), "standardisation"),
        (lambda t: t.update({"pca.global.mean": t["pca.global.mean"][:7]}), "projection of 'global'"),
        (lambda t: t.update({"surprise": np.zeros(3, np.float32)}), "unknown tensors .surprise"),
        (lambda t: t.update({"surprise": np.zeros(3, np.int64)}), "surprise.* is not finite floating point"),
    ],
)
def test_each_kind_of_damage_is_named(path, change, message):
    rewritten(path, change)
    with pytest.raises(PresetError, match=message):
        read_preset(path)


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        save_preset(make_preset(), tmp_path / "file" / "a.safetensors")


def test_nothing_in_a_preset_can_run(path):
    assert path.read_bytes()[:1] != b"\x80"  # no pickle
    assert set(load(path.read_bytes())) == set(load_file(path))


def test_a_preset_of_the_first_format_asks_to_be_learnt_again(path):
    first = {"schema": 1, "name": "old", "backbone": "efficientnet-lite0", "parts": ["global"], "lab_scale": [1, 1, 1]}
    rewritten(path, lambda tensors: None, {_KEY: json.dumps(first)})
    with pytest.raises(PresetError, match=r"format version 1.*train the look again"):
        read_preset(path)


def with_everything(rows=6, columns=8):
    """A preset with a base and graded frames."""
    random = np.random.default_rng(0)
    base = Base(
        cube=random.normal(size=(3, 3, 3, 3)).astype(np.float32),
        gain=random.normal(size=6).astype(np.float32),
        colour=random.normal(size=30).astype(np.float32),
        gain_first=False,
    )
    layers = GradeLayers(
        random.random((2, 3, 3, 3, 3)).astype(np.float32),
        np.zeros((2, rows, columns), np.float32),
        2.0,
        random.random((2, 3)).astype(np.float32),
        Base(gain=np.ones(6, np.float32), colour=np.ones(30, np.float32), gain_first=False),
    )
    change = random.normal(size=(2, rows, columns, 3)).astype(np.float16)
    graded = GradedFrames((1001, 1009), ("a" * 64, "b" * 64), "a space", change, layers)
    return replace(make_preset(), base=base, graded=graded)


def test_a_base_and_graded_frames_come_back_whole(tmp_path):
    original = with_everything()
    preset = read_preset(save_preset(original, tmp_path / "look.safetensors"))
    assert preset.info.schema == CLASSLESS_SCHEMA
    bare = replace(original, graded=replace(original.graded, layers=None))
    assert read_preset(save_preset(bare, tmp_path / "bare.safetensors")).info.schema == UNPICTURED_SCHEMA
    assert read_info(tmp_path / "look.safetensors") == preset.info
    assert preset.base.gain_first is False
    for name, part in base_tensors(original.base).items():
        np.testing.assert_array_equal(getattr(preset.base, name), part)
    assert preset.graded.numbers == original.graded.numbers
    assert preset.graded.plates == original.graded.plates
    np.testing.assert_array_equal(preset.graded.change, original.graded.change)
    np.testing.assert_array_equal(preset.graded.layers.cubes, original.graded.layers.cubes)
    np.testing.assert_array_equal(preset.graded.layers.gates, original.graded.layers.gates)
    assert preset.graded.reading == original.graded.reading
    assert preset.graded.layers.feather == 2.0
    np.testing.assert_array_equal(preset.graded.layers.gains, original.graded.layers.gains)
    assert preset.graded.layers.by_place.gain_first is False
    np.testing.assert_array_equal(preset.graded.layers.by_place.gain, original.graded.layers.by_place.gain)
    assert not preset.graded.layers.by_place.cube.size


def test_layers_of_earlier_formats_lie_over_the_base_of_their_look(tmp_path):
    path = save_preset(with_everything(), tmp_path / "look.safetensors")
    values = info_values(path)
    del values["graded"]["gain_first"]

    def as_it_was(tensors):
        for name in [name for name in tensors if name.startswith("graded.base.") or name == "graded.gains"]:
            del tensors[name]

    preset = read_preset(rewritten(path, as_it_was, {_KEY: json.dumps(values)}))
    assert not preset.graded.layers.gains.any()
    np.testing.assert_array_equal(preset.graded.layers.by_place.gain, preset.base.gain)
    assert not preset.graded.layers.by_place.cube.size


def test_a_plain_look_is_written_so_that_earlier_versions_read_it(path):
    values = info_values(path)
    assert values["schema"] == PLAIN_SCHEMA
    assert "graded" not in values


@pytest.mark.parametrize(
    ("tensor", "shape"),
    [
        ("base.cube", (3, 3, 2, 3)),
        ("base.gain_after", (5,)),
        ("graded.change", (1, 6, 8, 3)),
        ("graded.gates", (2, 3, 8)),
        ("graded.cubes", (2, 4, 4, 4, 3)),
        ("graded.gains", (3, 3)),
        ("graded.base.gain", (5,)),
        ("graded.base.cube", (3, 3, 3, 3)),
        ("graded.more", (1,)),
    ],
)
def test_a_base_or_graded_frames_of_the_wrong_size_are_damage(tmp_path, tensor, shape):
    path = save_preset(with_everything(), tmp_path / "look.safetensors")
    rewritten(path, lambda tensors: tensors.update({tensor: np.ones(shape, np.float32)}))
    with pytest.raises(PresetError, match="damaged"):
        read_preset(path)


def test_graded_frames_without_their_header_are_damage(tmp_path):
    path = save_preset(with_everything(), tmp_path / "look.safetensors")
    values = {name: value for name, value in info_values(path).items() if name != "graded"}
    rewritten(path, lambda tensors: None, {_KEY: json.dumps(values)})
    with pytest.raises(PresetError, match="graded frames cannot be used"):
        read_preset(path)


def test_a_change_that_no_half_can_hold_is_damage(tmp_path):
    path = save_preset(with_everything(), tmp_path / "look.safetensors")
    rewritten(path, lambda tensors: tensors.update({"graded.change": np.full((2, 6, 8, 3), 1e30, np.float32)}))
    with pytest.raises(PresetError, match="graded frames cannot be used"):
        read_preset(path)


def test_a_look_that_takes_shares_of_classes_has_the_newest_version(tmp_path):
    original = make_preset(backbone="efficientnet-lite0", reacts=True)
    preset = read_preset(save_preset(original, tmp_path / "look.safetensors"))
    assert preset.info.schema == PRESET_SCHEMA
    assert preset.info.blocks[-2:] == ("classes_coarse", "classes_fine")


def test_a_look_for_any_light_says_so_and_no_other_does(path, tmp_path):
    plain = read_preset(path)
    assert "any_light" not in info_values(path)
    other = save_preset(replace(plain, info=replace(plain.info, any_light=True)), tmp_path / "any.safetensors")
    assert read_preset(other).info.any_light
    assert read_preset(other).info.schema == ANY_LIGHT_SCHEMA
    assert read_preset(other).info.features == (*plain.info.features[:2], True)
    rewritten(other, lambda tensors: None, {_KEY: json.dumps(info_values(other) | {"any_light": "yes"})})
    with pytest.raises(PresetError, match="is damaged"):
        read_preset(other)


def test_a_preset_that_could_not_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(preset_module, "_LARGEST_FILE", 1000)
    with pytest.raises(OutputError, match="fewer graded frames"):
        save_preset(make_preset(), tmp_path / "large.safetensors")
    assert not list(tmp_path.iterdir())
