"""What a look did not learn, by the plate's colour and by region of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import AnyIntegers, FloatArray, IntArray

NEUTRAL = 10.0
"""Chroma, in Lab units, below which a colour counts as grey and is named by its tone."""
_TONES = ((0, "blacks"), (20, "dark greys"), (45, "greys"), (70, "light greys"), (90, "whites"))
_HUES = ((-20, "pinks"), (20, "reds"), (50, "oranges"), (80, "yellows"), (105, "greens"), (170, "cyans"),
         (230, "blues"), (315, "purples"))  # fmt: skip
REGIONS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
"""Ninths of a picture, row by row."""
_MIN_REGION_SHARE = 0.02  # of the sampled pixels; a region with fewer is not called the worst
_MIN_GROUP_SHARE = 0.005  # of the sampled pixels; a group of colours with fewer is left out


@dataclass(frozen=True, slots=True)
class ColourError:
    """How well a look was learnt on one group of colours."""

    name: str
    """Plain name of the group."""
    share: float
    """Share of the pixels that are in the group, 0..1."""
    distance: float
    """Mean L2 in Lab from plate to graded picture."""
    missed: float
    """Mean L2 in Lab from the prediction to the graded picture."""


@dataclass(frozen=True, slots=True)
class PairError:
    """How well the look of one pair was learnt."""

    missed: float
    """Mean L2 in Lab from the prediction to the graded picture."""
    region: str
    """The one of :data:`REGIONS` whose error is largest."""
    missed_there: float
    """Mean L2 in Lab from the prediction to the graded picture, in that region."""


def error_of_pair(missed: FloatArray, pixels: AnyIntegers, shape: tuple[int, int]) -> PairError:
    """Return the error of a pair and the region where it is worst.

    missed: float32 (N, P), L2 in Lab of sampled pixels. pixels: (N, P), their flat indices into the picture. shape: its
    rows and columns.
    """
    y, x = np.divmod(pixels.reshape(-1), shape[1])
    region = (3 * y // shape[0]) * 3 + 3 * x // shape[1]
    areas = np.bincount(region, minlength=len(REGIONS))
    means = np.bincount(region, missed.reshape(-1), len(REGIONS)) / np.maximum(areas, 1)
    worst = int(np.where(areas >= _MIN_REGION_SHARE * areas.sum(), means, 0).argmax())
    return PairError(float(missed.mean()), REGIONS[worst], float(means[worst]))


def errors_by_colour(before: FloatArray, after: FloatArray, predicted: FloatArray) -> tuple[ColourError, ...]:
    """Return errors by hue, and by tone for greys; the group that adds most to the whole error comes first.

    before, after, predicted: float32 (..., 3), CIELab D65, of the same pixels.
    """
    before, after, predicted = (values.reshape(-1, 3) for values in (before, after, predicted))
    group = _colour_groups(before)
    distance, missed = np.linalg.norm(after - before, axis=1), np.linalg.norm(predicted - after, axis=1)
    errors = []
    for index, (_, name) in enumerate((*_TONES, *_HUES)):
        own = group == index
        if own.mean() >= _MIN_GROUP_SHARE:
            errors.append(ColourError(name, float(own.mean()), float(distance[own].mean()), float(missed[own].mean())))
    return tuple(sorted(errors, key=lambda error: -error.share * error.missed))


def _colour_groups(lab: FloatArray) -> IntArray:
    """Return the group of each colour, an index into tones and then hues. lab: float32 (N, 3), CIELab D65."""
    by_tone = np.maximum(np.searchsorted([edge for edge, _ in _TONES], lab[:, 0], side="right") - 1, 0)
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    hue = np.where(hue < _HUES[0][0], hue + 360, hue)
    by_hue = np.searchsorted([edge for edge, _ in _HUES], hue, side="right") - 1
    coloured = np.hypot(lab[:, 1], lab[:, 2]) >= NEUTRAL
    return np.where(coloured, len(_TONES) + by_hue, by_tone)
