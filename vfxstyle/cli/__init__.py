"""The command line: arguments in, one call down, an exit code out."""

from __future__ import annotations

import atexit
import codecs
import ctypes
import os
import signal
import sys
import traceback
import warnings
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any

import click

from vfxstyle._version import __version__
from vfxstyle.cli.analysis import analysis
from vfxstyle.cli.analyze import analyze
from vfxstyle.cli.config import config
from vfxstyle.cli.doctor import doctor
from vfxstyle.cli.export import export
from vfxstyle.cli.farm import farm
from vfxstyle.cli.grade import grade
from vfxstyle.cli.hosts import hosts
from vfxstyle.cli.logs import LOG, SHOWN
from vfxstyle.cli.mattes import mattes
from vfxstyle.cli.presets import presets
from vfxstyle.cli.proof import proof
from vfxstyle.cli.report import report
from vfxstyle.cli.review import review
from vfxstyle.cli.spaces import spaces
from vfxstyle.cli.superpixels import superpixels
from vfxstyle.cli.train import train
from vfxstyle.cli.warm import warm
from vfxstyle.errors import Terminated, VfxStyleError, failure_of
from vfxstyle.files import printable


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vfxstyle")
def cli() -> None:
    """Put learned looks on whole shots: semantics-aware, steady in time, at any resolution."""


_PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_LOOKING = (proof, report, review)
_MACHINE = (hosts, presets, spaces, config, doctor, warm)
for command in (grade, train, analyze, *_LOOKING, analysis, superpixels, export, mattes, farm, *_MACHINE):
    cli.add_command(command)


def _on_terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _fail(error: VfxStyleError) -> int:
    """Say what happened, then the line that farms read; returns the exit code."""
    from vfxstyle.shots.discover import format_frames

    retry = "yes" if error.retryable else "no"
    frames = format_frames(error.told_frames) or "none"
    click.echo(f"Error: {printable(str(error))}", err=True)
    click.echo(f"vfxstyle: FAILED code={error.code} retryable={retry} frames={frames}", err=True)
    return error.exit_code


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    LOG.warning("%s", message, extra={SHOWN: True})
    click.echo(f"Warning: {message}", err=True)


def _let_every_name_through() -> None:
    """Print names of files that are not UTF-8, or that the terminal has no letters for, instead of failing."""
    codecs.register_error("vfxstyle", _as_bytes_or_escaped)
    for stream, errors in ((sys.stdout, "vfxstyle"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)


def _as_bytes_or_escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _end_with_parent() -> None:
    """In a task of a farm: be terminated where the process that waits for it dies, as another worker does it then."""
    parent = os.environ.pop("VFXSTYLE_TASK_OF", "")
    if not parent:
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return  # not Linux
    if str(os.getppid()) != parent:
        raise SystemExit(143)


def main() -> None:
    """Run the command line and leave with its exit code (0, 1, 2, 3, 4, 130 or 143)."""
    _let_every_name_through()
    warnings.showwarning = _show_warning
    signal.signal(signal.SIGTERM, _on_terminate)
    _end_with_parent()
    try:
        cli.main(standalone_mode=False)
        code = 0
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()  # the help of a group of commands; no job has failed
        code = 2
    except click.ClickException as error:
        error.show()
        click.echo("vfxstyle: FAILED code=usage retryable=no frames=none", err=True)
        code = 2
    except (Exception, KeyboardInterrupt, Terminated) as error:
        known = failure_of(KeyboardInterrupt() if isinstance(error, click.Abort) else error)
        code = _report_fault() if known is None else _fail(known)
    sys.exit(code)


class _HeedlessStream(TextIOWrapper):
    """Standard error that never fails: a run goes on where nobody reads any more what it says."""

    def write(self, text: str, /) -> int:
        """Write a text, or drop it."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is waiting, or keep it."""
        with suppress(OSError):
            super().flush()


def _fill_in_streams() -> None:
    """Have streams to print to, where the process was started without, and one for messages that never fails."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the end
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the end
    elif isinstance(sys.stderr, TextIOWrapper):
        sys.stderr = _HeedlessStream(sys.stderr.buffer, sys.stderr.encoding, line_buffering=True)


def run() -> None:
    """Run the command line in a process of its own, which ends with it."""
    _fill_in_streams()
    try:
        main()
    except SystemExit as leave:
        atexit.register(_end_at_once, int(leave.code or 0))
        raise


def _end_at_once(code: int) -> None:
    """End the process, at its end: all threads but daemons are joined, and what else runs at exit is run first.

    Python would now take itself and the libraries apart, object by object, for a tenth of a second and nothing.
    """
    atexit.unregister(_end_at_once)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (ValueError, BrokenPipeError):
        pass  # it is closed, or who read it has gone, as head does
    except OSError as error:
        known = failure_of(error)
        code = code or (1 if known is None else _fail(known))
    with suppress(ValueError):
        sys.stderr.flush()
    os._exit(code)


def _report_fault() -> int:
    """Print the traceback of a fault of ours, which is what we need to mend it; returns the exit code."""
    traceback.print_exc()
    click.echo("vfxstyle: FAILED code=fault retryable=no frames=none", err=True)
    return 1
