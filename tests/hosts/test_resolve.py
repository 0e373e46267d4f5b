"""The scripts for Resolve's menu, against a stand-in of its scripting interface."""

import json
import re
import runpy
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import main_in_process

from vfxstyle.handover.hosts import HOSTS, install, own_command


class Media:
    """A clip of the media pool."""

    def __init__(self, path):
        self.properties = {"File Path": path}

    def GetClipProperty(self, name):
        return self.properties.get(name, "")

    def SetClipProperty(self, name, value):
        assert isinstance(value, str)
        self.properties[name] = value
        return True


class Item:
    """A clip of the timeline, showing its media from the third frame on."""

    def __init__(self, media):
        self.media, self.takes, self.markers, self.luts, self.cdl = media, [], {}, {}, None

    def GetName(self):
        return "plate 010/a"

    def GetMediaPoolItem(self):
        return self.media

    def GetLeftOffset(self):
        return 1

    def GetDuration(self):
        return 2

    def AddTake(self, clip, first, last):
        if not self.takes:
            self.takes.append({"mediaPoolItem": self.media})
        self.takes.append({"mediaPoolItem": clip, "startFrame": first, "endFrame": last})
        return True

    def GetTakesCount(self):
        return len(self.takes)

    def GetTakeByIndex(self, index):
        return self.takes[index - 1]

    def GetMarkers(self):
        return self.markers

    def AddMarker(self, frame, color, name, note, duration, custom):
        if frame in self.markers:
            return False
        self.markers[frame] = {"color": color, "name": name, "note": note, "customData": custom}
        return True

    def DeleteMarkerAtFrame(self, frame):
        del self.markers[frame]
        return True

    def GetNodeGraph(self):
        return SimpleNamespace(SetLUT=lambda node, path: self.luts.update({node: path}) or True)

    def SetCDL(self, values):
        assert all(isinstance(value, str) for value in values.values())
        self.cdl = values
        return True


class Resolve:
    """The program, with a timeline of one clip on its second track."""

    def __init__(self, item):
        self.item, self.imported, self.refreshed = item, [], 0
        self.timeline = SimpleNamespace(
            GetTrackCount=lambda kind: {"video": 2}[kind],
            GetItemListInTrack=lambda kind, track: [self.item] if track == 2 else [],
        )

    def GetProjectManager(self):
        pool = SimpleNamespace(ImportMedia=self._import)
        project = SimpleNamespace(
            GetMediaPool=lambda: pool, GetCurrentTimeline=lambda: self.timeline, RefreshLUTList=self._refresh
        )
        return SimpleNamespace(GetCurrentProject=lambda: project)

    def _import(self, infos):
        self.imported += infos
        return [Media(str(infos[0]))]

    def _refresh(self):
        self.refreshed += 1
        return True


@pytest.fixture
def scripts(tmp_path):
    return {path.stem.partition(" - ")[2]: path for path in install(HOSTS["resolve"], tmp_path / "Utility")}


@pytest.fixture
def resolve(make_shot, tmp_path, monkeypatch):
    shot = make_shot(frames=range(1001, 1004))
    (tmp_path / "luts").mkdir()
    monkeypatch.setenv("VFXSTYLE_RESOLVE_LUTS", str(tmp_path / "luts"))
    monkeypatch.setenv("VFXSTYLE_COMMAND", shlex.join([sys.executable, "-m", "vfxstyle"]))
    monkeypatch.setenv("VFXSTYLE_PRESET", "golden")
    for name, value in {"SUPERPIXELS": 40, "ANALYSIS_WIDTH": 96}.items():
        monkeypatch.setenv(f"VFXSTYLE_{name}", str(value))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield Resolve(Item(Media(str(shot / "plate.[1001-1003].exr"))))
    for name in ("vfxstyle_resolve", "vfxstyle_command"):
        sys.modules.pop(name, None)


def run(scripts, name, resolve, capsys):
    """What a script of the menu prints."""
    capsys.readouterr()
    runpy.run_path(str(scripts[name]), {"resolve": resolve})
    return capsys.readouterr().out.strip()


def test_a_grade_becomes_a_take_beside_its_plate(scripts, resolve, capsys, tmp_path):
    item = resolve.item
    assert run(scripts, "Add grades as takes", resolve, capsys) == "plate 010/a: not graded yet (0 of 3 frames)"
    assert not item.takes
    assert main_in_process("grade", tmp_path / "plate" / "plate.####.exr").returncode == 0
    out = tmp_path / "plate" / "plate_golden"
    told = run(scripts, "Add grades as takes", resolve, capsys)
    assert told == f"plate 010/a: take 2: {out / 'plate_golden.1001.exr'}"
    assert resolve.imported == [{"FilePath": str(out / "plate_golden.%04d.exr"), "StartIndex": 1001, "EndIndex": 1003}]
    assert [(take["startFrame"], take["endFrame"]) for take in item.takes[1:]] == [(1, 2)]
    assert run(scripts, "Add grades as takes", resolve, capsys) == "plate 010/a: the grade is a take already"
    assert len(item.takes) == 2


