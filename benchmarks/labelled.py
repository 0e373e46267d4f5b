"""Labelled pictures and clips of public sets, with soft masks of what a recipe treats differently.

Pictures are float32 (H, W, 3), sRGB-encoded, 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from vfxstyle.arrays import AnyArray, FloatArray, IntArray

Groups = Mapping[str, FloatArray]
"""Soft masks, float32 (H, W, 1), 0..1, by the names of :data:`GROUPS`; they sum to 1."""
GROUPS = ("sky", "nature", "building", "ground", "thing")
"""Groups that a recipe can treat differently; a thing is a car, a person, an animal, a sign."""

FACADE = {
    (0, 0, 0): "nature",  # "various": mostly steps, fences, soil and unlabelled pixels
    (128, 0, 0): "building",
    (128, 0, 128): "thing",
    (128, 128, 0): "building",
    (128, 128, 128): "ground",
    (128, 64, 0): "ground",
    (0, 128, 128): "sky",
    (0, 128, 0): "nature",
    (0, 0, 128): "building",
}
"""Label colours of labelmefacade: various, building, car, door, pavement, road, sky, vegetation, window."""
CAMVID = (
    "sky",
    "building",
    "thing",
    "ground",
    "ground",
    "nature",
    "thing",
    "nature",
    "thing",
    "thing",
    "thing",
    "nature",
)
"""Label numbers of camvid: sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian, bicyclist, none."""
FEATHER = 1 / 250
"""Standard deviation of the mask feather, as a share of the picture's width: as a retoucher softens a selection."""


Kind = Literal["labelmefacade", "camvid", "davis"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its labels."""

    name: str
    """File stem, or clip and frame."""
    picture: Path
    """The photograph or frame."""
    labels: Path
    """Its label picture."""
    kind: Kind
    """The set that it is from, which decides how labels are read."""

    def read(self) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Return the picture, and the mask of each group."""
        picture = _read_picture(self.picture, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
        # label numbers as they are; label colours as 8-bit BGR, whatever depth and alpha the file has
        flags = cv2.IMREAD_GRAYSCALE if self.kind != "labelmefacade" else cv2.IMREAD_COLOR
        return np.ascontiguousarray(picture), feathered(_group_numbers(_read_picture(self.labels, flags), self.kind))


def _read_picture(path: Path, flags: int) -> AnyArray:
    """Return a picture as OpenCV reads it, uint8. Raises OSError if it cannot be read."""
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise OSError(f"{path} is not a picture that can be read.")
    return picture


def labelled_pictures(folder: Path) -> list[Labelled]:
    """Return the pictures of a labelmefacade or camvid folder, in the order of their names."""
    kind: Kind = "camvid" if (folder / "trainannot").is_dir() else "labelmefacade"
    pictures, labels = ("train", "trainannot") if kind == "camvid" else ("images", "labels")
    return [
        Labelled(path.stem, path, folder / labels / f"{path.stem}.png", kind)
        for path in sorted((folder / pictures).glob("*.jpg"))
    ]


def labelled_clip(folder: Path, clip: str) -> list[Labelled]:
    """Return the frames of a clip of a DAVIS folder."""
    pictures = sorted((folder / "JPEGImages" / "480p" / clip).glob("*.jpg"))
    masks = folder / "Annotations" / "480p" / clip
    return [Labelled(f"{clip}.{p.stem}", p, masks / f"{p.stem}.png", "davis") for p in pictures]


def _group_numbers(labels: AnyArray, kind: Kind) -> IntArray:
    """Return the index of each pixel's group, int64 (H, W). labels: uint8, numbers (H, W) or BGR colours (H, W, 3)."""
    if kind == "davis":
        return np.where(labels > 127, GROUPS.index("thing"), GROUPS.index("nature"))
    if kind == "camvid":
        return np.array([GROUPS.index(name) for name in CAMVID])[np.minimum(labels, len(CAMVID) - 1)]
    numbers = np.full(labels.shape[:2], GROUPS.index("nature"))
    for colour, name in FACADE.items():
        numbers[(labels[..., ::-1] == np.array(colour)).all(axis=-1)] = GROUPS.index(name)
    return numbers


def feathered(numbers: IntArray) -> dict[str, FloatArray]:
    """Return soft masks of a map of group numbers, int64 (H, W)."""
    sigma = max(0.5, FEATHER * numbers.shape[1])
    hard = [(numbers == index).astype(np.float32) for index in range(len(GROUPS))]
    return {name: cv2.GaussianBlur(mask, (0, 0), sigma)[..., None] for name, mask in zip(GROUPS, hard, strict=True)}
