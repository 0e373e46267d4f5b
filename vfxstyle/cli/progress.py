"""Progress on stderr: a bar for a terminal, plain lines for a log, the protocols of farms, or nothing."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import click
from tqdm import tqdm

from vfxstyle.cli.logs import LOG, SHOWN
from vfxstyle.cli.shares import Shares
from vfxstyle.errors import VfxStyleError, failure_of
from vfxstyle.progress import Progress, Silent, Stage

FIRST_RUN = (
    "kernels are compiled on first use on this machine, which takes a minute or more; vfxstyle warm compiles all of "
    "them ahead"
)
"""What is said where nothing has been compiled yet, so that nobody takes compiling for a slow tool."""
ProgressName = Literal["auto", "bar", "openjd", "deadline", "alf", "json", "none"]


class Watch(Progress, Protocol):
    """A progress that is told how the run ended."""

    def result(self, report: Any) -> None:
        """What came of the run, before it is told to be done."""
        ...

    def done(self) -> None:
        """All that was asked for is there and verified."""
        ...

    def failed(self, error: VfxStyleError) -> None:
        """The run failed."""
        ...


class _Plain:
    """A watch for people: the summary, or the message that main prints, says how the run ended."""

    def job(self, index: int, total: int) -> None:
        """Nothing to say: a note names the job."""

    def result(self, report: Any) -> None:
        """Nothing to say."""

    def done(self) -> None:
        """Nothing to say."""

    def failed(self, error: VfxStyleError) -> None:
        """Nothing to say."""


class Nothing(_Plain, Silent):
    """Says nothing."""


class Bar(_Plain):
    """A progress bar for each stage."""

    @contextmanager
    def stage(self, stage: Stage, total: int) -> Iterator[Callable[[], None]]:
        """A bar that counts to ``total``."""
        form = "{desc:<12}{percentage:3.0f}% |{bar:28}| {n_fmt}/{total_fmt} {elapsed} left {remaining}"
        columns, rows = shutil.get_terminal_size()  # some terminals say that they have none, and get 80 by 24
        columns = min(columns, 100)
        with tqdm(total=total, desc=stage, file=sys.stderr, bar_format=form, ncols=columns, nrows=rows) as bar:

            def step() -> None:
                bar.update()

            yield step

    def note(self, text: str) -> None:
        """A line above the bar."""
        tqdm.write(text, file=sys.stderr)


class Lines(_Plain):
    """A line when a stage begins and at each tenth of it, for logs."""

    @contextmanager
    def stage(self, stage: Stage, total: int) -> Iterator[Callable[[], None]]:
        """Lines for a stage of ``total`` steps."""
        done, told = 0, 0

        def step() -> None:
            nonlocal done, told
            done += 1
            tenth = done * 10 // total
            if tenth > told or done == total:
                told = tenth
                self.note(f"{stage}: {done}/{total}")

        yield step

    def note(self, text: str) -> None:
        """One line, written at once."""
        click.echo(text, err=True)


class Percent:
    """The whole run as a percentage that never falls, and is 100 only when all is done.

    shares: what each stage is of the whole; of stages that turn out not to be needed the share is skipped. form: the
    line that a farm reads, from the percentage, the stage, its steps done and all of them.
    """

    def __init__(self, shares: Shares, form: Callable[[int, str, int, int], str]) -> None:
        self._shares, self._form = shares, form
        self._whole = sum(shares.values())
        self._job, self._jobs = 0, 1
        self._told = -1

    def job(self, index: int, total: int) -> None:
        """From here on stages are those of one of several jobs, all of one weight."""
        self._job, self._jobs = index, total

    def _tell(self, percent: int, stage: str, done: int, total: int) -> None:
        if percent > self._told:
            self._told = percent
            click.echo(self._form(percent, stage, done, total), err=True)

    @contextmanager
    def stage(self, stage: Stage, total: int) -> Iterator[Callable[[], None]]:
        """Percentages of a stage; one that has no share counts as nothing."""
        stages = list(self._shares)
        before = sum(self._shares[other] for other in stages[: stages.index(stage)]) if stage in stages else 0
        share, done = self._shares.get(stage, 0), 0

        def tell() -> None:
            at = (self._job + (before + share * done / max(total, 1)) / self._whole) / self._jobs
            self._tell(min(int(100 * at), 99), stage, done, total)

        def step() -> None:
            nonlocal done
            done += 1
            tell()

        tell()
        yield step

    def note(self, text: str) -> None:
        """One line, written at once."""
        click.echo(text, err=True)

    def result(self, report: Any) -> None:
        """Nothing to say: farms that know no word for it look for files."""

    def done(self) -> None:
        """Say 100."""
        self._tell(100, "done", 1, 1)

    def failed(self, error: VfxStyleError) -> None:
        """Nothing to say: farms that know no word for it read the exit code."""


class OpenJD(Percent):
    """The lines of Open Job Description."""

    def __init__(self, shares: Shares) -> None:
        super().__init__(shares, lambda percent, *_: f"openjd_progress: {percent}")

    def note(self, text: str) -> None:
        """A status line."""
        super().note(f"openjd_status: {text.strip()}")

    def failed(self, error: VfxStyleError) -> None:
        """Say why, on one line."""
        click.echo(f"openjd_fail: {' '.join(str(error).split())}", err=True)


class JsonLines(Percent):
    """A JSON object a line, for scripts: ``event`` is progress, note, done or failed."""

    def __init__(self, shares: Shares) -> None:
        super().__init__(shares, self._line)
        self._facts: dict[str, Any] = {}

    def _line(self, percent: int, stage: str, done: int, total: int) -> str:
        event = "done" if percent == 100 else "progress"
        facts = self._facts if event == "done" else {}
        return _json(event, percent=percent, stage=stage, step=done, steps=total, **facts)

    def result(self, report: Any) -> None:
        """Keep counts, files and seconds for the done event."""
        self._facts = facts_of(report)

    def note(self, text: str) -> None:
        """A note event."""
        click.echo(_json("note", text=text.strip()), err=True)

    def warning(self, message: Warning | str, *_: Any, **__: Any) -> None:
        """A note event of a warning."""
        LOG.warning("%s", message, extra={SHOWN: True})
        self.note(f"Warning: {message}")

    def failed(self, error: VfxStyleError) -> None:
        """A failed event: what the last line says, with the frames that failed and those not made apart."""
        line = _json(
            "failed",
            code=error.code,
            retryable=error.retryable,
            frames=list(error.frames),
            not_made=list(error.not_made),
            message=str(error),
        )
        click.echo(line, err=True)


def _json(event: str, **values: Any) -> str:
    return json.dumps({"event": event, **values})


_COUNTED = ("written", "kept", "frames", "chosen_frames", "superpixels", "groups")
_LISTS = ("files", "mattes")
_TEXTS = ("output", "path", "analysis", "target", "input_space", "output_space")


def facts_of(report: Any) -> dict[str, Any]:
    """What a report says of a run, for scripts: places, files, counts, and seconds by stage, as far as it has them."""
    facts: dict[str, Any] = {name: str(getattr(report, name)) for name in _TEXTS if hasattr(report, name)}
    facts |= {name: [str(path) for path in getattr(report, name)] for name in _LISTS if hasattr(report, name)}
    if hasattr(report, "space"):
        facts["space"] = report.space.name
    for name in _COUNTED:
        value = getattr(report, name, None)
        if isinstance(value, Sized):
            facts[name] = len(value)
        elif isinstance(value, int):
            facts[name] = value
    if hasattr(report, "seconds"):
        facts["seconds"] = {str(stage): round(seconds, 3) for stage, seconds in report.seconds.items()}
    return facts


def tell(name: ProgressName, text: str) -> None:
    """Print what came of a run, for people: not into a stream of JSON, and not where nothing is wanted."""
    for line in text.splitlines():
        LOG.info("%s", line)
    if name not in ("none", "json"):
        click.echo(text, err=True)


def kernels_are_there() -> bool:
    """Whether an earlier run has compiled kernels that this one finds."""
    from vfxstyle.compiled import kept_kernels  # loads numba, as every run that is watched does

    return any(own.count for own in kept_kernels())


def make_progress(name: ProgressName, shares: Shares) -> Watch:
    """The progress of a name; "auto" is a bar on a terminal and lines elsewhere."""
    if name == "none":
        return Nothing()
    if name == "openjd":
        return OpenJD(shares)
    if name == "deadline":
        return Percent(shares, lambda percent, *_: f"Progress: {percent}%")
    if name == "alf":
        return Percent(shares, lambda percent, *_: f"ALF_PROGRESS {percent}%")
    if name == "json":
        return JsonLines(shares)
    if name == "bar" or (name == "auto" and sys.stderr.isatty()):
        return Bar()
    return Lines()


@contextmanager
def watching(name: ProgressName, shares: Shares) -> Iterator[Watch]:
    """A progress that is told how the block ends."""
    watch, shown = make_progress(name, shares), warnings.showwarning
    if isinstance(watch, JsonLines):
        warnings.showwarning = watch.warning
    try:
        if Stage.TASKS not in shares and not kernels_are_there():  # tasks say it in their logs
            watch.note(FIRST_RUN)
        yield watch
    except BaseException as error:
        known = failure_of(error)
        if known is not None:
            watch.failed(known)
        raise
    finally:
        warnings.showwarning = shown
    watch.done()
