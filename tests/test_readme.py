"""What the README and the pages of docs/ promise, as far as a machine can check it."""

import re

import click
import numpy as np
import pytest
from click.testing import CliRunner
from helpers import EXAMPLE, REPOSITORY, read_pixels, write_picture

from vfxstyle import grade, load_preset, open_shot
from vfxstyle.cli import cli
from vfxstyle.looks.cards import model_card
from vfxstyle.looks.library import shipped_folder

README = (REPOSITORY / "README.md").read_text()
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
SHIPPED = ("golden", "pop-out", "local-xpro", "teal-orange", "bleach-bypass", "cold", "spring")
COMMANDS = re.findall(r"^python3 -m venv .*$", README, flags=re.MULTILINE)


def test_ci_runs_the_readmes_test_command():
    assert len(COMMANDS) == 2
    ci = (REPOSITORY / ".ci" / "run").read_text().replace(" -q", "")
    assert COMMANDS[1] in ci
    assert "scripts/check" in ci


@pytest.mark.parametrize("command", ["grade", "train"])
def test_every_option_has_help(command):
    for option in cli.commands[command].params:
        if option.param_type_name == "option":
            assert option.help or option.metavar or option.type.name == "choice", option.name


def commands_of(page):
    return re.findall(r"^(?:/\S+/)?(vfxstyle .*)$", page.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_the_pages_exist(page):
    for line in commands_of(page):
        words = line.split(" #")[0].split()
        names = words[1:3] if isinstance(cli.commands[words[1]], click.Group) else words[1:2]
        help_text = CliRunner().invoke(cli, [*names, "--help"]).output
        for word in words:
            if word.startswith("-"):
                assert word in help_text, line


def test_the_pages_show_commands():
    assert sum(len(commands_of(page)) for page in PAGES) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_the_pages_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        assert "://" in target or (page.parent / target).is_file(), target


def test_the_code_cites_sections_of_the_method_that_are_there():
    headings = re.findall(r"^##+ ([\d.]*\d)\.? ", (REPOSITORY / "docs" / "method.md").read_text(), flags=re.MULTILINE)
    sources = [path for room in ("vfxstyle", "tsp") for path in (REPOSITORY / room).rglob("*.py")]
    cited = {
        section
        for path in sources
        for section in re.findall(r"docs/method\.md,\s+section\s+(\d+(?:\.\d+)*)", path.read_text())
    }
    assert cited
    assert cited <= set(headings)


def test_the_example_is_small_and_its_origin_is_stated():
    assert sum(p.stat().st_size for p in EXAMPLE.iterdir()) < 5_000_000
    shot = open_shot(EXAMPLE)
    assert (len(shot), shot.info.width, shot.info.height) == (24, 640, 360)
    page = (REPOSITORY / "examples" / "README.md").read_text()
    assert "Blender Foundation" in page
    assert "Attribution" in page


def test_every_shipped_preset_is_named():
    assert {path.stem for path in shipped_folder().glob("*.safetensors")} == set(SHIPPED)
    assert all(f"`{name}`" in README for name in SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_are_small_and_say_what_they_are(name):
    path = shipped_folder() / f"{name}.safetensors"
    assert path.stat().st_size < 12_000_000
    preset = load_preset(name)
    assert preset.info.card["errors"]["predicted"] < preset.info.card["errors"]["global_oracle"]
    assert "Paid work is allowed" in preset.info.card["data"]
    assert preset.info.card["licence"].startswith("Apache-2.0")
    page = path.with_suffix(".md").read_text()
    assert all(line in page for line in model_card(preset.info).splitlines())
    assert path.with_suffix(".jpg").is_file()
    assert f"({name}.jpg)" in page


@pytest.fixture(scope="module")
def ramp(tmp_path_factory):
    """A picture of a grey ramp from 1/64 to 64; its folder has room for an analysis that all looks share."""
    steps = np.logspace(-6, 6, 256, base=2, dtype=np.float32)[None, :, None]
    pixels = np.broadcast_to(steps, (96, 256, 3))
    return write_picture(tmp_path_factory.mktemp("ramp") / "ramp.exr", pixels, kind="float")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_keep_the_order_of_highlights(ramp, tmp_path, name):
    """Through the whole pipeline brighter in is brighter out, on every row."""
    grade(ramp, name, tmp_path / "out", superpixels=60, analysis=ramp.parent / "analysis")
    out = read_pixels(tmp_path / "out" / "out.0001.exr") @ np.float32([0.2126, 0.7152, 0.0722])
    assert out[:, -1].min() > 30
    # superpixels differ, so neighbouring columns may; over two thirds of a stop the order must hold
    assert (out[:, 14::14] > out[:, :-14:14]).all()


def test_the_example_gets_the_golden_look(tmp_path):
    """Warmer where it is lit, and no black carried below zero."""
    few = tmp_path / "few"
    few.mkdir()
    for number in range(1009, 1016):
        (own,) = EXAMPLE.glob(f"*.{number}.*")
        (few / own.name).symlink_to(own)
    report = grade(few, "golden", tmp_path / "out", frames="1012", device="cpu")
    assert report.superpixels > 2700
    assert len(report.chosen_frames) < 6
    plate, graded = (open_shot(p).read(1012).rgb for p in (EXAMPLE, tmp_path / "out"))
    lit = plate.mean(axis=2) > 0.2
    warmth = [p[lit, 0].mean() / p[lit, 2].mean() for p in (plate, graded)]
    assert warmth[1] > 1.4 * warmth[0]
    assert graded.min() > -0.002
