"""``vfxstyle doctor``."""

from __future__ import annotations

import click


@click.command()
def doctor() -> None:
    """What this machine has: versions, devices, codecs, presets."""
    from vfxstyle.cli.machine import machine_report

    for name, value in machine_report().items():
        click.echo(f"{name:<22} {value}")
