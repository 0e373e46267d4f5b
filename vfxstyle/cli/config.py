"""``vfxstyle config``."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from vfxstyle.cli.configured import ConfiguredCommand, known_options, said_in, show_of
from vfxstyle.settings.show_file import NONE, variable_of


@click.group()
def config() -> None:
    """What the show file and the environment say of a shot."""


@config.command()
@click.argument("shot")
@click.option("--command", default="grade", show_default=True, help="Command whose options are shown.")
@click.option("--config", "named", metavar="FILE", help="Show file. [default: as for that command]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def show(shot: str, command: str, named: str | None, as_json: bool) -> None:
    """Print every option of a command on SHOT, and where its value comes from."""
    from vfxstyle.cli import cli

    known = known_options()
    if command not in known:
        raise click.BadParameter(f"choose one of {', '.join(known)}", param_hint="--command")
    words = command.split()
    own = cli.commands[words[0]]
    own = own.commands[words[1]] if isinstance(own, click.Group) else own
    assert isinstance(own, ConfiguredCommand)
    file = show_of(shot, named, known)
    said = said_in(file, command, shot, known)
    rows: dict[str, dict[str, Any]] = {}
    for param in own.params:
        name = str(param.name)
        if not isinstance(param, click.Option) or name not in known[command]:
            continue
        variable = variable_of(name)
        if named != NONE and isinstance(param.envvar, str) and os.environ.get(param.envvar):
            rows[name] = {"value": os.environ[param.envvar], "from": f"${variable}"}
        elif name in said:
            rows[name] = {"value": said[name][0], "from": said[name][1]}
        else:
            default = param.default if not callable(param.default) else None
            rows[name] = {
                "value": default if isinstance(default, str | int | float | bool) else None,
                "from": "default",
            }
    if as_json:
        told = {"show_file": None if file.path is None else str(file.path), "options": rows}
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"show file: {file.path or 'none'}")
    for name, row in rows.items():
        value = "" if row["value"] is None else row["value"]
        click.echo(f"{name:<16} {value!s:<32} {row['from']}")
