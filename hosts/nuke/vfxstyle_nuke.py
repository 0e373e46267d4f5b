"""What the knobs of the VfxStyle gizmo do. The command runs beside Nuke; nodes are touched in the main thread only.

https://learn.foundry.com/nuke/developers/ has nuke.executeInMainThread, nuke.ProgressTask and the knobs.
"""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Any, Callable

import nuke
import vfxstyle_command as command
import vfxstyle_nuke_nodes as nodes

_OF_PLATE = (
    "--input-space", "--ocio", "--layer", "--view", "--max-pixels", "--analysis-width", "--superpixels", "--seed",
    "--coverage", "--weights", "--device", "--within", "--analysis", "--threads", "--config",
)  # fmt: skip
_RUNS: dict[str, command.Run] = {}
_PRESETS: list[str] = []
Ended = Callable[[Any, command.Run], None]


def created(node: Any) -> None:
    """A node has come: its list of installed looks is filled."""
    if _PRESETS:
        node["presets"].setValues(_PRESETS)
    else:
        refresh(node)


def changed(node: Any, knob: Any) -> None:
    """Somebody has changed a knob: the list of installed looks sets the look."""
    if knob is not None and knob.name() == "presets":
        node["preset"].setValue(knob.value())


def refresh(node: Any) -> None:
    """Ask which looks are installed, while Nuke goes on."""

    def found(names: list[str]) -> None:
        _PRESETS[:] = names
        node["presets"].setValues(names)

    _aside(node, command.presets, found)


def grade_here(node: Any) -> None:
    """Grade on this machine."""
    asked = _asked(node)
    if asked is not None:
        plate, words = asked
        _start(node, ["grade", *words], lambda own, run: _graded(own, run, plate))


def _graded(node: Any, run: command.Run, plate: nodes.Plate) -> None:
    facts = run.facts
    left = nodes.show_result(node, facts["files"], plate, (facts["input_space"], facts["output_space"]))
    _say(node, f"{facts['written']} frames written, {facts['kept']} were up to date: {facts['output']}{left}")


def proof(node: Any) -> None:
    """Draw the current frame under the look, and open the picture."""
    frame = int(nuke.frame())
    asked = _asked(node, whole=False, span=[frame, frame])
    if asked is not None:
        plate, words = asked
        frame = min(max(frame, plate.first), plate.last)
        file = str(nodes.own_folder(node) / f"{node.name()}_proof.png")
        _start(node, ["proof", *words, "-f", str(frame), "-o", file], lambda own, run: _drawn(own, file))


def _drawn(node: Any, file: str) -> None:
    _say(node, f"proof: {file}")
    webbrowser.open(Path(file).absolute().as_uri())


def global_lut(node: Any) -> None:
    """Make the global LUT that comes nearest to the look, and mattes of where it falls short."""
    asked = _asked(node, whole=False)
    if asked is not None:
        _, words = asked
        base = str(nodes.own_folder(node) / f"{node.name()}_lut")
        _start(node, ["export", *words, "--lut", f"{base}.cube", "--residual", base], _exported)


def _exported(node: Any, run: command.Run) -> None:
    facts = run.facts
    nodes.show_lut(node, facts["files"][0], facts["space"], facts["mattes"])
    _say(node, f"LUT in {facts['space']}: {facts['files'][0]}; residual.matte is where it falls short")


def send_to_farm(node: Any) -> None:
    """Write a job bundle, and give it to the farm's own command."""
    asked = _asked(node)
    if asked is None:
        return
    _, words = asked
    bundle = str(nodes.own_folder(node) / f"{node.name()}_job")
    submit = node["submit"].value().strip()

    def send() -> str:
        command.call(command.command_line(["farm", "template", *_for_farm(words), "-o", bundle]))
        if not submit:
            return f"bundle: {bundle}"
        said = command.call([word.replace("{bundle}", bundle) for word in command.words_of(submit)])
        return str((said.strip().splitlines() or [f"sent: {bundle}"])[-1])

    _aside(node, send, lambda text: _say(node, text))


