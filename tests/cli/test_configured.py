"""Options that the environment and a show file say."""

import json

import pytest
from helpers import QUICK_FLAGS, main_in_process, make_preset

from vfxstyle._version import __version__
from vfxstyle.looks import save_preset
from vfxstyle.looks.library import find_preset, shadowed


def dry(shot, preset, *words):
    result = main_in_process("grade", shot, "--preset", preset, "-n", *words)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def show(tmp_path):
    """Writes the show file above the shots."""
    return lambda text: (tmp_path / "vfxstyle.toml").write_text(text)


def test_command_line_before_environment_before_show_file_before_default(
    make_shot, identity_preset, show, monkeypatch, tmp_path
):
    shot = make_shot()
    show('strength = 0.5\n[grade]\nstrength = 0.6\ninput-space = "ACEScg"\n')
    planned = dry(shot, identity_preset)
    assert planned["settings"]["strength"] == 0.6
    file = tmp_path / "vfxstyle.toml"
    assert planned["said"]["strength"] == {"value": 0.6, "from": f"{file} [grade]"}
    assert planned["said"]["input_space"]["value"] == "ACEScg"
    monkeypatch.setenv("VFXSTYLE_STRENGTH", "0.7")
    planned = dry(shot, identity_preset)
    assert planned["said"]["strength"] == {"value": 0.7, "from": "the environment"}
    planned = dry(shot, identity_preset, "--strength", 0.8)
    assert planned["said"]["strength"] == {"value": 0.8, "from": "the command line"}
    planned = dry(shot, identity_preset, "--config", "none")
    assert planned["settings"]["strength"] == 1
    assert planned["said"].keys() == {"preset"}


def test_what_is_a_command_and_an_option_can_be_both(make_shot, identity_preset, show):
    show("superpixels = 321\n")
    assert dry(make_shot(), identity_preset)["settings"]["superpixels"] == 321
    show("[superpixels]\nsuperpixels = 123\n")
    assert dry(make_shot(), identity_preset)["settings"]["superpixels"] is None


def test_a_shot_has_its_own_word(make_shot, identity_preset, show):
    show('strength = 0.5\n[shots.one]\nstrength = 0.3\n[shots."*/tw?"]\nstrength = 0.4\n')
    strengths = [dry(make_shot(name), identity_preset)["settings"]["strength"] for name in ("one", "two", "three")]
    assert strengths == [0.3, 0.4, 0.5]


def test_paths_are_from_the_folder_of_the_file_and_other_words_stay(make_shot, identity_preset, show, tmp_path):
    (tmp_path / "exr").mkdir()
    show('format = "exr"\n[grade]\noutput = "graded"\n')
    planned = dry(make_shot(), identity_preset)
    assert planned["settings"]["format"] == "exr"
    assert planned["output"] == str(tmp_path / "graded")


def test_one_value_does_for_an_option_that_can_be_given_again(make_shot, identity_preset, show, monkeypatch):
    show('region = "group:look_1=0.5"')
    assert dry(make_shot(), identity_preset)["settings"]["region"] == ["group:look_1=0.5"]
    monkeypatch.setenv("VFXSTYLE_REGION", "group:look_1=0.5;group:look_2=1")
    assert len(dry(make_shot("b"), identity_preset)["settings"]["region"]) == 2


def test_a_path_that_was_left_has_no_say(make_shot, identity_preset, show, tmp_path, monkeypatch):
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "vfxstyle.toml").write_text("strength = 0.1")
    show("strength = 0.9\n[shots.left]\nstrength = 0.2")
    make_shot()
    monkeypatch.chdir(tmp_path / "left")
    assert dry("../plate", identity_preset)["settings"]["strength"] == 0.9


