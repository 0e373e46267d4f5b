"""What a preset keeps of the graded frames of a shot, and whether they show two layers (docs/method.md, section 14)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.looks.graded_frames import MOST_FRAMES, MOST_WIDTH, GradedFrames
from vfxstyle.looks.layer_cubes import layers_of_points
from vfxstyle.looks.layer_fit import layers_of_gates
from vfxstyle.looks.layer_search import find_layers
from vfxstyle.looks.layers import GradeLayers, missed_by_layers
from vfxstyle.plates.picture import analysis_size, lab_of_picture, middles
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.learn import Learnt
from vfxstyle.training.pair_digests import PairDigest
from vfxstyle.training.pairs import ExemplarPair

WORTH_IT = 0.75
"""Error of two layers over that of the plain look on parts kept out, mean L2 in Lab, up to which layers are taken."""
_ODD, _ODDER = 1.2, 2.0  # Lab units, and times the median frame's, from which a frame has another grade
_TRUSTED = 1.1  # error with mattes that are given, over that with those that are found, up to which they are taken


def graded_frames_of(
    pairs: Sequence[ExemplarPair],
    digests: Sequence[PairDigest],
    learnt: Learnt,
    context: TrainingContext,
    mattes: Sequence[FloatArray] | None = None,
) -> GradedFrames:
    """The graded frames of a shot as a preset keeps them.

    digests: of the pairs. mattes: float32 (h, w), of the subject on each graded frame, where they are given.
    """
    kept = np.unique(np.linspace(0, len(pairs) - 1, min(MOST_FRAMES, len(pairs))).round().astype(int))
    labs, changes, points = [], [], []
    for index in kept:
        pictures = context.reader.pair(pairs[index])
        labs.append(lab_of_picture(_bounded(pictures.before)))
        changes.append(lab_of_picture(_bounded(pictures.after)) - labs[-1])
        points.append([_thinned(picture, labs[-1].shape[:2]) for picture in pictures.points])
    given = None if mattes is None else [_fitting(mattes[index], lab) for index, lab in zip(kept, labs, strict=True)]
    layers = _layers(labs, changes, given, learnt, context)
    if layers is not None:
        single = [(lab_of_picture(plate), lab_of_picture(graded)) for plate, graded in points]
        layers = layers_of_points(layers, labs, single, context.settings.seed)
        for text in odd_frames(layers, labs, changes, [pairs[index].name for index in kept]):
            context.clock.warn(text)
    return GradedFrames(
        numbers=tuple(int(pairs[index].name) for index in kept),
        plates=tuple(digests[index][0].rpartition(" ")[2] for index in kept),
        reading=context.reader.plate_identity(pairs[0]),
        change=np.stack(changes).astype(np.float16),
        layers=layers,
    )


def odd_frames(
    layers: GradeLayers, before: Sequence[FloatArray], change: Sequence[FloatArray], names: Sequence[str]
) -> list[str]:
    """Say which graded frames have another grade than the others, as after an edit of one alone.

    before, change: as for :func:`~vfxstyle.looks.layer_search.find_layers`. names: of the frames.
    """
    found = []
    parts = ("the rest of the frame", "what is treated apart")
    for part, missed in zip(parts, missed_by_layers(layers, before, change), strict=True):
        shown = np.flatnonzero(np.isfinite(missed[:, 0]))
        if len(shown) < 3:  # of two nobody can tell which is the odd one
            continue
        apart = np.linalg.norm(missed[shown] - np.median(missed[shown], axis=0), axis=1)
        for index in shown[apart > max(_ODD, _ODDER * float(np.median(apart)))]:
            found.append(
                f"frame {names[int(index)]}: {part} is graded otherwise than on the other graded frames; the frames "
                "round this one will be graded partly like it and partly like those"
            )
    return found


def _fitting(matte: FloatArray, lab: FloatArray) -> FloatArray:
    size = (lab.shape[1], lab.shape[0])
    return np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)


def _bounded(picture: FloatArray) -> FloatArray:
    """A picture of at most :data:`MOST_WIDTH` columns; a preset of a wider analysis would be larger than it may be."""
    rows, columns = picture.shape[:2]
    if columns <= MOST_WIDTH:
        return picture
    size = analysis_size(columns, rows, MOST_WIDTH)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _thinned(points: FloatArray, size: tuple[int, int]) -> FloatArray:
    """As many of some points as a bounded picture has pixels, float32 (rows, columns, 3). size: rows and columns."""
    return points[np.ix_(*(middles(of, count) for count, of in zip(size, points.shape[:2], strict=True)))]


def _layers(
    labs: Sequence[FloatArray],
    changes: Sequence[FloatArray],
    mattes: Sequence[FloatArray] | None,
    learnt: Learnt,
    context: TrainingContext,
) -> GradeLayers | None:
    """Two layers, where they explain the graded frames much better than the plain look does.

    The layers of the mattes that are given are taken, unless those that are found without them are nearer.
    """
    base, seed = learnt.base, context.settings.seed
    found = find_layers(labs, changes, base, seed)
    given = None if mattes is None else layers_of_gates(labs, changes, mattes, base, seed=seed)
    if given is not None and (found is None or given[1] <= _TRUSTED * found[1]):
        found = given
    if found is None:
        return None
    layers, error = found
    plain = learnt.errors.predicted
    taken = error <= WORTH_IT * plain
    feather = f"a matte of {layers.feather:g} px feather at {labs[0].shape[1]} px across"
    edge = feather if layers.feather else "a soft window"
    context.clock.note(
        f"two layers joined by {edge}, the second on {layers.share:.0%} of the frame, miss {error:.2f} where the plain "
        f"look misses {plain:.2f} (mean L2 in Lab); {'something is treated apart' if taken else 'they are not used'}"
    )
    return layers if taken else None
