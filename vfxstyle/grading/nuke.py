"""A Nuke script that shows a grade beside its plate: two Reads, and a wipe between them."""

from __future__ import annotations

import re
from pathlib import Path

from vfxstyle.errors import OutputError
from vfxstyle.files import write_atomically
from vfxstyle.grading.media import Media, beside, grade_of, plate_of
from vfxstyle.grading.plan import DEFAULT_FRAME_RATE, GradePlan
from vfxstyle.shots import OutputFormat

_PLAIN = re.compile(r"^[\w.+-]+$")


def nuke_file(plan: GradePlan) -> Path:
    """Where the script goes."""
    return beside(plan, ".nk")


def write_nuke(plan: GradePlan) -> Path:
    """Write the script: plate and grade with their paths, range and colour spaces, and a wipe between them.

    Raises :class:`~vfxstyle.errors.OutputError`.
    """
    path = nuke_file(plan)
    try:
        write_atomically(path, _script(plan, path).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _script(plan: GradePlan, path: Path) -> str:
    shot = plan.shot
    info, plate, grade = shot.info, plate_of(plan), grade_of(plan)
    shift = 0 if plan.settings.start_frame is None else plan.settings.start_frame - plate.first
    first, last = plate.first + shift, plate.last + shift
    rate = f"{float(plan.frame_rate or DEFAULT_FRAME_RATE):.6g}"
    shape = f"{info.width} {info.height}"
    nodes = [
        _node(
            "Root",
            ["inputs 0", f"name {_quoted(str(path.absolute()))}"],
            [f"first_frame {first}", f"last_frame {last}", f"frame {first}", f"fps {rate}"],
            [f"format {_quoted(f'{shape} 0 0 {shape} {float(info.pixel_aspect):g} {shot.name}')}"],
            [f"views {_quoted(plan.settings.view)}"] if plan.settings.view else [],
            ["colorManagement OCIO", "OCIO_config custom", f"customOCIOConfigPath {_quoted(plan.config.address)}"],
        ),
        # a node takes its inputs off a stack, the last one made first: mask, A and B of the Keymix
        _node(
            "Rectangle",
            ["inputs 0", f"area {{0 0 {{wipe*{info.width}}} {info.height}}}", "name Wipe"],
            ["label " + _quoted("plate left of the edge, grade right of it"), "xpos 200", "ypos 0"],
            ["addUserKnob {20 User l Wipe}", "addUserKnob {7 wipe l edge R 0 1}", "wipe 0.5"],
        ),
        _read("Plate", plate, first, plan.input.space.name, -200),
        *_shown_layer(plan, "Plate", -200),
        _read("Grade", grade, first, plan.output_space.name, 0),
        *(_shown_layer(plan, "Grade", 0) if plan.format is OutputFormat.EXR else []),
        _node("Keymix", ["inputs 3", "channels rgba", "name PlateOverGrade", "xpos 0", "ypos 160"]),
        _node("Viewer", [f"frame_range {first}-{last}", f"fps {rate}", "name Viewer1", "xpos 0", "ypos 260"]),
    ]
    return f"# {plan.preset_file.stem} on {shot.name}, written by vfxstyle\n" + "".join(nodes)


def _read(name: str, media: Media, shown_from: int, space: str, x: int) -> str:
    file, first, last = media.named(f"%0{media.padding}d"), media.first, media.last
    return _node(
        "Read",
        ["inputs 0", f"file {_quoted(str(file))}", f"first {first}", f"last {last}"],
        [f"origfirst {first}", f"origlast {last}", "origset true", 'frame_mode "start at"', f"frame {shown_from}"],
        [f"colorspace {_quoted(space)}", f"name {name}", f"xpos {x}", "ypos 0"],
    )


def _shown_layer(plan: GradePlan, name: str, x: int) -> list[str]:
    """What brings the graded layer and view of an EXR to where the Keymix and the Viewer look."""
    place = f"xpos {x}"
    layer, view = plan.settings.layer, plan.settings.view
    nodes = []
    if layer:
        nodes.append(_node("Shuffle", [f"in {_quoted(layer)}", f"name {name}Layer", place, "ypos 50"]))
    if view:
        nodes.append(_node("OneView", [f"view {_quoted(view)}", f"name {name}View", place, "ypos 80"]))
    return nodes


def _node(kind: str, *knobs: list[str]) -> str:
    lines = "".join(f" {knob}\n" for group in knobs for knob in group)
    return f"{kind} {{\n{lines}}}\n"


def _quoted(text: str) -> str:
    """A word of Tcl, with nothing in it that Tcl would put something else in the place of."""
    return text if _PLAIN.match(text) else '"' + re.sub(r'([\\"\[\]$])', r"\\\1", text) + '"'
