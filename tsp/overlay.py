"""Label maps made visible: borders on the picture, or one colour a label.

Pictures are RGB, uint8 0..255 or float32 0..1, (H, W, 3); labels are integers (H, W) of the same size. Every
function returns a new picture of the same kind, and raises ValueError for anything else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tsp.arrays import AnyLabels, BoolArray, ByteArray, PictureArray

_DARKEST = 40  # of 255; no label's colour is black


def borders(
    rgb: PictureArray, labels: AnyLabels, colour: tuple[float, float, float] = (1.0, 0.85, 0.0)
) -> PictureArray:
    """Draw the borders between labels, 1 px wide, on a copy of the picture.

    A pixel is drawn on if its right or its lower neighbour has another label. colour: RGB, 0..1.
    """
    picture, labels = _checked(rgb, labels)
    if len(colour) != 3 or not all(0 <= value <= 1 for value in colour):
        raise ValueError(f"colour is {colour}; it must be three values in 0..1.")
    picture[edges(labels)] = np.round(np.multiply(colour, 255)) if picture.dtype == np.uint8 else colour
    return picture


def edges(labels: AnyLabels) -> BoolArray:
    """The pixels that :func:`borders` draws on, bool (H, W)."""
    drawn = np.zeros(labels.shape, np.bool_)
    drawn[:, :-1] = labels[:, :-1] != labels[:, 1:]
    drawn[:-1] |= labels[:-1] != labels[1:]
    return drawn


def colours(labels: AnyLabels) -> ByteArray:
    """A random colour for each label, the same in every frame and run: uint8 (H, W, 3), each channel 40..255.

    labels: any integers (H, W). The colour is a hash of the label, the finaliser of SplitMix64 (Steele, Lea and
    Flood, OOPSLA 2014).
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers (H, W), not {labels.dtype} {labels.shape}.")
    state = (labels.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    bytes_of_state = np.stack([state >> np.uint64(shift) & np.uint64(255) for shift in (0, 8, 16)], axis=-1)
    return (_DARKEST + bytes_of_state * (255 - _DARKEST) // 255).astype(np.uint8)


def overlay(rgb: PictureArray, labels: AnyLabels, opacity: float = 0.5) -> PictureArray:
    """Lay the colours of the labels over the picture.

    opacity: 0 leaves the picture, 1 shows the colours of :func:`colours` alone.
    """
    picture, labels = _checked(rgb, labels)
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}; it must lie in 0..1.")
    paint = colours(labels).astype(np.float32)
    if picture.dtype == np.uint8:
        return np.round(picture * np.float32(1 - opacity) + paint * np.float32(opacity)).astype(np.uint8)
    return np.asarray(picture * (1 - opacity) + paint * (opacity / 255), np.float32)


def _checked(rgb: PictureArray, labels: AnyLabels) -> tuple[PictureArray, AnyLabels]:
    """A copy of the picture, and the labels, after checking that they fit."""
    picture: Any = np.array(rgb)
    labels = np.asarray(labels)
    if picture.dtype not in (np.uint8, np.float32) or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"rgb must be uint8 or float32 (H, W, 3), not {picture.dtype} {picture.shape}.")
    if labels.shape != picture.shape[:2] or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers {picture.shape[:2]}, not {labels.dtype} {labels.shape}.")
    return picture, labels
