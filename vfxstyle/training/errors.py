"""What a look was not learnt of: by the plate's colour, and by region of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import AnyIntegers, FloatArray

NEUTRAL = 10.0
"""Chroma, in Lab units, below which a colour has no hue worth a name."""
_TONES = ((0, "blacks"), (20, "dark greys"), (45, "greys"), (70, "light greys"), (90, "whites"))
_HUES = ((-20, "pinks"), (20, "reds"), (50, "oranges"), (80, "yellows"), (105, "greens"), (170, "cyans"),
         (230, "blues"), (315, "purples"))  # fmt: skip
REGIONS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
"""Ninths of a picture, row by row."""
_LEAST_REGION = 0.02  # share of the samples below which a region is not called the worst
_LEAST = 0.005  # share of the pixels below which a group is not worth a line


@dataclass(frozen=True, slots=True)
class ColourError:
    """How well a look was learnt on one group of colours."""

    name: str
    """Plain name of the group."""
    share: float
    """Of the pixels, 0..1."""
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
    """Of :data:`REGIONS`, the one where most is missed."""
    missed_there: float
    """The same as ``missed``, of this region."""


def error_of_pair(missed: FloatArray, pixels: AnyIntegers, shape: tuple[int, int]) -> PairError:
    """The error of a pair and the region that is worst.

    missed: float32 (N, P), L2 in Lab of sampled pixels. pixels: (N, P), their flat indices into the picture. shape: its
    rows and columns.
    """
    y, x = np.divmod(pixels.reshape(-1), shape[1])
    region = (3 * y // shape[0]) * 3 + 3 * x // shape[1]
    areas = np.bincount(region, minlength=len(REGIONS))
    means = np.bincount(region, missed.reshape(-1), len(REGIONS)) / np.maximum(areas, 1)
    worst = int(np.where(areas >= _LEAST_REGION * areas.sum(), means, 0).argmax())
    return PairError(float(missed.mean()), REGIONS[worst], float(means[worst]))


def errors_by_colour(before: FloatArray, after: FloatArray, answers: FloatArray) -> tuple[ColourError, ...]:
    """Errors by hue, and by tone for what is neutral; the group that adds most to the whole error first.

    before, after, answers: float32 (..., 3), CIELab D65.
    """
    before, after, answers = (values.reshape(-1, 3) for values in (before, after, answers))
    group = np.searchsorted([edge for edge, _ in _TONES], before[:, 0], side="right") - 1
    group = np.maximum(group, 0)
    hue = np.degrees(np.arctan2(before[:, 2], before[:, 1]))
    hue = np.where(hue < _HUES[0][0], hue + 360, hue)
    coloured = np.hypot(before[:, 1], before[:, 2]) >= NEUTRAL
    by_hue = np.searchsorted([edge for edge, _ in _HUES], hue, side="right") - 1
    group = np.where(coloured, len(_TONES) + by_hue, group)
    distance, missed = np.linalg.norm(after - before, axis=1), np.linalg.norm(answers - after, axis=1)
    found = []
    for index, (_, name) in enumerate((*_TONES, *_HUES)):
        own = group == index
        if own.mean() >= _LEAST:
            found.append(ColourError(name, float(own.mean()), float(distance[own].mean()), float(missed[own].mean())))
    return tuple(sorted(found, key=lambda error: -error.share * error.missed))
