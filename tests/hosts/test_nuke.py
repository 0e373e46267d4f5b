"""The Nuke gizmo: read by Tcl as Nuke reads it, and driven through its knobs against a stand-in of Nuke's module."""

import ast
import importlib
import json
import shlex
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from helpers import QUICK_FLAGS, moving_picture, read_pixels, write_picture
from hosts.nuke_stand_in import Nuke, ProgressTask, frames_of_plate, load_gizmo

from vfxstyle.errors import UsageError
from vfxstyle.handover.hosts import HOSTS, host_folder, install, own_command
from vfxstyle.shots.exr import read_parts

tkinter = pytest.importorskip("tkinter", reason="Tcl reads the gizmo")
MODULES = ("vfxstyle_nuke", "vfxstyle_nuke_nodes", "vfxstyle_command")
OPTIONS = shlex.join(QUICK_FLAGS)


@pytest.fixture
def installed(tmp_path):
    install(HOSTS["nuke"], tmp_path / "node")
    return tmp_path / "node"


@pytest.fixture
def nuke(installed, tmp_path, monkeypatch):
    """The stand-in, with the modules of the installed node loaded over it."""
    found = Nuke(tmp_path / "comp.nk")
    monkeypatch.setitem(sys.modules, "nuke", found)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("VFXSTYLE_COMMAND", shlex.join([sys.executable, "-m", "vfxstyle"]))
    monkeypatch.setenv("PYTHONHOME", "/of/nuke")  # which the command must not see
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    found.work = importlib.import_module("vfxstyle_nuke")
    monkeypatch.setattr("webbrowser.open", found.all.setdefault("opened", []).append)
    found.opened = found.all.pop("opened")
    yield found
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def node(nuke, installed):
    found = load_gizmo(nuke, tkinter.Tcl(), installed / "VfxStyle.gizmo")
    found["options"].setValue(OPTIONS)
    return found


@pytest.fixture
def plate(nuke, make_shot):
    """A Read of three frames."""
    file, first, last = frames_of_plate(make_shot(frames=range(1001, 1004)))
    nuke.current = 1002
    return nuke.add("Read", "Read1", file=file, first=first, last=last)


def named(nuke, name):
    with nuke.root():
        return nuke.toNode(name)


def said(node):
    return node["said"].value()


def test_the_gizmo_is_what_its_modules_expect(nuke, node, installed):
    inner = node.inner
    assert [inner["Show"].input(index).name() for index in range(3)] == ["plate", "ShortMatte", "grade"]
    assert [inner["ShortMatte"].input(index).name() for index in range(2)] == ["GlobalLut", "Short"]
    assert inner["GlobalLut"].input(0) is inner["PlateWrite"].input(0) is inner["plate"]
    assert inner["MatteWrite"].input(0) is inner["matte"]
    assert inner["Output1"].input(0) is inner["Show"]
    assert [inner[name]["number"].value() for name in ("plate", "matte", "grade")] == [0, "1", "2"]
    buttons = {user[1]: user[user.index("T") + 1] for user in node.users if user[0] == "22"}
    assert set(buttons) == {"refresh", "proof", "lut", "grade", "farm", "status", "cancel"}
    for script in (*buttons.values(), node["onCreate"].value(), node["knobChanged"].value()):
        called = [own.func for own in ast.walk(ast.parse(script)) if isinstance(own, ast.Call)]
        names = [own.attr for own in called if getattr(own.value, "id", "") == "vfxstyle_nuke"]
        assert len(names) == 1
        assert callable(getattr(nuke.work, names[0]))
    for file in installed.glob("*.py"):
        assert ast.parse(file.read_text(), feature_version=(3, 9))


def test_the_installed_command_is_the_one_that_installed_it(installed):
    assert f'"VFXSTYLE_COMMAND", {json.dumps(own_command())})' in (installed / "init.py").read_text()
    assert '"VFXSTYLE_COMMAND", "vfxstyle")' in (host_folder() / "nuke" / "init.py").read_text()


def test_files_of_somebody_else_are_not_replaced(installed, tmp_path):
    install(HOSTS["nuke"], installed)  # its own it is
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "menu.py").write_text("# of the studio\n")
    with pytest.raises(UsageError, match=r"menu.py is somebody else's; choose a folder of its own with --to"):
        install(HOSTS["nuke"], tmp_path / "theirs")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["menu.py"]


