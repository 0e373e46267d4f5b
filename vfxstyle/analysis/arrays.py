"""Raw features on disk: one file for a chosen frame while they are made, one for the shot when all are there.

Both are NumPy's ``.npz`` without pickles and without times, so that one analysis is one file; every array in them has a
checksum, which is verified whenever it is read.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vfxstyle.arrays import AnyArray, LabelArray
from vfxstyle.errors import ChangedError
from vfxstyle.features import RawFeatures

_LEVEL = 1  # of zlib: two thirds of raw features go in a tenth of a second a frame; higher levels gain 2 %
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What the library raises for a file that is cut, changed, or something else."""


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """Raw features of the superpixels that one chosen frame shows."""

    labels: LabelArray
    """int32 (N,), ascending."""
    areas: LabelArray
    """int32 (N,), px of the analysis picture that each covers on the frame."""
    raw: RawFeatures
    """Their features."""


@dataclass(frozen=True, slots=True)
class SuperpixelTable:
    """Every superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    sources: LabelArray
    """int32 (N,), the superpixel whose features stand for each: its own, but where no chosen frame shows it."""


def write_arrays(
    file: BinaryIO, arrays: Iterable[tuple[str, AnyArray]], stamp: str = "", *, packed: bool = False
) -> None:
    """Write arrays by name, one after the other, so that they are never all in memory.

    stamp: stands for what they were made from; kept as the archive's comment. packed: whether they are compressed.
    """
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", kind, compresslevel=_LEVEL) as archive:
        archive.comment = stamp.encode()
        for name, array in arrays:  # a member that is opened by its name has no time: the same arrays, the same file
            with archive.open(f"{name}.npy", "w", force_zip64=True) as opened:
                np.lib.format.write_array(opened, np.ascontiguousarray(array), allow_pickle=False)


@contextmanager
def open_arrays(path: Path) -> Iterator[Any]:
    """The arrays of a file, by name. Raises :class:`~vfxstyle.errors.ChangedError` for one that is damaged."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            yield file
    except UNREADABLE as error:
        raise ChangedError(f"{path} is damaged or missing; run again, which makes it anew.") from error


def is_sound(path: Path, stamp: str = "") -> bool:
    """Whether a file of arrays is there, whole, made from what ``stamp`` stands for, and has its checksums right."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == stamp.encode() and archive.testzip() is None
    except UNREADABLE:
        return False


def frames_in(path: Path) -> set[int]:
    """The frames that a file of a shot's features holds; none where it cannot be read or lacks a block of one."""
    blocks: dict[int, set[str]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                frame, _, block = name.partition("/")
                blocks.setdefault(int(frame), set()).add(block)
    except UNREADABLE:
        return set()
    every = set().union(*blocks.values())
    complete = {"labels.npy", "areas.npy", "global.npy"} < every and all(own == every for own in blocks.values())
    return set(blocks) if complete else set()


def arrays_of(frame: int, features: StoredFeatures) -> Iterator[tuple[str, AnyArray]]:
    """The features of a frame, as arrays with its number before their names."""
    yield f"{frame}/labels", features.labels
    yield f"{frame}/areas", features.areas
    yield f"{frame}/global", features.raw.global_
    for block, array in features.raw.blocks.items():
        yield f"{frame}/{block}", array


def read_features(path: Path) -> Iterator[tuple[int, StoredFeatures]]:
    """What each chosen frame of a file shows, with its number, frame by frame in the order of the file."""
    with open_arrays(path) as file:
        names: dict[str, list[str]] = {}
        for name in file.files:
            frame, _, block = name.partition("/")
            names.setdefault(frame, []).append(block)
        for frame, blocks in names.items():
            arrays = {block: file[f"{frame}/{block}"] for block in blocks}
            labels, areas, mean = arrays.pop("labels"), arrays.pop("areas"), arrays.pop("global")
            yield int(frame), StoredFeatures(labels, areas, RawFeatures(mean, arrays))