def status(node: Any) -> None:
    """Ask how many frames are there; where all are, the result is shown."""
    asked = _asked(node, span=None)
    if asked is None:
        return
    plate, words = asked

    def ask() -> Any:
        planned = command.ask("grade", *words, "-n")
        return command.ask("farm", "status", *_for_farm(words), "--json")[0], planned

    def told(found: Any) -> None:
        row, planned = found
        left = ""
        if row["state"] == "done":
            spaces = planned["input_space"]["name"], planned["output_space"]
            left = nodes.show_result(node, planned["results"], plate, spaces)
        _say(node, f"{row['state']}: {row['current']} of {row['frames']} frames. {row['reason']}".strip() + left)

    _aside(node, ask, told)


def cancel(node: Any) -> None:
    """Stop what runs for a node."""
    run = _RUNS.get(node.fullName())
    if run is not None:
        run.cancel()


_ALL: list[int] = []


def _asked(node: Any, whole: bool = True, span: list[int] | None = _ALL) -> Any | None:
    """The plate of a node, and the arguments that all commands share; None where it cannot be had, which is said.

    whole: with the frames, the place and the further options of a grade. span: first and last frame that are written
    where something has to be; by default all, None for none.
    """
    try:
        if span is _ALL and node.input(0) is not None:
            span = nodes.frame_range(node)
        plate = nodes.plate_of(node, span)
        words = [plate.shot, "--preset", node["preset"].value(), *plate.options]
        words += ["--strength", f"{float(node['strength'].value()):g}"]
        if node["use_matte"].value():
            words += ["--matte", f"{nodes.written(node, 'MatteWrite', 'matte', span)}:A"]
        if whole and node["frames"].value().strip():
            words += ["-f", node["frames"].value().strip()]
        if node["folder"].value():  # where the analysis of the grade is, too
            words += ["-o" if whole else "--to", str(nodes.own_folder(node) / f"{node.name()}_grade")]
        words += _of_plate(command.words_of(node["options"].value()), whole)
    except (OSError, RuntimeError, ValueError) as error:  # of Nuke's own rendering, or of what is connected
        _say(node, str(error))
        return None
    return plate, words


def _for_farm(words: list[str]) -> list[str]:
    """The arguments of a grade for a farm, where -o is the bundle."""
    return ["--to" if word == "-o" else word for word in words]


def _of_plate(words: list[str], whole: bool) -> list[str]:
    """Further options; without the frames of a grade only those that say how the plate is read and analysed."""
    if whole:
        return words
    kept: list[str] = []
    for index, word in enumerate(words):
        flag, joined, _ = word.partition("=")
        if flag in _OF_PLATE:
            kept += [word] if joined else words[index : index + 2]
    return kept


def _start(node: Any, words: list[str], ended: Ended) -> None:
    """Run a command beside Nuke, with a progress bar that can stop it."""
    name = node.fullName()
    running = _RUNS.get(name)
    if running is not None and running.is_running:
        _say(node, "Something runs for this node already; cancel it, or wait.")
        return
    task = [nuke.ProgressTask(f"vfxstyle: {node.name()}")]

    def show(run: command.Run) -> None:
        if task:
            task[0].setProgress(run.percent)
            task[0].setMessage(run.stage)
            if task[0].isCancelled() and not run.cancelled:
                run.cancel()

    def finish(run: command.Run) -> None:
        del task[:]  # closes the bar
        if run.error:
            _say(node, "cancelled" if run.cancelled else run.error)
        else:
            ended(node, run)

    try:
        _RUNS[name] = command.Run(
            words,
            told=lambda run, _: nuke.executeInMainThread(show, (run,)),
            ended=lambda run: nuke.executeInMainThread(finish, (run,)),
        )
    except command.CommandError as error:
        del task[:]
        _say(node, str(error))


def _aside(node: Any, ask: Callable[[], Any], told: Callable[[Any], None]) -> None:
    """Ask the command something in a thread, and take the answer in Nuke's."""

    def work() -> None:
        try:
            answer = ask()
        except Exception as error:  # whatever it is, the artist is told
            nuke.executeInMainThread(_say, (node, str(error) or type(error).__name__))
        else:
            nuke.executeInMainThread(told, (answer,))

    threading.Thread(target=work, name="vfxstyle", daemon=True).start()


def _say(node: Any, text: str) -> None:
    node["said"].setValue(text)
