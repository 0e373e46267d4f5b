"""A stand-in for Nuke's Python module: nodes and knobs as far as the gizmo uses them, of a gizmo that Tcl has read.

Nodes may be touched in the main thread only, as in Nuke; what other threads send there waits until :meth:`pump`.
"""

import queue
import re
import shutil
import threading
import time
import types
from pathlib import Path

READ = {
    "file": "", "first": 1, "last": 1, "origfirst": 1, "origlast": 1, "frame_mode": "expression", "frame": "",
    "colorspace": "default", "raw": False, "on_error": "error", "reload": None, "disable": False,
}  # fmt: skip
WRITE = {"file": "", "file_type": " ", "channels": "rgb", "raw": False, "colorspace": "default", "disable": False}
KNOBS = {
    "Read": READ,
    "Write": WRITE,
    "OCIOFileTransform": {"file": "", "working_space": "scene_linear", "reload": None, "disable": False},
    "Copy": {"from0": "rgba.alpha", "to0": "rgba.alpha", "disable": False},
    "Switch": {"which": 0, "disable": False},
    "Grade": {"disable": False},
    "Dot": {},
    "Input": {"number": 0},
    "Output": {},
}


class Knob:
    """A value; buttons count how often they are pressed."""

    def __init__(self, name, value):
        self._name, self._value, self.values_listed, self.pressed = name, value, [], 0

    def name(self):
        return self._name

    def value(self):
        assert threading.current_thread() is threading.main_thread()
        return self._value

    def setValue(self, value):
        assert threading.current_thread() is threading.main_thread()
        self._value = type(self._value)(value) if isinstance(self._value, str | bool) else value

    def setValues(self, values):
        assert threading.current_thread() is threading.main_thread()
        self.values_listed = list(values)

    def values(self):
        return self.values_listed

    def execute(self):
        self.pressed += 1


class Node:
    """A node with knobs and inputs."""

    inside = []  # noqa: RUF012 - groups that nodes are looked for and made in, the last one at present

    def __init__(self, kind, name, knobs):
        self._kind, self.inputs, self.inner, self.place = kind, {}, {}, (0, 0)
        self.knobs = {key: Knob(key, value) for key, value in {"name": name, **knobs}.items()}

    def __getitem__(self, name):
        return self.knobs[name]  # a knob that is not there is a mistake

    def __enter__(self):
        Node.inside.append(self)

    def __exit__(self, *_):
        Node.inside.pop()

    def Class(self):
        return self._kind

    def name(self):
        return self["name"].value()

    def fullName(self):
        return self.name()

    def node(self, name):
        return self.inner[name]

    def input(self, index):
        return self.inputs.get(index)

    def setInput(self, index, node):
        self.inputs[index] = node
        return True

    def setXYpos(self, x, y):
        self.place = x, y

    def xpos(self):
        return self.place[0]

    def ypos(self):
        return self.place[1]

    def firstFrame(self):
        return self["first"].value() if "first" in self.knobs else self.input(0).firstFrame()

    def lastFrame(self):
        return self["last"].value() if "last" in self.knobs else self.input(0).lastFrame()


class ProgressTask:
    """A bar, which can be cancelled by a test."""

    shown = []  # noqa: RUF012 - of all bars

    def __init__(self, name):
        self.name, self.percent, self.message, self.cancelled = name, 0, "", False
        self.shown.append(self)

    def setProgress(self, percent):
        assert isinstance(percent, int)
        self.percent = percent

    def setMessage(self, text):
        self.message = text

    def isCancelled(self):
        return self.cancelled


class Nuke(types.ModuleType):
    """The module."""

    ProgressTask = ProgressTask

    def __init__(self, script):
        super().__init__("nuke")
        self._root = Node(
            "Root", str(script), {"colorManagement": "Nuke", "OCIO_config": "", "customOCIOConfigPath": ""}
        )
        self.all, self._waiting, self.rendered, self.current = {}, queue.Queue(), [], 1
        self.nodes = types.SimpleNamespace(Read=lambda: self.add("Read", f"Read{len(self.all)}"))

    def add(self, kind, name, **knobs):
        node = Node(kind, name, {**KNOBS[kind], **knobs})
        self.all[id(node)] = node
        return node

    def root(self):
        return self._root

    def frame(self):
        return self.current

    def toNode(self, name):
        assert Node.inside == [self._root]
        return next((node for node in self.all.values() if node.name() == name), None)

    def execute(self, node, first, last, step):
        """Render a Write: the frames of the Read that everything comes from."""
        source = node
        while source.Class() != "Read":
            source = source.input(0)
        file = node["file"].value()
        self.rendered.append((file, first, last, step))
        for frame in range(first, last + 1):
            shutil.copyfile(source["file"].value() % frame, file % frame)

    def executeInMainThread(self, call, args=(), kwargs=None):
        assert threading.current_thread() is not threading.main_thread()  # Nuke would hang
        assert isinstance(args, tuple)
        self._waiting.put((call, args, kwargs or {}))

    def pump(self, until, seconds=60):
        """Do in the main thread what was sent there, until a condition holds."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "nothing came of it"
            try:
                call, args, kwargs = self._waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            call(*args, **kwargs)


def load_gizmo(nuke, tcl, file):
    """A node of a gizmo, with what is inside it, read by Tcl as Nuke reads it."""
    nodes, stack = [], []

    def take(kind, body):
        words = tcl.splitlist(body)
        knobs, users, at = {}, [], 0
        while at < len(words):
            if words[at] == "addUserKnob":
                users.append(tcl.splitlist(words[at + 1]))
            else:
                knobs[words[at]] = words[at + 1]
            at += 2
        node = Node(kind, knobs.get("name", kind), {**KNOBS.get(kind, {}), **{k: plain(v) for k, v in knobs.items()}})
        node.users = users
        for user in users:
            node.knobs.setdefault(user[1], Knob(user[1], ""))
        if kind == "Gizmo":
            nodes.append(node)
            return
        count = int(knobs.get("inputs", 1))
        for index in range(count):
            node.setInput(index, stack.pop())
        nodes.append(node)
        stack.append(node)

    for kind in ("Gizmo", *KNOBS):
        tcl.createcommand(kind, lambda body, kind=kind: take(kind, body))
    tcl.createcommand("stack", lambda index: str(nodes.index(stack[-1 - int(index)])))
    tcl.createcommand("push", lambda index: stack.append(nodes[int(index)]))
    tcl.createcommand("version", lambda *_: None)
    tcl.createcommand("add_layer", lambda *_: None)
    tcl.createcommand("end_group", lambda: None)
    tcl.eval(file.read_text())
    gizmo, *inner = nodes
    gizmo.inner = {node.name(): node for node in inner}
    gizmo["name"].setValue("VfxStyle1")
    gizmo["strength"].setValue(1.0)
    gizmo["use_matte"]._value = False
    gizmo["said"].setValue("")
    return gizmo


def plain(value):
    return value == "true" if value in ("true", "false") else value


def frames_of_plate(folder):
    """The Read's file of a folder of frames, and its first and last number."""
    files = sorted(Path(folder).glob("*.exr"))
    numbers = [int(re.search(r"(\d+)\.exr$", file.name).group(1)) for file in files]
    pattern = re.sub(r"\d+\.exr$", "%04d.exr", str(files[0]))
    return pattern, numbers[0], numbers[-1]
