"""Carrying what is known on graded frames to another frame of the shot (docs/method.md, section 14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numba import prange

from vfxstyle.arrays import BoolArray, FloatArray, LabelArray
from vfxstyle.compiled import kernel
from vfxstyle.superpixels.tracks import Track, sampled

FADE = 12.0
"""Frames over which a graded frame loses weight against another, by an exponential."""
COMMON = np.float32(0.7)
"""Logits up to which a colour is too common round the second layer to be its own."""
_FLOOR = 0.02  # certainty at which half of a residual is carried
_LIFE, _ALIKE = 0.15, 0.6  # weights of a superpixel's life, and of what is near and alike, beside a sure track's 1
_NEED_NO_FEATURES = 0.6  # sum of these weights from which features are not asked
_UNSURE = np.float32(1e-3)  # probability that colours can still turn
_SAME = 12.0  # Lab units over which a pixel loses trust in what its superpixel was, by a Gaussian
_FOR = np.float32(0.5)  # logits by which a colour speaks for the second layer at most, anywhere
_FOR_NEAR, _BESIDE = np.float32(3), 12.0  # and beside what is surely in it; px that this reaches, by a Gaussian
_SURE, _LOST = np.float32(0.2), np.float32(0.5)  # certainty of tracks from which a pixel is sure, and up to which not
_OPEN = np.float32(0.3)  # probability that all but tracks can leave no less of
_ROUNDS = 4  # in which what has come back brings back what is beside it
_GRAIN = 1.5  # px over which colours' logits are smoothed there
_LEAST = 0.002  # share of a frame from which something is treated there
_KNOWN = 0.05  # area of a superpixel on the graded frames, as a share of its own, from which its life says something
_STEP, _TAPS = 4, 9  # px between samples round a pixel, and how many of them in a row and in a column
_NEAR, _LIKE = 8.0, 6.0  # standard deviations of nearness, in px, and of likeness, in Lab, of these samples
_RANGE = np.float32(-0.5 / _LIKE**2)
_ROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17))  # what is close round a gate
_ENOUGH = np.float32(2)  # sum of the weights of these samples from which they have all of theirs


@dataclass(frozen=True, slots=True)
class Source:
    """A graded frame seen from another frame: what is known there, and where it lies here."""

    track: Track
    """Where the other frame's pixels lie on it."""
    distance: int
    """Frames between the two."""
    values: FloatArray
    """float32 (h, w), what is known on the graded frame."""
    labels: LabelArray
    """int32 (h, w), its superpixels."""
    lab: FloatArray
    """float32 (h, w, 3), its CIELab."""


def weights_of(tracks: Sequence[tuple[Track, int]]) -> tuple[list[FloatArray], FloatArray]:
    """How much each graded frame says of each pixel, summing to the certainty of all of them, 0..1.

    tracks: to each graded frame, and the frames between. Returns float32 (h, w) for each, and the certainty.
    """
    fades = fades_over([distance for _, distance in tracks])
    each = [
        np.asarray(track.confidence * np.float32(fade), np.float32)
        for (track, _), fade in zip(tracks, fades, strict=True)
    ]
    total = np.sum(each, axis=0, dtype=np.float32)
    certainty = np.minimum(total, np.float32(1))
    share = certainty / np.maximum(total, np.float32(1e-12))
    return [np.asarray(own * share, np.float32) for own in each], certainty


def fades_over(distances: Sequence[int]) -> list[float]:
    """What each graded frame weighs, 0..1, by its distance in frames; the nearest weighs 1."""
    nearest = min(distances)
    return [float(np.exp((nearest - distance) / FADE)) for distance in distances]


def share_found(tracks: Sequence[Track], treated: Sequence[FloatArray]) -> float | None:
    """How much of what graded frames treat apart is found again on a frame, 0..1; None where they treat nothing there.

    tracks: of the frame, to each graded frame. treated: float32 (h, w), 0..1, how far each pixel of each graded frame
    is treated apart.
    """
    here = [sampled(own, track.place) for own, track in zip(treated, tracks, strict=True)]
    whole = np.max(here, axis=0)
    if whole.mean() <= _LEAST:
        return None
    sure = np.max([own * track.confidence for own, track in zip(here, tracks, strict=True)], axis=0)
    return float(sure.sum() / whole.sum())


