"""Logs of a command, by the standard library's logging: to a file, and more or less to the terminal."""

from __future__ import annotations

import json
import logging
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from vfxstyle._version import __version__
from vfxstyle.errors import OutputError, UsageError, failure_of
from vfxstyle.progress import LOGGER

LOG = logging.getLogger(LOGGER)
_QUIET = "vfxstyle.quiet"
FACTS = "facts"
"""Attribute of records that a program reads: values by name."""
SHOWN = "shown"
"""Attribute of records that are printed by whoever logs them."""


def log_options() -> list[click.Option]:
    """The options of every command that works on a shot."""
    return [
        click.Option(["-v", "--verbose"], is_flag=True, envvar="VFXSTYLE_VERBOSE", help="Say every step."),
        click.Option(
            ["-q", "--quiet"], is_flag=True, envvar="VFXSTYLE_QUIET", help="Say nothing but warnings and errors."
        ),
        click.Option(
            ["--log-file"], metavar="FILE", envvar="VFXSTYLE_LOG_FILE", help="Append what is done, with times, to FILE."
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            default="text",
            envvar="VFXSTYLE_LOG_FORMAT",
            show_default=True,
            help="Format of the log file.",
        ),
    ]


def tell_people(text: str) -> None:
    """Print a line for people, where these want one, and log it."""
    LOG.info("%s", text)
    if not click.get_current_context().meta.get(_QUIET):
        click.echo(text, err=True)


@contextmanager
def logging_as_asked(ctx: click.Context) -> Iterator[None]:
    """Send the log of the block where a command's options say, and note how the block ends.

    Takes the options of :func:`log_options` out of the command's parameters. Raises
    :class:`~vfxstyle.errors.OutputError` for a file that cannot be written.
    """
    verbose, quiet, file, form = (ctx.params.pop(name) for name in ("verbose", "quiet", "log_file", "log_format"))
    if verbose and quiet:
        raise UsageError("--verbose and --quiet contradict each other; leave one out.")
    progress = ctx.params.get("progress", "auto")
    handlers: list[logging.Handler] = []
    if (quiet and progress != "json") or (verbose and progress not in ("json", "none")):
        handlers.append(_Terminal(logging.WARNING if quiet else logging.DEBUG))
    ctx.meta[_QUIET] = quiet
    if quiet and progress in ("auto", "bar"):  # others are for programs, and asked for
        ctx.params["progress"] = "none"
    if file:
        handlers.append(_file_handler(Path(file), form))
    before = LOG.level
    LOG.setLevel(logging.DEBUG if verbose else logging.INFO)
    for handler in handlers:
        LOG.addHandler(handler)
    LOG.info("vfxstyle %s: %s", __version__, shlex.join(sys.argv[1:]))
    try:
        yield
        LOG.info("ended well")
    except click.exceptions.Exit:
        raise
    except BaseException as error:
        known = failure_of(error)
        if known is None:
            LOG.exception("a fault of the program")
        else:
            frames = list(known.told_frames)
            LOG.error("%s", known, extra={FACTS: {"code": known.code, "retryable": known.retryable, "frames": frames}})
        raise
    finally:
        LOG.setLevel(before)
        for handler in handlers:
            LOG.removeHandler(handler)
            handler.close()


class _Terminal(logging.Handler):
    """What progress does not show: steps, or warnings where there is no progress; errors are printed at the end."""

    def emit(self, record: logging.LogRecord) -> None:
        """A line above the bar; of warnings those that are not printed otherwise."""
        from tqdm import tqdm  # takes a while to load, and most commands say nothing here

        if getattr(record, SHOWN, False):
            return
        if self.level == logging.DEBUG and record.levelno == logging.DEBUG:
            tqdm.write(f"{datetime.now():%H:%M:%S.%f} {record.getMessage()}", file=sys.stderr)
        elif self.level == logging.WARNING == record.levelno:
            click.echo(f"Warning: {record.getMessage()}", err=True)


class _LogFile(logging.FileHandler):
    """A log that stops, and says so once, where it cannot be written any more; the work goes on."""

    has_stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, until one could not be written."""
        if not self.has_stopped:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        """Say why a record could not be written."""
        self.has_stopped = True
        error = sys.exc_info()[1]
        reason = getattr(error, "strerror", None) or error
        click.echo(f"Warning: log {self.baseFilename} cannot be written any more: {reason}.", err=True)

    def close(self) -> None:
        """Close the file, whether or not its end can be written."""
        with suppress(OSError):
            super().close()


def _file_handler(path: Path, form: str) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"Log {path} cannot be written: {error.strerror}; choose another with --log-file.") from error
    handler.setFormatter(_JsonLine() if form == "json" else _TextLine("%(asctime)s %(levelname)s %(message)s"))
    return handler


class _TextLine(logging.Formatter):
    """A line of text with the time of day and its zone."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's
        """ISO 8601, milliseconds."""
        return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class _JsonLine(_TextLine):
    """A JSON object a line: time, level, message; of a fault its traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "host": socket.gethostname(),
            "process": record.process,
            "message": record.getMessage(),
        }
        said |= getattr(record, FACTS, {})
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)
