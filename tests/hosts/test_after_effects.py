"""The panel for After Effects, in a browser's ECMAScript with a stand-in of the application's objects."""

import json
import re
import shlex
import subprocess
import sys

import pytest
from helpers import QUICK_FLAGS

from vfxstyle.handover.hosts import HOSTS, host_folder, install

playwright = pytest.importorskip("playwright.sync_api")

STAND_IN = """
var disk = {}, commands = [], answers = {}, tasks = {}, said = [], made = [];
var $ = {os: "Macintosh OS 14"};
var AlphaMode = {IGNORE: 1, STRAIGHT: 2, PREMULTIPLIED: 3};
var system = {callSystem: function (line) { commands.push(line); return answers[line] || ""; }};
var Folder = {temp: {fsName: "/tmp"}};
function File(path) { this.fsName = path; }
File.prototype.open = function () { return disk[this.fsName] !== undefined; };
File.prototype.read = function () { return disk[this.fsName]; };
File.prototype.close = function () {};
function ImportOptions(file) { this.file = file; this.sequence = false; this.forceAlphabetical = true; }
function Control(kind, text) {
    this.kind = kind; this.text = text || ""; this.items = []; this.children = []; this.selection = null;
}
Control.prototype.add = function (kind, place, text) {
    var child = new Control(kind, kind === "item" ? place : text);
    (kind === "item" ? this.items : this.children).push(child);
    return child;
};
Control.prototype.removeAll = function () { this.items = []; };
function Panel() { Control.call(this, "panel"); this.layout = {layout: function () {}}; }
Panel.prototype = new Control();
function Window() { Control.call(this, "window"); }
Window.prototype = new Control();
Window.prototype.center = Window.prototype.show = function () {};
function FootageItem(source, name) { this.mainSource = source; this.name = name; this.comment = ""; }
function CompItem() { this.selectedLayers = []; }
var comp = new CompItem(), order = [];
comp.layers = {add: function (item) {
    var layer = {source: item, moveBefore: function (other) { order.push([item.name, other.source.name]); }};
    made.push(layer);
    return layer;
}};
var app = {
    project: {activeItem: comp, importFile: function (options) {
        var source = {file: options.file, isStill: false, hasAlpha: true, alphaMode: AlphaMode.STRAIGHT,
            conformFrameRate: 30, premulColor: [1, 1, 1]};
        app.options = options;
        return new FootageItem(source, "graded");
    }},
    scheduleTask: function (code, delay, repeat) { tasks[7] = code; return 7; },
    cancelTask: function (id) { delete tasks[id]; },
    beginUndoGroup: function () {}, endUndoGroup: function () {}
};
function tick() { for (var id in tasks) { (0, eval)(tasks[id]); } }
function choose(file, still) {
    var source = {file: new File(file), isStill: !!still, conformFrameRate: 25, displayFrameRate: 25, hasAlpha: true,
        alphaMode: AlphaMode.PREMULTIPLIED, premulColor: [0, 0, 0]};
    var item = new FootageItem(source, "plate");
    comp.selectedLayers = [{source: item, containingComp: comp, startTime: 2, inPoint: 3, outPoint: 4}];
}
"""


@pytest.fixture
def panel(browser, tmp_path):
    """The panel in an empty page, as a dockable one."""
    page, faults = browser.new_page(), []
    page.on("pageerror", lambda fault: faults.append(fault))
    (script,) = install(HOSTS["after-effects"], tmp_path / "ScriptUI Panels")
    text = script.read_text().replace("vfxstyle.panel(this);", "var shown = vfxstyle.panel(new Panel());")
    own = shlex.join([sys.executable, "-m", "vfxstyle"])
    text = re.sub(r"var COMMAND = .*?;", lambda _: f"var COMMAND = {json.dumps(own)};", text)
    page.add_script_tag(content=STAND_IN)
    page.add_script_tag(content=text)
    yield page
    assert not faults
    page.close()


def test_it_is_of_the_language_that_extendscript_has():
    text = (host_folder() / "after_effects" / "vfxstyle.jsx").read_text()
    code = re.sub(r"//.*|\"(?:\\.|[^\"\\])*\"", "", text)
    assert not re.search(
        r"\b(let|const|class|import|export|async|await)\b|=>|`|\.forEach|\.map\(|\.trim\(|\.\.\.", code
    )


def test_a_panel_and_a_window(panel):
    assert panel.evaluate("shown.children.length") == 4
    assert panel.evaluate("vfxstyle.panel(window) instanceof Window")


@pytest.mark.parametrize(
    ("file", "still", "shot"),
    [
        ("/p/a.1001.exr", False, "/p/a.####.exr"),
        ("/p/a_v2_00086.dpx", False, "/p/a_v2_#####.dpx"),
        ("/p/a.1001.exr", True, "/p/a.1001.exr"),
        ("/p/take2.mov", False, "/p/take2.mov"),
    ],
)
def test_the_plate_of_a_layer(panel, file, still, shot):
    panel.evaluate("([file, still]) => choose(file, still)", [file, still])
    assert panel.evaluate("vfxstyle.shotOf(comp.selectedLayers[0].source.mainSource)") == shot


