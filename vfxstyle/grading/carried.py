"""What graded frames say about the other frames of their shot, put on the look (docs/method.md, section 14)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.tracks import REACH, graded_round, read_plate, read_track, seen_through
from vfxstyle.arrays import BoolArray, FloatArray, LabelArray
from vfxstyle.looks import TransformField, basis
from vfxstyle.looks.base import cube_change
from vfxstyle.looks.detail import folded
from vfxstyle.looks.graded_frames import GradedFrames
from vfxstyle.looks.matte_colours import MatteColours
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS
from vfxstyle.superpixels.carrying import (
    Source,
    carried_gate,
    carried_residual,
    share_found,
    share_in_doubt,
)
from vfxstyle.superpixels.see_through import with_see_through
from vfxstyle.superpixels.tracks import Track, own_places
from vfxstyle.superpixels.windows import carried_window, is_window

PlainField = Callable[[LabelArray, FloatArray], TransformField]
"""The field of the plain look on a frame, of its label map and its CIELab picture."""
_ENOUGH = 0.2  # certainty of a gate from which the layers alone are used
_SMOOTHED = {False: (1.0, 0.5), True: (3.0, 1.5)}  # sigma in px and noise in Lab of residuals, without and with layers
_SEEN = 1.0  # Lab units of a residual that can be seen
_KEPT = 6  # graded frames in memory: frames come nearly in order, and each asks for two
_CONSTANTS = [row * TERMS + TERMS - 1 for row in range(3)]


@dataclass(frozen=True, slots=True)
class _GradedFrame:
    """What is carried of a graded frame, at the size of the analysis."""

    labels: LabelArray
    """int32 (h, w), its superpixels."""
    lab: FloatArray
    """float32 (h, w, 3), its CIELab."""
    gate: FloatArray | None
    """float32 (h, w), its gate, or the hard matte where that is a feathered one; None of a grade without layers."""
    residual: FloatArray
    """float32 (h, w, 3), what the look, or its layers, miss on it, without noise."""
    through: FloatArray | None = None
    """float32 (h, w), 0..1, how sure it is that parts of a matte are seen through; None of a grade without a matte."""

    @property
    def treated(self) -> FloatArray:
        """How far its pixels are treated apart, float32 (h, w), 0..1."""
        if self.gate is not None:
            return self.gate
        return np.asarray(np.linalg.norm(self.residual, axis=-1) > _SEEN, np.float32)


@dataclass
class CarriedGrade:
    """The graded frames of a shot, carried to any of its frames."""

    graded: GradedFrames
    """The graded frames."""
    transforms: ShotTransforms
    """The look by superpixels, with the frames of this shot that are graded."""
    analysis: AnalysisFolder
    """Where tracks and label maps are."""
    plain: PlainField = field(repr=False)
    """The plain look, base included."""
    in_doubt: dict[int, float] = field(default_factory=dict, init=False, repr=False)
    """How much of the subject's matte can be wrong on each frame that it was carried to, as a share of its area."""
    _kept: OrderedDict[int, _GradedFrame] = field(default_factory=OrderedDict, init=False, repr=False)
    _found_colours: MatteColours | None = field(default=None, init=False, repr=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def frames(self) -> Mapping[int, int]:
        """Frames of this shot that are graded, and which of the graded frames each is."""
        return self.transforms.graded

    def on(self, number: int, labels: LabelArray, guide: FloatArray) -> TransformField:
        """The field of a frame. labels: int32 (h, w). guide: float32 (h, w, 3), CIELab of its analysis picture."""
        plain = self.plain(labels, guide)
        around = graded_round(number, sorted(self.frames))
        if not around:
            return plain
        tracks = [(self._track(number, mark, guide), abs(number - mark)) for mark in around]
        graded = [self._graded(mark) for mark in around]
        out = plain
        if self.graded.layers is not None:
            if number in around:  # what was graded by hand needs no filling
                gate, certainty = _gate_of(graded[0]), np.ones(guide.shape[:2], np.float32)
            else:
                gate, certainty = self._carried_gate(tracks, graded, labels, guide)
                if self.graded.has_matte:
                    self.in_doubt[number] = share_in_doubt(gate, tracks)
            out = self._layered(plain, self.graded.layers.shaped(gate), certainty, guide)
        residual = carried_residual(tracks, [one.residual for one in graded])
        coefficients = out.coefficients.copy()
        coefficients[..., _CONSTANTS] += np.asarray(residual / np.array(LAB_SCALE), np.float32)
        return replace(out, coefficients=coefficients)

    def found_again(self, number: int) -> float | None:
        """How much of what is treated apart on the graded frames is found again on a frame, 0..1.

        None where nothing is, and 0 where no graded frame is near enough. What is treated apart is what the gate says
        or, where the grade has no layers, what differs from the look by more than 1 Lab unit.
        """
        around = graded_round(number, sorted(self.frames))
        if number in around:
            return 1.0 if self._graded(number).treated.any() else None
        if not around:
            return 0.0 if self._treats_something else None
        tracks = [read_track(self.analysis, mark, number) for mark in around]
        return share_found(tracks, [self._graded(mark).treated for mark in around])

    @cached_property
    def _treats_something(self) -> bool:
        return any(self._graded(mark).treated.any() for mark in self.frames)

    @cached_property
    def _has_window(self) -> bool:
        layers = self.graded.layers
        return layers is not None and not layers.has_matte and all(map(is_window, layers.gates))

    def _carried_gate(
        self,
        tracks: Sequence[tuple[Track, int]],
        graded: Sequence[_GradedFrame],
        labels: LabelArray,
        guide: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """The gate of a frame, of a matte with the parts that are seen through, and its certainty.

        Both are as :func:`~vfxstyle.superpixels.carrying.carried_gate` has them; a soft window moves as a whole.
        tracks: to each graded frame, and the frames between.
        """
        sources = [
            Source(track, distance, _gate_of(one), one.labels, one.lab)
            for (track, distance), one in zip(tracks, graded, strict=True)
        ]
        if self._has_window:
            return carried_window(sources, REACH)
        features, colours = self.transforms.second_layer_of(labels), self._colours()
        if colours is None:
            return carried_gate(sources, labels, guide, features, np.zeros(guide.shape[:2], np.float32))
        gate, certainty = carried_gate(sources, labels, guide, features, colours.logits(guide))
        maps = [one.through for one in graded if one.through is not None]
        return with_see_through(gate, certainty, sources, maps)

    def _track(self, number: int, mark: int, guide: FloatArray) -> Track:
        if number != mark:
            return read_track(self.analysis, mark, number)
        return Track(own_places(*guide.shape[:2]), np.ones(guide.shape[:2], np.float32))

    def _matte(self, mark: int, guide: FloatArray) -> BoolArray:
        return self.graded.matte(self.frames[mark], *guide.shape[:2])

    def _colours(self) -> MatteColours | None:
        """The colours of the matte on the graded frames; None where the gate is no matte."""
        if not self.graded.has_matte:
            return None
        with self._counting:
            if self._found_colours is None:
                plates = ((mark, read_plate(self.analysis, mark)) for mark in sorted(self.frames))
                self._found_colours = MatteColours.of((lab, self._matte(mark, lab)) for mark, lab in plates)
            return self._found_colours

    def _layered(
        self, plain: TransformField, gate: FloatArray, certainty: FloatArray, guide: FloatArray
    ) -> TransformField:
        """The two layers instead of the plain look, as far as the gate is certain."""
        assert self.graded.layers is not None
        sure = np.clip(certainty / np.float32(_ENOUGH), 0, 1)
        coefficients = (1 - sure)[..., None] * plain.coefficients
        by_place, gains = self.graded.layers.by_place, self.graded.layers.gains
        if by_place.has_place:
            coefficients += sure[..., None] * by_place.field(*gate.shape)
        if gains.any():
            mixed = sure[..., None] * (gains[0] + gate[..., None] * (gains[1] - gains[0]))
            coefficients = folded(np.concatenate([coefficients, mixed], axis=-1), guide[..., 0])
        cubes, shares = list(self.graded.layers.cubes), [sure * (1 - gate), sure * gate]
        if len(plain.cubes):
            cubes.append(plain.cubes[0])
            shares.append(1 - sure)
        return replace(
            plain,
            coefficients=coefficients,
            cubes=np.stack(cubes),
            shares=np.stack(shares, axis=-1).astype(np.float32),
        )

    def _graded(self, mark: int) -> _GradedFrame:
        with self._turn:
            if mark not in self._kept:
                self._kept[mark] = self._read(mark)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(mark)
            return self._kept[mark]

    def _read(self, mark: int) -> _GradedFrame:
        lab, labels = read_plate(self.analysis, mark), self.analysis.read_labels(mark)
        change = self.graded.resized(self.frames[mark], *lab.shape[:2])
        plain = self.plain(labels, lab)
        if self.graded.layers is None:
            residual = _without_noise(change - change_of(plain, lab), *_SMOOTHED[False])
            return _GradedFrame(labels, lab, None, residual)
        through, colours = None, self._colours()
        if colours is not None:
            gate = self._matte(mark, lab).astype(np.float32)
            through = seen_through(self.analysis, mark, sorted(self.frames), gate, colours.logits(lab))
        else:
            gate = self.graded.resized_gate(self.frames[mark], *lab.shape[:2])
        layered = self._layered(plain, self.graded.layers.shaped(gate), np.ones(gate.shape, np.float32), lab)
        residual = _without_noise(change - change_of(layered, lab), *_SMOOTHED[True])
        return _GradedFrame(labels, lab, gate, residual, through)


def _gate_of(graded: _GradedFrame) -> FloatArray:
    assert graded.gate is not None  # asked of a grade with layers
    return graded.gate


def change_of(field: TransformField, guide: FloatArray) -> FloatArray:
    """The change that a field makes to the picture it is over, in Lab units, float32 (h, w, 3)."""
    rows = field.coefficients[..., :COEFFICIENTS].reshape(*guide.shape[:2], 3, TERMS)
    out = np.einsum("hwrt,hwt->hwr", rows, basis(guide)) * np.array(LAB_SCALE, np.float32)
    for index, cube in enumerate(field.cubes):
        share = field.shares[..., index, None] if field.shares.size else np.float32(1)
        out += share * cube_change(cube, guide)
    return np.asarray(out, np.float32)


def _without_noise(residual: FloatArray, sigma: float, noise: float) -> FloatArray:
    """A residual smoothed, and shrunk where it is no larger than noise (Wiener's filter)."""
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), sigma), np.float32)
    power = cv2.GaussianBlur((smooth**2).sum(axis=-1), (0, 0), 2.0)
    kept = np.maximum(0, 1 - noise**2 / np.maximum(power, 1e-6))[..., None]
    return np.asarray(smooth * kept, np.float32)