def share_in_doubt(gate: FloatArray, tracks: Sequence[tuple[Track, int]]) -> float:
    """How much of a carried gate can be wrong, as a share of its area; 0 where there is none.

    That is its distance from 0 or 1, times what tracks leave open, in it and close round it. Of frames of one shot it
    says which have more errors, and not how many these are.

    gate: float32 (h, w), 0..1, before it is cut. tracks: to each graded frame, and the frames between.
    """
    inside = gate > np.float32(0.5)
    if not inside.any():
        return 0.0
    near = cv2.dilate(inside.astype(np.uint8), _ROUND) > 0
    _, certainty = weights_of(tracks)
    return float((np.minimum(gate, 1 - gate) * (1 - certainty))[near].sum() / inside.sum())


def carried_residual(tracks: Sequence[tuple[Track, int]], residuals: Sequence[FloatArray]) -> FloatArray:
    """Residuals carried along tracks, float32 (h, w, 3); none where nothing is sure.

    residuals: float32 (h, w, 3) of each graded frame.
    """
    weights, certainty = weights_of(tracks)
    total = np.zeros(residuals[0].shape, np.float32)
    for (track, _), weight, residual in zip(tracks, weights, residuals, strict=True):
        total += weight[..., None] * sampled(residual, track.place)
    return total / (certainty + np.float32(_FLOOR))[..., None]


