"""Commands whose options may also be said by the environment and by a show file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from vfxstyle.cli.logs import log_options, logging_as_asked
from vfxstyle.cores import limit_threads
from vfxstyle.errors import UsageError
from vfxstyle.settings import GradeSettings
from vfxstyle.settings.show_file import NONE, Known, ShowFile, find_show_file, read_show_file
from vfxstyle.settings.table import options_of

_PRESETS = "VFXSTYLE_PRESETS"  # as vfxstyle.looks.library has it, which takes long to load
_SHOW = "vfxstyle.show"
_PINNED = "vfxstyle.pinned"
_FROM = "vfxstyle.from"
_THREADS = "vfxstyle.threads"
_OF_A_SHOT = {own.name for own in options_of(GradeSettings)}
_WORDS = {
    ParameterSource.COMMANDLINE: "the command line",
    ParameterSource.ENVIRONMENT: "the environment",
    ParameterSource.DEFAULT_MAP: "the show file",
}
_NEVER_SHOWN = ("config", "progress", "dry_run", "as_json", "verbose", "quiet", "log_file", "log_format")


class OptionOfTable(click.Option):
    """An option that its variable may say, but for where ``--config none`` is given."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value of the variable."""
        return None if ctx.meta.get(_PINNED) else super().resolve_envvar_value(ctx)

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """The values of an option that can be given several times have semicolons between them."""
        value = self.resolve_envvar_value(ctx)
        return value.split(";") if self.multiple and value is not None else super().value_from_envvar(ctx)


