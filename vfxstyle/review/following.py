"""What was selected on one frame, followed through the shot (docs/method.md, section 15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from vfxstyle.analysis.predict import classify_vectors, feature_vectors, layer_of_pixels
from vfxstyle.analysis.tracks import REACH, ensure_tracks, read_track, seen_through
from vfxstyle.arrays import BoolArray, FloatArray, LabelArray
from vfxstyle.looks.library import find_preset
from vfxstyle.looks.matte_colours import MatteColours
from vfxstyle.looks.preset import read_preset
from vfxstyle.review.shown import ShownShot
from vfxstyle.superpixels.carrying import Source, carried_gate
from vfxstyle.superpixels.see_through import with_see_through

_MOSTLY = 0.5  # share of a superpixel that must be selected
_SURE = 0.2  # certainty from which a carried selection says something, as of a carried gate


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Superpixels that were selected."""

    superpixels: tuple[int, ...] = ()
    """On every frame that :attr:`frames` says nothing of."""
    frames: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """On single frames."""

    def __bool__(self) -> bool:
        return bool(self.superpixels or any(self.frames.values()))

    def on(self, number: int) -> tuple[int, ...]:
        """Those on a frame."""
        return self.frames.get(number, self.superpixels)

    def joined(self, other: Selection, *, without: bool = False) -> Selection:
        """The selection together with another one, or without it."""

        def both(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(sorted(set(one) - set(two) if without else set(one) | set(two)))

        numbers = {*self.frames, *other.frames}
        return Selection(
            superpixels=both(self.superpixels, other.superpixels),
            frames={number: both(self.on(number), other.on(number)) for number in numbers},
        )


def inside(labels: LabelArray, mask: BoolArray) -> tuple[int, ...]:
    """The superpixels that lie mostly in a mask, or else the one that has most of it; none for an empty mask.

    labels: int32 (h, w). mask: bool (h, w).
    """
    if not mask.any():
        return ()
    found = _mostly(labels, mask.astype(np.float32))
    return found or (int(np.bincount(labels[mask]).argmax()),)


def vectors_of(view: ShownShot, preset: str) -> FloatArray | None:
    """The features of a look that selections are followed by, as of :func:`feature_vectors`; None if they were dropped.

    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    analysis = view.look(preset).analysis
    return feature_vectors(analysis, read_preset(find_preset(preset))) if analysis.has_features() else None


def followed(
    view: ShownShot, start: int, selected: Iterable[int], vectors: FloatArray | None
) -> dict[int, tuple[int, ...]]:
    """The superpixels of a selection on every frame of a shot.

    The place of the selection is carried as the matte of a graded frame is: along tracks to this one, which
    are made the first time and stay in the analysis, by the life of superpixels, by what is near and alike, by colours,
    and by features. On each frame it is the superpixels that lie mostly in it; none on frames that are farther than
    :data:`~vfxstyle.analysis.tracks.REACH`.
    start: the frame of the selection. vectors: of :func:`vectors_of`.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    own = tuple(sorted(selected))
    ensure_tracks(view.wanted, view.analysis, [start], view.run)
    there, known = view.analysis.read_labels(start), view.analysis.read_superpixels().labels
    matte = np.isin(there, np.array(own, np.int64))
    lab, values = view.guide(start), matte.astype(np.float32)
    colours = MatteColours.of([(lab, matte)])
    second = None if vectors is None else classify_vectors(view.analysis, vectors, {start: matte})
    through = seen_through(view.analysis, start, [start], values, colours.logits(lab))
    found = {start: own}
    for number in view.frames:
        if number == start:
            continue
        if abs(number - start) > REACH:
            found[number] = ()
            continue
        source = Source(read_track(view.analysis, start, number), abs(number - start), values, there, lab)
        labels, guide = view.analysis.read_labels(number), view.guide(number)
        by_features = None if second is None else layer_of_pixels(second, known, labels)
        carried = carried_gate([source], labels, guide, by_features, colours.logits(guide))
        gate, certainty = with_see_through(*carried, [source], [through])
        found[number] = _mostly(labels, np.where(certainty > _SURE, gate, np.float32(0)))
    return found


def _mostly(labels: LabelArray, mask: FloatArray) -> tuple[int, ...]:
    """The superpixels that lie mostly in a mask, float32 (h, w), 0..1."""
    flat = labels.reshape(-1)
    areas = np.bincount(flat)
    within = np.bincount(flat, mask.reshape(-1), len(areas))
    return tuple(np.flatnonzero(within > _MOSTLY * np.maximum(areas, 1)).tolist())
