from types import SimpleNamespace

import pytest

from vfxstyle.shots.layers import LayerChoice, NoLayerError, find_layer


def part(*names, **attributes):
    return {"channels": [SimpleNamespace(name=name) for name in names], **attributes}


def rgb(prefix="", *more):
    dot = f"{prefix}." if prefix else ""
    return [f"{dot}{name}" for name in ("R", "G", "B", *more)]


def test_the_main_layer_comes_before_all_others():
    layer = find_layer([part(*rgb("beauty"), *rgb("", "A"), "Z")], LayerChoice())
    assert (layer.rgb, layer.alpha, layer.name) == (("R", "G", "B"), "A", "")


@pytest.mark.parametrize("names", [("r", "g", "b"), ("red", "green", "blue")])
def test_other_spellings(names):
    assert find_layer([part(*names)], LayerChoice()).rgb == names


def test_layers_are_chosen_by_name():
    header = part(*rgb(), *rgb("diffuse", "A"), *rgb("specular.direct"))
    assert find_layer([header], LayerChoice("diffuse")).alpha == "diffuse.A"
    assert find_layer([header], LayerChoice("specular.direct")).rgb[0] == "specular.direct.R"
    with pytest.raises(NoLayerError, match=r"no colour layer 'spec' \(it has diffuse, specular.direct\)"):
        find_layer([header], LayerChoice("spec"))


def test_a_single_layer_needs_no_name_and_several_do():
    assert find_layer([part(*rgb("beauty"), "depth.Z")], LayerChoice()).name == "beauty"
    with pytest.raises(NoLayerError, match=r"several colour layers \(left_eye, right_eye\) and no main one"):
        find_layer([part(*rgb("left_eye"), *rgb("right_eye"))], LayerChoice())
    with pytest.raises(NoLayerError, match=r"no R, G, B channels \(it has Z, N.X\)"):
        find_layer([part("Z", "N.X")], LayerChoice())


@pytest.mark.parametrize("name", ["composition", "prefinal", "beauty_motionblur", "emotion", "key_n", "Indexed"])
def test_colour_is_no_data_for_a_part_of_its_name(name):
    assert (
        find_layer([part(*rgb("N"), *rgb(name), *rgb("worldPos"), *rgb("motionVectors"))], LayerChoice()).name == name
    )


@pytest.mark.parametrize(
    "name", ["N", "worldPos", "Pworld", "motionVector", "uv", "object_id", "CryptoObject00", "mvec"]
)
def test_data_by_its_name(name):
    with pytest.raises(NoLayerError, match="no colour layer, only data"):
        find_layer([part(*rgb(name))], LayerChoice())


def test_cryptomatte_is_no_colour():
    header = part(*rgb("crypto_asset00", "A"), *rgb("beauty"), **{"cryptomatte/f834d0a/name": "crypto_asset"})
    assert find_layer([header], LayerChoice()).name == "beauty"


def test_views_of_a_single_part():
    header = part(*rgb(), *rgb("right"), *rgb("diffuse"), *rgb("diffuse.right"), multiView=["left", "right"])
    assert find_layer([header], LayerChoice()).rgb == ("R", "G", "B")
    assert find_layer([header], LayerChoice(view="right")).rgb[0] == "right.R"
    assert find_layer([header], LayerChoice("diffuse", "right")).rgb[0] == "diffuse.right.R"
    assert find_layer([header], LayerChoice("diffuse", "left")).rgb[0] == "diffuse.R"
    with pytest.raises(NoLayerError, match=r"no view 'middle' \(it has left, right\)"):
        find_layer([header], LayerChoice(view="middle"))


def test_parts_are_layers_and_views():
    headers = [
        part(*rgb(), name="rgba_right", view="right"),
        part("Z", name="depth_left", view="left"),
        part(*rgb("", "A"), name="rgba_left", view="left"),
        part(*rgb(), name="fx.left", view="left"),
    ]
    assert find_layer(headers, LayerChoice()).part == 2
    assert find_layer(headers, LayerChoice(view="right")).part == 0
    assert find_layer(headers, LayerChoice("fx")).part == 3
    with pytest.raises(NoLayerError, match="no view 'middle'"):
        find_layer(headers, LayerChoice(view="middle"))


def test_a_grey_picture_is_one_channel_three_times():
    layer = find_layer([part("Y", "Z")], LayerChoice())
    assert layer.is_grey
    assert layer.rgb == ("Y", "Y", "Y")
