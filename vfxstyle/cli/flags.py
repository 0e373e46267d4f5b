"""Flags of the command line, made from the table of options, and the few that only commands have."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, TypeVar

import click

from vfxstyle.cli.configured import OptionOfTable
from vfxstyle.settings import DEFAULT_BACKBONE, DEFAULT_HANDLES
from vfxstyle.settings.show_file import variable_of
from vfxstyle.settings.table import Option, options_of

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]
_WITH_VARIABLES_OF_THEIR_OWN = ("weights",)  # $VFXSTYLE_WEIGHTS is of one network alone


def of(
    command: str, *tables: type[Any], defaults: Mapping[str, str] | None = None, without: Container[str] = ()
) -> Decorator[Any]:
    """The flags of those options of some tables that a command takes.

    defaults: what the default of an option is with this command, where the table says something more general.
    without: options that are left out.
    """
    taken = [own for table in tables for own in options_of(table, command) if own.name not in without]
    flags = [_flag(own, (defaults or {}).get(own.name, "")) for own in taken]

    def decorate(function: Any) -> Any:
        for flag in reversed(flags):
            function = flag(function)
        return function

    return decorate


def _flag(own: Option, default_text: str) -> Decorator[Any]:
    names = [name for name in (own.short, own.flag) if name] + [own.name]
    variable = None if own.name in _WITH_VARIABLES_OF_THEIR_OWN else variable_of(own.name)
    if own.kind is bool:
        return click.option(*names, cls=OptionOfTable, envvar=variable, is_flag=True, help=own.help)
    default_text = default_text or own.default_text
    return click.option(
        *names,
        cls=OptionOfTable,
        envvar=variable,
        type=click.Choice(own.choices) if own.choices else own.kind,
        default=own.default,
        show_default=own.default not in (None, "", ()) and not default_text,
        metavar=own.metavar or None,
        multiple=own.repeated,
        callback=_range if own.metavar == "RANGE" else None,
        help=f"{own.help} [default: {default_text}]" if default_text else own.help,
    )


def _range(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """A range as numbers."""
    if text is None or context.resilient_parsing:
        return None
    from vfxstyle.shots import parse_frames

    return parse_frames(text)


def _preset(several: str = "") -> Decorator[Any]:
    return click.option(
        "--preset",
        cls=OptionOfTable,
        envvar=variable_of("preset"),
        required=True,
        metavar="NAME|FILE",
        help=f"Installed preset or preset file{several}.",
    )


preset, presets = _preset(), _preset("; several, with commas between them, are put on every shot")
graded_to = click.option(
    "--to",
    "to",
    cls=OptionOfTable,
    envvar=variable_of("output"),
    metavar="PATH",
    help="Where the grade is, as -o of grade has it; its analysis is used. [default: beside the shot]",
)
tokens = click.option(
    "--tokens",
    cls=OptionOfTable,
    envvar=variable_of("tokens"),
    metavar="PATTERN",
    help="What the folders of the plate's path are called, for names in braces in --to.",
)
backbone = click.option(
    "--backbone",
    default=DEFAULT_BACKBONE,
    show_default=True,
    metavar="NAME",
    help="Network of the features: efficientnet-lite0-quick, efficientnet-lite0, or vgg16 with weights of your own.",
)
handles = click.option(
    "--handles",
    type=int,
    default=DEFAULT_HANDLES,
    show_default=True,
    help="For an .otio timeline: frames graded before and after each clip.",
)
frames = click.option(
    "-f", "--frames", callback=_range, metavar="RANGE", help="Frames, as in 1001-1100x2,1150. [default: all]"
)
frames_shown = click.option(
    "-f",
    "--frames",
    callback=_range,
    metavar="RANGE",
    help="Frames, as in 1001,1020,1040. [default: first, middle, last, and where the first look changes most]",
)
progress = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "openjd", "deadline", "alf", "json", "none"]),
    default="auto",
    envvar="VFXSTYLE_PROGRESS",
    show_default=True,
    help="auto: a bar on a terminal, lines elsewhere; or what a farm reads; none: errors only.",
)
dry_run = click.option(
    "-n", "--dry-run", is_flag=True, help="Print the plan with every file that would be written as JSON, and stop."
)
