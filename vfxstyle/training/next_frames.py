"""Which frames of a shot to grade next: those on which networks that learnt from different frames disagree.

Source of the idea: Seung, Opper and Sompolinsky, Query by Committee (COLT 1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from vfxstyle.analysis.shot_vectors import projections_of
from vfxstyle.features import assemble
from vfxstyle.looks import Preset, transform_lab
from vfxstyle.looks.learning import Network
from vfxstyle.looks.network import predict
from vfxstyle.looks.transform import COEFFICIENTS
from vfxstyle.progress import Stage
from vfxstyle.shots import Shot
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.kept_stills import KeptStills
from vfxstyle.training.pairs import ExemplarPair, PictureRef
from vfxstyle.training.stills import StillFeatures

CANDIDATES = 8
"""Frames of the shot that are compared, evenly spread."""
MAX_NAMED = 3
"""Frames that are named at most."""
_MIN_DISTANCE = 0.08  # of the shot's length, between any two frames that are named or graded

Committee = Mapping[int, Network]
"""Networks that learnt from different parts of the pairs, by the fold that each has not seen."""


def frames_to_grade(
    path: Path, pairs: Sequence[ExemplarPair], preset: Preset, committee: Committee, context: TrainingContext
) -> tuple[int, ...]:
    """Return up to :data:`MAX_NAMED` frames of a shot, the one on which the committee disagrees most first.

    pairs: graded frames of the shot; their names are frame numbers. Empty where there is no committee.
    """
    shot = context.reader.shot(path)
    graded = {int(pair.name) for pair in pairs}
    candidates = _candidates(shot, graded)
    if len(committee) < 2 or not candidates:
        return ()
    disagreement: dict[int, float] = {}
    stills = KeptStills(preset.info, context.backbone.device, lambda: context.backbone, pairs=len(pairs))
    with context.clock.stage(Stage.FRAMES, len(candidates)) as step:
        for number in candidates:
            picture = context.reader.read(PictureRef(path, number)).pixels
            still = stills.features(picture, context.settings.superpixels)
            disagreement[number] = _disagreement(still, preset, committee)
            step()
    length = shot.frames[-1] - shot.frames[0]
    return _most_disputed(disagreement, graded, _MIN_DISTANCE * length)


def _candidates(shot: Shot, graded: Set[int]) -> list[int]:
    """Return evenly spread frames of a shot, without the graded ones."""
    places = np.unique(np.linspace(0, len(shot.frames) - 1, CANDIDATES).round().astype(int))
    return [shot.frames[place] for place in places if shot.frames[place] not in graded]


def _most_disputed(disagreement: Mapping[int, float], graded: Set[int], distance: float) -> tuple[int, ...]:
    """Return the frames with most disagreement that are ``distance`` frames apart from each other and the graded."""
    named: list[int] = []
    for number in sorted(disagreement, key=lambda number: -disagreement[number]):
        if len(named) < MAX_NAMED and all(abs(number - other) >= distance for other in (*named, *graded)):
            named.append(number)
    return tuple(named)


def _disagreement(still: StillFeatures, preset: Preset, committee: Committee) -> float:
    """Return the standard deviation of the committee's colours, in Lab units, averaged over the picture's pixels."""
    vectors = assemble(preset.info.blocks, raw=still.raw, projections=projections_of(preset))
    colours = []
    for layers, standardisation in committee.values():
        outputs = predict(layers, standardisation, vectors)
        colours.append(transform_lab(still.table.colours, outputs[:, :COEFFICIENTS]))
    areas = np.bincount(still.rows.reshape(-1))
    return float(np.average(np.linalg.norm(np.stack(colours).std(axis=0), axis=-1), weights=areas))
