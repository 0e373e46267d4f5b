"""Feature vectors of a shot's superpixels, as a look takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import BoolArray, DoubleArray, FloatArray, LabelArray
from vfxstyle.errors import PresetError
from vfxstyle.features import PCA, assemble
from vfxstyle.looks import Preset

_MOST_KEPT = 2**28
"""Bytes of vectors that are kept in memory; those of a longer shot are read each time that they are asked for."""


class _OfFrame(NamedTuple):
    """The superpixels of a chosen frame."""

    labels: LabelArray
    """int32 (M,), ascending."""
    areas: LabelArray
    """int32 (M,), pixels of each."""
    vectors: FloatArray
    """float32 (M, D)."""


def projections_of(preset: Preset) -> dict[str, PCA]:
    """The projections of a preset by the feature block that each is for."""
    return {block: PCA(mean, components) for block, (mean, components) in preset.projections.items()}


class ShotVectors:
    """The feature vectors of a shot's superpixels, on each of its chosen frames."""

    def __init__(self, analysis: AnalysisFolder, preset: Preset, *, keep: bool = False) -> None:
        """keep: whether they are asked for more than once, so that they are kept in memory if there is room."""
        self.analysis, self.preset = analysis, preset
        self._room = _MOST_KEPT if keep else 0
        self._kept: list[_OfFrame] = []
        self._all_kept = False

    def mean(
        self, values_of: Callable[[FloatArray], FloatArray | DoubleArray], chosen: BoolArray | None = None
    ) -> DoubleArray:
        """Values of the vectors of superpixels, averaged by area over the frames that show them, float64 (N, V).

        values_of: of vectors, float32 (M, D), gives values, (M, V). chosen: bool, one for each superpixel of the shot,
        which N are asked for; None for all. Raises
        :class:`~vfxstyle.errors.PresetError` if the preset expects other features.
        """
        superpixels = self.analysis.read_superpixels()
        sources = superpixels.sources if chosen is None else superpixels.sources[chosen]
        needed = np.unique(sources)
        total: DoubleArray | None = None
        weight = np.zeros(len(needed))
        for labels, areas, vectors in self._frames():
            own = np.isin(labels, needed)
            values = np.asarray(values_of(vectors[own]), np.float64)
            rows = np.searchsorted(needed, labels[own])
            if total is None:
                total = np.zeros((len(needed), values.shape[1]))
            total[rows] += areas[own, None] * values
            weight[rows] += areas[own]
        assert total is not None  # a segmented shot has a chosen frame
        places = np.searchsorted(needed, sources)
        return np.asarray(total[places] / weight[places, None])

    def _frames(self) -> Iterator[_OfFrame]:
        """The chosen frames one after the other; after the first time from memory, if all are kept."""
        if self._all_kept:
            yield from self._kept
            return
        self._kept, room = [], self._room
        for frame in self._read():
            room -= frame.vectors.nbytes
            if room < 0:
                self._kept, self._room = [], 0  # next time, nothing is tried
            else:
                self._kept.append(frame)
            yield frame
        self._all_kept = room >= 0

    def _read(self) -> Iterator[_OfFrame]:
        preset, projections = self.preset, projections_of(self.preset)
        for shown in self.analysis.read_features():
            try:
                vectors = assemble(preset.info.blocks, raw=shown.raw, projections=projections)
            except (KeyError, ValueError) as error:
                raise _unfit(preset) from error
            if vectors.shape[1] != preset.inputs:
                raise _unfit(preset)
            yield _OfFrame(shown.labels, shown.areas, vectors)


def _unfit(preset: Preset) -> PresetError:
    return PresetError(
        f"Preset '{preset.info.name}' does not fit the features of its backbone {preset.info.backbone}; "
        "train it again with this version."
    )
