"""``vfxstyle hosts``."""

from __future__ import annotations

from pathlib import Path

import click

from vfxstyle.handover.hosts import HOSTS
from vfxstyle.handover.hosts import install as put


@click.group()
def hosts() -> None:
    """The grade as a node or a panel: Nuke, Resolve, After Effects."""


@hosts.command()
@click.argument("host", type=click.Choice(list(HOSTS)))
@click.option("--to", "folder", required=True, metavar="FOLDER", help="Where the host finds them (docs/hosts/).")
def install(host: str, folder: str) -> None:
    """Copy the files of a HOST into a folder, with the path of this command in them."""
    for path in put(HOSTS[host], Path(folder)):
        click.echo(str(path))
    click.echo(HOSTS[host].told, err=True)
