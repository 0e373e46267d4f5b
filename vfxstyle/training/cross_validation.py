"""Testing a look against its own few pairs: each fold is predicted by a network that did not learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.errors import PairsError
from vfxstyle.looks.fit import Fitted
from vfxstyle.looks.learning import MOST_FOLDS, Network
from vfxstyle.looks.samples import Samples, predicted_lab
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample

HELD_OUT_FROM = 20
"""Pairs from which on some are held out: of fewer, the one or two that are would say too little, and be missed."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of what differs from the best single transform can be kept; the folds decide which."""
_TILES = 4  # tiles a side that one or two pictures are divided into, to be tested against themselves


def holds_out(pairs: int, settings: TrainSettings) -> bool:
    """Whether some of so many pairs are held out."""
    return pairs >= HELD_OUT_FROM and settings.held_out > 0


def folds_of_pictures(count: int) -> IntArray | None:
    """The fold of each of several pictures, int64 (count,); None for one or two, whose tiles are in folds."""
    return np.arange(count, dtype=np.int64) % MOST_FOLDS if count > 2 else None


def folds_of(samples: Samples, examples: Sequence[TrainingExample], folds: IntArray | None) -> IntArray:
    """Return the fold of each superpixel, int64 (N,): that of its picture, or by its tile where pictures have none.

    Raises :class:`~vfxstyle.errors.PairsError` if all superpixels are in one fold.
    """
    fold_of = folds[samples.picture] if folds is not None else _checkerboard(examples)
    if len(np.unique(fold_of)) < 2:
        raise PairsError(
            "A pair of so few superpixels cannot be tested against itself; take larger pictures or more superpixels."
        )
    return fold_of


def _checkerboard(examples: Sequence[TrainingExample]) -> IntArray:
    """Return fold 0 or 1 of each superpixel, by the tile of its picture that its first sampled pixel is in."""
    folds = []
    for example in examples:
        y, x = np.divmod(example.pixels[:, 0], example.shape[1])
        row, column = y * _TILES // example.shape[0], x * _TILES // example.shape[1]
        folds.append((row + column) % 2)
    return np.concatenate(folds).astype(np.int64)


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Networks that learnt all folds but one, each tested on the fold that it did not learn from."""

    samples: Samples
    """Superpixels of all pairs, N of them with P sampled pixels each."""
    fold_of: IntArray
    """int64 (N,), the fold of each superpixel."""
    networks: tuple[Fitted, ...]
    """One for each fold, in ascending order of the folds."""

    def predicted(self, share: float) -> FloatArray:
        """Return the colours predicted with ``share`` of the local change, float32 (N, P, 3), CIELab D65."""
        colours = np.empty_like(self.samples.after)
        for fold, fitted in zip(np.unique(self.fold_of), self.networks, strict=True):
            own = self.fold_of == fold
            network = fitted.blended(share)
            colours[own] = predicted_lab(network, fitted.standardisation, self.samples.only(own))
        return colours

    def best_share(self) -> float:
        """Return the one of :data:`SHARES` whose predictions are closest to the graded pictures."""
        return min(SHARES, key=lambda share: mean_distance(self.predicted(share), self.samples.after))

    def committee(self, share: float) -> dict[int, Network]:
        """Return the network of each fold with ``share`` of the local change; where they disagree, nobody knows."""
        return {
            int(fold): (fitted.blended(share).numbers(), fitted.standardisation)
            for fold, fitted in zip(np.unique(self.fold_of), self.networks, strict=True)
        }


def mean_distance(predicted: FloatArray, after: FloatArray) -> float:
    """Return the mean L2 distance of colours, in Lab units. predicted, after: float32 (..., 3), CIELab D65."""
    return float(np.linalg.norm(predicted - after, axis=-1).mean())