def carried_gate(
    sources: Sequence[Source],
    labels: LabelArray,
    lab: FloatArray,
    by_features: tuple[FloatArray, FloatArray] | None,
    by_colour: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """The gate of a matte carried to a frame: by tracks, lives of superpixels, what is alike, features, and colours.

    labels: int32 (h, w), superpixels of the frame. lab: float32 (h, w, 3), its CIELab. by_features: float32 (h, w)
    each, the probability of the second layer by the features of a pixel's superpixel, and how far to trust it, 0..1.
    by_colour: float32 (h, w), logits for and against the second layer; they move what features say, and the gate as
    far as less is known than a sure track says, and bring back what tracks have lost beside what they are sure of.
    Returns the gate, float32 (h, w), 0..1, and its certainty, 0 and above, where a sure track alone counts 1.
    """
    weights, certainty = weights_of([(source.track, source.distance) for source in sources])
    tracked = np.zeros(labels.shape, np.float32)
    for source, weight in zip(sources, weights, strict=True):
        tracked += weight * sampled(source.values, source.track.place)
    lived, known = _by_life(sources, labels, lab)
    against = np.minimum(by_colour, _FOR)
    alike, near = np.empty_like(tracked), np.empty_like(tracked)
    _vote(tracked, certainty, np.ascontiguousarray(lab), np.ones(labels.shape, np.bool_), alike, near)
    total = certainty + np.float32(_LIFE) * known + np.float32(_ALIKE) * near
    gate = tracked + np.float32(_LIFE) * known * lived + np.float32(_ALIKE) * near * alike
    if by_features is not None:
        probability, trust = by_features
        left = trust * np.clip(1 - total / np.float32(_NEED_NO_FEATURES), 0, 1) * np.where(known > 0, known, 1)
        if left.any():
            _vote(_moved(probability, against), np.ones_like(left), np.ascontiguousarray(lab), left > 0, alike, near)
            total, gate = total + left, gate + left * alike
    gate = gate / np.maximum(total, np.float32(1e-6))
    gate = _moved(gate, against * np.clip(1 - total, 0, 1))
    return _brought_back(gate, certainty, by_colour), total


def _brought_back(gate: FloatArray, certainty: FloatArray, by_colour: FloatArray) -> FloatArray:
    """A gate with what tracks have lost, in colours of the second layer, beside what they are sure of.

    certainty: float32 (h, w), of the tracks. by_colour: as for :func:`carried_gate`.
    """
    sure, open_gate = (gate > np.float32(0.5)) & (certainty > _SURE), np.clip(gate, _OPEN, 1 - _OPEN)
    telling = np.where(by_colour > 0, np.maximum(by_colour - COMMON, 0), by_colour)
    colours = np.clip(cv2.GaussianBlur(telling, (0, 0), _GRAIN), 0, _FOR_NEAR)
    colours *= np.clip(1 - certainty / _LOST, 0, 1)
    out = gate
    for _ in range(_ROUNDS):
        if not sure.any():
            break
        away = cv2.distanceTransform((~sure).astype(np.uint8), cv2.DIST_L2, 5)
        logits = colours * np.exp(np.float32(-0.5 / _BESIDE**2) * away**2)
        out = np.where(logits > 0, _moved(open_gate, logits), gate)
        came = (out > np.float32(0.5)) & (gate <= np.float32(0.5)) & ~sure
        if not came.any():
            break
        sure |= came  # an arm comes back from the shoulder to the hand
    return np.asarray(out, np.float32)


def _moved(probability: FloatArray, logits: FloatArray) -> FloatArray:
    """Probabilities moved by logits, which add up."""
    known = np.clip(probability, _UNSURE, 1 - _UNSURE)
    return np.asarray(known / (known + (1 - known) * np.exp(-logits)), np.float32)


def _by_life(sources: Sequence[Source], labels: LabelArray, lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What a pixel's superpixel had on the graded frames, float32 (h, w), and how far that says something, 0..1.

    It says nothing where the superpixel was not there, and little of a pixel of another colour than it had there.
    """
    count = 1 + max(int(labels.max()), *(int(source.labels.max()) for source in sources))
    total, area, colour = np.zeros(count), np.zeros(count), np.zeros((count, 3))
    for source in sources:
        fade, flat = np.exp(-source.distance / FADE), source.labels.reshape(-1)
        total += fade * np.bincount(flat, source.values.reshape(-1), count)
        area += fade * np.bincount(flat, minlength=count)
        for channel in range(3):
            colour[:, channel] += fade * np.bincount(flat, source.lab[..., channel].reshape(-1), count)
    nearest = np.exp(-min(source.distance for source in sources) / FADE)
    own = np.bincount(labels.reshape(-1), minlength=count)
    whole = np.maximum(area, 1e-9)
    mean, was = (total / whole).astype(np.float32), (colour / whole[:, None]).astype(np.float32)
    same = np.exp(np.float32(-0.5 / _SAME**2) * ((lab - was[labels]) ** 2).sum(axis=-1))
    return mean[labels], np.where((area > _KNOWN * nearest * own)[labels], same, np.float32(0))


@kernel(parallel=True)
def _vote(
    values: FloatArray, weights: FloatArray, lab: FloatArray, asked: BoolArray, out: FloatArray, near: FloatArray
) -> None:
    """Mean over samples round each pixel by their nearness, their likeness in colour, and their weights.

    values: (h, w), multiplied by their weights. asked: the pixels that it is for; others keep what they have.
    near: takes up how much there was, 0..1.
    """
    height, width = values.shape
    fades = np.empty((_TAPS, _TAPS), np.float32)
    for j in range(_TAPS):
        for i in range(_TAPS):
            u, v = (i - _TAPS // 2) * _STEP, (j - _TAPS // 2) * _STEP
            fades[j, i] = np.exp(-0.5 * (u * u + v * v) / _NEAR**2)
    for y in prange(height):
        for x in range(width):
            if not asked[y, x]:
                continue
            total, weight = np.float32(0), np.float32(0)
            for j in range(_TAPS):
                yy = y + (j - _TAPS // 2) * _STEP
                if yy < 0 or yy >= height:
                    continue
                for i in range(_TAPS):
                    xx = x + (i - _TAPS // 2) * _STEP
                    if xx < 0 or xx >= width or weights[yy, xx] == np.float32(0):
                        continue
                    d0, d1, d2 = (
                        lab[yy, xx, 0] - lab[y, x, 0],
                        lab[yy, xx, 1] - lab[y, x, 1],
                        lab[yy, xx, 2] - lab[y, x, 2],
                    )
                    like = fades[j, i] * np.exp(_RANGE * (d0 * d0 + d1 * d1 + d2 * d2))
                    total += like * values[yy, xx]
                    weight += like * weights[yy, xx]
            out[y, x] = total / max(weight, np.float32(1e-6))
            near[y, x] = min(weight / _ENOUGH, np.float32(1))
