"""Parts of a subject that are seen through, such as a windscreen (docs/method.md, section 14).

They show what is behind the subject, so tracks follow that and lose them. They are found on graded frames as parts of
the matte that move as the ground does, and are then moved along with the subject that surrounds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.superpixels.carrying import COMMON, Source, fades_over
from vfxstyle.superpixels.tracks import Track, own_places, sampled

_CELL = 4  # px of a cell in which motion is averaged
_WIDTH = 5.0  # standard deviation, in cells, of the Gaussian that averages motion
_ODD = 3.0  # standard deviation, in px, of the Gaussian by which odd motion loses weight in the second and third pass
_PASSES = 3
_FEWEST = 0.02  # share of the surroundings from which they say something
_APART = 1.0  # px between the motion of subject and ground from which the two can be told apart
_STRAY = 0.35  # standard deviation, as a share of that distance, of how far the ground's pixels stray from its motion
_HALF = 0.3  # sum of the certainties of tracks at which half of what they say is believed
_SOFT_MOTION, _SOFT_COLOUR = 2.0, 3.0  # standard deviations, in px, of smoothing within the matte
_SURE = 0.25  # from which a pixel of the graded frame belongs to a part
_SMALLEST = 5  # px, diameter of a disc that has room in a part
_PART, _PIXEL = 0.3, 0.4  # how sure a part of another frame is on the average, or else a pixel, to be taken in
_RIM = 0.2  # share of the rim of a part that is beside the gate at least
_THIN = 3  # px up to which a part is only a rim


def see_through(near: Iterable[Track], gate: FloatArray, colours: FloatArray) -> FloatArray:
    """How sure it is that parts of a matte are seen through, float32 (h, w), 0..1.

    That is what moves with the ground round the matte rather than with the matte, in colours that are common round it.
    A foot on the ground does not move with its body either, but has a colour of its own.

    near: tracks to the graded frame of a few frames beside it. gate: float32 (h, w), its hard matte. colours: float32
    (h, w), logits of its colours for the matte, as :meth:`~vfxstyle.looks.matte_colours.MatteColours.logits`.
    """
    total, weight = np.zeros(gate.shape, np.float32), np.zeros(gate.shape, np.float32)
    grid = own_places(*gate.shape)
    for track in near:
        inside = sampled(gate, track.place)
        moved = track.place - grid
        subject, by_subject = _motion(moved, track.confidence * inside)
        ground, by_ground = _motion(moved, track.confidence * (1 - inside))
        between = subject - ground
        apart = np.sqrt((between**2).sum(axis=-1))
        along = ((subject - moved) * between).sum(axis=-1) / np.maximum(apart**2, np.float32(1e-6))
        stray = ((moved - ground) ** 2).sum(axis=-1) / (2 * (_STRAY * apart) ** 2 + 1e-6)
        is_ground = np.clip(4 * along - 2, 0, 1) * np.exp(-stray)
        told = (apart > _APART) & by_subject & by_ground & (sampled(gate, grid + subject) > 0.5)
        sure = np.where(told, track.confidence, 0)
        there = grid - sampled(subject, grid - subject)  # where the graded frame's pixels lie on this one
        total += sampled(np.asarray(sure * is_ground, np.float32), there)
        weight += sampled(np.asarray(sure, np.float32), there)
    moves = _within(total / (weight + np.float32(_HALF)), gate, _SOFT_MOTION)
    common = np.clip(COMMON + np.float32(0.5) - _within(colours, gate, _SOFT_COLOUR), 0, 1)
    sure = np.asarray(moves * common * gate, np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SMALLEST, _SMALLEST))
    parts = cv2.morphologyEx((sure > _SURE).astype(np.uint8), cv2.MORPH_OPEN, disc)
    return np.where(cv2.dilate(parts, disc) > 0, sure, np.float32(0))


def with_see_through(
    gate: FloatArray, certainty: FloatArray, sources: Sequence[Source], maps: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """A carried gate with the parts that are seen through, float32 (h, w), 0..1, and its certainty, float32 (h, w).

    gate, certainty: as :func:`~vfxstyle.superpixels.carrying.carried_gate` has them. sources: the graded frames, their
    values hard mattes. maps: float32 (h, w), :func:`see_through` of each.
    """
    if not any(known.any() for known in maps):
        return gate, certainty
    grid = own_places(*gate.shape)
    matte, sure, weight = (np.zeros(gate.shape, np.float32) for _ in range(3))
    fades = fades_over([source.distance for source in sources])
    for source, fade, known in zip(sources, fades, maps, strict=True):
        track = source.track
        subject, is_near = _motion(track.place - grid, track.confidence * sampled(source.values, track.place))
        place, counts = grid + subject, np.where(is_near, np.float32(fade), np.float32(0))
        matte += counts * sampled(source.values, place)
        sure = np.maximum(sure, counts * sampled(known, place))  # one frame that shows it is enough
        weight += counts
    inside = gate > 0.5
    taken = _parts(inside, (matte > 0.5 * weight) & ~inside, sure)
    return np.where(taken, np.float32(1), gate), np.where(taken, np.maximum(certainty, np.float32(1)), certainty)


def _parts(gate: BoolArray, lost: BoolArray, sure: FloatArray) -> BoolArray:
    """What is taken in of what a gate lacks: parts beside it that are seen through on the average, and sure pixels.

    gate: bool (h, w), the gate as it is. lost: bool (h, w), what it lacks. sure: float32 (h, w).
    """
    square = np.ones((_THIN, _THIN), np.uint8)
    count, parts = cv2.connectedComponents(
        cv2.morphologyEx(lost.astype(np.uint8), cv2.MORPH_OPEN, square), connectivity=4
    )
    wider = cv2.dilate(parts.astype(np.uint16), square)
    rim = (wider > 0) & (parts == 0)
    area, round_about = np.bincount(parts.reshape(-1), minlength=count), np.bincount(wider[rim], minlength=count)
    beside = np.bincount(wider[rim & gate], minlength=count) > _RIM * round_about
    through = np.bincount(parts.reshape(-1), sure.reshape(-1), count) > _PART * area
    return np.asarray(lost & ((beside & through)[wider] | (beside[wider] & (sure > _PIXEL))))


def _motion(moved: FloatArray, weight: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The motion of what has weight round each pixel, float32 (h, w, 2), in px, and where there is any near enough.

    moved: float32 (h, w, 2), of each pixel. weight: float32 (h, w).
    """
    rows, columns = weight.shape
    size = max(1, columns // _CELL), max(1, rows // _CELL)
    cells = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(moved * weight[..., None], size, interpolation=cv2.INTER_AREA)
    mean = mean / np.maximum(cells, np.float32(1e-6))[..., None]
    odd = np.zeros(cells.shape, np.float32)
    for _ in range(_PASSES):
        kept = cells * np.exp(np.float32(-0.5 / _ODD**2) * odd)
        near = cv2.GaussianBlur(kept, (0, 0), _WIDTH)
        motion = cv2.GaussianBlur(mean * kept[..., None], (0, 0), _WIDTH) / np.maximum(near, 1e-6)[..., None]
        odd = ((mean - motion) ** 2).sum(axis=-1)
    wide = (columns, rows)
    full = cv2.resize(np.asarray(motion, np.float32), wide, interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32), cv2.resize(near, wide, interpolation=cv2.INTER_LINEAR) > _FEWEST


def _within(values: FloatArray, gate: FloatArray, sigma: float) -> FloatArray:
    """Values smoothed over a matte alone, float32 (h, w). sigma: in px."""
    whole = np.maximum(cv2.GaussianBlur(gate, (0, 0), sigma), np.float32(0.05))
    return np.asarray(cv2.GaussianBlur(values * gate, (0, 0), sigma) / whole, np.float32)
