"""The show file, ``vfxstyle.toml``: options that are said once for all shots below the folder that it lies in.

::

    presets = ["looks"]                    # folders of presets, the first wins
    ocio = "config/aces.ocio"              # an option of every command that takes it
    tokens = "{seq}/{shot}/plate/{version}"

    [grade]                                # of one command; farm commands take these too
    output = "{root}/{seq}/{shot}/grade/{preset}"

    [shots.sh020]                          # of shots with this folder in their path, or whose path fits the pattern
    strength = 0.6

What the command line says comes first, then the environment, then this file, then defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from vfxstyle.errors import UsageError
from vfxstyle.settings.grade import GradeSettings, Run
from vfxstyle.settings.table import options_of
from vfxstyle.settings.train import TrainSettings

FILE_NAME = "vfxstyle.toml"
ENVIRONMENT = "VFXSTYLE_CONFIG"
"""Environment variable that names the show file."""
NONE = "none"
"""What is said instead of a show file where neither one nor variables of options count, as in tasks of a farm."""
PRESETS = "presets"
SHOTS = "shots"
_FARM = "farm"
_OF_ONE_COMMAND = ("output",)  # options that mean something else for each command
_PATHS = {
    *(own.name for table in (GradeSettings, Run, TrainSettings) for own in options_of(table) if own.is_path),
    *("output", "analysis", "preset", PRESETS),
}
"""Options whose values are paths."""

Known = Mapping[str, Collection[str]]
"""Names of the options that each command takes."""


def variable_of(option: str) -> str:
    """The environment variable of an option."""
    return f"VFXSTYLE_{option.upper()}"


@dataclass(frozen=True)
class ShowFile:
    """A show file; without a path one that says nothing."""

    path: Path | None = None
    """The file."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What it says."""

    def options(self, command: str, shot: str | None, known: Known) -> dict[str, tuple[Any, str]]:
        """Values of the options of a command, and where each is said. shot: as the user names it."""
        found: dict[str, tuple[Any, str]] = {}
        for place, values in self._tables(command, shot):
            for name, value in values.items():
                elsewhere = place.startswith(f"{SHOTS}.") and name in _OF_ONE_COMMAND and command != "grade"
                if name in known[command] and not elsewhere:
                    found[name] = self._placed(name, value), f"{self.path}{f' [{place}]' if place else ''}"
        return found

    def of_shot(self, shot: str, known: Collection[str]) -> dict[str, Any]:
        """What it says of one shot alone, of options that are known."""
        values: dict[str, Any] = {}
        for _, own in self._of_shots(shot):
            values |= {name: self._placed(name, value) for name, value in own.items() if name in known}
        return values

    @property
    def presets(self) -> list[Path]:
        """Folders of presets."""
        assert self.path is not None or not self.said
        folders = self.said.get(PRESETS, [])
        folders = [folders] if isinstance(folders, str) else folders
        return [Path(self._placed(PRESETS, folder)) for folder in folders]

    def _tables(self, command: str, shot: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Tables that count for a command, the last one most."""
        yield "", {name: value for name, value in self.said.items() if not isinstance(value, dict)}
        for name in ("grade", _FARM) if command.startswith(_FARM) else (command,):
            if isinstance(self.said.get(name), dict):
                yield name, self.said[name]
        if shot is not None and not command.startswith(_FARM):  # there are several shots then
            yield from self._of_shots(shot)

    def _of_shots(self, shot: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        path = Path(os.path.abspath(shot))  # noqa: PTH100 - without .., and with links as they are named
        for pattern, values in self.said.get(SHOTS, {}).items():
            if pattern in path.parts or path.stem == pattern or fnmatch(str(path), pattern):
                yield f"{SHOTS}.{pattern}", values

    def _placed(self, name: str, value: Any) -> Any:
        """A value; of paths that are relative the one from the folder of the show file."""
        if isinstance(value, list):
            return [self._placed(name, each) for each in value]
        if not isinstance(value, str) or self.path is None or name not in _PATHS:
            return value
        if name == "output" and not value.startswith(("/", "{root}")):
            return str(self.path.parent / value)
        place = self.path.parent / value
        return str(place) if place.exists() else value


def find_show_file(shot: str | None, named: str | None = None) -> Path | None:
    """The show file: the one named, else that of the environment, else the nearest above the shot.

    Raises :class:`~vfxstyle.errors.UsageError` for one that is named and not there.
    """
    told = named or os.environ.get(ENVIRONMENT) or None
    if told == NONE:
        return None
    if told is not None:
        path = Path(told)
        if not path.is_file():
            raise UsageError(f"There is no show file {path}; check --config and ${ENVIRONMENT}.")
        return path.absolute()
    start = Path(os.path.abspath(shot or "."))  # noqa: PTH100 - as above
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def read_show_file(path: Path, known: Known) -> ShowFile:
    """Read a show file. known: by command.

    Raises :class:`~vfxstyle.errors.UsageError` for a file that is no TOML, and for a key that nothing takes, with the
    nearest that something does.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The show file {path} cannot be read ({error}); put it right.") from error
    said = {_option(name): value for name, value in said.items()}
    every = {name for names in known.values() for name in names}
    commands = {name.split()[0] for name in known}
    plain = {name for name, value in said.items() if not isinstance(value, dict)}
    for name in plain.intersection(_OF_ONE_COMMAND):
        raise UsageError(f"The show file {path} has '{name}' at its beginning; write it in a table, as in [grade].")
    folders = said.get(PRESETS, [])
    if not isinstance(folders, str | list) or not all(isinstance(folder, str) for folder in folders):
        raise UsageError(f"The show file {path} has {PRESETS} = {folders!r}; write a list of folders.")
    _check_keys(path, "", plain, every | {PRESETS})
    _check_keys(path, "", {name for name, value in said.items() if isinstance(value, dict)}, commands | {SHOTS})
    for name in (name for name in commands if isinstance(said.get(name), dict)):  # superpixels is an option too
        said[name] = {_option(key): value for key, value in said[name].items()}
        own = {key for command, names in known.items() if command.split()[0] == name for key in names}
        _check_keys(path, name, said[name], own)
    for pattern, values in said.get(SHOTS, {}).items():
        if not isinstance(values, dict):
            raise UsageError(f"The show file {path} has {SHOTS}.{pattern} = ...; write a table, [{SHOTS}.{pattern}].")
        said[SHOTS][pattern] = {_option(key): value for key, value in values.items()}
        _check_keys(path, f"{SHOTS}.{pattern}", said[SHOTS][pattern], every)
    return ShowFile(path, said)


def _option(name: str) -> str:
    return name.replace("-", "_")


def _check_keys(path: Path, table: str, keys: Collection[str], known: Collection[str]) -> None:
    for key in keys:
        if key not in known:
            near = get_close_matches(key, known, 1)
            place = f"[{table}]" if table else "its beginning"
            hint = f"the nearest is '{near[0]}'" if near else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"The show file {path} has the key '{key}' in {place}, which nothing takes; {hint}.")
