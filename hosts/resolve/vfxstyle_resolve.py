"""Grades of vfxstyle in a timeline of DaVinci Resolve: as takes, as LUTs or CDLs on nodes, and weak frames marked.

Functions by the README.txt that Resolve installs in its folder Developer/Scripting. The look is what the show file or
$VFXSTYLE_PRESET says of each plate.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import vfxstyle_command as command

_RANGE = re.compile(r"\[(-?\d+)-(-?\d+)\]")  # as Resolve names a sequence: plate.[1001-1024].exr
_OWN = "vfxstyle"
_LUT_FOLDERS = {
    "darwin": ["/Library/Application Support/Blackmagic Design/DaVinci Resolve/LUT"],
    "win32": [
        r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\LUT",
        r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\LUT",
    ],
    "linux": ["/opt/resolve/LUT", "/home/resolve/LUT"],
}


def resolve_of(names: Mapping[str, Any]) -> Any:
    """Resolve's own object. names: the globals of a script in its menu.

    Raises RuntimeError where no Resolve answers.
    """
    if names.get("resolve") is not None:
        return names["resolve"]
    if names.get("app") is not None:
        return names["app"].GetResolve()
    if names.get("bmd") is not None:
        return names["bmd"].scriptapp("Resolve")
    try:
        import DaVinciResolveScript
    except ImportError as error:
        raise RuntimeError("Run this from Resolve's menu Workspace > Scripts.") from error
    found = DaVinciResolveScript.scriptapp("Resolve")
    if found is None:
        raise RuntimeError("Resolve does not answer; start it first.")
    return found


def clips_of(resolve: Any) -> Iterator[tuple[Any, str]]:
    """The clips of the current timeline whose media are files, with the plate of each as vfxstyle takes it.

    Raises RuntimeError where no timeline is open.
    """
    timeline = resolve.GetProjectManager().GetCurrentProject().GetCurrentTimeline()
    if timeline is None:
        raise RuntimeError("No timeline is open.")
    for track in range(1, int(timeline.GetTrackCount("video")) + 1):
        for item in timeline.GetItemListInTrack("video", track):
            media = item.GetMediaPoolItem()
            path = media.GetClipProperty("File Path") if media else ""
            if path:
                yield item, _RANGE.sub(lambda found: "#" * len(found.group(1).lstrip("-")), path)


def add_takes(resolve: Any) -> list[str]:
    """Add the grade of every plate as a take of its clip; returns what became of each, in words."""
    pool = resolve.GetProjectManager().GetCurrentProject().GetMediaPool()
    return _on_all(resolve, lambda item, shot: _add_take(pool, item, shot))


def _add_take(pool: Any, item: Any, shot: str) -> str:
    (row,) = command.ask("farm", "status", shot, "--json")
    if row["state"] != "done":
        return row["reason"] or f"not graded yet ({row['current']} of {row['frames']} frames)"
    files = command.ask("grade", shot, "-n")["results"]
    if files[0] in _files_of_takes(item):
        return "the grade is a take already"
    clips = pool.ImportMedia([_clip_info(files)] if len(files) > 1 else files)
    if not clips:
        return f"Resolve does not read {files[0]}"
    clips[0].SetClipProperty("Comments", files[0])
    first = int(item.GetLeftOffset())
    if not item.AddTake(clips[0], first, first + int(item.GetDuration()) - 1):
        return "Resolve does not take it"
    return f"take {item.GetTakesCount()}: {files[0]}"


def _clip_info(files: list[str]) -> dict[str, Any]:
    """A sequence as MediaPool.ImportMedia takes it."""
    numbers = command.numbers_of(files)
    return {"FilePath": command.pattern_of(files[0]), "StartIndex": numbers[0], "EndIndex": numbers[-1]}


def _files_of_takes(item: Any) -> list[str]:
    takes = [item.GetTakeByIndex(index) for index in range(1, int(item.GetTakesCount()) + 1)]
    return [take["mediaPoolItem"].GetClipProperty("Comments") for take in takes if take]


def put_luts(resolve: Any) -> list[str]:
    """Put the LUT that comes nearest to the look on the first node of every clip."""
    folder = _lut_folder() / _OWN
    folder.mkdir(parents=True, exist_ok=True)
    project = resolve.GetProjectManager().GetCurrentProject()

    def put(item: Any, shot: str) -> str:
        own = hashlib.sha256(shot.encode(errors="replace")).hexdigest()[:8]  # plates of one name are many
        file = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', item.GetName())}_{own}.cube"
        with tempfile.TemporaryDirectory() as scratch:
            facts = _run("export", shot, "--lut", str(file), "--map", str(Path(scratch) / "map.png"))
        project.RefreshLUTList()
        graph = item.GetNodeGraph() if "GetNodeGraph" in dir(item) else item
        done = graph.SetLUT(1, f"{_OWN}/{file.name}")
        return f"{file.name}, for a timeline in {facts['space']}" if done else f"Resolve does not find {file}"

    return _on_all(resolve, put)


def put_cdls(resolve: Any) -> list[str]:
    """Put the CDL that comes nearest to the look on the first node of every clip."""

    def put(item: Any, shot: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "look.cc"
            facts = _run("export", shot, "--cdl", str(file))
            done = item.SetCDL({"NodeIndex": "1", **cdl_of(file)})
        return f"CDL, for a timeline in {facts['space']}" if done else "Resolve does not take the CDL"

    return _on_all(resolve, put)


def cdl_of(file: Path) -> dict[str, str]:
    """Slope, offset, power and saturation of a .cc file, as TimelineItem.SetCDL takes them."""
    found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in ElementTree.parse(file).iter()}
    return {name: found[name] for name in ("Slope", "Offset", "Power", "Saturation")}


def mark_weak(resolve: Any) -> list[str]:
    """Mark the frames that the report of each grade calls weak."""

    def mark(item: Any, shot: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "report.json"
            _run("report", shot, "-o", str(file))
            facts = json.loads(file.read_text(encoding="utf-8"))
        for frame, marker in dict(item.GetMarkers() or {}).items():
            if marker["customData"] == _OWN:
                item.DeleteMarkerAtFrame(frame)
        first = facts["shot"]["frames"][0]
        for row in facts["weak"]:
            item.AddMarker(row["frame"] - first, "Yellow", _OWN, row["why"], 1, _OWN)
        return f"{len(facts['weak'])} frames marked"

    return _on_all(resolve, mark)


def _on_all(resolve: Any, work: Callable[[Any, str], str]) -> list[str]:
    """Do some work on every clip and its plate; returns what came of each, in words.

    What fails on one does not stop the others.
    """
    told = []
    for item, shot in clips_of(resolve):
        try:
            said = work(item, shot)
        except Exception as error:  # whatever it is, it is told
            said = str(error) or type(error).__name__
        told.append(f"{item.GetName()}: {said}")
    return told


def _run(*arguments: str) -> dict[str, Any]:
    run = command.Run(arguments)
    run.wait()
    if run.error:
        raise command.CommandError(run.error)
    return dict(run.facts)


def _lut_folder() -> Path:
    """The folder that Resolve finds LUTs in.

    Raises RuntimeError where there is none.
    """
    named = [os.path.expandvars(folder) for folder in _LUT_FOLDERS.get(sys.platform, [])]
    found = [folder for folder in (os.environ.get("VFXSTYLE_RESOLVE_LUTS"), *named) if folder and Path(folder).is_dir()]
    if not found:
        raise RuntimeError("Resolve's LUT folder is not where it is expected; name it with $VFXSTYLE_RESOLVE_LUTS.")
    return Path(found[0])
