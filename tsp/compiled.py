"""Compiled kernels, kept on disk for as long as the sources stay the same."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numba
from numba.core import config as numba_config

config: Any = numba_config  # its attributes are made when it is imported
_PREFIX = "kernels-"
_IMPORT = re.compile(r"^[ \t]*(?:from ([\w.]+) import (\([^)]*\)|[^\n]*)|import ([\w.]+))", re.MULTILINE)
_WORD = re.compile(r"\w+")
_DEFINES_KERNELS = re.compile(rb"^@(kernel|compiler)\b", re.MULTILINE)
_KEPT_FOR = 30 * 24 * 3600  # s
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class Decorator(Protocol):
    """Compiles a function and leaves its type as it is."""

    def __call__(self, function: Kernel, /) -> Kernel:
        """The compiled function."""
        ...


def compiler(*packages: Path) -> Callable[..., Decorator]:
    """A decorator like :func:`numba.njit` whose cache belongs to the sources of the kernels of these packages.

    numba itself compiles a kernel again when the kernel's own file changes, but not when only the file of another
    kernel that it calls does: after an upgrade it would go on running the old one. Here each state of the sources
    has a folder of its own: in ``NUMBA_CACHE_DIR`` if that is set, else in ``__pycache__`` of the first package, else
    in the user's cache folder. Where none of them can be written, or the sources are not there as files, kernels are
    compiled in every process. Folders in ``__pycache__`` that no process has used for a month are removed.
    """
    folder = _folder_of(packages)

    def kernel(**options: Any) -> Decorator:
        """As :func:`numba.njit` with these options."""

        def compiled(function: Kernel) -> Kernel:
            # numba asks for its folder here and not again; what another thread decorates meanwhile lands in ours
            before = config.CACHE_DIR
            config.CACHE_DIR = "" if folder is None else str(folder)
            try:
                return numba.njit(cache=folder is not None, **options)(function)  # type: ignore[no-any-return]
            finally:
                config.CACHE_DIR = before

        return compiled

    return kernel


def _folder_of(packages: tuple[Path, ...]) -> Path | None:
    sources = _sources_of_kernels(packages)
    if not sources:
        return None
    digest = hashlib.sha256()
    for name, text in sources.items():
        digest.update(name.encode() + text)
    name = f"{_PREFIX}{digest.hexdigest()[:16]}"
    if config.CACHE_DIR:
        return _writable(Path(config.CACHE_DIR) / name)
    beside = packages[0] / "__pycache__"
    _remove_unused(beside)
    return _writable(beside / name) or _writable_at_home(Path(packages[0].name) / name)


def _sources_of_kernels(packages: tuple[Path, ...]) -> dict[str, bytes]:
    """Files that define kernels, and files of the packages that these import: by module, in order of the names.

    A kernel is compiled with the constants and the kernels that its file imports, so a change in one of them changes
    it; a change anywhere else does not.
    """
    files = {
        ".".join((package.name, *path.relative_to(package).with_suffix("").parts)).removesuffix(".__init__"): path
        for package in packages
        for path in package.rglob("*.py")
        if path.is_file()
    }
    texts = {name: path.read_bytes() for name, path in files.items()}
    open_ones = [name for name, text in texts.items() if _DEFINES_KERNELS.search(text)]
    found: set[str] = set()
    while open_ones:
        name = open_ones.pop()
        if name not in found:
            found.add(name)
            open_ones += [imported for imported in _imports_of(texts[name]) if imported in texts]
    return {name: texts[name] for name in sorted(found)}


def _imports_of(source: bytes) -> Iterator[str]:
    """Names of modules that a source may import: the modules it names, and what it takes from them.

    By their text, which takes a hundredth of the time that parsing takes; a name too many does no harm.
    """
    for module, names, plain in _IMPORT.findall(source.decode(errors="replace")):
        yield module or plain
        yield from (f"{module}.{name}" for name in _WORD.findall(names))


def _writable_at_home(folder: Path) -> Path | None:
    """A folder in the user's cache, as for :func:`_writable`; None also for a user without a home."""
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return None
    return _writable(home / folder)


def _writable(folder: Path) -> Path | None:
    """The folder, made and marked as used now, if files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _remove_unused(beside: Path) -> None:
    for folder in beside.glob(f"{_PREFIX}*"):
        try:
            if folder.stat().st_mtime < time.time() - _KEPT_FOR:
                shutil.rmtree(folder)
        except OSError:  # another process was faster, or it is not ours to remove
            continue


kernel = compiler(Path(__file__).parent)
"""Decorator of this library's kernels."""
