"""Photographs with the people, animals and vehicles of another one pasted in.

Of few photographs a network learns by heart what surrounds a subject: horses stand on grass, boats on water. Pasted
into other pictures the same subjects are seen in other places, and other places with subjects in them.

Source: G. Ghiasi and others, Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation (2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from presets.photographs import CLASSES, Photograph
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear

SUBJECTS = ("person", "animal", "vehicle")
"""Classes that viewers look at."""
_AREA = (0.015, 0.7)  # shares of a picture that what is cut out of it may be
_SIZE = (0.45, 1.0)  # of what is pasted, over its size in its own picture
_SPACE = 0.95  # share of the height and width of a picture that it may take
_DARKEST = 0.01  # linear light that is added before means of logarithms
_LIGHT = 0.5  # how far what is pasted takes on how bright the picture is: from not at all to wholly


@dataclass(frozen=True, slots=True)
class Mapped:
    """A picture and what it shows."""

    picture: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    maps: FloatArray
    """float32 (H, W, 7), soft masks of :data:`CLASSES` that sum to 1."""
    sure: BoolArray
    """bool (H, W), where the classes are sure."""

    @classmethod
    def of(cls, photograph: Photograph) -> Mapped:
        """A photograph with its class map."""
        picture, masks, sure = photograph.read()
        return cls(picture, np.concatenate([masks[name] for name in CLASSES], axis=-1), sure)

    def mirrored(self) -> Mapped:
        """The same, left and right exchanged."""
        picture, maps, sure = self.picture[:, ::-1], self.maps[:, ::-1], self.sure[:, ::-1]
        return Mapped(np.ascontiguousarray(picture), np.ascontiguousarray(maps), np.ascontiguousarray(sure))

    @property
    def subject(self) -> FloatArray:
        """The matte of people, animals and vehicles, float32 (H, W), 0..1."""
        return subject_matte(self.maps)


def subject_matte(maps: FloatArray) -> FloatArray:
    """The matte of people, animals and vehicles, (H, W), of the masks of the classes, (H, W, 7)."""
    return np.asarray(maps[..., [CLASSES.index(name) for name in SUBJECTS]].sum(axis=-1), np.float32)


def has_subject(mapped: Mapped) -> bool:
    """Whether there is something that can be cut out: neither nothing, nor nearly the whole picture."""
    matte = mapped.subject
    return bool((matte > 0.5).any() and _AREA[0] < matte.mean() < _AREA[1])


def pasted(onto: Mapped, other: Mapped, random: np.random.Generator) -> Mapped:
    """A picture with the people, animals and vehicles of another one, which :func:`has_subject`, in front of it.

    They are made smaller, perhaps mirrored, and put anywhere; what an edge of their picture cuts off stays at that
    edge. How bright they are is brought halfway to how bright the picture is.
    """
    source = other.mirrored() if random.random() < 0.5 else other
    matte = source.subject
    rows, columns = np.nonzero(matte > 0.5)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    high, wide = matte[box].shape
    height, width = onto.picture.shape[:2]
    scale = min(random.uniform(*_SIZE), _SPACE * height / high, _SPACE * width / wide)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    top = _place(box[0], matte.shape[0], size[1], height, random)
    left = _place(box[1], matte.shape[1], size[0], width, random)
    place = np.s_[top : top + size[1], left : left + size[0]]

    light, own = srgb_to_linear(onto.picture), srgb_to_linear(source.picture)
    gain = (_brightness(light) / _brightness(own)) ** _LIGHT
    front = np.clip(_resized(own[box], size) * np.float32(gain), 0, 1)
    alpha = np.clip(_resized(matte[box][..., None], size), 0, 1)
    classes = _subjects_alone(_resized(source.maps[box], size))
    sure = cv2.resize(source.sure[box].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0

    maps, known = onto.maps.copy(), onto.sure.copy()
    light[place] += alpha * (front - light[place])
    maps[place] += alpha * (classes - maps[place])
    known[place] = np.where(alpha[..., 0] > 0.5, sure, known[place])
    return Mapped(np.asarray(np.clip(linear_to_srgb(light), 0, 1), np.float32), maps, known)


def _place(cut: slice, whole: int, length: int, room: int, random: np.random.Generator) -> int:
    """The first row, or column, of what is pasted; at an edge where its own picture's edge cuts it off.

    cut: its rows in its own picture, of ``whole`` rows. length: its rows now. room: rows of the picture it goes into.
    """
    if cut.stop >= whole - 1:
        return room - length
    return 0 if cut.start <= 1 else int(random.integers(0, room - length + 1))


def _resized(planes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Planes (H, W, C) at a size, (width, height) in px; OpenCV takes four at a time at most."""
    parts = [
        np.ascontiguousarray(planes[..., first : first + 4], np.float32) for first in range(0, planes.shape[-1], 4)
    ]
    small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in parts]
    return np.concatenate([part.reshape(size[1], size[0], -1) for part in small], axis=-1)


def _subjects_alone(maps: FloatArray) -> FloatArray:
    """The masks, with those of people, animals and vehicles summing to 1 where there are any, and the others 0."""
    kept = np.zeros_like(maps)
    for name in SUBJECTS:
        kept[..., CLASSES.index(name)] = maps[..., CLASSES.index(name)]
    return np.asarray(kept / np.maximum(kept.sum(axis=-1, keepdims=True), 1e-6), np.float32)


def _brightness(light: FloatArray) -> float:
    """The geometric mean of a picture's light."""
    return float(np.exp(np.log(light.mean(axis=-1) + _DARKEST).mean()))
