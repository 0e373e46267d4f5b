"""Files that are whole or not there: temporary names, atomic writes, hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

_NOT_SUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_LINKING = threading.Lock()
_ABANDONED = 24 * 3600  # seconds after which what is in the making belongs to nobody any more
_IN_THE_MAKING = re.compile(r"^\..+\.[0-9a-f]{12}\.part(\.\w+)?$")


def user_place(variable: str, default: str) -> Path | None:
    """A folder of the user: the one that an environment variable names, else a default in the home.

    None for a user without a home.
    """
    try:
        named = os.environ.get(variable)
        return Path(named).expanduser() if named else Path.home() / default
    except RuntimeError:
        return None


def temporary_name(final: Path) -> Path:
    """A hidden name beside ``final`` with the same extension, for writing before the rename; never the same twice."""
    return final.with_name(f".{final.stem}.{secrets.token_hex(6)}.part{final.suffix}")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in the same folder, flush it to disk, and rename it.

    Makes the folder if it is not there. Raises OSError; then nothing is left behind and an older file stays.
    """
    with writing_atomically(path) as file:
        file.write(data)


@contextmanager
def writing_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to write to under a temporary name, which becomes ``path`` if the block ends well. Raises OSError."""
    with _in_the_making(path, finish) as file:
        yield file


@contextmanager
def claiming(path: Path) -> Iterator[BinaryIO]:
    """A file to write to under a temporary name, which becomes ``path`` if the block ends well and nothing is there.

    What is there already stays, so that of several jobs that write the same file the first is right. Raises OSError.
    """
    with _in_the_making(path, _claim) as file:
        yield file


@contextmanager
def _in_the_making(path: Path, name: Callable[[Path, Path], None]) -> Iterator[BinaryIO]:
    part = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        name(part, path)
    finally:
        drop(part)


def finish(part: Path, final: Path) -> None:
    """Flush a finished temporary file to disk and give it its name. Raises OSError."""
    _flush(part)
    _rename(part, final)


def _rename(part: Path, final: Path) -> None:
    try:
        part.replace(final)
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            raise OSError(
                error.errno, "this file system cannot rename files, so that nothing half written is ever seen"
            ) from error
        raise


def _claim(part: Path, final: Path) -> None:
    _flush(part)
    try:
        os.link(part, final)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not final.exists():
            _rename(part, final)


def _flush(part: Path) -> None:
    """Flush a file to disk, where the file system can: network and user-space ones may not know how."""
    with part.open("rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise
            _warn_of_flush()


@cache
def _warn_of_flush() -> None:
    """Say once that a file system cannot flush."""
    warnings.warn(
        "A file system that is written to cannot flush files to disk; they are read back, but may be lost if the "
        "machine fails before it writes them.",
        stacklevel=2,
    )


def drop(part: Path) -> None:
    """Remove a temporary file if it is still there, and the link by which it was written."""
    with suppress(OSError):
        part.unlink()
    if not is_utf8(str(part)):
        with suppress(OSError):
            _link_of(part).unlink()


def drop_abandoned(folder: Path) -> None:
    """Remove what jobs that were killed have left in the making, when nothing of it has changed for a day."""
    for place, folders, files in os.walk(folder):  # which passes over what other jobs rename meanwhile
        for name in filter(_IN_THE_MAKING.match, (*folders, *files)):
            part = Path(place, name)
            inside = [Path(below, own) for below, _, names in os.walk(part) for own in names]
            with suppress(OSError):
                if time.time() - max(path.stat().st_mtime for path in (part, *inside)) > _ABANDONED:
                    shutil.rmtree(part) if part.is_dir() else part.unlink()


def is_utf8(text: str) -> bool:
    """Whether a text, or a path as a text, has no bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_path(path: Path) -> str:
    """A path as libraries of other languages take it: itself, or where its name is no UTF-8 a link to it.

    The links lie in a temporary folder of this process. Raises OSError.
    """
    text = str(path)
    if not is_utf8(text):
        link = _link_of(path)
        with suppress(FileExistsError):
            link.symlink_to(path.absolute())
        return str(link)
    return text


def _link_of(path: Path) -> Path:
    """Where the link to a path lies, if there is one."""
    with _LINKING:
        folder = _links()
    return Path(folder.name, f"{hashlib.sha256(os.fsencode(str(path))).hexdigest()[:20]}{path.suffix}")


def writable_path(path: Path) -> str:
    """The same for a file that is to be written, which is made empty where a link is needed. Raises OSError."""
    text = plain_path(path)
    if text != str(path):
        path.touch()
    return text


@cache
def _links() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="vfxstyle-")


def printable(text: str) -> str:
    """A text in which bytes that are not UTF-8 stand as escapes."""
    return text.encode(errors="backslashreplace").decode()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's contents, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def current_digest(path: Path) -> str:
    """SHA-256 of a file's contents, which are read again only where its size or time have changed."""
    status = path.stat()
    return _digest_at(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest_at(path: Path, size: int, mtime_ns: int) -> str:
    """Hash of a file that has this size and time."""
    return file_digest(path)


def key_of(**ingredients: Any) -> str:
    """SHA-256, as hexadecimal, of JSON values by name: of everything that decides what a file contains."""
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()
