"""Installed presets: those in the user's folder, and those that the package ships."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from vfxstyle.errors import OutputError, PresetError
from vfxstyle.files import current_digest, user_place
from vfxstyle.looks.info import PresetInfo
from vfxstyle.looks.preset import SUFFIX, Preset, read_info, read_preset

ENVIRONMENT = "VFXSTYLE_PRESETS"
"""Environment variable that names the user's preset folders, with colons between them; the first wins."""


_PINNED = re.compile(r"(?P<name>.+)@(?P<pin>[0-9a-f]{16})")


def user_folders() -> list[Path]:
    """The user's preset folders: those of ``$VFXSTYLE_PRESETS``, or ``vfxstyle/presets`` in the data home.

    None for a user without a home.
    """
    named = [Path(folder) for folder in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if folder]
    if named:
        return named
    home = user_place("XDG_DATA_HOME", ".local/share")
    return [] if home is None else [home / "vfxstyle" / "presets"]


def user_folder() -> Path:
    """The folder that presets are saved in: the first of :func:`user_folders`.

    Raises :class:`~vfxstyle.errors.OutputError` where there is none.
    """
    folders = user_folders()
    if not folders:
        raise OutputError(f"This user has no home to keep presets in; set {ENVIRONMENT}, or give a file with -o.")
    return folders[0]


def shipped_folder() -> Path:
    """The folder of shipped presets: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def pinned(name: str, digest: str) -> str:
    """A preset's name or path, with the content that it must have. digest: SHA-256 of the file, hexadecimal."""
    return f"{name}@{digest[:16]}"


def find_preset(name: str | Path) -> Path:
    """The file of a preset given by name or by path; the user's presets come before shipped ones.

    name: of an installed preset, or a path that ends in ``.safetensors`` or contains a slash. After ``@`` the first 16
    digits of the file's SHA-256 may follow: then it is the first one of that name with that content.
    Raises :class:`~vfxstyle.errors.PresetError` if there is none.
    """
    text = str(name)
    found = _candidates(text)
    if found:
        return found[0]
    pin = _PINNED.fullmatch(text)
    if pin is not None:
        return _find_pinned(pin["name"], pin["pin"])
    if is_path(text):
        raise PresetError(f"There is no preset file {text}; check the path or give an installed name.")
    names = sorted({path.stem for path, _ in _files()})
    known = ", ".join(names) or "none"
    if "," in text:
        raise PresetError(
            f"There is no preset '{text}'; name one look here (proof and farm commands take several), installed are: "
            f"{known}."
        )
    meant = "".join(f" Did you mean {name}?" for name in get_close_matches(text, names, n=1))
    raise PresetError(f"There is no preset '{text}'; installed are: {known}. Give one of them or a preset file.{meant}")


def _find_pinned(name: str, pin: str) -> Path:
    """The preset of a name that has a content."""
    found = _candidates(name) or [find_preset(name)]  # which says why there is none
    for path in found:
        if current_digest(path).startswith(pin):
            return path
    raise PresetError(
        f"{' and '.join(map(str, found))} {'has' if len(found) == 1 else 'have'} another content than the preset "
        f"'{name}' that was asked for (SHA-256 {pin}...); install that one, or send the job again."
    )


def _candidates(text: str) -> list[Path]:
    """Files that a name or path may stand for, the first before the others."""
    if is_path(text):
        places = [Path(text)]
    else:
        places = [folder / f"{text}{SUFFIX}" for folder in (*user_folders(), shipped_folder())]
    return [path for path in places if path.is_file()]


def is_path(text: str) -> bool:
    """Whether a preset is given by its path rather than by its name."""
    return text.endswith(SUFFIX) or "/" in text


def load_preset(name: str | Path) -> Preset:
    """Load a preset by installed name or file path.

    Raises :class:`~vfxstyle.errors.PresetError` if it is not found or is damaged.
    """
    return read_preset(find_preset(name))


def _files() -> Iterator[tuple[Path, str]]:
    for folder, source in (*((own, "user") for own in user_folders()), (shipped_folder(), "shipped")):
        if folder.is_dir():
            yield from ((path, source) for path in sorted(folder.glob(f"*{SUFFIX}")))


def shadowed(path: Path) -> Path | None:
    """The preset of an earlier folder that is found by this one's name instead of it."""
    for folder in (*user_folders(), shipped_folder()):
        other = folder / path.name
        if other == path:
            return None
        if other.is_file():
            return other
    return None


def installed_presets() -> list[tuple[PresetInfo | PresetError, Path, str]]:
    """Every installed preset: its description, or the error of reading it; its file; and "user" or "shipped"."""
    presets: list[tuple[PresetInfo | PresetError, Path, str]] = []
    for path, source in _files():
        try:
            presets.append((read_info(path), path, source))
        except PresetError as error:
            presets.append((error, path, source))
    return presets