def test_a_plain_read_is_graded_where_it_lies_and_one_read_shows_it(nuke, node, plate, tmp_path):
    node.setInput(0, plate)
    plate["colorspace"].setValue("ACES - ACEScg")
    nuke.work.grade_here(node)
    assert said(node) == ""
    nuke.pump(lambda: said(node))
    assert said(node).startswith("3 frames written, 0 were up to date: ")
    assert not nuke.rendered  # nothing was written that is on disk already
    read = named(nuke, "VfxStyle1_grade")
    assert node.input(2) is read
    assert node["show"].value() == "grade"
    told = [read[name].value() for name in ("first", "last", "frame_mode", "frame", "colorspace", "raw")]
    assert told == [1001, 1003, "start at", "1001", "ACES - ACEScg", False]
    first = read["file"].value()
    assert Path(first % 1002).is_file()
    assert ProgressTask.shown[-1].percent >= 90

    node["folder"].setValue(str(tmp_path / "elsewhere"))
    node["strength"].setValue(0.5)
    node["said"].setValue("")
    nuke.work.grade_here(node)
    nuke.pump(lambda: said(node))
    assert named(nuke, "VfxStyle1_grade") is read  # reused
    assert read["file"].value() == str(tmp_path / "elsewhere" / "VfxStyle1_grade" / "VfxStyle1_grade.%04d.exr")
    former = named(nuke, "VfxStyle1_grade_former")
    assert (former["file"].value(), former["last"].value()) == (first, 1003)


@pytest.mark.parametrize("known", [True, False])
def test_a_result_in_another_space_than_its_plate_is_read_in_that(nuke, node, make_shot, known):
    """EXR of a display-referred plate is linear light."""
    shot = make_shot(frames=range(1, 3), extension="png")
    plate = nuke.add("Read", "Read1", file=str(shot / "plate.%04d.png"), first=1, last=2, colorspace="default (sRGB)")
    read = nuke.add("Read", "VfxStyle1_grade")
    read["colorspace"].setValues(["default", "Linear Rec.709 (sRGB)\tUtility/Linear Rec.709 (sRGB)"] if known else [])
    node.setInput(0, plate)
    nuke.work.grade_here(node)
    nuke.pump(lambda: said(node))
    assert said(node).startswith("2 frames written")
    assert read["raw"].value() is False
    assert read["colorspace"].value() == ("Linear Rec.709 (sRGB)" if known else "default")
    assert ("which this script has by another name; set it" in said(node)) is not known


def test_a_plate_with_nodes_between_is_written_first_and_a_matte_too(nuke, node, tmp_path):
    for number in (1001, 1002):  # half of the frame is in the matte
        pixels = np.dstack([moving_picture(number - 1001), np.arange(128)[None, :].repeat(72, 0) < 64])
        write_picture(tmp_path / "p" / f"p.{number}.exr", pixels, names=("R", "G", "B", "A"))
    file, first, last = frames_of_plate(tmp_path / "p")
    plate = nuke.add("Read", "Read1", file=file, first=first, last=last)
    between = nuke.add("Grade", "Grade1")
    between.setInput(0, plate)
    node.setInput(0, between)
    node.setInput(1, plate)
    node.node("PlateWrite").setInput(0, between)
    node.node("MatteWrite").setInput(0, plate)
    node["use_matte"].setValue(True)
    nuke.work.grade_here(node)
    nuke.pump(lambda: said(node))
    folder = tmp_path / "vfxstyle"
    written = [str(folder / f"VfxStyle1_{kind}" / f"VfxStyle1_{kind}.%04d.exr") for kind in ("plate", "matte")]
    assert nuke.rendered == [(name, 1001, 1002, 1) for name in written]
    assert said(node).startswith("2 frames written")
    nuke.rendered.clear()
    node["said"].setValue("")
    nuke.work.status(node)
    nuke.pump(lambda: said(node))
    assert said(node).startswith("done: 2 of 2 frames.")
    assert not nuke.rendered  # to ask is not to render
    nuke.current = 1002
    nuke.work.proof(node)
    assert nuke.rendered == [(name, 1002, 1002, 1) for name in written]  # what is looked at
    nuke.pump(lambda: nuke.opened)
    read = named(nuke, "VfxStyle1_grade")
    assert read["raw"].value()  # the working space, as it was written
    plate, graded = (read_pixels(name % 1001)[..., :3] for name in (written[0], read["file"].value()))
    changed = np.abs(graded - plate).max(axis=(0, 2)) > 0
    assert (changed[:60].any(), changed[66:].any()) == (True, False)


def test_a_lut_stands_in_with_a_matte_of_where_it_falls_short(nuke, node, plate):
    node.setInput(0, plate)
    node["options"].setValue(f"{OPTIONS} --format exr")  # of which a LUT takes what is about the plate
    nuke.work.global_lut(node)
    nuke.pump(lambda: said(node), 120)
    assert said(node).startswith("LUT in ACEScct: ")
    inner = node.inner
    assert inner["GlobalLut"]["working_space"].value() == "ACEScct"
    assert Path(inner["GlobalLut"]["file"].value()).is_file()
    assert (inner["GlobalLut"]["disable"].value(), inner["ShortMatte"]["disable"].value()) == (False, False)
    matte = inner["Short"]
    assert (matte["first"].value(), matte["last"].value()) == (1001, 1003)
    (part,) = read_parts(Path(matte["file"].value() % 1002))
    assert list(part.channels) == [inner["ShortMatte"]["from0"].value()]
    assert node["show"].value() == "LUT"