def test_a_farm_takes_a_shots_own_word_as_a_grade_does(make_shot, identity_preset, show):
    shots = [make_shot(name, frames=range(1, 3)) for name in ("one", "two")]
    show("[shots.one]\nstrength = 0\n")
    words = (*shots, "--preset", identity_preset, *QUICK_FLAGS)
    for shot in shots:
        assert main_in_process("grade", shot, *words[2:]).returncode == 0
    status = main_in_process("farm", "status", *words, "--json")
    assert [own["state"] for own in json.loads(status.stdout)] == ["done", "done"], status.stderr
    show('[shots.one]\npreset = "cold"\n')
    assert main_in_process("farm", "status", *words).returncode == 1  # the command line says which look
    show(f'preset = "{identity_preset}"\n[shots.one]\npreset = "cold"\n')
    refused = main_in_process("farm", "status", *shots, *QUICK_FLAGS)
    assert (refused.returncode, "which a farm cannot take" in refused.stderr) == (2, True)


def test_the_output_of_a_shot_is_that_of_its_grade(make_shot, identity_preset, show):
    show('[shots.plate]\noutput = "{root}/x"\n')
    shot = make_shot()
    assert dry(shot, identity_preset)["output"].endswith("/x")
    told = json.loads(main_in_process("config", "show", shot, "--command", "report", "--json").stdout)
    assert told["options"]["output"]["from"] == "default"


def test_nothing_counts_where_none_is_asked_for(make_shot, monkeypatch):
    monkeypatch.setenv("VFXSTYLE_SEED", "7")
    told = json.loads(main_in_process("config", "show", make_shot(), "--config", "none", "--json").stdout)
    assert told["options"]["seed"] == {"value": 0, "from": "default"}


def test_a_timeline_takes_no_template(make_shot, tmp_path, identity_preset):
    (tmp_path / "cut.otio").write_text("{}")
    result = main_in_process("grade", tmp_path / "cut.otio", "--preset", identity_preset, "-o", "{root}/{plate}")
    assert result.returncode == 2
    assert "The clips of a timeline have folders of their own" in result.stderr


def test_the_file_is_named_by_option_or_environment(make_shot, identity_preset, tmp_path, monkeypatch):
    elsewhere = tmp_path / "studio"
    elsewhere.mkdir()
    (elsewhere / "show.toml").write_text("strength = 0.2")
    shot = make_shot()
    assert dry(shot, identity_preset, "--config", elsewhere / "show.toml")["settings"]["strength"] == 0.2
    monkeypatch.setenv("VFXSTYLE_CONFIG", str(elsewhere / "show.toml"))
    assert dry(shot, identity_preset)["settings"]["strength"] == 0.2
    monkeypatch.setenv("VFXSTYLE_CONFIG", str(elsewhere / "absent.toml"))
    result = main_in_process("grade", shot, "--preset", identity_preset)
    assert (result.returncode, "There is no show file" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strenght = 1", "the nearest is 'strength'"),
        ("[grade]\nepochs = 3", "has the key 'epochs' in [grade]"),
        ("[grad]\nstrength = 1", "the nearest is 'grade'"),
        ("[shots.x]\nmatt = 1", "the nearest is 'matte'"),
        ("strength = ", "cannot be read"),
        ('output = "out"', "write it in a table, as in [grade]"),
        ("strength = [1]", "vfxstyle.toml has strength = [1]; one value is enough"),
        ('[grade]\nstrength = "high"', "vfxstyle.toml [grade] has strength = 'high'"),
        ("presets = 3", "write a list of folders"),
    ],
)
def test_what_nothing_takes_is_an_error_with_the_nearest(make_shot, identity_preset, show, text, said):
    show(text)
    result = main_in_process("grade", make_shot(), "--preset", identity_preset, "-n")
    assert result.returncode == 2
    assert said in result.stderr


