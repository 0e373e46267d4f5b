"""Progress on stderr: a bar for a terminal, plain lines for a log, or nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import click
from tqdm import tqdm

from vfxstyle.pipeline.progress import Progress, Silent

ProgressName = Literal["auto", "bar", "none"]


class Bar:
    """A progress bar for each stage."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar that counts to ``total``."""
        form = "{desc:<12}{percentage:3.0f}% |{bar:28}| {n_fmt}/{total_fmt} {elapsed} left {remaining}"
        columns, rows = shutil.get_terminal_size()  # some terminals say that they have none, and get 80 by 24
        columns = min(columns, 100)
        with tqdm(total=total, desc=name, file=sys.stderr, bar_format=form, ncols=columns, nrows=rows) as bar:

            def step() -> None:
                bar.update()

            yield step

    def note(self, text: str) -> None:
        """A line above the bar."""
        tqdm.write(text, file=sys.stderr)


class Lines:
    """A line when a stage begins and at each tenth of it, for logs."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        """Lines for a stage of ``total`` steps."""
        done, told = 0, 0

        def step() -> None:
            nonlocal done, told
            done += 1
            tenth = done * 10 // total
            if tenth > told or done == total:
                told = tenth
                self.note(f"{name}: {done}/{total}")

        yield step

    def note(self, text: str) -> None:
        """One line, written at once."""
        click.echo(text, err=True)


def make_progress(name: ProgressName) -> Progress:
    """The progress of a name; "auto" is a bar on a terminal and lines elsewhere."""
    if name == "none":
        return Silent()
    if name == "bar" or (name == "auto" and sys.stderr.isatty()):
        return Bar()
    return Lines()
