"""Which frames of a shot to grade next: those on which networks that learnt from different frames disagree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vfxstyle.analysis.predict import projections_of
from vfxstyle.arrays import FloatArray
from vfxstyle.features import assemble
from vfxstyle.features.backbones import Backbone
from vfxstyle.looks import Preset, Standardisation, transform_lab
from vfxstyle.looks.predictor import Predictor, predict
from vfxstyle.looks.transform import COEFFICIENTS
from vfxstyle.progress import Clock, Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.shots import Shot
from vfxstyle.training.pairs import ExemplarPair, PictureReader, PictureRef
from vfxstyle.training.stills import features_of_still

LOOKED_AT = 8
"""Frames of the shot that are looked at, evenly spread."""
NAMED = 3
"""Frames that are named."""
_APART = 0.08  # of the shot's length, that named and graded frames are apart at least


def frames_to_grade(
    shot: Shot,
    path: Path,
    pairs: Sequence[ExemplarPair],
    preset: Preset,
    committee: Sequence[tuple[Predictor, Standardisation]],
    reader: PictureReader,
    backbone: Backbone,
    settings: TrainSettings,
    clock: Clock,
) -> tuple[int, ...]:
    """Up to :data:`NAMED` frames, the one on which the committee disagrees most first."""
    graded = {int(pair.name) for pair in pairs}
    places = np.unique(np.linspace(0, len(shot.frames) - 1, LOOKED_AT).round().astype(int))
    candidates = [shot.frames[i] for i in places if shot.frames[i] not in graded]
    if len(committee) < 2 or not candidates:
        return ()
    doubt: dict[int, float] = {}
    with clock.stage(Stage.FRAMES, len(candidates)) as step:
        for number in candidates:
            picture, _, _ = reader.read(PictureRef(path, number))
            doubt[number] = _doubt(picture, preset, committee, backbone, settings)
            step()
    apart = _APART * (shot.frames[-1] - shot.frames[0])
    named: list[int] = []
    for number in sorted(doubt, key=lambda number: -doubt[number]):
        if len(named) < NAMED and all(abs(number - other) >= apart for other in (*named, *graded)):
            named.append(number)
    return tuple(named)


def _doubt(
    picture: FloatArray,
    preset: Preset,
    committee: Sequence[tuple[Predictor, Standardisation]],
    backbone: Backbone,
    settings: TrainSettings,
) -> float:
    """Mean disagreement, Lab units, over a picture."""
    still = features_of_still(picture, backbone, settings.superpixels)
    vectors = assemble(preset.info.blocks, raw=still.raw, projections=projections_of(preset))
    answers = np.stack(
        [
            transform_lab(
                still.table.colours,
                predict(network, standardisation, vectors, backbone.device)[:, :COEFFICIENTS],
            )
            for network, standardisation in committee
        ]
    )
    areas = np.bincount(still.rows.reshape(-1))
    return float(np.average(np.linalg.norm(answers.std(axis=0), axis=-1), weights=areas))
