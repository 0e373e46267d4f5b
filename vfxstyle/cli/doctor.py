"""``vfxstyle doctor``."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def doctor(as_json: bool) -> None:
    """What this machine has: versions, devices, codecs, presets."""
    from vfxstyle.cli.machine import machine_report

    found = machine_report()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        click.echo(f"{name:<22} {value}")
