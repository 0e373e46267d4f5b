"""Clips as arrays or plain pictures, and files that are whole or not there, for ``python -m tsp``.

Frames come in as float32 (H, W, 3) RGB, sRGB-encoded, 0..1. Film formats, movies, sequence patterns and colour spaces
are read by ``vfxstyle superpixels``.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

from tsp.arrays import ByteArray, FloatArray, PictureArray
from tsp.stream import checked_frame

PICTURES = frozenset({"jpeg", "jpg", "png", "tif", "tiff"})
"""Lower-case file name extensions of the pictures that are read."""

_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_NUMBERED = re.compile(r"^(.*?)(\d+)$")


class InputError(Exception):
    """A clip that cannot be used. The message names the file and the remedy."""


class OutputError(Exception):
    """A file that cannot be written. The message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames of one size that can be read once, in order."""

    folder: Path
    """The folder that holds the file or files."""
    numbers: tuple[int, ...]
    """Frame numbers, ascending: of an array its indices, of pictures the numbers at the end of their names."""
    names: tuple[str, ...]
    """``NAME.FRAME`` of every frame, which its label map is called."""
    frames: Iterator[FloatArray]
    """The frames, read one by one: float32 (H, W, 3), sRGB-encoded RGB, 0..1. Raises :class:`InputError`."""


def open_clip(path: Path) -> Clip:
    """Open an array, ``.npy`` with uint8 or float32 (T, H, W, 3), or a folder with one sequence of plain pictures.

    Raises :class:`InputError` for anything else, for pictures that are not one sequence, and for a sequence with holes.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise InputError(f"There is no array or folder of pictures at {path}; check the path.")
    if path.suffix.lower() == ".npy":
        return _open_array(path)
    raise InputError(f"{path} is no .npy array and no folder of plain pictures; {_instead(path)}.")


def read_picture(path: Path) -> PictureArray:
    """An 8-bit picture as uint8 (H, W, 3), RGB 0..255, or a 16-bit one as float32, 0..1; grey ones have equal channels.

    Raises :class:`InputError` if it cannot be read, is cut short, or holds floating-point numbers.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        picture: Any = cv2.imdecode(data, _FLAGS) if data.size else None
    except (OSError, cv2.error) as error:
        raise InputError(f"{path} cannot be read: {error}; render or copy it again.") from error
    if picture is None:
        raise InputError(f"{path} is no whole picture; render or copy it again.")
    if picture.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path} holds {picture.dtype} numbers, not 8 or 16 bits; {_instead(path.parent)}.")
    rgb: ByteArray = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return rgb if rgb.dtype == np.uint8 else rgb.astype(np.float32) / np.float32(65535)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file in the same folder, flush it to disk, and rename it.

    Raises :class:`OutputError`; then nothing is left behind and an older file stays.
    """
    part = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}; check the disk's space and permissions.") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _instead(path: Path) -> str:
    """The command that reads what this module does not."""
    return f"for EXR, DPX, movies and patterns use: vfxstyle superpixels {path} -o FOLDER"


def _open_array(path: Path) -> Clip:
    try:
        frames: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}; save it again with numpy.save.") from error
    if frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape or frames.dtype not in (np.uint8, np.float32):
        raise InputError(
            f"{path} is {frames.dtype} {frames.shape}; it must be uint8 or float32 (T, H, W, 3), sRGB-encoded RGB."
        )
    numbers = tuple(range(len(frames)))
    names = tuple(f"{path.stem}.{number:04d}" for number in numbers)
    return Clip(path.parent, numbers, names, _checked((str(path), frame) for frame in frames))


def _open_folder(folder: Path) -> Clip:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower().lstrip(".") in PICTURES)
    except OSError as error:
        raise InputError(f"Folder {folder} cannot be listed: {error}; check its permissions.") from error
    if not paths:
        raise InputError(f"Folder {folder} holds no pictures ({', '.join(sorted(PICTURES))}); {_instead(folder)}.")
    matches = [_NUMBERED.match(path.stem) for path in paths]
    files = {int(match[2]): path for match, path in zip(matches, paths, strict=True) if match}
    sequences = {(match and match[1], path.suffix) for match, path in zip(matches, paths, strict=True)}
    if len(files) < len(paths) or len(sequences) > 1:
        raise InputError(
            f"The pictures of folder {folder} are not one sequence, with names that differ only in the frame number at "
            "their end; leave one sequence in it."
        )
    numbers = tuple(sorted(files))
    holes = sorted(set(range(numbers[0], numbers[-1] + 1)).difference(numbers))
    if holes:
        raise InputError(f"Folder {folder} has no frame {', '.join(map(str, holes[:5]))}; render the missing frames.")
    names = tuple(files[number].stem for number in numbers)
    pictures = ((str(files[number]), read_picture(files[number])) for number in numbers)
    return Clip(folder, numbers, names, _checked(pictures))


def _checked(frames: Iterator[tuple[str, PictureArray]]) -> Iterator[FloatArray]:
    """Frames with the files they come from, as :func:`tsp.stream.checked_frame` makes them."""
    before: FloatArray | None = None
    for index, (source, frame) in enumerate(frames):
        try:
            before = checked_frame(frame, index, before)
        except ValueError as error:
            raise InputError(f"{source}: {error}") from error
        yield before
