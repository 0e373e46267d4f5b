"""Reading shots and writing label maps and tables, for ``python -m tsp``.

Pictures come in as float32 (H, W, 3) RGB, sRGB-encoded, 0..1: scene-linear files (EXR and whatever else holds
floating-point pixels) are clipped to 0..1 and put through the sRGB curve; all others, and movies, are taken as
they are. Files appear whole or not at all.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import fileseq
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from tsp.arrays import ByteArray, DoubleArray, FloatArray, LabelArray

_PICTURES = ("cin", "dpx", "exr", "jpeg", "jpg", "png", "tif", "tiff")  # lower-case file name extensions
_COLUMNS = ["label", "frame", "birth", "death", "area_px", "centroid_x", "centroid_y", "mean_L", "mean_a", "mean_b"]

_HD_ROWS = 720  # untagged movies of at least so many rows are coded with the matrix of BT.709, smaller ones of BT.601
_UNTAGGED = 2  # ITU-T H.273
_RGB_NAMES = (("R", "G", "B"), ("r", "g", "b"), ("red", "green", "blue"))
_GREY_NAMES = ("Y", "I", "L", "R")


class InputError(Exception):
    """A shot that cannot be used. The message names the file and the remedy."""


class OutputError(Exception):
    """A file that cannot be written. The message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A shot whose frames can be read once, in order."""

    name: str
    """What its files are called, without frame number and extension."""
    folder: Path
    """Where its files are."""
    padding: int
    """Digits of a frame number in its file names; 4 for a movie."""
    length: int | None
    """Number of frames, or None where a movie's header does not say."""
    read: Callable[[], Iterator[tuple[int, FloatArray]]]
    """Frame numbers and pictures as :func:`read_picture` gives them. Raises :class:`InputError`."""

    def file_name(self, number: int, extension: str) -> str:
        """``NAME.FRAME.EXTENSION``; a negative frame number keeps its sign in front of the digits."""
        return f"{self.name}.{'-' * (number < 0)}{abs(number):0{self.padding}d}.{extension}"


