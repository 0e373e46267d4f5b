"""Photographs with the people, animals and vehicles of another one in front of them, to learn looks from.

Of few photographs a network learns by heart what surrounds a subject: horses stand on grass, boats on water. In front
of other photographs the same subjects are seen in other places, and other places with subjects in them.

Source: G. Ghiasi and others, Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation (2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from presets.photographs import CLASSES, SUBJECT_NUMBERS, Photograph, subject_matte
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear

_AREA = (0.015, 0.7)  # shares of a picture that what is cut out of it may be
_FAINTEST = 0.05  # matte from which on a pixel is cut out too
_SIZE = (0.45, 1.0)  # of what is pasted, over its size in its own picture
_SPACE = 0.95  # share of the height and width of a picture that it may take
_DARKEST = 0.01  # linear light that is added before means of logarithms
_LIGHT = 0.5  # how far what is in front takes on how bright the picture is: from not at all to wholly


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and what it shows."""

    picture: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    maps: FloatArray
    """float32 (H, W, 7), soft masks of :data:`~presets.photographs.CLASSES` that sum to 1."""
    sure: BoolArray
    """bool (H, W), where the classes are sure."""

    @classmethod
    def of(cls, photograph: Photograph) -> LabelledPicture:
        """A photograph with its class map."""
        picture, masks, sure = photograph.read()
        return cls(picture, np.concatenate([masks[name] for name in CLASSES], axis=-1), sure)

    def mirrored(self) -> LabelledPicture:
        """The same, left and right exchanged."""
        picture, maps, sure = self.picture[:, ::-1], self.maps[:, ::-1], self.sure[:, ::-1]
        return LabelledPicture(np.ascontiguousarray(picture), np.ascontiguousarray(maps), np.ascontiguousarray(sure))

    @property
    def subject(self) -> FloatArray:
        """The matte of people, animals and vehicles, float32 (H, W), 0..1."""
        return subject_matte(self.maps)


def has_subject(labelled: LabelledPicture) -> bool:
    """Whether there is something that can be cut out: neither nothing, nor nearly the whole picture."""
    matte = labelled.subject
    return bool((matte > 0.5).any() and _AREA[0] < matte.mean() < _AREA[1])


def with_subject(onto: LabelledPicture, other: LabelledPicture, random: np.random.Generator) -> LabelledPicture:
    """A picture with the people, animals and vehicles of another one, which :func:`has_subject`, in front of it.

    They are made smaller, perhaps mirrored, and put anywhere. What an edge of their picture cuts off stays at that
    edge; what two opposite ones cut off takes the size at which it reaches from edge to edge, be it larger. How bright
    they are is brought halfway to how bright the picture is. Their edges keep some colour of what was behind them.
    """
    source = other.mirrored() if random.random() < 0.5 else other
    matte = source.subject
    rows, columns = np.nonzero(matte > _FAINTEST)
    cut = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    spans = [_Span(part, whole, room) for part, whole, room in zip(cut, matte.shape, onto.maps.shape, strict=False)]
    loose = min(random.uniform(*_SIZE), *(_SPACE * span.room / span.length for span in spans))
    scale = max((span.room / span.length for span in spans if span.is_cut_twice), default=loose)
    height, width = (max(1, round(span.length * scale)) for span in spans)
    top, left = (span.first(length, random) for span, length in zip(spans, (height, width), strict=True))
    seen, place = zip(_overlap(top, height, spans[0].room), _overlap(left, width, spans[1].room), strict=True)

    light, own = srgb_to_linear(onto.picture), srgb_to_linear(source.picture)
    gain = np.float32((_brightness(light) / _brightness(own)) ** _LIGHT)
    front = np.clip(_resized(own[cut], (width, height))[seen] * gain, 0, 1)
    classes = np.zeros_like(onto.maps[place])
    own_classes = _resized(source.maps[cut], (width, height))[seen]
    classes[..., SUBJECT_NUMBERS] = np.clip(own_classes[..., SUBJECT_NUMBERS], 0, 1)
    alpha = classes.sum(axis=-1, keepdims=True)
    classes /= np.maximum(alpha, 1e-6)
    flags = cv2.resize(source.sure[cut].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)[seen] > 0

    maps, sure = onto.maps.copy(), onto.sure.copy()
    light[place] += alpha * (front - light[place])
    maps[place] += alpha * (classes - maps[place])
    sure[place] = np.where(alpha[..., 0] > 0.5, flags, sure[place])
    return LabelledPicture(np.asarray(np.clip(linear_to_srgb(light), 0, 1), np.float32), maps, sure)


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows, or columns, of what is cut out of a picture."""

    cut: slice
    """Those of its own picture."""
    whole: int
    """All rows of its own picture."""
    room: int
    """Rows of the picture that it goes into."""

    @property
    def length(self) -> int:
        """How many they are."""
        return int(self.cut.stop - self.cut.start)

    @property
    def is_cut_first(self) -> bool:
        """Whether the first edge of its picture cuts it off, or a pixel beside it."""
        return bool(self.cut.start <= 1)

    @property
    def is_cut_last(self) -> bool:
        """Whether the last edge does."""
        return bool(self.cut.stop >= self.whole - 1)

    @property
    def is_cut_twice(self) -> bool:
        """Whether both edges do."""
        return self.is_cut_first and self.is_cut_last

    def first(self, length: int, random: np.random.Generator) -> int:
        """The row of the other picture where it begins, made so long; negative where it is longer than there is room.

        At an edge where its own picture's edge cuts it off, else anywhere.
        """
        free = self.room - length
        if self.is_cut_twice:
            return int(random.integers(min(free, 0), max(free, 0) + 1))
        if self.is_cut_last:
            return free
        return 0 if self.is_cut_first or free < 0 else int(random.integers(0, free + 1))


def _overlap(first: int, length: int, room: int) -> tuple[slice, slice]:
    """Which of so many rows, put down from a row on, are inside a picture, and where they are in it."""
    last = min(first + length, room)
    return slice(max(-first, 0), last - first), slice(max(first, 0), last)


def _resized(planes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Planes (H, W, C) at a size, (width, height) in px; OpenCV takes four at a time at most."""
    parts = [
        np.ascontiguousarray(planes[..., first : first + 4], np.float32) for first in range(0, planes.shape[-1], 4)
    ]
    small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in parts]
    return np.concatenate([part.reshape(size[1], size[0], -1) for part in small], axis=-1)


def _brightness(light: FloatArray) -> float:
    """The geometric mean of a picture's light."""
    return float(np.exp(np.log(light.mean(axis=-1) + _DARKEST).mean()))
