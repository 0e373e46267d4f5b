"""A look on a shot beside the global LUT or CDL that approximates it: pixels to fit to, what it lacks, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import ColorSpace, linear_to_lab, linear_to_srgb
from vfxstyle.color.difference import delta_e_2000
from vfxstyle.errors import UsageError
from vfxstyle.handover.look import LookOnShot
from vfxstyle.shots.sheets import write_sheet

MOST_FRAMES = 12
"""Frames of the shot that are looked at, evenly spread."""
PIXELS_PER_FRAME = 20_000
"""Pixels drawn from each of them to fit to, and as many others to measure on."""
MAP_WIDTH = 960
"""Width of a picture on the map, in px."""
MAP_TOP = 5.0
"""CIEDE2000 at which the map is white."""


@dataclass(frozen=True, slots=True)
class Residual:
    """How far a global LUT or CDL is from the look, CIEDE2000 on a Rec.709 display, on pixels it was not fitted to."""

    mean: float
    """Mean over all pixels."""
    percentile_95: float
    """What 95 of 100 pixels stay below."""
    plate_mean: float
    """Mean of the plate itself, to compare with."""
    by_frame: Mapping[int, float]
    """Mean of each frame looked at."""


Approximation = Callable[[FloatArray], FloatArray]
"""Colours after a global LUT or CDL of colours before it, float32 (N, 3)."""
Pixels = dict[int, tuple[FloatArray, FloatArray]]
"""Colours before and after the look, float32 (N, 3) each, of every frame looked at."""


class LookInSpace:
    """A look on a shot, in the colour space of the LUT or CDL that approximates it."""

    def __init__(self, look: LookOnShot, space: ColorSpace) -> None:
        self.plan, self.space = look.plan, space
        config, plate = look.plan.config, look.plan.plate
        self._to_working = config.to_working(space)
        # graded light as it is, without alpha, in the place of the output's numbers
        self._renderer = replace(look.renderer(), encoder=None, same_space=False, straight_alpha=True)
        light = plate.space.space
        self._to_space = config.between(light, space) if plate.light.decoder is None else config.from_working(space)

    def pair(self, number: int) -> tuple[FloatArray, FloatArray, BoolArray]:
        """A frame before and after the look, float32 (H, W, 3), and which of its pixels count, (H, W)."""
        plate = self.plan.shot.read(number).on_display()
        after = self._renderer.render(plate).frame.rgb
        before = self.plan.plate.light.decoded(plate.straightened().rgb)
        seen: BoolArray = np.isfinite(before + after).all(axis=-1)
        if plate.alpha is not None:
            seen &= plate.alpha > 0
        before, after = (np.where(seen[..., None], light, 0).astype(np.float32) for light in (before, after))
        return self._to_space.apply(before), self._to_space.apply(after), seen

    def samples(self, numbers: Sequence[int], step: Callable[[], None]) -> tuple[Pixels, Pixels]:
        """Pixels to fit to, and others to measure on."""
        random = np.random.default_rng(self.plan.settings.seed)
        fitted: Pixels = {}
        held_out: Pixels = {}
        for number in numbers:
            before, after, seen = self.pair(number)
            places = random.permutation(np.flatnonzero(seen))[: 2 * PIXELS_PER_FRAME]
            half = max(1, len(places) // 2)
            if not len(places):
                continue
            before, after = before.reshape(-1, 3), after.reshape(-1, 3)
            fitted[number] = before[places[:half]], after[places[:half]]
            held_out[number] = before[places[-half:]], after[places[-half:]]
            step()
        if not fitted:
            raise UsageError("No frame shows a pixel that could be graded; choose other frames with -f.")
        return fitted, held_out

    def shown(self, rgb: FloatArray) -> FloatArray:
        """Linear light that a Rec.709 display shows of colours in the space, 0..1."""
        return np.clip(self._to_working.apply(rgb), 0, 1)

    def residual(self, approximation: Approximation, pixels: Pixels) -> Residual:
        """What the approximation lacks."""
        gaps, before_gaps = {}, []
        for number, (before, after) in pixels.items():
            wanted = linear_to_lab(self.shown(after))
            gaps[number] = delta_e_2000(linear_to_lab(self.shown(approximation(before))), wanted)
            before_gaps.append(delta_e_2000(linear_to_lab(self.shown(before)), wanted))
        every = np.concatenate(list(gaps.values()))
        return Residual(
            float(every.mean()),
            float(np.percentile(every, 95)),
            float(np.concatenate(before_gaps).mean()),
            {number: float(gap.mean()) for number, gap in gaps.items()},
        )

    def matte(self, number: int, approximation: Approximation) -> FloatArray:
        """Where the approximation falls short on a frame, float32 (H, W): 0 for nowhere, 1 for MAP_TOP or more."""
        before, after, seen = self.pair(number)
        return self._gap(self.shown(self._approximated(before, approximation)), self.shown(after), seen)

    def _approximated(self, before: FloatArray, approximation: Approximation) -> FloatArray:
        return approximation(before.reshape(-1, 3)).reshape(before.shape)

    def _gap(self, shown: FloatArray, wanted: FloatArray, seen: BoolArray) -> FloatArray:
        gap = np.where(seen, delta_e_2000(linear_to_lab(shown), linear_to_lab(wanted)), 0)
        return np.clip(gap / MAP_TOP, 0, 1).astype(np.float32)

    def draw_map(self, path: Path, number: int, approximation: Approximation) -> None:
        """A PNG of four pictures: plate, look, LUT or CDL, and the difference of the last two."""
        before, after, seen = self.pair(number)
        width = min(MAP_WIDTH, before.shape[1])
        size = (width, max(1, round(before.shape[0] * width / before.shape[1])))
        lit = [self.shown(picture) for picture in (before, after, self._approximated(before, approximation))]
        heat = self._gap(lit[2], lit[1], seen)[..., None] * np.ones(3, np.float32)
        pictures = [linear_to_srgb(picture) for picture in lit] + [heat]
        small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures]
        sheet = np.vstack([np.hstack(small[:2]), np.hstack(small[2:])])
        write_sheet(path, sheet)
