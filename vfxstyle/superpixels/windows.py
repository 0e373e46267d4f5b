"""Carrying a soft window, such as an oval of light, to another frame of the shot (docs/method.md, section 14).

A soft window is no part of what it lies on: it moves as a whole, with what it was drawn for, over a ground that may
move otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.superpixels.carrying import Source
from vfxstyle.superpixels.tracks import own_places, sampled

_FAINT = 0.1  # highest gate of a frame up to which it shows no window
_RIM = np.float32(0.2)  # of the highest gate, up to which a pixel says nothing of where the window is
_ONE = 0.9  # share of what is above half the highest gate that lies together in one window
_CUT = 0.9  # of the highest gate, from which a window is cut by the edge of the frame
_INSIDE, _CORE = 2, 4  # powers of a gate whose pixels say how the window moves between graded frames, and beside them
_NEAR, _PART = 2.0, 0.1  # px, and share of the way, by which a pixel may move otherwise than evenly, by a Gaussian
_EVEN = 0.05  # weight of an even motion between two graded frames, beside all that is found again in the window
_REST, _LOST = 0.03, 0.003  # weight of no motion on the frame, of all that lies in the window; and of what is lost
_ROUND, _SURE = (0.1, 0.5), 0.5  # gates of the ground round a window, and share of its mean certainty that tells of it
_APART, _FEW = (2.0, 0.4), 0.1  # px, and share of the way, by which a thing moves apart; share that is a subject
_GROUND = (0.8, 0.95)  # share of the window's middle that moves as the ground, from which the window does, too
_FOUND = 0.25  # share of the window that is found again, from which it is certain
_FADE = 24  # frames over which a graded frame comes into reach


@dataclass(frozen=True, slots=True)
class _Window:
    """Where a window is on a graded frame, and how large."""

    source: Source
    """The graded frame."""
    share: float
    """How much it counts."""
    place: DoubleArray
    """(2,), its middle, x and y in px."""
    size: DoubleArray
    """(2,), its standard deviation along x and y, px."""

    @classmethod
    def of(cls, source: Source, share: float) -> _Window | None:
        """The window of a graded frame; None where there is next to none."""
        highest = source.values.max()
        if highest < _FAINT:
            return None
        weight = np.maximum(source.values - _RIM * highest, 0)
        place, spread = [], []
        for axis in (0, 1):  # what is summed over, so that x comes first
            along = weight.sum(axis=axis, dtype=np.float64)
            at = np.arange(len(along))
            place.append(np.average(at, weights=along))
            spread.append(np.average((at - place[-1]) ** 2, weights=along))
        return cls(source, share, np.array(place), np.sqrt(np.maximum(spread, 1)))

    def followed(self, here: FloatArray, even: DoubleArray | None) -> tuple[DoubleArray, float]:
        """Where its middle lies on the other frame, (2,), x and y in px, and how much of it is found again, 0..1.

        even: where it would lie if it went evenly between two graded frames; None beside them.
        """
        gate, track = sampled(self.source.values, self.source.track.place), self.source.track
        motion = here - track.place  # of what lies here, from the graded frame to this one
        inside = gate**_INSIDE * track.confidence
        whole = _sum(self.source.values**_INSIDE)
        found = min(1.0, _sum(inside) / whole)
        if even is None:
            expected = np.zeros(2)
            weight, prior = self._moving_apart(gate, motion)
        else:
            expected = even - self.place
            weight, prior = inside * _likeness(motion, expected, _NEAR, _PART), _EVEN * max(_sum(inside), _LOST * whole)
        moved = (weight[..., None] * motion).sum(axis=(0, 1), dtype=np.float64)
        return np.asarray(self.place + (moved + prior * expected) / (_sum(weight) + prior)), found

    def _moving_apart(self, gate: FloatArray, motion: FloatArray) -> tuple[FloatArray, float]:
        """How much each pixel says of the window's motion beside the graded frames, (h, w), and how much rest does.

        gate: (h, w), what lies here had on the graded frame. motion: (h, w, 2), its way from there, in px.
        """
        confidence, core = self.source.track.confidence, _sum(self.source.values**_CORE)
        weight, outside = gate**_CORE * confidence, (gate > _ROUND[0]) & (gate < _ROUND[1])
        sure = float(confidence[outside].mean()) if outside.any() else 0.0
        rest = _REST * core * max(sure, _LOST)
        outside &= confidence > _SURE * sure
        if not outside.any():
            return weight, rest
        apart = weight * (1 - _likeness(motion, np.median(motion[outside], axis=0), *_APART))
        as_ground = _sum(weight - apart) / (core * sure)
        low, high = _GROUND
        share = min(1 - _sum(apart) / (_FEW * core), (as_ground - low) / (high - low), 1.0)
        return np.asarray(apart + max(0.0, share) * (weight - apart), np.float32), rest


def is_window(gate: FloatArray) -> bool:
    """Whether a soft gate is one window, or none, and not cut by the edge of the frame. gate: float32 (h, w), 0..1."""
    highest = float(gate.max())
    if highest < _FAINT:
        return True
    if max(gate[0].max(), gate[-1].max(), gate[:, 0].max(), gate[:, -1].max()) > _CUT * highest:
        return False
    areas = cv2.connectedComponentsWithStats((gate > 0.5 * highest).astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
    return bool(areas.max() >= _ONE * areas.sum())


def carried_window(sources: Sequence[Source], reach: int) -> tuple[FloatArray, FloatArray]:
    """A soft window moved as a whole to a frame: its gate, float32 (h, w), 0..1, and how certain it is, likewise.

    Between two graded frames its place and its size go evenly from one to the other, but for where what lies in it
    and moves about as evenly lies on this frame. Beside them it follows what lies in its middle and moves otherwise
    than the ground; the ground, where its middle is nothing else; and stays where it is on the frame where that is
    lost. It is certain until next to nothing of what lay in it is found again.

    sources: the graded frames round the frame, one or two, with the window's gate as what is known. reach: frames from
    which on none of them says anything; it says less and less up to there.
    """
    here = own_places(*sources[0].values.shape)
    near = [min(1.0, (reach + 1 - source.distance) / _FADE) for source in sources]
    shares = _shares_of([source.distance for source in sources], near)
    windows = [_Window.of(source, share) for source, share in zip(sources, shares, strict=True)]
    shown = [window for window in windows if window is not None]
    out = np.zeros(sources[0].values.shape, np.float32)
    for source, share, window in zip(sources, shares, windows, strict=True):
        if window is None:  # so it comes or goes between the two
            out += np.float32(share) * source.values
    certainty = max(near)
    if shown:
        weights = [window.share for window in shown]
        even = np.average([window.place for window in shown], axis=0, weights=weights) if len(shown) > 1 else None
        size = np.average([window.size for window in shown], axis=0, weights=weights)
        followed = [window.followed(here, even) for window in shown]
        middle = np.average([place for place, _ in followed], axis=0, weights=weights)
        for window in shown:
            there = ((here - middle) / size * window.size + window.place).astype(np.float32)
            out += np.float32(window.share) * sampled(window.source.values, there)
        certainty *= min(1.0, max(found for _, found in followed) / _FOUND)
    return out, np.full(out.shape, certainty, np.float32)


def _likeness(motion: FloatArray, other: DoubleArray, near: float, part: float) -> FloatArray:
    """How alike each motion is to another, (h, w), 0..1, by a Gaussian: near px wide, and a part of the other's way."""
    width = near + part * float(np.linalg.norm(other))
    return np.asarray(np.exp(-0.5 * ((motion - other) ** 2).sum(axis=-1) / width**2), np.float32)


def _shares_of(distances: Sequence[int], near: Sequence[float]) -> list[float]:
    """How much each of one or two graded frames counts, from one evenly to the other; they sum to 1.

    distances: in frames. near: how far each is in reach, 0..1.
    """
    even = [1.0] if len(distances) == 1 else [distances[1] / sum(distances), distances[0] / sum(distances)]
    counted = [share * within for share, within in zip(even, near, strict=True)]
    return [share / sum(counted) for share in counted]


def _sum(values: FloatArray) -> float:
    return float(values.sum(dtype=np.float64))
