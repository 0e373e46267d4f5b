"""Compiled kernels, kept on disk for as long as the sources stay the same."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import llvmlite.binding as llvm
import numba
from numba.core import caching
from numba.core import config as numba_config
from numba.core.runtime.nrt import rtsys

config: Any = numba_config  # its attributes are made when it is imported
_PREFIX = "kernels-"
_IMPORT = re.compile(r"^[ \t]*(?:from ([\w.]+) import (\([^)]*\)|[^\n]*)|import ([\w.]+))", re.MULTILINE)
_WORD = re.compile(r"\w+")
_DEFINES_KERNELS = re.compile(rb"^@(kernel|compiler)\b", re.MULTILINE)
_KEPT_FOR = 30 * 24 * 3600  # s
_LEVELS = {
    "x86-64-v2": {"sse4.2", "ssse3", "popcnt", "cx16"},
    "x86-64-v3": {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
"""What a processor must have for each level of the x86-64 psABI, beside what the level before needs."""
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class Decorator(Protocol):
    """Compiles a function and leaves its type as it is."""

    def __call__(self, function: Kernel, /) -> Kernel:
        """The compiled function."""
        ...


@dataclass(frozen=True, slots=True)
class KernelFolders:
    """Where the compiled kernels of one state of the sources are, and where new ones go."""

    readable: tuple[Path, ...]
    """Folders that are there, in the order in which they are asked."""
    written: Path | None
    """The one of them that takes what is compiled; None where none can be written."""

    @property
    def count(self) -> int:
        """Compiled kernels, counted once for each set of types of their arguments."""
        return len({path.relative_to(folder) for folder in self.readable for path in folder.glob("*/*.nbc")})


def compiler(*packages: Path) -> Callable[..., Decorator]:
    """A decorator like :func:`numba.njit` whose cache belongs to the sources of the kernels of these packages.

    numba itself compiles a kernel again when the kernel's own file changes, but not when only the file of another
    kernel that it calls does: after an upgrade it would go on running the old one. Here each state of the sources
    has a folder of its own: in ``NUMBA_CACHE_DIR`` if that is set, else in ``__pycache__`` of the first package, else
    in the user's cache folder. All of these are read, also those that cannot be written, and what lacks is compiled
    into the first that can. Where none of them can be written, or the sources are not there as files, what lacks is
    compiled in every process. Folders in ``__pycache__`` that no process has used for a month are removed.

    Kernels are compiled for the processor that ``NUMBA_CPU_NAME`` names, whose folder then ends in that name; else for
    one whose folder is there, if this processor has what it needs; else for this processor.
    """
    folders = kernel_folders(packages)

    def kernel(**options: Any) -> Decorator:
        """As :func:`numba.njit` with these options; it lets other threads run meanwhile."""

        def compiled(function: Kernel) -> Kernel:
            dispatcher: Any = numba.njit(**{"nogil": True, **options})(function)
            if folders is not None:
                dispatcher._cache = _Layers(function, folders)
            return dispatcher  # type: ignore[no-any-return]

        return compiled

    return kernel


class _Layers(caching._Cache):
    """Cache of one kernel over several folders, of which one at most is written."""

    def __init__(self, function: Callable[..., Any], folders: KernelFolders) -> None:
        caches = {folder: _cache_kind(folder)(function) for folder in folders.readable}
        self._readable = tuple(caches.values())
        self._written = None if folders.written is None else caches[folders.written]

    @property
    def cache_path(self) -> str | None:
        """Where kernels are written."""
        return None if self._written is None else str(self._written.cache_path)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel for a signature, from the first folder that has it."""
        # numba's own way makes itself ready to compile first, which takes most of a second and loads SciPy. What is
        # compiled needs the means to make arrays and nothing more, unless it hashes strings, which no kernel here does.
        # One that is not kept makes numba ready when it is compiled.
        rtsys.initialize(target_context)
        for load in [kept._load_overload for kept in self._readable]:
            try:
                found = load(sig, target_context)
            except Exception:  # a file that is not ours to read, or cut: whatever unpickling makes of it
                continue
            if found is not None:
                return found
        return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep a kernel that has been compiled."""
        if self._written is not None:
            with suppress(OSError):  # a full disk costs the next process the time to compile, not this one its work
                self._written.save_overload(sig, cres)

    def enable(self) -> None:
        """Nothing: it always is."""

    def disable(self) -> None:
        """Nothing: it never is."""

    def flush(self) -> None:
        """Nothing: folders of other sources have other names."""


class _Locator(caching._CacheLocator):
    """Where one kernel is kept: in a folder of its module, wherever the sources lie."""

    folder: ClassVar[Path]

    def __init__(self, function: Callable[..., Any]) -> None:
        self._path = self.folder / function.__module__
        self._line = function.__code__.co_firstlineno
        self._py_file = function.__code__.co_filename  # which numba names in its warnings

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _Locator:
        """The place of a function."""
        return cls(py_func)

    def get_cache_path(self) -> str:
        """The folder of the module."""
        return str(self._path)

    def get_source_stamp(self) -> str:
        """Nothing: the folder is named by a hash of the sources."""
        return ""

    def get_disambiguator(self) -> str:
        """Tells functions of one name apart."""
        return str(self._line)


@cache
def _cache_kind(folder: Path) -> Any:
    """The class of numba's caches of functions that lie in a folder."""
    locator = type("Locator", (_Locator,), {"folder": folder})
    kind = type("Kind", (caching.CompileResultCacheImpl,), {"_locator_classes": [locator]})
    return type("KernelCache", (caching.FunctionCache,), {"_impl_class": kind})


