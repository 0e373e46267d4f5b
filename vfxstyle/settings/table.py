"""What an option is: a field of a frozen dataclass with its help, its check, its commands, and what it decides.

The dataclasses of :mod:`vfxstyle.settings` are the one table of options. Flags, help texts, the arguments of a farm's
tasks, the identity of results and ``docs/grade.md`` are made from it, so that a new option is one entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from inspect import get_annotations
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from vfxstyle.errors import UsageError
from vfxstyle.files import is_utf8

T = TypeVar("T")
_METADATA = "option"
_ADDRESS = re.compile(r"(ocio://|crypto:|channel:|group:)")  # what is no path


class Decides(Enum):
    """What an option decides, which is what makes two results the same or not."""

    ANALYSIS = "analysis"
    """The shot analysis; part of its identity as it is."""
    FRAMES = "frames"
    """The graded frames; part of the key of every output as it is."""
    PLAN = "plan"
    """The plan, and through what the plan resolves it to (a format, a colour space, a layer, places) the results."""
    NOTHING = "nothing"
    """How work is done; results are the same either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. :attr:`name` and the types come from the dataclass field that it describes."""

    name: str = ""
    """Name of the field and of the keyword argument."""
    help: str
    """What it means, in a sentence for people."""
    default: Any = None
    """Value where nobody says anything; None where that is decided from the shot."""
    default_text: str = ""
    """What the default is, where the value does not say it."""
    metavar: str = ""
    """What stands for the value in help texts."""
    commands: frozenset[str] = frozenset()
    """Commands of ``vfxstyle`` that take it."""
    decides: Decides
    """What it decides."""
    check: Callable[[Any], str | None] | None = None
    """Says what a value must be where it is not that, else None."""
    short: str = ""
    """One-letter flag, such as ``-o``."""
    is_path: bool = False
    """Whether the value may be a file, whose path is made absolute where another machine will read it."""
    kind: type = str
    """Type of the value: bool, int, float or str."""
    choices: tuple[str, ...] = ()
    """Allowed values, where there are few."""
    repeated: bool = False
    """Whether it can be given several times; its value is a tuple."""

    @property
    def flag(self) -> str:
        """The long flag of the command line."""
        return f"--{self.name.replace('_', '-')}"

    def verify(self, value: Any) -> None:
        """Raise :class:`~vfxstyle.errors.UsageError` for a value that the option cannot have."""
        if value is None and self.default is None:
            return
        wrong = f"it must be one of {', '.join(self.choices)}." if self.choices and value not in self.choices else None
        if wrong is None and self.check is not None:
            wrong = self.check(value)
        if wrong is not None:
            shown = f"'{value}'" if isinstance(value, str) else value
            raise UsageError(f"{self.name.replace('_', ' ')} is {shown}; {wrong}")

    def arguments(self, value: Any) -> list[str]:
        """The words of the command line that stand for a value; none for the default."""
        if value == self.default:
            return []
        if self.kind is bool:
            return [self.flag]
        if self.repeated:
            return [word for each in value for word in (self.flag, self._absolute(each))]
        return [self.flag, self._absolute(value)]

    def _absolute(self, value: Any) -> str:
        """A value whose path, where it is one, is absolute; of NAME=NUMBER the name may be one."""
        if not self.is_path:
            return str(value)
        name, joint, number = str(value).rpartition("=") if self.repeated else (str(value), "", "")
        place = Path(name)
        is_pattern = any(sign in name for sign in "#%@$<:") and not _ADDRESS.match(name) and place.parent.is_dir()
        if place.exists() or is_pattern:  # what is no file may be an address, which stays
            return f"{place.absolute()}{joint}{number}"
        return str(value)


def option(default: T, **said: Any) -> T:
    """A dataclass field that is an option; keywords are those of :class:`Option`."""
    return field(default=default, metadata={_METADATA: Option(default=default, **said)})


def between(low: float, high: float, *, above: bool = False) -> Callable[[float], str | None]:
    """Check of a number from ``low``, or from above it, to ``high``."""

    def check(value: float) -> str | None:
        if (low < value if above else low <= value) and value <= high:
            return None
        return f"it must be above {low}, and at most {high}." if above else f"it must be {low} to {high}."

    return check


def at_least(low: int) -> Callable[[int], str | None]:
    """Check of a number with a lower bound."""
    return lambda value: None if value >= low else f"it must be at least {low}."


def is_plain_text(value: str) -> str | None:
    """Check of a text that is stored."""
    return None if is_utf8(value) else "it must be UTF-8 text."


def options_of(table: type[Any], command: str | None = None) -> list[Option]:
    """The options of a dataclass, its own before those that it inherits. command: only those that it takes."""
    hints, entries = get_type_hints(table), {entry.name: entry for entry in fields(table)}
    ordered = dict.fromkeys(name for kind in table.__mro__ for name in get_annotations(kind))
    found = []
    for name in ordered:
        said: Option | None = entries[name].metadata.get(_METADATA) if name in entries else None
        if said is not None and (command is None or command in said.commands):
            found.append(_completed(said, name, hints[name]))
    return found


def _completed(said: Option, name: str, hint: Any) -> Option:
    """An option with what its field's name and type say."""
    members = [member for member in get_args(hint) if member is not NoneType]
    if get_origin(hint) is Literal:
        literal: Any = hint
    else:
        literal = next((member for member in members if get_origin(member) is Literal), None)
    plain = hint if isinstance(hint, type) else next((m for m in members if m in (bool, int, float, str)), str)
    values = {slot: getattr(said, slot) for slot in Option.__dataclass_fields__}
    return Option(**{**values, "name": name, "kind": plain, "choices": get_args(literal) if literal else ()})


def verify(settings: Any) -> None:
    """Check every option of a settings object. Raises :class:`~vfxstyle.errors.UsageError`."""
    for own in options_of(type(settings)):
        own.verify(getattr(settings, own.name))


def pick(table: type[T], values: Mapping[str, object]) -> T:
    """The settings of a table with those of the values that it has a field for."""
    known = {entry.name for entry in fields(cast(Any, table))}
    return table(**{name: value for name, value in values.items() if name in known})


def check_known(options: Mapping[str, object], keywords: type[Any]) -> None:
    """Raise TypeError for a keyword argument that a function does not take, as Python does. keywords: its TypedDict."""
    known = get_type_hints(keywords)
    strangers = [name for name in options if name not in known]
    if strangers:
        raise TypeError(f"there is no option '{strangers[0]}'; the options are {', '.join(sorted(known))}")
