"""How far a shot is from the pictures that a look was learnt from (docs/method.md, section 15)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vfxstyle.analysis.arrays import frames_in, open_arrays
from vfxstyle.analysis.shot_vectors import projections_of
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import DoubleArray, FloatArray
from vfxstyle.errors import ChangedError
from vfxstyle.features.vectors import GLOBAL
from vfxstyle.looks import Preset

FAR = 2.0
"""Distance from which on a look does not know a shot."""


def frames_among_pictures(analysis: AnalysisFolder, preset: Preset) -> tuple[dict[int, FloatArray], FloatArray]:
    """Chosen frames and the pictures of a look, in units of the spread of the pictures along each axis.

    Returns float32 (K,) for each frame, and float32 (N, K); both empty where the look keeps no pictures or the analysis
    no features. Only what is needed of these is read, so that a task of one frame does not wait for the rest.
    """
    nothing = dict[int, FloatArray](), np.zeros((0, 0), np.float32)
    if not preset.pictures.size or frames_in(analysis.features_file) != set(analysis.chosen):
        return nothing
    try:
        with open_arrays(analysis.features_file) as file:
            features = {number: np.asarray(file[f"{number}/global"], np.float32) for number in analysis.chosen}
    except ChangedError:  # who needs the features makes them anew
        return nothing
    spread = np.maximum(preset.pictures.std(axis=0), 1e-6)
    projection = projections_of(preset)[GLOBAL]
    return (
        {number: projection.project(own[None])[0] / spread for number, own in features.items()},
        preset.pictures / spread,
    )


def distances(frames: Mapping[int, FloatArray], pictures: FloatArray) -> dict[int, float]:
    """The distance of each frame to the nearest picture, over the median distance of a picture to its nearest other."""
    if not frames:
        return {}
    among = _gaps(pictures, pictures)
    np.fill_diagonal(among, np.inf)
    usual = float(np.median(among.min(axis=1)))
    nearest = _gaps(np.stack(list(frames.values())), pictures).min(axis=1) / max(usual, 1e-9)
    return {number: float(gap) for number, gap in zip(frames, nearest, strict=True)}


def _gaps(one: FloatArray, two: FloatArray) -> DoubleArray:
    """Distances between all rows, float64 (N, M)."""
    return np.asarray(np.linalg.norm(one[:, None].astype(np.float64) - two[None], axis=-1))