def test_luts_and_cdls_go_to_nodes(scripts, resolve, capsys, tmp_path):
    item = resolve.item
    told = run(scripts, "Put LUTs on nodes", resolve, capsys)
    (lut,) = (tmp_path / "luts" / "vfxstyle").iterdir()
    assert told == f"plate 010/a: {lut.name}, for a timeline in ACEScct"
    assert re.fullmatch(r"plate_010_a_[0-9a-f]{8}\.cube", lut.name)
    assert (item.luts, resolve.refreshed) == ({1: f"vfxstyle/{lut.name}"}, 1)
    item.media.properties["File Path"] = str((tmp_path / "plate").rename(tmp_path / "sh020") / "plate.[1001-1003].exr")
    run(scripts, "Put LUTs on nodes", resolve, capsys)  # of another plate with that name
    assert len(list(lut.parent.iterdir())) == 2
    assert "for a timeline in ACEScct" in run(scripts, "Put CDLs on nodes", resolve, capsys)
    assert item.cdl["NodeIndex"] == "1"
    assert len([float(number) for name in ("Slope", "Offset", "Power") for number in item.cdl[name].split()]) == 9
    assert float(item.cdl["Saturation"]) > 0


REPORT = """
import json, sys
assert sys.argv[1:3] == ["report", {shot!r}], sys.argv
weak = [{{"frame": 1002, "why": "the grade moves by 4.2 Lab"}}, {{"frame": 1003, "why": "2.0% at display white"}}]
facts = {{"shot": {{"frames": [1001, 1002, 1003]}}, "weak": weak}}
open(sys.argv[sys.argv.index("-o") + 1], "w").write(json.dumps(facts))
print(json.dumps({{"event": "done", "percent": 100, "stage": "done"}}), file=sys.stderr)
"""


def test_weak_frames_are_marked_once(scripts, resolve, capsys, monkeypatch, tmp_path):
    """The report is a made-up one: tests of the report say which frames it calls weak."""
    item = resolve.item
    item.markers = {0: {"customData": "", "name": "of somebody"}, 2: {"customData": "vfxstyle", "name": "older"}}
    (tmp_path / "report.py").write_text(REPORT.format(shot=str(tmp_path / "plate" / "plate.####.exr")))
    monkeypatch.setenv("VFXSTYLE_COMMAND", shlex.join([sys.executable, str(tmp_path / "report.py")]))
    for _ in range(2):
        assert run(scripts, "Mark weak frames", resolve, capsys) == "plate 010/a: 2 frames marked"
        assert {frame: marker.get("note", marker["name"]) for frame, marker in item.markers.items()} == {
            0: "of somebody",
            1: "the grade moves by 4.2 Lab",
            2: "2.0% at display white",
        }


def test_what_fails_is_said_for_each_clip(scripts, resolve, capsys, monkeypatch, tmp_path):
    resolve.item.media.properties["File Path"] = str(tmp_path / "absent.[1-2].exr")
    assert "absent" in run(scripts, "Add grades as takes", resolve, capsys)
    resolve.timeline = None
    with pytest.raises(RuntimeError, match="No timeline is open"):
        run(scripts, "Add grades as takes", resolve, capsys)
    with pytest.raises(RuntimeError, match="Run this from Resolve's menu"):
        runpy.run_path(str(scripts["Mark weak frames"]))
    monkeypatch.setenv("VFXSTYLE_RESOLVE_LUTS", str(tmp_path / "absent"))
    with pytest.raises(RuntimeError, match="VFXSTYLE_RESOLVE_LUTS"):
        run(scripts, "Put LUTs on nodes", Resolve(resolve.item), capsys)


def test_scripts_know_where_their_modules_are(scripts):
    assert set(scripts) == {"Add grades as takes", "Put LUTs on nodes", "Put CDLs on nodes", "Mark weak frames"}
    for script in scripts.values():
        (line,) = [line for line in script.read_text().splitlines() if line.startswith("MODULES = ")]
        assert all(Path(folder).is_dir() for folder in line.split('"')[1].split(";"))
        assert json.dumps(own_command()) in script.read_text()
