"""Carrying a soft window, such as an oval of light, to another frame of the shot (docs/method.md, section 14).

A soft window is no part of what it lies on: it moves as a whole, with what it was drawn for, over a ground that may
move otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.superpixels.carrying import Source
from vfxstyle.superpixels.tracks import own_places, sampled

_RIM = np.float32(0.2)  # gate up to which a pixel says nothing of where the window is
_LEAST = 1e-3  # share of the frame that a window has at least
_INSIDE, _CORE = 2, 4  # powers of a gate whose pixels say how the window moves between graded frames, and beside them
_NEAR, _PART = 2.0, 0.1  # px, and share of the way, by which a pixel may move otherwise than evenly, by a Gaussian
_OUTSIDE, _SURE = 0.15, 0.5  # gate up to which, and certainty from which, a pixel says how the ground moves
_APART, _ANY = 2.0, 0.05  # px by which a thing moves otherwise than the ground, and weight of what does not
_EVEN = 0.05  # weight of an even motion between two graded frames, beside all that lies in the window


@dataclass(frozen=True, slots=True)
class _Window:
    """Where a window is on a graded frame, and how large."""

    source: Source
    """The graded frame."""
    share: float
    """How much it counts among those that show the window."""
    place: DoubleArray
    """(2,), its middle, x and y in px."""
    size: DoubleArray
    """(2,), its standard deviation along x and y, px."""

    @classmethod
    def of(cls, source: Source, share: float, here: FloatArray) -> _Window | None:
        """The window of a graded frame; None where there is next to none. here: the place of every pixel."""
        weight = np.maximum(source.values - _RIM, 0)[..., None].astype(np.float64)
        if weight.mean() < _LEAST:
            return None
        place = (weight * here).sum(axis=(0, 1)) / weight.sum()
        spread = (weight * (here - place) ** 2).sum(axis=(0, 1)) / weight.sum()
        return cls(source, share, place, np.sqrt(np.maximum(spread, 1)))

    def followed(self, here: FloatArray, even: DoubleArray | None) -> DoubleArray:
        """Where its middle lies on the other frame, (2,), x and y in px.

        even: where it would lie if it went evenly between two graded frames; None beside them.
        """
        gate, track = sampled(self.source.values, self.source.track.place), self.source.track
        motion = here - track.place  # of what lies here, from the graded frame to this one
        if even is None:
            weight = gate**_CORE * track.confidence
            ground = motion[(gate < _OUTSIDE) & (track.confidence > _SURE)]
            if len(ground):
                weight = weight * (_ANY + 1 - _likeness(motion, np.median(ground, axis=0), _APART))
            expected, prior = np.zeros(2), 0.0
        else:
            weight = gate**_INSIDE * track.confidence
            expected, prior = even - self.place, _EVEN * float(weight.sum(dtype=np.float64))
            weight = weight * _likeness(motion, expected, _NEAR + _PART * float(np.linalg.norm(expected)))
        total = prior + float(weight.sum(dtype=np.float64))
        if total <= 0:  # nothing of what lay in it is found again
            return self.place + expected
        moved = (weight[..., None] * motion).sum(axis=(0, 1), dtype=np.float64)
        return np.asarray(self.place + (moved + prior * expected) / total)


def carried_window(sources: Sequence[Source]) -> FloatArray:
    """A soft window moved as a whole to a frame, float32 (h, w), 0..1.

    Between two graded frames its place and its size go evenly from one to the other, but for where what lies in it
    and moves about as evenly lies on this frame. Beside them it follows what lies in its middle and moves otherwise
    than the ground.

    sources: the graded frames round the frame, one or two, with the window's gate as what is known.
    """
    here = own_places(*sources[0].values.shape)
    shares = _shares_of([source.distance for source in sources])
    found = [_Window.of(source, share, here) for source, share in zip(sources, shares, strict=True)]
    windows = [window for window in found if window is not None]
    out = np.zeros(sources[0].values.shape, np.float32)
    for source, share, window in zip(sources, shares, found, strict=True):
        if window is None:  # so it comes or goes between the two
            out += np.float32(share) * source.values
    if not windows:
        return out
    whole = sum(window.share for window in windows)
    parts = [window.share / whole for window in windows]
    even = _mean([window.place for window in windows], parts)
    size = _mean([window.size for window in windows], parts)
    middle = _mean([window.followed(here, even if len(windows) > 1 else None) for window in windows], parts)
    for window in windows:
        there = ((here - middle) / size * window.size + window.place).astype(np.float32)
        out += np.float32(window.share) * sampled(window.source.values, there)
    return out


def _likeness(motion: FloatArray, other: DoubleArray, width: float) -> FloatArray:
    """How alike each motion is to another, (h, w), 0..1, by a Gaussian of their difference in px."""
    return np.asarray(np.exp(-0.5 * ((motion - other) ** 2).sum(axis=-1) / width**2), np.float32)


def _shares_of(distances: Sequence[int]) -> list[float]:
    """How much each of one or two graded frames counts, by the frames between, from one evenly to the other."""
    if len(distances) == 1:
        return [1.0]
    one, other = distances
    return [other / (one + other), one / (one + other)]


def _mean(values: Sequence[DoubleArray], parts: Sequence[float]) -> DoubleArray:
    return np.asarray(np.average(values, axis=0, weights=parts), np.float64)
