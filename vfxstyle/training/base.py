"""The base of a look among training examples: found first, and taken from what superpixels learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray, IntArray
from vfxstyle.looks.base import Base, places
from vfxstyle.looks.base_fit import KINDS, MOST_PIXELS, PlacedPixels, choose_base, fitted_to_points
from vfxstyle.looks.samples import Samples
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Clock
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.pairs import ExemplarPair


def find_base(
    samples: Samples,
    place: FloatArray,
    fold_of: IntArray,
    clock: Clock,
    *,
    few_numbers_only: bool,
    fine: bool = False,
    learnt_from: BoolArray | None = None,
) -> Base:
    """The base that the samples speak for; see :func:`~vfxstyle.looks.base_fit.choose_base`.

    place: float32 (N, P, 2), of every sampled pixel. fold_of: int64 (N,). learnt_from: bool (N,), superpixels that may
    be looked at; by default all.
    """
    chosen = np.ones(len(samples.before), np.bool_) if learnt_from is None else learnt_from
    per = samples.before.shape[1]
    pixels = PlacedPixels(
        samples.before[chosen].reshape(-1, 3), samples.after[chosen].reshape(-1, 3), place[chosen].reshape(-1, 2)
    )
    folds = np.repeat(fold_of[chosen], per)
    base, errors = choose_base(pixels, folds, few_numbers_only=few_numbers_only, fine=fine)
    tried = ", ".join(f"{KINDS[name]} {error:.2f}" for name, error in errors.items())
    clock.note(
        f"over the whole frame: {base.words or KINDS['none']}, and by superpixels what that leaves (mean L2 in Lab on "
        f"parts kept out: {tried})"
    )
    return base


def base_of_points(base: Base, pairs: Sequence[ExemplarPair], context: TrainingContext) -> Base:
    """A base with its cube fitted to single pixels of pairs, rather than to pixels of their analysis pictures.

    These are means of many, and what a look makes of a mean is not the mean of what it makes.
    """
    if not base.cube.size:
        return base
    random, drawn = np.random.default_rng(context.settings.seed), []
    for pair in pairs:
        before, after = (lab_of_picture(picture) for picture in context.reader.pair(pair).points)
        place = places(*before.shape[:2]).reshape(-1, 2)
        own = np.sort(random.permutation(len(place))[: -(-2 * MOST_PIXELS // len(pairs))])
        drawn.append((before.reshape(-1, 3)[own], after.reshape(-1, 3)[own], place[own]))
    return fitted_to_points(base, PlacedPixels(*(np.concatenate(part) for part in zip(*drawn, strict=True))))


def without_base(samples: Samples, base: Base, place: FloatArray) -> Samples:
    """The samples with what the base does taken from the graded pictures."""
    return replace(samples, after=samples.after - base.change(samples.before, place))


def places_of(examples: Sequence[TrainingExample]) -> FloatArray:
    """Where each sampled pixel lies on its frame, float32 (N, P, 2), x and y, -1..1."""
    return np.concatenate([places(*example.shape).reshape(-1, 2)[example.pixels] for example in examples])
