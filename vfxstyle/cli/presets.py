"""``vfxstyle presets``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.settings import PlateSettings
from vfxstyle.settings.table import pick


@click.group()
def presets() -> None:
    """What looks are installed."""


@presets.command("list")
def list_() -> None:
    """One line for each installed preset."""
    from vfxstyle.errors import PresetError
    from vfxstyle.looks.library import installed_presets, shipped_folder

    for info, path, source in installed_presets():
        told = str(info) if isinstance(info, PresetError) else info.description
        click.echo(f"{path.stem:<16} {source:<8} {told}")
    click.echo(f"Thumbnails of the shipped ones: {shipped_folder()}/NAME.jpg", err=True)
    click.echo("To see them on a picture of yours: vfxstyle presets sheet PICTURE -o presets.png", err=True)


@presets.command()
@click.argument("shot")
@click.option("-o", "--output", required=True, metavar="FILE", help="The .png.")
@flags.of("proof", PlateSettings)
@flags.progress
def sheet(shot: str, output: str, progress: Any, **chosen: Any) -> None:
    """Draw every installed look on SHOT's middle frame, or on a picture."""
    pick(PlateSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.cli.progress import PROOF_SHARES, watching
    from vfxstyle.cli.summaries import proof_summary
    from vfxstyle.review.proof import sheet_of_looks

    with watching(progress, PROOF_SHARES) as watch:
        report = sheet_of_looks(shot, output, watch, **chosen)
    if progress != "none":
        click.echo(proof_summary(report), err=True)


@presets.command()
@click.argument("name")
def show(name: str) -> None:
    """The model card of a preset, by installed name or file."""
    from vfxstyle.looks.cards import model_card
    from vfxstyle.looks.library import find_preset
    from vfxstyle.looks.preset import read_preset

    path = find_preset(name)
    click.echo(f"{model_card(read_preset(path).info)}\nFile: {path}")
