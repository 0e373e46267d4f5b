"""``vfxstyle presets``."""

from __future__ import annotations

import click


@click.group()
def presets() -> None:
    """What looks are installed."""


@presets.command("list")
def list_() -> None:
    """One line for each installed preset."""
    from vfxstyle.errors import PresetError
    from vfxstyle.looks.library import installed_presets

    for info, path, source in installed_presets():
        told = str(info) if isinstance(info, PresetError) else info.description
        click.echo(f"{path.stem:<16} {source:<8} {told}")


@presets.command()
@click.argument("name")
def show(name: str) -> None:
    """The model card of a preset, by installed name or file."""
    from vfxstyle.looks.cards import model_card
    from vfxstyle.looks.library import find_preset
    from vfxstyle.looks.preset import read_preset

    path = find_preset(name)
    click.echo(f"{model_card(read_preset(path).info)}\nFile: {path}")
