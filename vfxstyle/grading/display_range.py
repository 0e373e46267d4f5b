"""Room at both ends of a display: a look for any light makes no white and no black where the plate has none.

Such a look is put on a shot in ordinary light. What it lifts to white there can be beyond white when the lighting of a
bright shot is put back, and a display would clip it; what it lowers in a dark shot can be below the first code value.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.color.grading import flagged, room_for_flags
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

_HALF, _QUARTER = np.float32(0.5), np.float32(0.25)
_ZERO, _ONE, _TWICE = np.float32(0), np.float32(1), np.float32(2)
_LEAST = np.float32(1e-30)  # more than none, by which nothing can be divided
_FLOOR = np.float32(0.001)  # light below which nothing ends that was far above it: 3 of 255 code values


@kernel(inline="always")
def _within(change: Scalar, room: Scalar) -> Scalar:
    """What is left of a change: all of it up to half of the room, and less than three quarters however large it is."""
    half, quarter = _HALF * room, _QUARTER * room
    beyond = max(change - half, _LEAST)
    bent = half + quarter / (quarter / beyond + _ONE)
    return change if change <= half else bent


@kernel(inline="always")
def _room_above(light: Scalar) -> Scalar:
    """How far a channel may rise: what is left below 1 and, close to it, half of that."""
    near = min(max(light, _ZERO), _ONE)
    fourth = near * near * near * near
    return max(_ONE - light, _ZERO) * (_ONE - _HALF * fourth * fourth)


@kernel(inline="always")
def _above_black(light: Scalar, graded: Scalar) -> Scalar:
    """Where a channel ends that falls: as it is down to a little above its floor, which it does not reach."""
    floor = light * _FLOOR / (light + _FLOOR)
    reach = min(floor, light - floor)
    if reach <= _ZERO:  # so dark that its floor is itself
        return light
    if graded >= floor + reach:
        return graded
    return floor + reach * np.exp((graded - floor) / reach - _ONE)


@kernel(parallel=True)
def _keep(graded: FloatArray, light: FloatArray) -> None:
    """Row by row, (H, 3 W): what rises, as processors do many at once, then the few channels that fall to black."""
    for y in prange(len(graded)):
        new, old = graded[y], light[y]
        flags, places = room_for_flags(len(new))
        for x in range(len(new)):
            was, rise = old[x], new[x] - old[x]
            flags[x] = np.uint8((rise <= _ZERO) & (was > _ZERO) & (new[x] < _TWICE * _FLOOR) & (new[x] < was))
            new[x] = was + _within(rise, _room_above(was)) if rise > _ZERO else new[x]
        for x in places[: flagged(flags, places)]:
            new[x] = _above_black(old[x], new[x])


def keep_in_range(graded: FloatArray, light: FloatArray) -> None:
    """Take from a grade, in place, what would go beyond display white or down to display black, channel by channel.

    The room of a channel is what is left below 1 and, close to 1, half of that, so that what is nearly white does not
    become white. What rises by no more than half of its room stays as it is; from there on the rest is bent to end at
    three quarters of it, without a kink. Channels that the plate has at 1 or above do not rise. A channel that is at u
    above 0 and falls ends above 0.001 u / (u + 0.001), so that what is nearly black keeps its drawing; what ends above
    twice that stays as it is. Both float32 (H, W, 3), linear light.
    Raises ValueError for a grade that is not contiguous.
    """
    if not graded.flags.c_contiguous:
        raise ValueError("the grade is not contiguous, so its rows would be copies")
    rows = graded.shape[0], -1
    _keep(graded.reshape(rows), np.ascontiguousarray(light, np.float32).reshape(rows))
