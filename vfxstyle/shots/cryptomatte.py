"""Cryptomatte: label maps as ID mattes that compositing programs pick from.

Source: J. Friedman, A. Jones, "Cryptomatte specification 1.2.0": names are hashed with MurmurHash3 (32 bits), the hash
is stored as the float with the same bits, and each pixel lists pairs of ID and coverage, largest first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

import mmh3
import numpy as np
import OpenEXR

from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.shots.exr import ExrPart, Header

RANKS = 4
"""Largest number of labels of one pixel: those of the four cells of the map round it."""


def id_of(name: str) -> np.float32:
    """The Cryptomatte ID of a name: its hash as float32, changed in one bit where it would not be a normal number."""
    bits = mmh3.hash(name, 0, signed=False)
    exponent = bits >> 23 & 255
    if exponent in (0, 255):  # not every program keeps denormal numbers, infinity and NaN
        bits ^= 1 << 23
    return np.uint32(bits).view(np.float32)


def ranked(labels: LabelArray, width: int, height: int) -> tuple[LabelArray, FloatArray]:
    """The labels that cover each pixel of a larger picture, with their coverage.

    The map is enlarged to ``width`` times ``height`` px; a pixel is covered by the four cells round its centre, with
    bilinear weights.

    labels: int32 (h, w), >= 0.
    Returns labels, int32 (height, width, 4), -1 beyond the last one, and their coverage, float32 (height, width, 4),
    in descending order, with a sum of 1.
    """
    rows, down = _between(height, labels.shape[0])
    columns, across = _between(width, labels.shape[1])
    covering = np.empty((height, width, RANKS), np.int32)
    cover = np.empty((height, width, RANKS), np.float32)
    for index, (j, i) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        covering[..., index] = labels[rows[j]][:, columns[i]]
        cover[..., index] = down[j][:, None] * across[i][None, :]
    for here in range(RANKS):  # one label in several cells counts once
        for other in range(here + 1, RANKS):
            same = covering[..., other] == covering[..., here]
            cover[..., here] += np.where(same, cover[..., other], 0)
            cover[..., other] = np.where(same, 0, cover[..., other])
    order = np.argsort(-cover, axis=-1, kind="stable")
    covering, cover = np.take_along_axis(covering, order, axis=-1), np.take_along_axis(cover, order, axis=-1)
    covering[cover == 0] = -1
    return covering, cover


def _between(size: int, cells: int) -> tuple[list[IntArray], list[FloatArray]]:
    """The two cells round each pixel's centre along one axis, and their linear weights."""
    place = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(place.astype(np.int64), max(cells - 2, 0))
    part = (place - low).astype(np.float32)
    return [low, np.minimum(low + 1, cells - 1)], [1 - part, part]


def matte_channels(
    layer: str, labels: LabelArray, cover: FloatArray, names: Mapping[int, str]
) -> tuple[dict[str, FloatArray], Header]:
    """Channels and header attributes of one Cryptomatte layer.

    layer: its name. labels, cover: the result of :func:`ranked`. names: the name of every label in ``labels``.
    Returns channels by name, float32 (H, W), and attributes by name.
    """
    present = np.array(sorted(names), np.int32)
    ids = np.array([id_of(names[int(label)]) for label in present], np.float32)
    values = np.where(labels >= 0, ids[np.searchsorted(present, np.maximum(labels, present[0]))], np.float32(0))
    channels: dict[str, FloatArray] = {}
    for pair in range(RANKS // 2):
        planes = (values[..., 2 * pair], cover[..., 2 * pair], values[..., 2 * pair + 1], cover[..., 2 * pair + 1])
        channels |= {f"{layer}{pair:02d}.{letter}": plane for letter, plane in zip("RGBA", planes, strict=True)}
    manifest = {
        names[int(label)]: f"{int(value.view(np.uint32)):08x}" for label, value in zip(present, ids, strict=True)
    }
    key = f"cryptomatte/{mmh3.hash(layer, 0, signed=False):08x}"[: len("cryptomatte/") + 7]
    attributes: Header = {
        f"{key}/name": layer,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, separators=(",", ":")),
    }
    return channels, attributes


def object_names(headers: Sequence[Header], pattern: str = "*") -> dict[str, np.uint32]:
    """The objects of all Cryptomatte layers whose names fit a pattern of the shell, with the bits of their IDs."""
    found: dict[str, np.uint32] = {}
    for header in headers:
        for key, text in header.items():
            if key.startswith("cryptomatte/") and key.endswith("/manifest"):
                with suppress(ValueError, TypeError, AttributeError):  # one that cannot be read names nothing
                    found |= {
                        name: np.uint32(int(bits, 16))
                        for name, bits in json.loads(text).items()
                        if fnmatchcase(name, pattern)
                    }
    return found


def coverage_of(part: ExrPart, pattern: str) -> FloatArray | None:
    """How far objects whose names fit a pattern cover each pixel, float32 (H, W); None without such an object."""
    total: FloatArray | None = None
    for key, text in part.header.items():
        if not (key.startswith("cryptomatte/") and key.endswith("/name")):
            continue
        own = {name: value for name, value in part.header.items() if name.startswith(key.removesuffix("name"))}
        ids = np.array(list(object_names([own], pattern).values()), np.uint32)
        if not len(ids):
            continue
        for ids_in, cover_in in _ranks_of(part, str(text)):
            bits = np.ascontiguousarray(part.channels[ids_in], np.float32).view(np.uint32)
            cover = np.where(np.isin(bits, ids), np.asarray(part.channels[cover_in], np.float32), np.float32(0))
            total = cover if total is None else total + cover
    return None if total is None else np.clip(total, 0, 1)


def _ranks_of(part: ExrPart, layer: str) -> list[tuple[str, str]]:
    """The channels of IDs and coverage of a layer, the largest first; red and green, or blue and alpha."""
    pairs = []
    for names in (("R", "G"), ("r", "g"), ("red", "green"), ("B", "A"), ("b", "a"), ("blue", "alpha")):
        for channel in part.channels:
            head, _, last = channel.rpartition(".")
            is_rank = head.startswith(layer) and head.removeprefix(layer).isdigit()
            if is_rank and last == names[0] and f"{head}.{names[1]}" in part.channels:
                pairs.append((channel, f"{head}.{names[1]}"))
    return pairs


def matte_part(header: Header, layers: Sequence[tuple[dict[str, FloatArray], Header]]) -> ExrPart:
    """An OpenEXR part of Cryptomatte layers: 32-bit floats, losslessly compressed.

    header: of the part. layers: channels and attributes of each, the result of :func:`matte_channels`.
    """
    channels: dict[str, FloatArray] = {}
    attributes: Header = {}
    for planes, own_attributes in layers:
        channels |= planes
        attributes |= own_attributes
    return ExrPart({**header, "compression": OpenEXR.ZIPS_COMPRESSION, **attributes}, channels)
