"""``vfxstyle analysis``."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FOLDERS = click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")


@click.group()
def analysis() -> None:
    """What analyses are on disk, the room they take, and what of it can go.

    FOLDER holds analyses, or results or shots that have theirs inside.
    """


@analysis.command("list")
@_FOLDERS
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def list_(folders: tuple[str, ...], as_json: bool) -> None:
    """One line for each analysis in FOLDER, and below it."""
    from vfxstyle.analysis import inventory

    found = inventory.find_analyses(map(Path, folders))
    click.echo(json.dumps(inventory.as_json(found), indent=2) if as_json else inventory.as_table(found))


@analysis.command()
@_FOLDERS
def size(folders: tuple[str, ...]) -> None:
    """How much room label maps, features and looks take."""
    from vfxstyle.analysis import inventory

    click.echo(inventory.sizes_table(inventory.find_analyses(map(Path, folders))))


@analysis.command()
@_FOLDERS
@click.option("--features", is_flag=True, help="Also features of analyses whose looks are predicted.")
@click.option("--older-than", type=int, metavar="DAYS", help="Also analyses in which nothing was written since.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def prune(folders: tuple[str, ...], features: bool, older_than: int | None, dry_run: bool) -> None:
    """Remove analyses of earlier formats, which are never read, and what the options name."""
    from vfxstyle.analysis import inventory

    found = inventory.removals(inventory.find_analyses(map(Path, folders)), features=features, older_than=older_than)
    for removal in found:
        if not dry_run:
            removal.carry_out()
        click.echo(f"{removal.path}: {removal.bytes / 1e6:.1f} MB, {removal.why}")
    free = sum(removal.bytes for removal in found) / 1e6
    click.echo(f"{free:.1f} MB {'would be' if dry_run else 'are'} free")