def open_shot(path: Path) -> Shot:
    """Open a folder with one sequence of pictures, or a movie file.

    A movie's frames are numbered from 1; so is a picture without a number. Raises :class:`InputError` if nothing
    usable is there, a folder holds more than one sequence, or the sequence has holes.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise InputError(f"There is no folder or movie at {path}; check the path.")
    if path.suffix.lower().lstrip(".") in _PICTURES:
        raise InputError(f"{path} is one picture; hand in the folder that holds the shot's pictures.")
    return _open_movie(path)


def read_picture(path: Path) -> FloatArray:
    """The display window of a picture as float32 (H, W, 3), sRGB-encoded RGB, 0..1; black where it has no pixels.

    Raises :class:`InputError` if it cannot be read, is not RGB or grey, or holds NaN.
    """
    source = oiio.ImageBuf(str(path))
    spec = source.spec()
    if source.has_error or not source.read(0, 0, True, oiio.FLOAT):
        raise InputError(f"{path} cannot be read: {_first_line(source.geterror())}; render or copy it again.")
    if path.suffix.lower() in (".jpg", ".jpeg"):
        data = path.read_bytes()
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):  # no end after the last scan: the rest came back grey
            raise InputError(f"{path} is cut short; render or copy it again.")
    names = tuple(spec.channelnames)
    triple = next((rgb for rgb in _RGB_NAMES if set(rgb) <= set(names)), None)
    if triple is None and not (len(names) <= 2 and names[0] in _GREY_NAMES):
        raise InputError(f"{path} has no R, G, B channels (it has {', '.join(names[:8])}); write its colour layer.")
    whole = oiio.ImageBufAlgo.cut(source, source.roi_full)
    pixels = np.asarray(whole.get_pixels(oiio.FLOAT), np.float32)
    rgb = pixels[..., [names.index(name) for name in triple] if triple else [0, 0, 0]]
    if np.isnan(rgb).any():
        raise InputError(f"{path} holds NaN pixels; render the frame again or paint them out.")
    rgb = np.clip(rgb, 0.0, 1.0)
    return _srgb_curve(rgb) if _is_linear(spec) else np.ascontiguousarray(rgb)


def write_label_map(path: Path, labels: LabelArray) -> None:
    """Write labels, int32 (H, W), >= 0, as an EXR with one uint32 channel ``id``, zip-compressed.

    Not ``Y``: by OpenEXR's convention that is luminance, which readers show and convert as a colour. Nuke puts a
    channel without a layer into its layer ``other`` (``other.id``), untouched by colour management; its pixels are
    floats, which hold labels up to 2^24 exactly. Raises :class:`OutputError`.
    """
    spec = oiio.ImageSpec(labels.shape[1], labels.shape[0], 1, oiio.UINT32)
    spec.channelnames = ("id",)
    spec.attribute("compression", "zip")
    spec.attribute("DateTime", "")  # else the library writes the time of day, and no two runs agree
    _write_picture(path, spec, labels.astype(np.uint32)[..., None])


def write_png(path: Path, rgb: ByteArray) -> None:
    """Write a picture, uint8 (H, W, 3), sRGB-encoded. Raises :class:`OutputError`."""
    _write_picture(path, oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, oiio.UINT8), rgb)


class TspTable:
    """One row for each TSP on each frame, collected frame by frame: some 60 bytes a row, no pixels.

    Columns: ``label``; ``frame`` number; ``birth`` and ``death``, the first and the last frame on which the TSP is
    seen; ``area_px``; ``centroid_x`` and ``centroid_y`` in px, 0 at the centre of the top left pixel, y downwards;
    ``mean_L``, ``mean_a``, ``mean_b``, CIELab (D65) of the sRGB-encoded picture, L 0..100.
    """

    def __init__(self) -> None:
        self._labels: list[LabelArray] = []
        self._frames: list[int] = []
        self._means: list[DoubleArray] = []

    def add(self, number: int, rgb: FloatArray, labels: LabelArray) -> None:
        """Add a frame. rgb: float32 (H, W, 3), sRGB-encoded, 0..1; labels: int32 (H, W)."""
        names, rows = np.unique(labels, return_inverse=True)
        rows = rows.reshape(-1)
        areas = np.bincount(rows)
        y, x = np.indices(labels.shape)
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
        sums = [np.bincount(rows, plane.reshape(-1)) for plane in (x, y, *np.moveaxis(lab, 2, 0))]
        self._labels.append(names.astype(np.int32))
        self._frames.append(number)
        self._means.append(np.stack([areas, *(total / areas for total in sums)], axis=1))

    def __str__(self) -> str:
        return f"{len(self._frames)} frames, {len(np.unique(np.concatenate(self._labels)))} TSPs"

    def write(self, path: Path) -> None:
        """Write the table as CSV, ordered by label, then frame. Raises :class:`OutputError`."""
        labels = np.concatenate(self._labels)
        frames = np.repeat(self._frames, [len(names) for names in self._labels])
        means = np.concatenate(self._means)
        order = np.argsort(labels, kind="stable")  # frames came in order, so each TSP's rows stay in theirs
        births = frames[order][np.searchsorted(labels[order], labels, side="left")]
        deaths = frames[order][np.searchsorted(labels[order], labels, side="right") - 1]

        def write(part: Path) -> None:
            with part.open("w", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(_COLUMNS)
                for i in order:
                    whole = (labels[i], frames[i], births[i], deaths[i], int(means[i, 0]))
                    rows.writerow([*whole, *(f"{value:.3f}" for value in means[i, 1:])])

        _write_whole(path, write)


def _open_folder(folder: Path) -> Shot:
    try:
        # '####' means four digits, as in Nuke
        found = fileseq.findSequencesOnDisk(str(folder), pad_style=fileseq.PAD_STYLE_HASH1)
    except (OSError, fileseq.FileSeqException) as error:
        raise InputError(f"Folder {folder} cannot be listed: {error}; check its permissions.") from error
    sequences = [s for s in found if str(s.extension()).lstrip(".").lower() in _PICTURES]
    if not sequences:
        raise InputError(f"Folder {folder} holds no pictures ({', '.join(_PICTURES)}); check the path.")
    if len(sequences) > 1:
        names = ", ".join(sorted(f"{s.basename()}{s.padding()}{s.extension()}" for s in sequences)[:6])
        raise InputError(f"Folder {folder} holds {len(sequences)} sequences ({names}); leave one of them in it.")
    (sequence,) = sequences
    if holes := sequence.invertedFrameRange():
        raise InputError(f"Sequence {sequence} has no frame {holes}; render the missing frames.")
    name = str(sequence.basename()).rstrip("._- ") or folder.resolve().name
    if numbers := sequence.frameSet():
        files, padding = {int(number): Path(str(sequence.frame(number))) for number in numbers}, int(sequence.zfill())
    else:
        files, padding = {1: Path(str(sequence[0]))}, 4
    return Shot(name, folder, max(padding, 1), len(files), lambda: _read_sequence(files))


def _read_sequence(files: dict[int, Path]) -> Iterator[tuple[int, FloatArray]]:
    shape: tuple[int, ...] | None = None
    for number, path in sorted(files.items()):
        rgb = read_picture(path)
        if shape is not None and rgb.shape != shape:
            raise InputError(
                f"{path} is {rgb.shape[1]}x{rgb.shape[0]} px, the frames before it {shape[1]}x{shape[0]}; "
                "bring all frames to one size."
            )
        shape = rgb.shape
        yield number, rgb


def _open_movie(path: Path) -> Shot:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} has no picture track; hand in a movie with one.")
            length = container.streams.video[0].frames or None
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path} is not a movie that can be read: {error}; copy or transcode it again.") from error
    return Shot(path.stem, path.parent, 4, length, lambda: _read_movie(path))


def _read_movie(path: Path) -> Iterator[tuple[int, FloatArray]]:
    number = packets = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for packet in container.demux(stream):
                packets += packet.size > 0
                for picture in packet.decode():
                    number += 1
                    yield number, _rgb_of_movie(picture, path, number)
            if packets < max(stream.frames, 1):
                raise InputError(f"{path} is cut short after frame {number}; copy or transcode it again.")
    except av.FFmpegError as error:
        raise InputError(f"{path} is damaged after frame {number}: {error}; copy or transcode it again.") from error


def _rgb_of_movie(picture: av.VideoFrame, path: Path, number: int) -> FloatArray:
    if picture.is_corrupt:
        raise InputError(f"{path} is damaged in frame {number}; copy or transcode it again.")
    hd = int(picture.colorspace) == _UNTAGGED and picture.height >= _HD_ROWS
    deep = max(component.bits for component in picture.format.components) > 8
    # 8 bits stay 8: the library widens them by a shift, so that white would not be white.
    rgb = picture.reformat(format="rgb48le" if deep else "rgb24", src_colorspace="ITU709" if hd else None).to_ndarray()
    return np.divide(rgb, 65535 if deep else 255, dtype=np.float32)


def _is_linear(spec: oiio.ImageSpec) -> bool:
    """Whether the file says scene-linear, or says nothing and has floating-point pixels."""
    tag = (spec.get_string_attribute("colorInteropID") or spec.get_string_attribute("oiio:ColorSpace")).lower()
    floating = str(spec.format) in ("half", "float", "double")
    return tag.startswith("lin") or (floating and not tag.startswith(("srgb", "g22", "g24", "rec709")))


def _srgb_curve(linear: FloatArray) -> FloatArray:
    """The sRGB encoding of linear values in 0..1 (IEC 61966-2-1)."""
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)
    return np.asarray(curved, np.float32)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "unknown reason"


def _write_picture(path: Path, spec: oiio.ImageSpec, pixels: npt.NDArray[Any]) -> None:
    def write(part: Path) -> None:
        output = oiio.ImageOutput.create(str(part))
        if output is None:
            raise OSError(_first_line(oiio.geterror()))
        if not (output.open(str(part), spec) and output.write_image(np.ascontiguousarray(pixels)) and output.close()):
            raise OSError(_first_line(output.geterror()))

    _write_whole(path, write)


def _write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file in the same folder, flush it to disk, and rename it."""
    part = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}; check the disk's space and permissions.") from error
    finally:
        with suppress(OSError):
            part.unlink()