def test_farm_status_and_proof(nuke, node, plate, tmp_path):
    node.setInput(0, plate)
    node["submit"].setValue(
        f"{shlex.quote(sys.executable)} -c \"import sys; print('job-7 from', sys.argv[1])\" {{bundle}}"
    )
    nuke.work.send_to_farm(node)
    nuke.pump(lambda: said(node))
    assert said(node) == f"job-7 from {tmp_path / 'vfxstyle' / 'VfxStyle1_job'}"
    assert (tmp_path / "vfxstyle" / "VfxStyle1_job" / "template.json").is_file()
    node["said"].setValue("")
    nuke.work.status(node)
    nuke.pump(lambda: said(node))
    assert said(node).startswith("none: 0 of 3 frames.")
    nuke.work.proof(node)
    nuke.pump(lambda: nuke.opened)
    assert nuke.opened == [(tmp_path / "vfxstyle" / "VfxStyle1_proof.png").as_uri()]


def test_looks_are_listed_and_what_goes_wrong_is_said(nuke, node, monkeypatch, tmp_path):
    nuke.work.created(node)
    nuke.pump(lambda: node["presets"].values_listed)
    assert {"golden", "cold"} <= set(node["presets"].values_listed)
    node["presets"].setValue("cold")
    nuke.work.changed(node, node["presets"])
    assert node["preset"].value() == "cold"
    nuke.work.changed(node, None)  # as Nuke calls it at times
    nuke.work.grade_here(node)
    assert said(node) == "Connect a plate to the first input."
    node.setInput(0, nuke.add("Read", "Read1", file=str(tmp_path / "absent.%04d.exr"), first=1, last=2))
    nuke.work.grade_here(node)
    nuke.pump(lambda: "absent" in said(node))
    monkeypatch.setenv("VFXSTYLE_COMMAND", "/no/such/command")
    nuke.work.grade_here(node)
    assert (
        said(node) == "/no/such/command cannot be started (No such file or directory); name it with $VFXSTYLE_COMMAND."
    )


SLOW = """
import json, signal, sys, time
def stop(*_):
    print(json.dumps({"event": "failed", "code": "interrupted", "message": "Stopped by a signal."}), file=sys.stderr)
    raise SystemExit(143)
signal.signal(signal.SIGTERM, stop)
print(json.dumps({"event": "progress", "percent": 7, "stage": "grade"}), file=sys.stderr, flush=True)
while True:
    time.sleep(0.05)
    print(json.dumps({"event": "note", "text": "still"}), file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("by", ["bar", "button"])
def test_what_runs_can_be_cancelled(nuke, node, plate, monkeypatch, tmp_path, by):
    (tmp_path / "slow.py").write_text(textwrap.dedent(SLOW))
    monkeypatch.setenv("VFXSTYLE_COMMAND", shlex.join([sys.executable, str(tmp_path / "slow.py")]))
    node.setInput(0, plate)
    nuke.work.grade_here(node)
    bar = ProgressTask.shown[-1]
    nuke.pump(lambda: bar.percent == 7)
    nuke.work.grade_here(node)
    assert said(node) == "Something runs for this node already; cancel it, or wait."
    if by == "bar":
        bar.cancelled = True
    else:
        nuke.work.cancel(node)
    nuke.pump(lambda: said(node) == "cancelled")


@pytest.mark.parametrize(
    ("knobs", "is_plain"),
    [
        ({}, True),
        ({"frame_mode": "start at", "frame": "1001"}, True),
        ({"frame_mode": "start at", "frame": "1"}, False),
        ({"frame_mode": "offset", "frame": "0"}, True),
        ({"frame_mode": "offset", "frame": "8"}, False),
        ({"frame": "frame/2"}, False),
        ({"disable": True}, False),
    ],
)
def test_a_read_is_plain_where_frames_keep_their_numbers(nuke, node, plate, knobs, is_plain):
    for name, value in knobs.items():
        plate[name].setValue(value)
    dot = nuke.add("Dot", "Dot1")
    dot.setInput(0, plate)
    node.setInput(0, dot)
    nodes = sys.modules["vfxstyle_nuke_nodes"]
    assert (nodes.plain_read(node) is plate) == is_plain


def test_the_colours_of_the_script_go_with_the_command(nuke, node, plate):
    nodes, root = sys.modules["vfxstyle_nuke_nodes"], nuke.root()
    node.setInput(0, plate)
    plate["colorspace"].setValue("ACEScg")
    assert nodes.plate_of(node, None).options == []
    root["colorManagement"].setValue("OCIO")
    assert nodes.plate_of(node, None).options == ["--input-space", "ACEScg"]
    root["OCIO_config"].setValue("custom")
    root["customOCIOConfigPath"].setValue("/show/config.ocio")
    assert nodes.plate_of(node, None).options == ["--input-space", "ACEScg", "--ocio", "/show/config.ocio"]
    plate["colorspace"].setValue("default (sRGB)")
    assert nodes.plate_of(node, None).options == []