def kernel_folders(packages: Sequence[Path]) -> KernelFolders | None:
    """Where the kernels of packages are kept; None where their sources are not there as files.

    Sets the processor that numba compiles for, if one is named or kernels for one are there.
    """
    sources = _sources_of_kernels(packages)
    if not sources:
        return None
    digest = hashlib.sha256()
    for name, text in sources.items():
        digest.update(name.encode() + text)
    name = f"{_PREFIX}{digest.hexdigest()[:16]}"
    beside = packages[0] / "__pycache__"
    _remove_unused(beside, but=name)
    places = [place for place in (_named_place(), beside, _place_at_home(packages[0].name)) if place is not None]
    target = _target([path.name.removeprefix(f"{name}-") for place in places for path in place.glob(f"{name}-*")])
    if target:
        name = f"{name}-{target}"
        config.CPU_NAME = target
        config.CPU_FEATURES = config.CPU_FEATURES or ""  # those of the named processor, not of this one
    written = next((place / name for place in places if _is_writable(place / name)), None)
    return KernelFolders(tuple(place / name for place in places if (place / name).is_dir()), written)


def _target(found: Sequence[str]) -> str | None:
    """The processor to compile for: the one that is named, else one of ``found`` that this one can stand for."""
    ordered = sorted(found, key=lambda name: (name in _LEVELS, name), reverse=True)  # the highest level first
    return config.CPU_NAME or next((name for name in ordered if runs_on_this_processor(name)), None)


def runs_on_this_processor(target: str) -> bool:
    """Whether what is compiled for a processor, by its name in LLVM or a level such as ``x86-64-v3``, runs here."""
    if target not in _LEVELS:
        return bool(target == llvm.get_host_cpu_name())
    names = list(_LEVELS)
    needed = set().union(*(_LEVELS[name] for name in names[: names.index(target) + 1]))
    features = llvm.get_host_cpu_features()
    return all(features.get(feature, False) for feature in needed)


def _sources_of_kernels(packages: Sequence[Path]) -> dict[str, bytes]:
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


def _named_place() -> Path | None:
    return Path(config.CACHE_DIR) if config.CACHE_DIR else None


def _place_at_home(name: str) -> Path | None:
    """A folder in the user's cache; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / name
    except RuntimeError:
        return None


def _is_writable(folder: Path) -> bool:
    """Whether files can be written in a folder, which is made and marked as used now."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _remove_unused(beside: Path, but: str) -> None:
    for folder in beside.glob(f"{_PREFIX}*"):
        if folder.name.startswith(but):  # those of today may be read by many who cannot mark them as used
            continue
        try:
            if folder.stat().st_mtime < time.time() - _KEPT_FOR:
                shutil.rmtree(folder)
        except OSError:  # another process was faster, or it is not ours to remove
            continue


kernel = compiler(Path(__file__).parent)
"""Decorator of this library's kernels."""
