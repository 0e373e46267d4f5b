"""Flags of earlier versions, which are still taken, with a note that says what they are called now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import click

from vfxstyle.cli.configured import ConfiguredCommand

Renamed = Mapping[str, str | Mapping[str, tuple[str, ...]]]
"""By the old flag: its new name, or, where single values of it have changed, the new words by the old value."""


class RenamingCommand(ConfiguredCommand):
    """A command that takes flags by the names that they had in earlier versions."""

    renamed: ClassVar[Renamed] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, old flags by their new names."""
        return super().parse_args(ctx, list(self._current(args)))

    def _current(self, args: Sequence[str]) -> Iterator[str]:
        words = list(args)
        while words:
            word = words.pop(0)
            flag, joined, value = word.partition("=")
            new = self.renamed.get(flag)
            if isinstance(new, str):
                _tell(flag, new)
                yield f"{new}{joined}{value}"
                continue
            value = value if joined else (words[0] if words else "")
            if new is None or value not in new:
                yield word
                continue
            if not joined:
                words.pop(0)
            _tell(f"{flag} {value}", " ".join(new[value]))
            yield from new[value]


def _tell(old: str, new: str) -> None:
    click.echo(f"{old} is called {new} now" if new else f"{old} is not needed any more", err=True)


class RenamingGrade(RenamingCommand):
    """``vfxstyle grade``."""

    renamed: ClassVar[Renamed] = {"--stage": {"frames": ("--prepare",), "all": ()}}


class RenamingAnalyze(RenamingCommand):
    """``vfxstyle analyze``."""

    renamed: ClassVar[Renamed] = {"--part": "--shard", "--stage": {"segments": ("--stage", "superpixels")}}


class RenamingFarm(RenamingCommand):
    """The commands of ``vfxstyle farm``."""

    renamed: ClassVar[Renamed] = {"--parts": "--shards"}