class ConfiguredCommand(click.Command):
    """A command that reads the show file of its shot."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        text = "Show file, or none. [default: $VFXSTYLE_CONFIG, else the nearest vfxstyle.toml above the shot]"
        self.params.append(click.Option(["--config"], metavar="FILE", help=text, expose_value=False))
        self.params += [
            click.Option(
                ["--threads"],
                type=click.IntRange(1),
                envvar="VFXSTYLE_THREADS",
                metavar="N",
                is_eager=True,  # libraries read it when they are loaded, which other options do
                expose_value=False,
                callback=_take_threads,
                help="Threads at once. [default: $OMP_NUM_THREADS, else the cores that this process may use]",
            ),
            *log_options(),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, with what the show file says as defaults."""
        if not ctx.resilient_parsing:
            self._configure(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, with its log."""
        with logging_as_asked(ctx):
            return super().invoke(ctx)

    def _configure(self, ctx: click.Context, args: list[str]) -> None:
        with click.Context(self, info_name=ctx.info_name, parent=ctx.parent, resilient_parsing=True) as trial:
            super().parse_args(trial, list(args))
        shots = trial.params.get("shots") or ()
        shot = trial.params.get("shot") or (shots[0] if shots else None)
        named = _config_in(args)
        ctx.meta[_PINNED] = named == NONE
        known = known_options()
        show = show_of(shot, named, known)
        name = f"farm {ctx.info_name}" if _is_of_farm(ctx) else str(ctx.info_name)
        found = said_in(show, name, shot, known)
        ctx.meta[_SHOW] = show
        ctx.meta[_FROM] = {option: place for option, (_, place) in found.items()}
        ctx.default_map = {
            option: _checked(ctx, param, *found[option])
            for param in self.params
            if (option := str(param.name)) in found
        }
        if show.presets and not os.environ.get(_PRESETS):
            os.environ[_PRESETS] = os.pathsep.join(map(str, show.presets))
            ctx.call_on_close(lambda: os.environ.pop(_PRESETS, None))


def _take_threads(ctx: click.Context, param: click.Parameter, threads: int | None) -> None:
    """Let libraries run as many threads as are asked for."""
    if ctx.resilient_parsing:
        return
    ctx.meta[_THREADS] = threads
    if not (_is_of_farm(ctx) and ctx.info_name == "run"):  # which divides them among its tasks
        limit_threads(threads)


def _checked(ctx: click.Context, param: click.Parameter, value: Any, place: str) -> Any:
    """A value of the show file in the type of its option. Raises :class:`~vfxstyle.errors.UsageError`."""
    if param.multiple and isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple) and not param.multiple:
        raise UsageError(f"{place} has {param.name} = {value!r}; one value is enough.")
    try:
        return param.type_cast_value(ctx, value)
    except (click.BadParameter, TypeError, ValueError) as error:
        said = error.message if isinstance(error, click.BadParameter) else str(error)
        raise UsageError(f"{place} has {param.name} = {value!r}: {said}") from error


def _config_in(args: list[str]) -> str | None:
    for index, word in enumerate(args):
        if word == "--config" and index + 1 < len(args):
            return args[index + 1]
        if word.startswith("--config="):
            return word.partition("=")[2]
    return None


def _is_of_farm(ctx: click.Context) -> bool:
    return ctx.parent is not None and ctx.parent.info_name == "farm"


def known_options() -> Known:
    """Names of the options of each command that reads a show file; those of ``farm`` begin with that word."""
    from vfxstyle.cli import cli

    known: dict[str, set[str]] = {}
    for name, command in cli.commands.items():
        own = command.commands.items() if isinstance(command, click.Group) else [(name, command)]
        for sub, each in own:
            if isinstance(each, ConfiguredCommand):
                key = name if sub == name else f"{name} {sub}"
                known[key] = {
                    str(param.name)
                    for param in each.params
                    if isinstance(param, click.Option) and param.name not in _NEVER_SHOWN
                }
    return known


def said_in(show: ShowFile, command: str, shot: str | None, known: Known) -> dict[str, tuple[Any, str]]:
    """What a show file says of the options of a command, and where; one that looks at a grade has that one's, too."""
    names = set(known.get(command, ()))
    found = show.options(command, shot, known) if names else {}
    if "to" in names:
        renamed = {"output": "to"} | ({"preset": "presets"} if "presets" in names else {})
        graded = {renamed.get(name, name): said for name, said in show.options("grade", shot, known).items()}
        found = {name: said for name, said in graded.items() if name in names - {"frames"}} | found
    return found


def show_of(shot: str | None, named: str | None, known: Known) -> ShowFile:
    """The show file of a shot, read; one that says nothing where there is none."""
    path = find_show_file(shot, named)
    return ShowFile() if path is None else read_show_file(path, known)


def threads_asked() -> int | None:
    """Threads that the command that runs was asked to use at most."""
    threads: int | None = click.get_current_context().meta.get(_THREADS)
    return threads


def current_show() -> ShowFile:
    """The show file of the command that runs."""
    show: ShowFile = click.get_current_context().meta.get(_SHOW, ShowFile())
    return show


def said_options() -> dict[str, dict[str, Any]]:
    """Every option of the command that runs whose value is no default: the value, and who said it."""
    ctx = click.get_current_context()
    places: Mapping[str, str] = ctx.meta.get(_FROM, {})
    said: dict[str, dict[str, Any]] = {}
    for param in ctx.command.params:
        name = str(param.name)
        source = ctx.get_parameter_source(name)
        if source in _WORDS and isinstance(param, click.Option) and name not in _NEVER_SHOWN:
            place = places.get(name, "") if source is ParameterSource.DEFAULT_MAP else ""
            value = ctx.meta[_THREADS] if name == "threads" else ctx.params.get(name)
            said[name] = {"value": value, "from": place or _WORDS[source]}
    return said


def tell_options(progress: str) -> None:
    """Say which options the environment and the show file have decided, to people."""
    if progress not in ("auto", "bar"):
        return
    for name, row in said_options().items():
        if row["from"] != _WORDS[ParameterSource.COMMANDLINE]:
            click.echo(f"{name}: {row['value']}, of {row['from']}", err=True)


def is_of_show_file(option: str) -> bool:
    """Whether the show file says an option of the command that runs."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.DEFAULT_MAP


def said_of_shot(shot: str) -> dict[str, Any]:
    """What the show file of a command on several shots says of one of them, unless something else has said it first."""
    ctx, show = click.get_current_context(), current_show()
    params = {str(param.name): param for param in ctx.command.params}
    first = ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT
    said: dict[str, Any] = {}
    for name, value in show.of_shot(shot, params).items():
        if ctx.get_parameter_source(name) in first:
            continue
        if name not in _OF_A_SHOT:
            raise UsageError(
                f"{show.path} has {name} for {shot} alone, which a farm cannot take; say it for all shots."
            )
        said[name] = _checked(ctx, params[name], value, f"{show.path} [shots]")
    return said
