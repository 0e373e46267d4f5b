"""Photographs with class maps, under licences that allow paid work: what the shipped looks are learnt from.

A folder has ``photos/NAME.jpg``, ``labels/NAME.png`` (a class number in each pixel) and ``SOURCES.csv`` (a row for each
picture, with its author and licence). Pictures are float32 (H, W, 3), sRGB-encoded, 0..1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vfxstyle.arrays import AnyArray, BoolArray, FloatArray
from vfxstyle.color import linear_to_srgb, shown_as_photograph, srgb_to_linear

CLASSES = ("sky", "nature", "water", "man_made", "person", "animal", "vehicle")
"""Classes by their numbers in the maps, from 1 on; 0 is unsure, and takes the class of the nearest sure pixel."""
SUBJECTS = ("person", "animal", "vehicle")
"""Those that are cut out and counted as the subject of a picture."""
SUBJECT_NUMBERS = [CLASSES.index(name) for name in SUBJECTS]
"""Their places in :data:`CLASSES`."""
Masks = Mapping[str, FloatArray]
"""Soft masks, float32 (H, W, 1), 0..1, by the names of :data:`CLASSES`; they sum to 1."""
ALLOWED = ("CC0-1.0", "CC-BY-2.0", "CC-BY-4.0", "MIT", "Apache-2.0", "released by Kodak for unrestricted use")
"""Beginnings of the licences that allow paid work."""
LEFT_OUT = ("sam2__", "mdn__")
"""Beginnings of the names of pictures whose licence is only that of the repository they lie in."""
_FEATHER = 1 / 90  # radius of the guided filter, as a share of the picture's width
_EDGE = 4e-4  # variance of colour above which an edge is kept


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph and what is known of it."""

    name: str
    """File stem."""
    folder: Path
    """The folder of the collection."""
    source: str
    """Where it is from."""
    author: str
    """Its author, or empty where the source names none."""
    licence: str
    """Its licence."""

    @property
    def files(self) -> tuple[Path, Path]:
        """Its picture and its class map."""
        return self.folder / "photos" / f"{self.name}.jpg", self.folder / "labels" / f"{self.name}.png"

    def read(self) -> tuple[FloatArray, dict[str, FloatArray], BoolArray]:
        """The picture, 640 px wide, the mask of each class, and where the classes are sure, bool (H, W)."""
        photograph, classes = map(str, self.files)
        codes, numbers = cv2.imread(photograph, cv2.IMREAD_COLOR), cv2.imread(classes, cv2.IMREAD_GRAYSCALE)
        if codes is None or numbers is None:
            raise OSError(f"{self.name} cannot be read")
        known, numbers = (numbers > 0).astype(np.uint8), _sure(numbers)
        size = (640, round(codes.shape[0] * 640 / codes.shape[1]))
        light = srgb_to_linear(np.asarray(codes[..., ::-1] / 255, np.float32))
        small = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32)
        picture = np.clip(linear_to_srgb(small), 0, 1)
        small_numbers, sure = (cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in (numbers, known))
        return np.ascontiguousarray(picture), matted(picture, small_numbers), sure > 0


def photographs(folder: Path) -> list[Photograph]:
    """The pictures of a collection that may be learnt from, by name.

    Raises ValueError for a picture without a row in ``SOURCES.csv``, or whose licence does not allow paid work.
    """
    with (folder / "SOURCES.csv").open(newline="") as file:
        rows = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
    found = []
    for path in sorted((folder / "photos").glob("*.jpg")):
        row = rows.get(path.stem)
        if row is None or not row["licence"].startswith(ALLOWED):
            raise ValueError(f"{path} has no row in SOURCES.csv with a licence that allows paid work; take it out.")
        if not path.stem.startswith(LEFT_OUT):
            found.append(Photograph(path.stem, folder, row["source"], row["author"], row["licence"]))
    return found


def _sure(numbers: AnyArray) -> AnyArray:
    """A class map in which unsure pixels have the class of the nearest sure one."""
    if not (numbers > 0).any():
        return np.full_like(numbers, CLASSES.index("man_made") + 1)
    _, nearest = cv2.distanceTransformWithLabels(
        (numbers == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    classes = np.zeros(nearest.max() + 1, np.uint8)
    classes[nearest[numbers > 0]] = numbers[numbers > 0]
    return classes[nearest]


def subject_matte(maps: FloatArray) -> FloatArray:
    """The matte of people, animals and vehicles, (H, W), of the masks of the classes, (H, W, 7)."""
    return np.asarray(maps[..., SUBJECT_NUMBERS].sum(axis=-1), np.float32)


def matted(picture: FloatArray, classes: AnyArray) -> dict[str, FloatArray]:
    """Masks of the classes, feathered by the picture's own edges as a matte is, not by a blur.

    Source: K. He, J. Sun, X. Tang, Guided Image Filtering (2010), with a guide in colour.
    classes: uint8 (H, W), 1 to 7. Returns float32 (H, W, 1), 0..1, by class; they sum to 1.
    """
    radius = max(2, round(picture.shape[1] * _FEATHER))
    flat = [(classes == number).astype(np.float32) for number in range(1, len(CLASSES) + 1)]
    soft = np.clip(np.stack(list(_guided(picture, flat, radius)), axis=-1), 0, 1)
    soft /= np.maximum(soft.sum(axis=-1, keepdims=True), 1e-6)
    return {name: soft[..., index : index + 1] for index, name in enumerate(CLASSES)}


def _guided(guide: FloatArray, planes: list[FloatArray], radius: int) -> Iterator[FloatArray]:
    """Each plane as the best local linear function of the guide's colours."""

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)

    means = mean(guide)
    outer = (guide[..., :, None] * guide[..., None, :]).reshape(*guide.shape[:2], 9)
    products = np.concatenate([mean(outer[..., i : i + 3]) for i in (0, 3, 6)], axis=-1).reshape(*guide.shape[:2], 3, 3)
    spread = products - means[..., :, None] * means[..., None, :] + _EDGE * np.eye(3, dtype=np.float32)
    inverse = np.linalg.inv(spread)
    for plane in planes:
        average = mean(plane)
        with_guide = mean(guide * plane[..., None]) - means * average[..., None]
        slope = np.einsum("...ij,...j->...i", inverse, with_guide)
        offset = average - (slope * means).sum(axis=-1)
        yield np.asarray((mean(slope) * guide).sum(axis=-1) + mean(offset), np.float32)


def under_other_light(picture: FloatArray, random: np.random.Generator) -> FloatArray:
    """The picture up to two stops darker or brighter, in light from tungsten to shade, with grain, perhaps mirrored.

    It is changed as scene-linear light and shown as the analysis shows a plate. Mirroring is left to the caller.
    """
    stops, warmth = random.uniform(-2, 2), random.uniform(-1, 1)
    gains = np.array([1.45**warmth, 1.0, 1.7**-warmth] if warmth > 0 else [1.15**warmth, 1.0, 1.2**-warmth], np.float32)
    gains /= gains @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    light = srgb_to_linear(picture) * gains * np.float32(2**stops)
    shown = np.clip(shown_as_photograph(light, np.eye(3, dtype=np.float32), None), 0, 1)
    grain = random.normal(0, random.uniform(0, 0.012), (*picture.shape[:2], 1)).astype(np.float32)
    return np.asarray(np.clip(linear_to_srgb(shown.astype(np.float32)) + grain, 0, 1), np.float32)
