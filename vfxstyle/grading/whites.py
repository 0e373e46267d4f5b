"""Room below display white: a look for any light ends below it where the plate does.

Such a look is put on a shot in ordinary light. What it lifts to white there can be beyond white when the lighting of a
bright shot is put back, and a display would clip it.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from vfxstyle.arrays import FloatArray
from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

_HALF, _QUARTER = np.float32(0.5), np.float32(0.25)
_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel(inline="always")
def _within(rise: Scalar, room: Scalar) -> Scalar:
    """What is left of a rise: all of it up to half of the room, and less than three quarters however large it is."""
    half, quarter = _HALF * room, _QUARTER * room
    if rise <= half:
        return rise
    beyond = rise - half
    return half + quarter * beyond / (quarter + beyond)


@kernel(inline="always")
def _room(light: Scalar) -> Scalar:
    """How far a channel may rise: what is left below 1 and, close to it, half of that."""
    near = min(max(light, _ZERO), _ONE)
    fourth = near * near * near * near
    return max(_ONE - light, _ZERO) * (_ONE - _HALF * fourth * fourth)


@kernel(parallel=True)
def _keep(graded: FloatArray, light: FloatArray) -> None:
    height, width, _ = graded.shape
    for y in prange(height):
        for x in range(width):
            for c in range(3):
                rise = graded[y, x, c] - light[y, x, c]
                if rise > _ZERO:
                    graded[y, x, c] = light[y, x, c] + _within(rise, _room(light[y, x, c]))


def keep_below_white(graded: FloatArray, light: FloatArray) -> None:
    """Take from a grade, in place, what would go beyond display white, channel by channel.

    The room of a channel is what is left below 1 and, close to 1, half of that, so that what is nearly white does not
    become white. What rises by no more than half of its room stays as it is; from there on the rest is bent to end at
    three quarters of it, without a kink. Channels that the plate has at 1 or above do not rise. Both float32 (H, W, 3),
    linear light.
    """
    _keep(graded, np.ascontiguousarray(light, np.float32))
