"""``vfxstyle spaces``."""

from __future__ import annotations

import click

from vfxstyle.cli import flags
from vfxstyle.settings import ReadSettings


@click.command()
@click.argument("search", nargs=-1)
@flags.of("spaces", ReadSettings)
def spaces(search: tuple[str, ...], ocio: str | None) -> None:
    """List the colour spaces that a plate or a result can be in, with their kind and interop name.

    SEARCH: words that the names must have.
    """
    from vfxstyle.color import ColorConfig
    from vfxstyle.errors import ColorError

    config, words = ColorConfig.load(ocio), " ".join(search)
    found = config.search(words)
    if not found:
        raise ColorError(f"Colour configuration {config.name} has no space with '{words}'. {config.advice(words)}")
    width = max(len(space.name) for space in found)
    for space in found:
        click.echo(f"{space.name:<{width}}  {space.kind.value:<16}  {space.interop_id}".rstrip())
