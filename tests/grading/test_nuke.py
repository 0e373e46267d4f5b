"""The Nuke script, read as Tcl reads it."""

import re
from fractions import Fraction

import numpy as np
import pytest
from helpers import QUICK, moving_picture, planned_grade, write_picture

from vfxstyle import grade


def nodes_of(text):
    """(class, {knob: value}) of each node; a value is a plain word, or one in quotes or braces."""
    found = []
    for kind, body in re.findall(r"^(\w+) \{\n(.*?)^\}\n", text, flags=re.MULTILINE | re.DOTALL):
        knobs = {}
        for line in body.splitlines():
            name, value = line.strip().split(" ", 1)
            if value.startswith('"'):
                assert re.fullmatch(r'"(\\.|[^"\\\[$])*"', value), value
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            else:
                assert value.count("{") == value.count("}")
            knobs[name] = value
        found.append((kind, knobs))
    return found


def by_name(text):
    return {knobs.get("name", kind): knobs for kind, knobs in nodes_of(text)}


def test_plate_grade_and_a_wipe_between_them(make_shot, tmp_path, identity_preset):
    shot = make_shot(attributes={"PixelAspectRatio": 2.0})
    report = grade(shot, identity_preset, tmp_path / "o$ut", **QUICK, write_nuke=True)
    script = (report.output / "o$ut.nk").read_text()
    kinds = [kind for kind, _ in nodes_of(script)]
    # a node takes its inputs off a stack: the mask first, then A (the plate), then B (the grade)
    assert kinds == ["Root", "Rectangle", "Read", "Read", "Keymix", "Viewer"]
    nodes = by_name(script)
    assert nodes["Plate"]["file"] == str(shot / "plate.%04d.exr")
    assert nodes["Grade"]["file"] == str(tmp_path / "o$ut" / "o$ut.%04d.exr")
    assert nodes["PlateOverGrade"]["inputs"] == "3"
    for name in ("Plate", "Grade"):
        assert (nodes[name]["first"], nodes[name]["last"], nodes[name]["frame"]) == ("1001", "1004", "1001")
        assert nodes[name]["colorspace"] == "Linear Rec.709 (sRGB)"
    root = next(knobs for kind, knobs in nodes_of(script) if kind == "Root")
    assert (root["first_frame"], root["last_frame"]) == ("1001", "1004")
    assert root["format"] == "128 72 0 0 128 72 2 plate"


def test_new_numbers_and_movies(make_shot, tmp_path, identity_preset):
    shot = make_shot(extension="png")
    options = {"start_frame": 11, "padding": 6}
    grade(shot, identity_preset, tmp_path / "out", **QUICK, write_nuke=True, frames="1002-1003", **options)
    nodes = by_name((tmp_path / "out" / "out.nk").read_text())
    assert nodes["Grade"]["file"].endswith("out.%06d.exr")
    assert (nodes["Grade"]["first"], nodes["Grade"]["last"]) == ("11", "12")
    assert (nodes["Plate"]["first"], nodes["Plate"]["last"], nodes["Plate"]["frame"]) == ("1002", "1003", "11")
    assert nodes["Plate"]["colorspace"] == "sRGB - Display"
    report = grade(shot, identity_preset, tmp_path / "cut.mov", **QUICK, write_nuke=True, fps="24000/1001")
    nodes = by_name((tmp_path / "cut.nk").read_text())
    assert nodes["Grade"]["file"] == str(report.output)
    assert (nodes["Grade"]["first"], nodes["Grade"]["last"], nodes["Grade"]["frame"]) == ("1", "4", "1001")
    assert nodes["Viewer1"]["fps"] == f"{float(Fraction(24000, 1001)):.6g}"


def test_the_plan_lists_the_script(make_shot, tmp_path, identity_preset):
    plan = planned_grade(make_shot(), identity_preset, tmp_path / "out", **{**QUICK, "write_nuke": True})
    assert str(tmp_path / "out" / "out.nk") in plan["support_files"]


@pytest.mark.parametrize("name", ["v001", "plate.final"])
def test_a_still_and_names_with_digits(tmp_path, identity_preset, name):
    write_picture(tmp_path / f"{name}.exr", moving_picture(0))
    grade(tmp_path / f"{name}.exr", identity_preset, tmp_path / "out", **QUICK, write_nuke=True)
    assert by_name((tmp_path / "out" / "out.nk").read_text())["Plate"]["file"].startswith(str(tmp_path))


def test_the_graded_layer_is_what_is_compared(tmp_path, identity_preset):
    names = ("R", "G", "B", "diffuse.R", "diffuse.G", "diffuse.B")
    pixels = np.concatenate([moving_picture(0), moving_picture(3)], axis=-1)
    write_picture(tmp_path / "p" / "p.0001.exr", pixels, names=names)
    grade(tmp_path / "p", identity_preset, tmp_path / "out", **QUICK, write_nuke=True, layer="diffuse")
    nodes = by_name((tmp_path / "out" / "out.nk").read_text())
    assert nodes["PlateLayer"]["in"] == nodes["GradeLayer"]["in"] == "diffuse"


def test_paths_are_the_users_not_where_links_lead(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(3, 5))
    links = tmp_path / "links"
    links.mkdir()
    for number in (3, 4):
        (links / f"a.{number + 998}.exr").symlink_to(shot / f"plate.{number:04d}.exr")
    grade(links, identity_preset, tmp_path / "out", **QUICK, write_nuke=True)
    script = (tmp_path / "out" / "out.nk").read_text()
    assert by_name(script)["Plate"]["file"] == str(links / "a.%04d.exr")
    assert 'customOCIOConfigPath "ocio://studio-config-v' in script
