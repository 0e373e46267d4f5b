"""The name of a look that is learnt, and the file that it is saved in."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.looks.library import find_preset, is_path, shadowed, shipped_folder, user_folder, user_folders
from vfxstyle.looks.preset import SUFFIX, read_info
from vfxstyle.progress import Clock
from vfxstyle.shots.folders import make_folder

_NAME = re.compile(r"^\w[\w.-]*$")


def named(name: str | None, output: str | Path | None, start: str | Path | None) -> tuple[str, str | Path | None]:
    """The name of a look, and where it is saved: by default as its file, or as the one that training goes on from.

    A look that is shipped, or that lies in another folder than the one that looks are saved in, stays as it is, unless
    its file is named.

    Raises :class:`~vfxstyle.errors.UsageError` where there is no name, and :class:`~vfxstyle.errors.PresetError` where
    there is no such preset.
    """
    if name is not None:
        return name, output
    if start is None:
        if output is None:
            raise UsageError("A look needs a name; give it with --name, or a file with -o.")
        return Path(output).stem, output
    path = find_preset(start)
    own = (is_path(str(start)) or path.parent in user_folders()[:1]) and path.parent != shipped_folder()
    return read_info(path).name, output if output is not None or not own else path


def name_from(text: str) -> str:
    """A name that a look can have, from a text such as the name of a shot; different texts have different names."""
    name = re.sub(r"[^\w.-]", "_", text).lstrip(".-")
    return name if name == text else f"{name}_{hashlib.sha256(os.fsencode(text)).hexdigest()[:6]}"


def check_name(name: str) -> None:
    """Raises :class:`~vfxstyle.errors.UsageError` for a name that a look cannot have."""
    if not _NAME.match(name):
        raise UsageError(f"'{name}' cannot name a look; use letters, digits, '-', '_' and '.'.")


def place_of_preset(name: str, output: str | Path | None) -> Path:
    """The file that a preset is written to: by default one in the user's preset folder."""
    return Path(output) if output is not None else user_folder() / f"{name}{SUFFIX}"


def preset_file(name: str, output: str | Path | None, clock: Clock) -> Path:
    """Return the file that the preset is written to, with its folder made; one that is there is pointed out."""
    target = place_of_preset(name, output)
    if target.suffix != SUFFIX or target.is_dir():
        raise UsageError(f"The preset {target} must be a file that ends in {SUFFIX}; name one with -o.")
    make_folder(target.parent)
    if target.exists():
        clock.note(f"{target} is there and will be replaced")
    elif _hides_a_shipped_look(target):
        clock.warn(
            f"this hides the shipped look {target.stem}: --preset {target.stem} means this one from now on; choose "
            "another --name to keep both"
        )
    return target


def _hides_a_shipped_look(target: Path) -> bool:
    """Whether a new preset file would be found by the name of a shipped look, instead of it."""
    if target.parent.resolve() not in [own.resolve() for own in user_folders()]:
        return False
    shipped = shipped_folder() / target.name
    return shipped.is_file() and shadowed(shipped) is None
