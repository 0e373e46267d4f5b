"""Compiled kernels, kept on disk for as long as the sources stay the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numba
from numba.core import config as numba_config

config: Any = numba_config  # its attributes are made when it is imported
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class Decorator(Protocol):
    """Compiles a function and leaves its type as it is."""

    def __call__(self, function: Kernel, /) -> Kernel:
        """The compiled function."""
        ...  # pragma: no cover


def compiler(*packages: Path) -> Callable[..., Decorator]:
    """A decorator like :func:`numba.njit` whose cache belongs to the sources of these packages.

    numba itself compiles a kernel again when the kernel's own file changes, but not when only the file of another
    kernel that it calls does: after an upgrade it would go on running the old one. Here each state of the sources
    has a folder of its own: in ``NUMBA_CACHE_DIR`` if that is set, else in ``__pycache__`` of the first package, else
    in the user's cache folder. Where none of them can be written, kernels are compiled in every process.
    """
    digest = hashlib.sha256()
    for package in packages:
        for source in sorted(package.rglob("*.py")):
            digest.update(source.relative_to(package).as_posix().encode() + source.read_bytes())
    folder = _first_writable(packages[0], f"kernels-{digest.hexdigest()[:16]}")

    def kernel(**options: Any) -> Decorator:
        """As :func:`numba.njit` with these options."""

        def compiled(function: Kernel) -> Kernel:
            before = config.CACHE_DIR
            config.CACHE_DIR = "" if folder is None else str(folder)
            try:
                return numba.njit(cache=folder is not None, **options)(function)  # type: ignore[no-any-return]
            finally:
                config.CACHE_DIR = before

        return compiled

    return kernel


def _first_writable(package: Path, name: str) -> Path | None:
    chosen = config.CACHE_DIR
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for parent in [Path(chosen)] if chosen else [package / "__pycache__", user / package.name]:
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


kernel = compiler(Path(__file__).parent)
"""Decorator of this library's kernels."""
