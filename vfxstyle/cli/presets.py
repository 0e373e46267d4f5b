"""``vfxstyle presets``."""

from __future__ import annotations

import json
from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.settings import PlateSettings
from vfxstyle.settings.table import pick


@click.group()
def presets() -> None:
    """What looks are installed."""


@presets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def list_(as_json: bool) -> None:
    """One line for each installed preset."""
    from vfxstyle.errors import PresetError
    from vfxstyle.looks.library import installed_presets, shadowed, shipped_folder

    rows = [
        {
            "name": path.stem,
            "source": source,
            "file": str(path),
            "description": None if isinstance(info, PresetError) else info.description,
            "error": str(info) if isinstance(info, PresetError) else None,
            "shadowed_by": None if (other := shadowed(path)) is None else str(other),
        }
        for info, path, source in installed_presets()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        hidden = f" (hidden by {row['shadowed_by']})" if row["shadowed_by"] else ""
        click.echo(f"{row['name']:<16} {row['source']:<8} {row['error'] or row['description']}{hidden}")
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
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import PROOF_SHARES
    from vfxstyle.cli.summaries import proof_summary
    from vfxstyle.review.proof import sheet_of_looks

    with watching(progress, PROOF_SHARES) as watch:
        report = sheet_of_looks(shot, output, watch, **chosen)
        watch.result(report)
    tell(progress, proof_summary(report))


@presets.command()
@click.argument("name")
def show(name: str) -> None:
    """The model card of a preset, by installed name or file."""
    from vfxstyle.looks.cards import model_card
    from vfxstyle.looks.library import find_preset
    from vfxstyle.looks.preset import read_preset

    path = find_preset(name)
    click.echo(f"{model_card(read_preset(path).info)}\nFile: {path}")
