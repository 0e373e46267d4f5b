"""Nodes of the VfxStyle gizmo: the plate that it grades, and the Read of what comes out.

Nuke's functions and knobs by their documentation, https://learn.foundry.com/nuke/developers/ (nuke.Node, nuke.execute)
and https://learn.foundry.com/nuke/content/reference_guide/ (Read, Write, OCIOFileTransform, Switch, Copy).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import nuke
import vfxstyle_command as command


class Plate(NamedTuple):
    """What is graded, on disk."""

    shot: str
    """Sequence pattern or movie."""
    first: int
    """First frame."""
    last: int
    """Last frame."""
    options: list[str]
    """Options that say how it is read."""
    read: Any | None
    """The Read that it is; None for one that was written for this."""


def own_folder(node: Any) -> Path:
    """Where the node's own files go: its folder knob, else `vfxstyle` beside the script."""
    script = nuke.root()["name"].value()
    return Path(node["folder"].value() or (Path(script).parent if script else Path.cwd()) / "vfxstyle")


def plain_read(node: Any) -> Any | None:
    """The Read that the plate input is, if nothing lies between and it shows every frame under its own number."""
    above = node.input(0)
    while above is not None and above.Class() == "Dot":
        above = above.input(0)
    if above is None or above.Class() != "Read" or above["disable"].value() or "[" in above["file"].value():
        return None  # of what lies in brackets only Nuke knows what it is
    mode, frame = above["frame_mode"].value(), str(above["frame"].value()).strip()
    same = {"expression": frame in ("", "frame"), "offset": frame in ("", "0")}
    return above if same.get(mode, frame == str(int(above["first"].value()))) else None


def frame_range(node: Any) -> list[int]:
    """First and last frame to work on: those of the frames knob, else of the plate."""
    said = [int(number) for number in re.findall(r"(?<![0-9x])-?[0-9]+", node["frames"].value())]
    if said:
        return [min(said), max(said)]
    above = node.input(0)
    return [int(above.firstFrame()), int(above.lastFrame())]


def plate_of(node: Any, span: list[int] | None) -> Plate:
    """The plate on disk; what is no plain Read is written first, which can be cancelled.

    span: first and last frame that are written then; None for none, where only the name is asked for. Raises ValueError
    where nothing is connected.
    """
    if node.input(0) is None:
        raise ValueError("Connect a plate to the first input.")
    read = plain_read(node)
    if read is not None:
        first, last = int(read["first"].value()), int(read["last"].value())
        return Plate(sequence(read["file"].value()), first, last, reading_options(read), read)
    shot = written(node, "PlateWrite", "plate", span)
    first, last = span or frame_range(node)
    is_ocio = nuke.root()["colorManagement"].value() == "OCIO"
    space = "scene_linear" if is_ocio else "Linear Rec.709 (sRGB)"  # the working space of Nuke's own
    return Plate(shot, first, last, ["--input-space", space, *config_options()], None)


def written(node: Any, write: str, kind: str, span: list[int] | None) -> str:
    """Write an input of the node with a Write inside it, where frames are named; returns the pattern of its files."""
    name = f"{node.name()}_{kind}"
    folder = own_folder(node) / name
    file = (folder / f"{name}.%04d.exr").as_posix()
    if span is not None:
        folder.mkdir(parents=True, exist_ok=True)
        inner = node.node(write)
        inner["file"].setValue(file)
        nuke.execute(inner, span[0], span[1], 1)
    return file


def reading_options(read: Any) -> list[str]:
    """The colour space of a Read, where somebody has chosen it and colours are OpenColorIO's."""
    space = str(read["colorspace"].value())
    if read["raw"].value() or space.startswith("default") or nuke.root()["colorManagement"].value() != "OCIO":
        return []
    return ["--input-space", space, *config_options()]


def config_options() -> list[str]:
    """The OpenColorIO configuration of the script, where it has one of its own."""
    root = nuke.root()
    if root["colorManagement"].value() != "OCIO" or root["OCIO_config"].value() != "custom":
        return []
    return ["--ocio", root["customOCIOConfigPath"].value()]


def sequence(file: str) -> str:
    """A Read's file as vfxstyle takes it: without a frame range behind it."""
    return re.sub(r"\s+-?[0-9]+-+?[0-9]+$", "", file.strip())


def show_result(node: Any, files: list[str], plate: Plate, spaces: tuple[str, str]) -> str:
    """Let one Read beside the node show the result, and connect it; what it showed before stays as a backup.

    It is called NODE_grade, and the one before it NODE_grade_former. spaces: of the plate and of the result. Returns
    what is left to do by hand, in words.
    """
    with nuke.root():  # not inside the node, whose button was pressed
        file, name = command.pattern_of(files[0]), f"{node.name()}_grade"
        numbers = command.numbers_of(files) or [plate.first, plate.last]
        read = nuke.toNode(name)
        if read is not None and read["file"].value() not in ("", file):
            former = nuke.toNode(f"{name}_former") or _new_read(f"{name}_former", node, 2)
            for knob in ("file", "first", "last", "origfirst", "origlast", "frame_mode", "frame", "colorspace", "raw"):
                former[knob].setValue(read[knob].value())
        if read is None:
            read = _new_read(name, node, 1)
        read["file"].setValue(file)
        for knob in ("first", "origfirst"):
            read[knob].setValue(min(numbers))
        for knob in ("last", "origlast"):
            read[knob].setValue(max(numbers))
        read["frame_mode"].setValue("start at")
        read["frame"].setValue(str(min(numbers)))
        left = _set_space(read, plate, *spaces)
        read["reload"].execute()
    node.setInput(2, read)
    node["show"].setValue("grade")
    return left


def _set_space(read: Any, plate: Plate, given: str, made: str) -> str:
    """Set the colour space of the result; returns what is left to do by hand, in words."""
    if given == made:  # as Nuke takes the plate
        read["raw"].setValue(True if plate.read is None else plate.read["raw"].value())
        if plate.read is not None:
            read["colorspace"].setValue(plate.read["colorspace"].value())
        return ""
    read["raw"].setValue(False)
    if made in [str(entry).split("\t")[0] for entry in read["colorspace"].values()]:
        read["colorspace"].setValue(made)
        return ""
    return f" Its input transform is {made}, which this script has by another name; set it."


def _new_read(name: str, node: Any, column: int) -> Any:
    read = nuke.nodes.Read()
    read["name"].setValue(name)
    read["on_error"].setValue("black")
    read.setXYpos(int(node.xpos()) + 110 * column, int(node.ypos()) - 80)
    return read


def show_lut(node: Any, lut: str, space: str, mattes: list[str]) -> None:
    """Let the node show the plate through a LUT, and carry the matte of where it falls short."""
    inner = node.node("GlobalLut")
    inner["file"].setValue(lut)
    inner["working_space"].setValue(space)
    inner["reload"].execute()
    inner["disable"].setValue(False)
    if mattes:
        short, numbers = node.node("Short"), command.numbers_of(mattes)
        short["file"].setValue(command.pattern_of(mattes[0]))
        for knob, number in (("first", min(numbers)), ("last", max(numbers))):
            short[knob].setValue(number)
            short[f"orig{knob}"].setValue(number)
        short["reload"].execute()
    node.node("ShortMatte")["disable"].setValue(not mattes)
    node["show"].setValue("LUT")