def test_json_is_read_without_the_host_and_nothing_else_is_run(panel):
    text = json.dumps([{"a": 'x"]\\ \n', "b": [1.5e3, None, True]}])
    script = (
        "text => { var own = JSON; JSON = undefined; try { return vfxstyle.parse(text); } finally { JSON = own; } }"
    )
    assert panel.evaluate(script, text) == json.loads(text)
    with pytest.raises(playwright.Error, match="This is no JSON"):
        panel.evaluate(script, "alert(1)")


def test_from_the_list_of_looks_to_the_layer(panel, make_shot, tmp_path):
    """Each command that the panel gives to the system is run by a shell, as the system would."""
    shot = make_shot(frames=range(1001, 1004))
    panel.evaluate("shown.children[0].children[2].onClick()")
    listing = panel.evaluate("commands.shift()")
    out = subprocess.run(listing, shell=True, capture_output=True, text=True, check=True).stdout
    panel.evaluate("([line, out]) => { answers[line] = out; }", [listing, out])
    panel.evaluate("shown.children[0].children[2].onClick()")
    looks = panel.evaluate("shown.children[0].children[1].items.map(item => item.text)")
    assert {"golden", "cold"} <= set(looks)
    panel.evaluate("commands.shift()")

    words = " ".join(shlex.quote(word) for word in QUICK_FLAGS)
    panel.evaluate("shown.children[0].children[1].selection = {text: 'golden'}")
    panel.evaluate("shown.children[1].children[3].text = '1001-1002'")
    panel.evaluate("shown.children[2].onClick()")
    assert "Select one layer" in panel.evaluate("shown.children[3].text")
    panel.evaluate("file => choose(file)", str(shot / "plate.1001.exr"))
    panel.evaluate("shown.children[2].onClick()")
    line = panel.evaluate("commands.shift()")
    log = panel.evaluate("vfxstyle.state.log.fsName")
    assert line.startswith("/bin/sh -c 'nohup ")
    assert line.rstrip("'").endswith("< /dev/null &")
    inner = shlex.split(shlex.split(line)[2])[3]
    assert inner.endswith(f" > '{log}' 2>&1; echo vfxstyle-ended >> '{log}'")
    inner = inner.partition(" > ")[0]  # what is left of it runs here at once
    ran = subprocess.run(f"{inner} {words}", shell=True, capture_output=True, text=True, check=True)
    told = ran.stderr.splitlines()

    def show(lines):
        panel.evaluate("([log, text]) => { disk[log] = text; tick(); }", [log, "\n".join(lines)])
        return panel.evaluate("shown.children[3].text")

    first = next(index for index, line in enumerate(told) if '"progress"' in line)
    assert re.fullmatch(r"\d+ %  \w+", show([*told[: first + 1], '{"event": "prog']))
    assert show(told).startswith(f"done: {shot / 'plate_golden' / 'plate_golden.1001.exr'}")
    assert panel.evaluate("[app.options.sequence, app.options.forceAlphabetical]") == [True, False]
    assert panel.evaluate("[made[0].startTime, made[0].inPoint, made[0].outPoint]") == [2, 3, 4]
    source = panel.evaluate("made[0].source.mainSource")
    assert (source["conformFrameRate"], source["alphaMode"], source["premulColor"]) == (25, 3, [0, 0, 0])
    assert panel.evaluate("order") == [["graded", "plate"]]
    assert panel.evaluate("[tasks, vfxstyle.state]") == [{}, None]


def test_a_failure_is_said(panel, tmp_path):
    panel.evaluate("file => choose(file)", "/absent/a.1001.exr")
    for text, said in (
        ('{"event": "failed", "code": "shot", "message": "There is no shot."}', "There is no shot."),
        ("sh: vfxstyle: not found\nvfxstyle-ended\n", "It ended without a result: sh: vfxstyle: not found"),
        ('{"event": "progress", "percent": 4, "stage": "grade"}\nvfxstyle-ended', "It ended without a result: "),
    ):
        panel.evaluate("vfxstyle.grade({preset: 'golden', strength: '1', frames: ''})")
        panel.evaluate("text => { disk[vfxstyle.state.log.fsName] = text; tick(); }", text)
        assert panel.evaluate("shown.children[3].text") == said
        assert panel.evaluate("[tasks, vfxstyle.state]") == [{}, None]


def test_words_of_a_note_end_nothing(panel):
    panel.evaluate("file => choose(file)", "/absent/a.1001.exr")
    panel.evaluate("vfxstyle.grade({preset: 'golden', strength: '1', frames: ''})")
    note = '{"event": "note", "text": "a frame is not found; vfxstyle-ended"}\n'
    note += '{"event": "progress", "percent": 7, "stage": "grade"}'
    panel.evaluate("text => { disk[vfxstyle.state.log.fsName] = text; tick(); }", note)
    assert panel.evaluate("shown.children[3].text") == "7 %  grade"


def test_words_are_quoted_for_either_shell(panel):
    odd = "a b'c\"d$e"
    line = panel.evaluate("word => vfxstyle.line([word], '', false)", odd)
    assert shlex.split(shlex.split(line)[2])[-2] == odd
    panel.evaluate("$.os = 'Windows 11'")
    line = panel.evaluate("vfxstyle.line(['a b'], 'C:\\\\log', true)")
    assert line.startswith('cmd.exe /c "start "vfxstyle" /b cmd.exe /c "')
    assert '"a b" > "C:\\log" 2>&1 & echo vfxstyle-ended >> "C:\\log"' in line
