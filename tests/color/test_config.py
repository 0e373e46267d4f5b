"""OpenColorIO configurations: which is taken, what its spaces are called, and the ways between them."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from vfxstyle.color import ColorConfig, SpaceKind, srgb_to_linear
from vfxstyle.errors import ColorError


@pytest.fixture(scope="module")
def studio():
    return ColorConfig.load("ocio://studio-config-latest")


@pytest.fixture
def house(tmp_path):
    """A house configuration with names of its own, without Rec.709, tied to the rest of the world by ACES2065-1."""
    config = ocio.Config()
    config.setName("house")
    aces = ocio.ColorSpace(name="aces", encoding="scene-linear")
    config.addColorSpace(aces)
    half = ocio.MatrixTransform([0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1])
    config.addColorSpace(ocio.ColorSpace(name="scan", encoding="scene-linear", toReference=half))
    config.addColorSpace(ocio.ColorSpace(name="masks", isData=True))
    config.addDisplayView("monitor", "plain", "aces")
    config.setRole("aces_interchange", "aces")
    config.setRole("default", "aces")
    rules = ocio.FileRules()
    rules.insertRule(0, "scans", "scan", "*_scan*", "exr")
    config.setFileRules(rules)
    path = tmp_path / "house.ocio"
    path.write_text(config.serialize())
    return path


def test_the_file_comes_before_the_environment_and_that_before_the_library(house, monkeypatch):
    assert ColorConfig.load().name.startswith("studio-config")
    monkeypatch.setenv("OCIO", str(house))
    assert ColorConfig.load().name == "house"
    assert ColorConfig.load("ocio://cg-config-latest").name.startswith("cg-config")


@pytest.mark.parametrize("text", ["", "junk", "ocio_profile_version: 2\n"])
def test_a_configuration_that_cannot_be_used_is_named(tmp_path, text, monkeypatch):
    path = tmp_path / "bad.ocio"
    path.write_text(text)
    with pytest.raises(ColorError, match=r"bad\.ocio \(--ocio\) cannot be loaded"):
        ColorConfig.load(path)
    monkeypatch.setenv("OCIO", str(tmp_path / "absent.ocio"))
    with pytest.raises(ColorError, match=r"absent\.ocio \(\$OCIO\) cannot be loaded"):
        ColorConfig.load()


def test_an_unknown_space_lists_the_choices(studio):
    with pytest.raises(ColorError, match=r"no space 'logc9'. Nearest: ARRI LogC[34].*; 'vfxstyle spaces' lists all"):
        studio.space("logc9")
    assert studio.find("Raw") is None  # data has no colour
    assert "Raw" not in studio.choices


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ACEScg", SpaceKind.LINEAR),
        ("lin_ap1_scene", SpaceKind.LINEAR),
        ("scene_linear", SpaceKind.LINEAR),
        ("ARRI LogC4", SpaceKind.LOG),
        ("ACEScct", SpaceKind.LOG),
        ("srgb_rec709_display", SpaceKind.VIDEO),
        ("g24_rec709_display", SpaceKind.VIDEO),
        ("pq_rec2020_display", SpaceKind.VIDEO),
        ("g24_rec2020_display", SpaceKind.VIDEO),
    ],
)
def test_spaces_are_found_by_name_alias_role_and_interop_name(studio, name, kind):
    assert studio.space(name).kind is kind


@pytest.mark.parametrize("version", ["v1.0.0_aces-v1.3_ocio-v2.1", "v2.2.0_aces-v1.3_ocio-v2.4"])
@pytest.mark.parametrize(
    "name", ["lin_rec709_scene", "lin_ap1_scene", "lin_ap0_scene", "srgb_rec709_display", "g24_rec709_display"]
)
def test_interop_names_are_understood_by_configurations_older_than_they_are(studio, version, name):
    older = ColorConfig.load(f"ocio://cg-config-{version}")
    rgb = np.float32([[0.2, 0.5, 0.7]])
    ours = older.to_working(older.space(name)).apply(rgb)
    np.testing.assert_allclose(ours, studio.to_working(studio.space(name)).apply(rgb), atol=2e-4)


def test_every_16_bit_code_survives_light_and_back(studio):
    codes = (np.arange(65536, dtype=np.float32) / 65535)[:, None] * np.ones(3, np.float32)
    for name in ("srgb_rec709_display", "g24_rec709_display", "ACEScct", "S-Log3 S-Gamut3.Cine"):
        space = studio.space(name)
        light = studio.to_working(space).apply(codes)
        back = studio.from_working(space).apply(light)
        np.testing.assert_allclose(back * 65535, codes * 65535, atol=0.45 if name.startswith("s") else 2)


def test_srgb_is_the_published_curve_and_mirrored_below_black(studio):
    values = np.linspace(-0.5, 1.5, 999, dtype=np.float32).reshape(-1, 3)
    light = studio.to_working(studio.space("srgb_rec709_display")).apply(values)
    np.testing.assert_allclose(light, srgb_to_linear(values), atol=2e-6)


def test_rec2020_display_is_a_pure_power_in_its_own_primaries(studio):
    to_working = studio.to_working(studio.space("g24_rec2020_display"))
    np.testing.assert_allclose(to_working.apply(np.full((1, 3), 0.5, np.float32)), 0.5**2.4, rtol=1e-4)
    in_2020 = studio.between(studio.space("g24_rec2020_display"), studio.space("lin_rec2020_scene"))
    np.testing.assert_allclose(in_2020.apply(np.float32([[1, 0, 0]])), [[1, 0, 0]], atol=2e-4)


def test_the_matrix_of_a_linear_space_does_what_the_transform_does(studio):
    way = studio.to_working(studio.space("ACEScg"))
    rgb = np.random.default_rng(0).normal(0, 2, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(rgb @ way.matrix.T, way.apply(rgb), atol=2e-6)
    same = studio.to_working(studio.working)
    assert same.is_identity
    np.testing.assert_array_equal(same.matrix, np.eye(3))


def test_a_picture_is_not_converted_in_place(studio):
    rgb = np.full((4, 5, 3), 0.5, np.float32)
    out = studio.to_working(studio.space("ACEScct")).apply(rgb)
    assert out.shape == rgb.shape
    assert (rgb == 0.5).all()


def test_a_house_configuration_meets_the_working_light_at_aces(house, studio):
    config = ColorConfig.load(house)
    rgb = np.float32([[0.3, 0.2, 0.1]])
    wanted = studio.to_working(studio.space("lin_ap0_scene")).apply(rgb)
    np.testing.assert_allclose(config.to_working(config.space("aces")).apply(rgb), wanted, rtol=1e-5)
    np.testing.assert_allclose(config.to_working(config.space("scan")).apply(rgb), wanted / 2, rtol=1e-5)
    np.testing.assert_allclose(config.from_working(config.space("scan")).apply(wanted / 2), rgb, rtol=1e-5)
    assert config.choices == ["aces", "scan"]


def test_a_configuration_that_nothing_ties_to_the_world_says_what_it_lacks(tmp_path):
    config = ocio.Config()
    config.addColorSpace(ocio.ColorSpace(name="own", encoding="scene-linear"))
    config.addDisplayView("monitor", "plain", "own")
    config.setRole("default", "own")
    (tmp_path / "island.ocio").write_text(config.serialize())
    island = ColorConfig.load(tmp_path / "island.ocio")
    with pytest.raises(ColorError, match="add the role aces_interchange"):
        island.to_working(island.space("own"))


def test_file_rules_of_a_house_are_followed_and_those_of_the_library_are_not(house, studio, tmp_path):
    config = ColorConfig.load(house)
    assert config.from_path(tmp_path / "sh010_scan.1001.exr").name == "scan"
    assert config.from_path(tmp_path / "sh010.1001.exr") is None
    assert studio.from_path(tmp_path / "sh010_lin_ap1.1001.exr") is None
