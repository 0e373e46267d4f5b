"""Figures of a graded shot, frame by frame, on the pictures that a screen shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from tsp.flow import DISFlow
from vfxstyle.arrays import BoolArray, ByteArray, FloatArray
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.looks.lut import apply_cube, fit_cube
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.superpixels.tracks import own_places, sampled

WHITE, BLACK = 254, 1
"""Code values, of 255, from which on, and up to which, a pixel counts as display white or black."""
HEAT_TOP = 10.0
"""CIEDE2000 at which a map of differences is white."""
_LUT_SIZE = 17
_PIXELS_A_FRAME = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """What a grade does to one frame. Shares are of all pixels, 0..1."""

    frame: int
    """Its number."""
    change: float
    """Mean CIEDE2000 between plate and grade."""
    white: tuple[float, float]
    """Share at display white, of the plate and of the grade."""
    black: tuple[float, float]
    """Share at display black, of the plate and of the grade."""
    not_finite: int
    """Pixels of the plate that hold NaN or infinity."""
    beyond_lut: float
    """Mean CIEDE2000 between the grade and the best global LUT."""
    flicker: float | None
    """Change of the grade since the frame before, along the plate's motion, Lab, p95; None for the first."""

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pictures:
    """A frame as a screen shows it."""

    plate: ByteArray
    """uint8 (H, W, 3), sRGB."""
    graded: ByteArray
    """uint8 (H, W, 3), sRGB."""
    not_finite: int
    """Pixels of the plate that hold NaN or infinity."""


@dataclass
class ShotFigures:
    """Figures of a shot in the making: frames are added in order."""

    frames: dict[int, FrameFigures] = field(default_factory=dict)
    """By number."""
    _samples: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict, init=False)
    _flow: DISFlow = field(default_factory=DISFlow, init=False, repr=False)

    def add(self, number: int, now: Pictures, before: Pictures | None) -> None:
        """Measure a frame. before: the frame before it in the shot; None for the first."""
        gap = delta_e_2000(_lab(now.plate), _lab(now.graded))
        self._samples[number] = _drawn(number, now)
        self.frames[number] = FrameFigures(
            frame=number,
            change=float(gap.mean()),
            white=(_share(now.plate.min(-1) >= WHITE), _share(now.graded.min(-1) >= WHITE)),
            black=(_share(now.plate.max(-1) <= BLACK), _share(now.graded.max(-1) <= BLACK)),
            not_finite=now.not_finite,
            beyond_lut=0.0,
            flicker=None if before is None else flicker(before, now, self._flow),
        )

    def fit_lut(self) -> FloatArray:
        """Fit the global LUT that is nearest to the grade, and measure each frame by it. Returns its cube."""
        pairs = list(self._samples.values())
        cube = fit_cube(np.concatenate([one for one, _ in pairs]), np.concatenate([two for _, two in pairs]), _LUT_SIZE)
        for number, (before, after) in self._samples.items():
            gap = delta_e_2000(lab_of_picture(_limited(apply_cube(cube, before))[None]), lab_of_picture(after[None]))
            self.frames[number] = replace(self.frames[number], beyond_lut=float(gap.mean()))
        return cube

    def worst(self, figure: Callable[[FrameFigures], float]) -> int:
        """The frame with the largest value of a figure."""
        return max(self.frames, key=lambda number: figure(self.frames[number]))


def flicker(before: Pictures, now: Pictures, flow: DISFlow) -> float:
    """How much the grade changes from one frame to the next, along the plate's motion: Lab, 95th percentile.

    The change of a colour that the grade makes is compared with that where the pixel was on the frame before, as the
    plate's optical flow says; so what the plate itself does is left out. Pixels whose flow back and forth does not
    return within half a pixel and a hundredth of the way do not count.
    """
    first, second = (_as_floats(pictures.plate) for pictures in (before, now))
    back, forth = flow(second, first), flow(first, second)
    returned = looked_up(forth, back)
    tolerance = 0.01 * (np.linalg.norm(back, axis=-1) + np.linalg.norm(returned, axis=-1)) + 0.5
    seen: BoolArray = np.linalg.norm(back + returned, axis=-1) < tolerance
    if not seen.any():
        return 0.0
    added = [_lab(pictures.graded) - _lab(pictures.plate) for pictures in (before, now)]
    jumps = np.linalg.norm(added[1] - looked_up(added[0], back), axis=-1)[seen]
    return float(np.percentile(jumps, 95))


def looked_up(picture: FloatArray, flow: FloatArray) -> FloatArray:
    """A picture, float32 (H, W, C), looked up where the flow of each pixel, float32 (H, W, 2), leads."""
    return sampled(picture, own_places(*flow.shape[:2]) + flow)


def beyond_lut(cube: FloatArray, pictures: Pictures) -> ByteArray:
    """A map of what a global LUT cannot do, white at :data:`HEAT_TOP`; uint8 (H, W, 3)."""
    plate = _as_floats(pictures.plate)
    approximated = _limited(apply_cube(cube, plate.reshape(-1, 3))).reshape(plate.shape)
    gap = delta_e_2000(lab_of_picture(approximated), _lab(pictures.graded))
    heat = np.clip(gap / HEAT_TOP, 0, 1) * 255 + 0.5
    return np.asarray(np.repeat(heat[..., None], 3, axis=-1), np.uint8)


def summed_up(frames: Mapping[int, FrameFigures]) -> dict[str, Any]:
    """Means over all frames, and the worst frames."""
    own = list(frames.values())
    flickers = [one.flicker for one in own if one.flicker is not None]
    return {
        "change": float(np.mean([one.change for one in own])),
        "beyond_lut": float(np.mean([one.beyond_lut for one in own])),
        "white": [float(np.mean([one.white[side] for one in own])) for side in (0, 1)],
        "black": [float(np.mean([one.black[side] for one in own])) for side in (0, 1)],
        "not_finite": sum(one.not_finite for one in own),
        "flicker_median": float(np.median(flickers)) if flickers else None,
        "flicker_worst": max(flickers) if flickers else None,
    }


def _drawn(number: int, pictures: Pictures) -> tuple[FloatArray, FloatArray]:
    """Pixels of a frame before and after, float32 (N, 3) each, sRGB, 0..1."""
    plate, graded = pictures.plate.reshape(-1, 3), pictures.graded.reshape(-1, 3)
    places = np.random.default_rng(number).permutation(len(plate))[:_PIXELS_A_FRAME]
    return _as_floats(plate[places]), _as_floats(graded[places])


def _as_floats(picture: ByteArray) -> FloatArray:
    return np.asarray(picture, np.float32) / np.float32(255)


def _lab(picture: ByteArray) -> FloatArray:
    return lab_of_picture(_as_floats(picture))


def _limited(rgb: FloatArray) -> FloatArray:
    return np.clip(rgb, 0, 1)


def _share(mask: BoolArray) -> float:
    return float(mask.mean())


def evenly(numbers: Sequence[int], count: int) -> tuple[int, ...]:
    """At most ``count`` of some numbers, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
    return tuple(dict.fromkeys(numbers[place] for place in places))
