"""The subject of a shot, where a matte says what it is: learnt as much as the rest, however small."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.errors import PairsError
from vfxstyle.shots.mattes import open_matte, with_mattes
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.examples import PlateSuperpixels, TrainingExample
from vfxstyle.training.learn import Learnt
from vfxstyle.training.pairs import ExemplarPair

_INSIDE = 0.5  # matte from which on a superpixel lies inside


@dataclass(frozen=True, slots=True)
class SubjectError:
    """How well the subject and the rest were learnt, mean L2 in Lab."""

    subject: float
    """Inside the matte."""
    rest: float
    """Outside."""


def subject_mattes(
    pairs: Sequence[ExemplarPair], examples: Sequence[TrainingExample], context: TrainingContext
) -> list[FloatArray] | None:
    """The matte of each graded frame, float32 (h, w), 0..1, at analysis size; None where none is given.

    Raises what :func:`~vfxstyle.shots.mattes.open_matte` raises, and :class:`~vfxstyle.errors.PairsError` for mattes
    that show nothing.
    """
    named = context.settings.matte
    if named is None:
        return None
    plate = context.reader.shot(pairs[0].before.shot)
    mattes = []
    with closing(open_matte(named, plate)) as matte:
        for pair, example in zip(pairs, examples, strict=True):
            assert pair.before.frame is not None  # pairs of a shot have one
            (own,) = with_mattes(plate.read(pair.before.frame), (matte,)).on_display().mattes
            size = (example.shape[1], example.shape[0])
            mattes.append(np.asarray(cv2.resize(own, size, interpolation=cv2.INTER_AREA), np.float32))
    if not any((matte > _INSIDE).any() for matte in mattes):
        raise PairsError(f"Matte {named} is empty on every graded frame; name the one of the subject.")
    return mattes


def check_mattes(pairs: Sequence[ExemplarPair], context: TrainingContext) -> None:
    """Check, before the work, that there is a matte of every graded frame; raises what :func:`open_matte` does."""
    named = context.settings.matte
    if named is None:
        return
    plate = context.reader.shot(pairs[0].before.shot)
    with closing(open_matte(named, plate)) as matte:
        for pair in pairs:
            assert pair.before.frame is not None  # pairs of a shot have one
            matte.check_frame(pair.before.frame)


def lie_inside(example: PlateSuperpixels, matte: FloatArray | BoolArray) -> BoolArray:
    """Which superpixels lie inside a matte with most of their pixels, bool (N,). matte: (h, w), 0..1."""
    inside: BoolArray = matte.reshape(-1)[example.pixels].mean(axis=1) > _INSIDE
    return inside


def balanced(example: TrainingExample, inside: BoolArray, share: float = 0.5) -> TrainingExample:
    """The example with the superpixels of the subject repeated until they are a share of all.

    inside: bool (N,), which they are; see :func:`lie_inside`. share: above 0, below 1.
    """
    some, others = np.flatnonzero(inside), np.flatnonzero(~inside)
    wanted = number_of_share(share, len(others))
    if not len(some) or len(some) >= wanted:
        return example
    return example.at(np.sort(np.concatenate([others, some[np.arange(wanted) % len(some)]])))


def number_of_share(share: float, others: int) -> int:
    """How many superpixels are a share of all, beside so many others. share: above 0, below 1."""
    return round(others * share / (1 - share))


def subject_error(
    learnt: Learnt, examples: Sequence[TrainingExample], mattes: Sequence[FloatArray]
) -> SubjectError | None:
    """The error of the subject and of the rest, on what was kept out; None where one of them was not seen."""
    seen = learnt.held_out or range(len(examples))
    inside = np.concatenate([lie_inside(examples[index], mattes[index]) for index in seen])
    missed = np.linalg.norm(learnt.predicted - learnt.unseen.after, axis=-1)
    if not inside.any() or inside.all():
        return None
    return SubjectError(float(missed[inside].mean()), float(missed[~inside].mean()))