def test_config_show_says_where_values_come_from(make_shot, show, monkeypatch):
    shot = make_shot()
    show("strength = 0.5")
    monkeypatch.setenv("VFXSTYLE_SEED", "7")
    result = main_in_process("config", "show", shot, "--json")
    options = json.loads(result.stdout)["options"]
    assert options["strength"]["value"] == 0.5
    assert options["strength"]["from"].endswith("vfxstyle.toml")
    assert options["seed"] == {"value": "7", "from": "$VFXSTYLE_SEED"}
    assert options["analysis_width"] == {"value": 640, "from": "default"}
    assert "strength         0.5" in main_in_process("config", "show", shot).stdout


def test_several_folders_of_presets_of_which_the_first_wins(tmp_path, monkeypatch, make_shot, identity_preset, show):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        save_preset(make_preset(), tmp_path / folder / "look.safetensors")
    monkeypatch.setenv("VFXSTYLE_PRESETS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert find_preset("look") == tmp_path / "a" / "look.safetensors"
    assert shadowed(tmp_path / "b" / "look.safetensors") == tmp_path / "a" / "look.safetensors"
    assert shadowed(tmp_path / "a" / "look.safetensors") is None
    listed = json.loads(main_in_process("presets", "list", "--json").stdout)
    rows = [row for row in listed if row["name"] == "look"]
    assert [row["shadowed_by"] for row in rows] == [None, str(tmp_path / "a" / "look.safetensors")]
    assert "hidden by" in main_in_process("presets", "list").stdout
    monkeypatch.delenv("VFXSTYLE_PRESETS")
    show('presets = ["b", "a"]')
    planned = dry(make_shot(), "look")
    assert planned["preset"] == str(tmp_path / "b" / "look.safetensors")


def test_doctor_says_it_as_json():
    told = json.loads(main_in_process("doctor", "--json").stdout)
    assert "cpu" in told["devices"]
    assert told["vfxstyle"] == __version__


def test_what_looks_at_a_grade_finds_its_analysis_where_a_template_sent_it(make_shot, identity_preset, show, tmp_path):
    shot = make_shot(frames=range(1, 4))
    show('[grade]\noutput = "{root}/graded/{plate}/{preset}"\n')
    options = ["--preset", identity_preset, *QUICK_FLAGS]
    assert main_in_process("grade", shot, *options, "--proof", "none").returncode == 0
    place = tmp_path / "graded" / "plate" / "identity"
    for words in (["report", "-o", tmp_path / "r.json"], ["export", "--lut", tmp_path / "a.cube"]):
        told = main_in_process(words[0], shot, *words[1:], *options)
        assert told.returncode == 0, told.stderr
        assert not (tmp_path / "plate_identity").exists()
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["analysis"]["folder"].startswith(str(place))
    assert facts["said"]["to"] == {
        "value": "{root}/graded/{plate}/{preset}",
        "from": f"{tmp_path / 'vfxstyle.toml'} [grade]",
    }
    assert facts["said"]["preset"]["from"] == "the command line"
    other = tmp_path / "other"
    assert main_in_process("grade", shot, *options, "-o", other, "--strength", 0.5, "--proof", "none").returncode == 0
    told = main_in_process("mattes", shot, *options, "--to", other, "-o", tmp_path / "m", "-f", "1")
    assert told.returncode == 0, told.stderr
    assert f"analysis: {other}" in told.stderr


def test_what_looks_at_a_grade_takes_what_is_said_of_the_grade_but_for_its_own(make_shot, show, tmp_path):
    make_shot(frames=range(1, 3))
    show('[grade]\npreset = "golden"\nstrength = 0.4\noutput = "{root}/a"\n[export]\nstrength = 0.7\nto = "b"\n')
    for command, strength, to in (("report", 0.4, "{root}/a"), ("export", 0.7, "b"), ("grade", 0.4, None)):
        told = main_in_process("config", "show", tmp_path / "plate", "--command", command, "--json")
        said = json.loads(told.stdout)["options"]
        assert (said["preset"]["value"], said["strength"]["value"]) == ("golden", strength)
        assert said.get("to", {}).get("value") == to
    assert "Missing option" not in main_in_process("proof", tmp_path / "absent").stderr
