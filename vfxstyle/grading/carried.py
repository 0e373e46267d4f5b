"""What graded frames say about the other frames of their shot, put on the look (docs/method.md, section 14)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.tracks import graded_round, read_plate, read_track
from vfxstyle.arrays import BoolArray, FloatArray, LabelArray
from vfxstyle.looks import TransformField, basis
from vfxstyle.looks.base import cube_change
from vfxstyle.looks.detail import folded
from vfxstyle.looks.graded_frames import GradedFrames
from vfxstyle.looks.matte_colours import MatteColours
from vfxstyle.looks.transform import COEFFICIENTS, LAB_SCALE, TERMS
from vfxstyle.superpixels.carrying import Source, carried_gate, carried_residual, share_found
from vfxstyle.superpixels.tracks import Track, own_places

PlainField = Callable[[LabelArray, FloatArray], TransformField]
"""The field of the plain look on a frame, of its label map and its CIELab picture."""
_ENOUGH = 0.2  # certainty of a gate from which the layers alone are used
_SMOOTHED = {False: (1.0, 0.5), True: (3.0, 1.5)}  # sigma in px and noise in Lab of residuals, without and with layers
_SEEN = 1.0  # Lab units of a residual that can be seen
_KEPT = 4  # residuals in memory: frames come in order, and each asks for two
_CONSTANTS = [row * TERMS + TERMS - 1 for row in range(3)]


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
    _residuals: OrderedDict[int, FloatArray] = field(default_factory=OrderedDict, init=False, repr=False)
    _kept_treated: dict[int, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _found_colours: MatteColours | None = field(default=None, init=False, repr=False)
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
        out = plain
        if self.graded.layers is not None:
            gate, certainty = self._gate_on(number, tracks, labels, guide)
            out = self._layered(plain, self.graded.layers.shaped(gate), certainty, guide)
        residual = carried_residual(tracks, [self._residual(mark) for mark in around])
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
            return 1.0 if self._treated(number).any() else None
        if not around:
            return 0.0 if any(self._treated(mark).any() for mark in self.frames) else None
        return share_found(
            [read_track(self.analysis, mark, number) for mark in around], [self._treated(mark) for mark in around]
        )

    def _treated(self, mark: int) -> FloatArray:
        """How far the pixels of a graded frame are treated apart, float32 (h, w), 0..1."""
        if mark not in self._kept_treated:
            if self.graded.layers is not None:
                found = self._gate(mark, read_plate(self.analysis, mark))
            else:
                found = np.asarray(np.linalg.norm(self._residual(mark), axis=-1) > _SEEN, np.float32)
            self._kept_treated[mark] = found
        return self._kept_treated[mark]

    def _gate_on(
        self, number: int, tracks: Sequence[tuple[Track, int]], labels: LabelArray, guide: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The gate of a frame, and its certainty, as :func:`~vfxstyle.superpixels.carrying.carried_gate` has them."""
        around = graded_round(number, sorted(self.frames))
        if number in around:  # what was graded by hand needs no filling
            return self._gate(number, guide), np.ones(guide.shape[:2], np.float32)
        sources = [
            Source(
                track,
                distance,
                self._gate(mark, guide),
                self.analysis.read_labels(mark),
                read_plate(self.analysis, mark),
            )
            for (track, distance), mark in zip(tracks, around, strict=True)
        ]
        features, colours = self.transforms.second_layer_of(labels), self._colours()
        return carried_gate(sources, labels, guide, features, None if colours is None else colours.logits(guide))

    def _track(self, number: int, mark: int, guide: FloatArray) -> Track:
        if number != mark:
            return read_track(self.analysis, mark, number)
        return Track(own_places(*guide.shape[:2]), np.ones(guide.shape[:2], np.float32))

    def _gate(self, mark: int, guide: FloatArray) -> FloatArray:
        """What is carried of a graded frame's gate: the hard matte where it is a feathered one."""
        if self.graded.has_matte:
            return self._matte(mark, guide).astype(np.float32)
        return self.graded.resized_gate(self.frames[mark], *guide.shape[:2])

    def _matte(self, mark: int, guide: FloatArray) -> BoolArray:
        return self.graded.matte(self.frames[mark], *guide.shape[:2])

    def _colours(self) -> MatteColours | None:
        """The colours of the matte on the graded frames; None where the gate is no matte."""
        if not self.graded.has_matte:
            return None
        with self._turn:
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

    def _residual(self, mark: int) -> FloatArray:
        """What the look, or its layers, miss on a graded frame, float32 (h, w, 3), without noise."""
        with self._turn:
            if mark not in self._residuals:
                self._residuals[mark] = self._found_residual(mark)
                if len(self._residuals) > _KEPT:
                    self._residuals.popitem(last=False)
            return self._residuals[mark]

    def _found_residual(self, mark: int) -> FloatArray:
        guide, labels = read_plate(self.analysis, mark), self.analysis.read_labels(mark)
        change = self.graded.resized(self.frames[mark], *guide.shape[:2])
        plain = self.plain(labels, guide)
        if self.graded.layers is None:
            return _without_noise(change - change_of(plain, guide), *_SMOOTHED[False])
        gate = self.graded.layers.shaped(self._gate(mark, guide))
        layered = self._layered(plain, gate, np.ones(gate.shape, np.float32), guide)
        return _without_noise(change - change_of(layered, guide), *_SMOOTHED[True])


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
