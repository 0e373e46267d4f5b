"""The grade as a node or a panel of other programs: what this package brings for them, and where it is put.

A host never imports this package: it starts the command ``vfxstyle`` as a process. docs/hosts/ has a page for each.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.errors import OutputError, UsageError
from vfxstyle.files import write_atomically


@dataclass(frozen=True, slots=True)
class Host:
    """A program that gets files."""

    name: str
    """As the command line has it."""
    files: tuple[str, ...]
    """Its files, below ``hosts``; patterns."""
    told: str
    """What is to be done then."""


_MARK = "vfxstyle hosts install"
HOSTS = {
    own.name: own
    for own in (
        Host(
            "nuke",
            ("nuke/*.py", "nuke/*.gizmo", "shared/*.py"),
            "put the folder on $NUKE_PATH; the node is under Nodes > vfxstyle",
        ),
        Host(
            "resolve",
            ("resolve/vfxstyle - *.py",),
            "the folder is Fusion/Scripts/Utility of Resolve; the scripts are under Workspace > Scripts",
        ),
        Host(
            "after-effects",
            ("after_effects/*.jsx",),
            "the folder is Scripts/ScriptUI Panels of After Effects; the panel is at the end of the menu Window",
        ),
    )
}
"""By name."""


def host_folder() -> Path:
    """The folder of the files: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "hosts"
    return inside if inside.is_dir() else package.parent / "hosts"


def install(host: Host, folder: Path) -> list[Path]:
    """Copy a host's files into a folder, with the path of this command in them; returns what was written.

    Raises :class:`~vfxstyle.errors.UsageError` for a file of somebody else's in their place, and
    :class:`~vfxstyle.errors.OutputError`.
    """
    sources = [source for pattern in host.files for source in sorted(host_folder().glob(pattern))]
    for target in (folder / source.name for source in sources):
        own = target.name.lower().startswith("vfxstyle") or not target.exists()
        if not own and _MARK not in target.read_text(encoding="utf-8", errors="replace"):
            raise UsageError(f"{target} is somebody else's; choose a folder of its own with --to.")
    for source in sources:
        target = folder / source.name
        try:
            write_atomically(target, _told(source.read_text(encoding="utf-8")).encode())
        except OSError as error:
            raise OutputError(
                f"{target} cannot be written: {error.strerror}; choose another folder with --to."
            ) from error
    return [folder / source.name for source in sources]


def own_command() -> str:
    """The command ``vfxstyle`` of this environment, absolute where it can be found."""
    beside = Path(sys.executable).with_name("vfxstyle")
    return str(beside) if beside.is_file() else shutil.which("vfxstyle") or "vfxstyle"


def _told(text: str) -> str:
    """A file's text with what this installation knows in the place of defaults."""
    command, modules = shlex.quote(own_command()), ";".join(str(host_folder() / name) for name in ("resolve", "shared"))
    known = {  # a string is written alike in Python and ECMAScript
        'setdefault("VFXSTYLE_COMMAND", "vfxstyle")': f'setdefault("VFXSTYLE_COMMAND", {json.dumps(command)})',
        'var COMMAND = "vfxstyle";': f"var COMMAND = {json.dumps(command)};",
        'MODULES = ""': f"MODULES = {json.dumps(modules)}",
    }
    for default, value in known.items():
        text = text.replace(default, value)
    return text
