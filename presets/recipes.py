"""The looks that the shipped presets were learnt from, as recipes on labelled photographs.

The photographer's edits behind the paper's figures are not public; these recipes stand in for them. Golden
follows the paper's description: natural things (channel mixer and curve), man-made things (gradient map and
contrast) and sky each have operations of their own. Cold is one operation for the whole picture.
All pictures are float32 (H, W, 3), sRGB-encoded, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

LABEL_COLOURS = {
    "various": (0, 0, 0),
    "building": (128, 0, 0),
    "car": (128, 0, 128),
    "door": (128, 128, 0),
    "pavement": (128, 128, 128),
    "road": (128, 64, 0),
    "sky": (0, 128, 128),
    "vegetation": (0, 128, 0),
    "window": (0, 0, 128),
}
"""Label colours of the labelmefacade set."""

NATURAL = ("vegetation", "various")
SKY = ("sky",)
FEATHER = 2.5
"""Standard deviation of the mask feather, in px, as a retoucher would soften a selection."""


def masks(labels: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Feathered masks of natural things, man-made things and sky, float32 (H, W, 1) that sum to 1."""

    def of(names: tuple[str, ...]) -> FloatArray:
        hit = np.zeros(labels.shape[:2], np.float32)
        for name in names:
            hit[(labels == np.array(LABEL_COLOURS[name])).all(axis=-1)] = 1
        return cv2.GaussianBlur(hit, (0, 0), FEATHER)[..., None]

    natural, sky = of(NATURAL), of(SKY)
    return natural, 1 - natural - sky, sky


def channel_mixer(picture: FloatArray, matrix: list[list[float]]) -> FloatArray:
    """Each output channel a weighted sum of the three input channels."""
    return picture @ np.array(matrix, np.float32).T


def curve(picture: FloatArray, amount: float) -> FloatArray:
    """An S-curve about middle grey; ``amount`` 0 does nothing, 1 is a full smoothstep."""
    held = np.clip(picture, 0, 1)
    return picture + amount * (held * held * (3 - 2 * held) - held)


def gradient_map(picture: FloatArray, stops: list[tuple[float, tuple[float, float, float]]]) -> FloatArray:
    """Luma looked up in a gradient of colours."""
    luma = picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    places = [place for place, _ in stops]
    return np.stack([np.interp(luma, places, [c[i] for _, c in stops]) for i in range(3)], -1).astype(np.float32)


def mix(one: FloatArray, other: FloatArray, share: float) -> FloatArray:
    """``share`` of the other."""
    return one + share * (other - one)


def saturation(picture: FloatArray, factor: float) -> FloatArray:
    """Distance from luma, multiplied."""
    luma = (picture @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    return luma + factor * (picture - luma)


def golden(picture: FloatArray, labels: npt.NDArray[np.uint8]) -> FloatArray:
    """Late sun: foliage turns to straw, stone to amber, the sky to a soft peach."""
    natural_mask, made_mask, sky_mask = masks(labels)
    natural = channel_mixer(picture, [[0.92, 0.26, -0.06], [0.10, 0.86, 0.00], [0.06, 0.06, 0.66]])
    natural = curve(natural, 0.25)
    stone = gradient_map(
        picture,
        [
            (0, (0.03, 0.02, 0.05)),
            (0.3, (0.36, 0.23, 0.17)),
            (0.65, (0.83, 0.62, 0.42)),
            (1, (1.0, 0.95, 0.84)),
        ],
    )
    made = curve(mix(picture, stone, 0.5), 0.35) * 1.02
    peach = gradient_map(
        picture,
        [
            (0, (0.10, 0.08, 0.14)),
            (0.45, (0.50, 0.46, 0.50)),
            (0.75, (0.88, 0.73, 0.62)),
            (1, (1.0, 0.93, 0.80)),
        ],
    )
    sky = saturation(mix(picture, peach, 0.62), 1.08)
    return np.clip(natural_mask * natural + made_mask * made + sky_mask * sky, 0, 1)


def cold(picture: FloatArray, labels: npt.NDArray[np.uint8]) -> FloatArray:
    """A winter morning: less red, blue shadows, pale colours, firmer contrast. The labels are not used."""
    mixed = channel_mixer(picture, [[0.84, 0.06, 0.02], [0.02, 0.93, 0.05], [0.00, 0.10, 0.98]])
    lifted = mixed + np.array([0.0, 0.008, 0.03], np.float32) * (1 - mixed)
    return np.clip(curve(saturation(lifted, 0.78), 0.3), 0, 1)


RECIPES: dict[str, tuple[str, Callable[[FloatArray, npt.NDArray[np.uint8]], FloatArray]]] = {
    "golden": ("Late sun: foliage turns to straw, stone to amber, the sky to a soft peach.", golden),
    "cold": ("A winter morning: blue shadows, pale colours, firmer contrast.", cold),
}
"""Each recipe with its one-line description."""
