"""The command `vfxstyle` as a process of its own, for the Python of a host. Needs the standard library only.

The host's Python never imports vfxstyle: it starts the command, reads the JSON that it prints, and can stop it.
$VFXSTYLE_COMMAND names the command where it is not on the path; words with spaces between them, quoted as in a shell.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

COMMAND = "VFXSTYLE_COMMAND"
"""Environment variable that names the command."""
_OF_HOSTS = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH")
_SECONDS_TO_END = 20
_NUMBER = re.compile(r"((?:(?<=\.)-)?(?<![0-9])[0-9]+)(\.[A-Za-z0-9]+)$")
_MOVIES = (".mov", ".mp4", ".mkv", ".mxf", ".avi")


class CommandError(Exception):
    """The command is not there, or failed; the message is for people."""


def command_line(arguments: Sequence[str]) -> list[str]:
    """The command with its arguments."""
    named = words_of(os.environ.get(COMMAND, "")) or ["vfxstyle"]
    return [*named, *arguments]


def words_of(line: str) -> list[str]:
    """The words of a command line; quotes hold together what has spaces, and Windows' backslashes stay."""
    if os.name != "nt":
        return shlex.split(line)
    return [word.strip('"') for word in shlex.split(line, posix=False)]


def environment() -> dict[str, str]:
    """The environment without what a host sets for its own Python and libraries, which would break another."""
    return {name: value for name, value in os.environ.items() if name not in _OF_HOSTS}


def _process(arguments: Sequence[str], **streams: Any) -> subprocess.Popen[str]:
    words = command_line(arguments)
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            env=environment(),
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            **streams,
        )
    except OSError as error:
        raise CommandError(f"{words[0]} cannot be started ({error.strerror}); name it with ${COMMAND}.") from error


def ask(*arguments: str) -> Any:
    """What a command prints as JSON. Raises :class:`CommandError` with what it says where it fails."""
    process = _process(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    try:
        found = json.loads(out)
    except ValueError:
        found = None
    if found is None or process.returncode not in (0, 1):  # 1: not all is done, which the answer says
        raise CommandError(_message(err.splitlines()) or f"{arguments[0]} ended with {process.returncode}.")
    return found


def presets() -> list[str]:
    """Names of the installed looks, as `--preset` takes them."""
    rows = ask("presets", "list", "--json")
    return [Path(row["file"]).stem for row in rows if not row["shadowed_by"] and not row["error"]]


def pattern_of(file: str) -> str:
    """`x.%04d.exr` of one of a sequence's files; a movie stays."""
    if file.lower().endswith(_MOVIES):
        return file
    return _NUMBER.sub(lambda found: f"%0{len(found.group(1))}d{found.group(2)}", file.replace("\\", "/"))


def numbers_of(files: list[str]) -> list[int]:
    """Frame numbers of a sequence's files; of a movie none."""
    found = [_NUMBER.search(file) for file in files if not file.lower().endswith(_MOVIES)]
    return [int(match.group(1)) for match in found if match]


def call(words: Sequence[str]) -> str:
    """Run a program, wait for it, and return what it printed.

    Raises :class:`CommandError` with what it says where it fails.
    """
    try:
        ran = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CommandError(f"{words[0]} cannot be started ({error.strerror}).") from error
    if ran.returncode:
        lines = ran.stderr.splitlines()
        raise CommandError(_message(lines) or (lines or ran.stdout.splitlines() or [""])[-1] or f"{words[0]} failed.")
    return ran.stdout


def _message(lines: Sequence[str]) -> str:
    return next((line[len("Error: ") :] for line in reversed(lines) if line.startswith("Error: ")), "")


class Run:
    """A command under way, in a process of its own.

    told: called with it and every event of `--progress json`, in a thread that reads them. ended: called there once,
    when the process has ended. Raises :class:`CommandError` where it cannot be started.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        told: Callable[[Run, dict[str, Any]], None] | None = None,
        ended: Callable[[Run], None] | None = None,
    ) -> None:
        self.arguments: tuple[str, ...] = tuple(arguments)
        """What it was started with."""
        self.percent, self.stage = 0, ""
        """How far it is, 0 to 100, and what it does."""
        self.notes: list[str] = []
        """What it has said."""
        self.facts: dict[str, Any] = {}
        """What it said at its end: output, files, counts, seconds."""
        self.error = ""
        """Why it failed; empty while it runs, and where it ended well."""
        self.cancelled = False
        """Whether it was told to stop."""
        self._told, self._ended = told, ended
        self._process = _process([*arguments, "--progress", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, name="vfxstyle", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return self._reader.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its end, at most so long."""
        self._reader.join(seconds)

    def cancel(self) -> None:
        """Ask it to stop: it finishes or drops the frame under way. What does not end by itself soon is killed."""
        self.cancelled = True
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            threading.Timer(_SECONDS_TO_END, self._kill).start()

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()

    def _read(self) -> None:
        plain: list[str] = []
        stream = self._process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                event = _event(line)
                if event is None:
                    plain.append(line.rstrip())
                    continue
                self._take(event)
                if self._told is not None:
                    self._told(self, event)
        code = self._process.wait()
        if code and not self.error:
            self.error = _message(plain) or f"vfxstyle ended with {code}."
        if self._ended is not None:
            self._ended(self)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind in ("progress", "done"):
            self.percent, self.stage = int(event["percent"]), str(event["stage"])
        if kind == "note":
            self.notes.append(str(event["text"]))
        elif kind == "done":
            self.facts = event
        elif kind == "failed":
            self.error = str(event["message"])


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
