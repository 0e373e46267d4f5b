from dataclasses import replace
from pathlib import Path

import pytest
from helpers import make_preset

from vfxstyle.errors import OutputError, PresetError
from vfxstyle.farm.processes import log_folder
from vfxstyle.looks import PresetInfo, read_preset, save_preset
from vfxstyle.looks.library import find_preset, installed_presets, load_preset, pinned, shipped_folder, user_folder


@pytest.fixture
def install():
    """Saves a preset in the user's folder."""

    def save(name):
        user_folder().mkdir(parents=True, exist_ok=True)
        preset = make_preset()
        return save_preset(replace(preset, info=replace(preset.info, name=name)), user_folder() / f"{name}.safetensors")

    return save


def test_a_preset_is_loaded_by_name_and_by_path(install):
    path = install("mine")
    assert find_preset("mine") == find_preset(path) == path
    assert load_preset("mine").info.name == load_preset(str(path)).info.name == "mine"
    assert load_preset("mine").digest


def test_a_preset_of_the_user_comes_before_a_shipped_one(install):
    shipped = sorted(shipped_folder().glob("*.safetensors"))[0]
    assert find_preset(shipped.stem) == shipped
    assert find_preset(shipped.stem) != install(shipped.stem) == find_preset(shipped.stem)


def test_an_unknown_name_lists_what_is_installed(install, tmp_path):
    install("mine")
    with pytest.raises(PresetError, match=r"no preset 'absent'; installed are: .*mine"):
        find_preset("absent")
    with pytest.raises(PresetError, match="no preset file"):
        find_preset(tmp_path / "absent.safetensors")


def test_a_damaged_preset_is_listed_with_its_error(install):
    path = install("mine")
    broken = path.with_name("broken.safetensors")
    broken.write_bytes(path.read_bytes()[:100])
    listed = {path.stem: (info, source) for info, path, source in installed_presets()}
    info, source = listed["mine"]
    assert isinstance(info, PresetInfo)
    assert (info.name, source) == ("mine", "user")
    assert isinstance(listed["broken"][0], PresetError)
    assert {listed[path.stem][1] for path in shipped_folder().glob("*.safetensors")} == {"shipped"}


def test_the_users_folder_follows_the_environment(monkeypatch, tmp_path):
    assert user_folder() == tmp_path / "user_presets"
    monkeypatch.delenv("VFXSTYLE_PRESETS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert user_folder() == tmp_path / "data" / "vfxstyle" / "presets"


def test_a_pinned_preset_is_the_one_with_that_content(install, tmp_path):
    shipped = find_preset("golden")
    pin = pinned("golden", read_preset(shipped).digest)
    assert find_preset(pin) == shipped
    other = install("golden")  # which comes first, and is another
    assert find_preset("golden") == other
    assert find_preset(pin) == shipped
    by_path = pinned(str(other), read_preset(other).digest)
    assert find_preset(by_path) == other
    with pytest.raises(
        PresetError, match=rf"{shipped} have another content than the preset 'golden'.*0123456789abcdef"
    ):
        find_preset(pinned("golden", "0123456789abcdef" * 4))
    with pytest.raises(PresetError, match="installed are"):
        find_preset(pinned("absent", "0" * 64))
    odd = tmp_path / f"odd@{'0' * 16}"
    odd.write_bytes(other.read_bytes())
    assert find_preset(odd) == odd  # a file of that very name
    named = install(f"gold@{'0' * 16}")
    assert find_preset(named.stem) == named  # and an installed one


def test_a_user_without_a_home_has_the_shipped_looks(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    for name in ("VFXSTYLE_PRESETS", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert find_preset("golden").parent == shipped_folder()
    assert installed_presets()
    with pytest.raises(OutputError, match="set VFXSTYLE_PRESETS"):
        user_folder()
    with pytest.raises(OutputError, match="--logs"):
        log_folder()
