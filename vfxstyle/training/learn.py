"""Learning a look from examples: what is held out, how far to trust what was learnt, and what was not learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vfxstyle.arrays import BoolArray, FloatArray, IntArray
from vfxstyle.errors import PairsError
from vfxstyle.features import PCA, all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import Standardisation
from vfxstyle.looks.fit import Epoch, FitSettings, Fitted, fit, regularised
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Errors, Samples, measure, predicted_lab
from vfxstyle.progress import Clock, Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample, fit_projections, samples_of

MANY_PAIRS = 10
"""From so many pairs on some are kept from training; fewer are all needed and are tested against each other."""
MOST_FOLDS = 4
"""Times that few pairs are learnt with a part of them kept out."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of what differs from the best single transform is kept; few pairs decide which."""
_TILES = 4  # tiles a side that one or two pictures are cut into to be tested against themselves
_FEW_STEPS = 1500  # training steps that few pairs get at least, in more passes over them


@dataclass(frozen=True, slots=True)
class Learnt:
    """A look as it was learnt."""

    network: Predictor
    """Feature vector to transform."""
    standardisation: Standardisation
    """Of the feature vector."""
    projections: dict[str, PCA]
    """Of the feature blocks that are projected."""
    curve: tuple[Epoch, ...]
    """Training loss and error on unseen superpixels by epoch; of the first fold, where few pairs are learnt."""
    share: float
    """How much of what differs from the best single transform is in it, 0..1."""
    noise: float
    """Noise on semantic inputs that was taken; see :func:`~vfxstyle.looks.regularised`."""
    dropout: float
    """Dropout that was taken with it."""
    held_out: tuple[int, ...]
    """Training examples that the network has not seen; none where few pairs are learnt."""
    errors: Errors
    """On superpixels that the network, or that of the fold, had not seen."""
    unseen: Samples
    """These superpixels; ``picture`` says of which example each is."""
    answers: FloatArray
    """float32 (N, P, 3), CIELab predicted for their pixels."""
    committee: tuple[tuple[Predictor, Standardisation], ...]
    """Networks that learnt different parts of few pairs; where they disagree, the look is not known."""


def learn(examples: Sequence[TrainingExample], settings: TrainSettings, device: torch.device, clock: Clock) -> Learnt:
    """Learn a look.

    With :data:`MANY_PAIRS` examples or more some are held out: they choose the epoch and measure it. Fewer examples are
    learnt several times with a part kept out, which chooses how far the look departs from the best single transform,
    and then once from everything.
    """
    backbone = backbone_class(settings.backbone)
    blocks = settings.blocks or all_blocks(backbone)
    many = len(examples) >= MANY_PAIRS and settings.held_out > 0
    out = _held_out(len(examples), settings) if many else np.zeros(len(examples), np.bool_)
    projections = fit_projections(
        [example for example, kept in zip(examples, ~out, strict=True) if kept], backbone, blocks
    )
    samples = samples_of(examples, blocks, projections)
    if many:
        return _from_many(samples, out, projections, settings, device, clock)
    return _from_few(samples, examples, projections, settings, device, clock)


def _held_out(pairs: int, settings: TrainSettings) -> BoolArray:
    chosen = np.zeros(pairs, np.bool_)
    chosen[np.random.default_rng(settings.seed).permutation(pairs)[: max(1, round(pairs * settings.held_out))]] = True
    return chosen


def _from_many(
    samples: Samples,
    out: BoolArray,
    projections: dict[str, PCA],
    settings: TrainSettings,
    device: torch.device,
    clock: Clock,
) -> Learnt:
    held = out[samples.picture]
    learnt, unseen = samples.only(~held), samples.only(held)
    requested = FitSettings(epochs=settings.epochs or FitSettings().epochs, seed=settings.seed)
    with clock.stage(Stage.REGULARISATION, 1) as step:
        requested, tried = regularised(learnt, unseen, requested, device)
        step()
    clock.note(
        f"noise {requested.noise} and dropout {requested.dropout} are taken, by the error on held-out pairs, of "
        + ", ".join(f"{noise}/{dropout} ({error:.3f})" for (noise, dropout), error in tried.items())
    )
    with clock.stage(Stage.TRAINING, len(requested.judged)) as step:

        def after_epoch(epoch: Epoch) -> None:
            step()
            clock.note(
                f"epoch {epoch.number}: loss {epoch.loss:.3f}, mean L2 in Lab on held-out pairs {epoch.error:.3f}"
            )

        fitted = fit(learnt, unseen, requested, device, after_epoch)
    return Learnt(
        network=fitted.network,
        standardisation=fitted.standardisation,
        projections=projections,
        curve=fitted.curve,
        share=1.0,
        noise=requested.noise,
        dropout=requested.dropout,
        held_out=tuple(int(index) for index in np.flatnonzero(out)),
        errors=measure(fitted.network, fitted.standardisation, unseen, device),
        unseen=unseen,
        answers=predicted_lab(fitted.network, fitted.standardisation, unseen, device),
        committee=(),
    )


def _from_few(
    samples: Samples,
    examples: Sequence[TrainingExample],
    projections: dict[str, PCA],
    settings: TrainSettings,
    device: torch.device,
    clock: Clock,
) -> Learnt:
    fold_of = _folds(samples, examples)
    folds = np.unique(fold_of)
    if len(folds) < 2:
        raise PairsError(
            "A pair of so few superpixels cannot be tested against itself; take larger pictures or more superpixels."
        )
    batches = -(-len(samples.features) // FitSettings().batch)
    epochs = settings.epochs or max(FitSettings().epochs, -(-_FEW_STEPS // batches))
    requested = FitSettings(epochs=epochs, keep="last", seed=settings.seed)
    rounds: list[Fitted] = []
    with clock.stage(Stage.TRAINING, len(requested.judged) * (len(folds) + 1)) as step:

        def after_epoch(epoch: Epoch) -> None:
            step()

        for fold in folds:
            learnt, unseen = samples.only(fold_of != fold), samples.only(fold_of == fold)
            rounds.append(fit(learnt, unseen, requested, device, after_epoch))
        share, answers = _best_share(rounds, samples, fold_of, device)
        whole = fit(samples, None, requested, device, after_epoch)
    network = whole.blended(share)
    if measure(network, whole.standardisation, samples, device).predicted > whole.curve[0].error:
        share, network = 0.0, whole.blended(0.0)
        answers = _answers(rounds, samples, fold_of, 0.0, device)
    clock.note(
        f"{len(examples)} pairs, tested on parts kept out: {share:.0%} of what differs from the best single transform "
        "is kept"
    )
    errors = measure(network, whole.standardisation, samples, device)
    predicted = float(np.linalg.norm(answers - samples.after, axis=-1).mean())
    return Learnt(
        network=network,
        standardisation=whole.standardisation,
        projections=projections,
        curve=rounds[0].curve,
        share=share,
        noise=requested.noise,
        dropout=requested.dropout,
        held_out=(),
        errors=Errors(errors.distance, errors.global_oracle, predicted),
        unseen=samples,
        answers=answers,
        committee=tuple((fitted.blended(share), fitted.standardisation) for fitted in rounds),
    )


def _folds(samples: Samples, examples: Sequence[TrainingExample]) -> IntArray:
    """Which part of few pairs each superpixel is tested with: its pair, or, of one or two pairs, its tile."""
    if len(examples) > 2:
        return samples.picture.astype(np.int64) % MOST_FOLDS
    tiles = []
    for example in examples:
        y, x = np.divmod(example.pixels[:, 0], example.shape[1])
        row, column = y * _TILES // example.shape[0], x * _TILES // example.shape[1]
        tiles.append((row + column) % 2)
    return np.concatenate(tiles).astype(np.int64)


def _answers(
    rounds: Sequence[Fitted], samples: Samples, fold_of: IntArray, share: float, device: torch.device
) -> FloatArray:
    """What each fold's network says of the superpixels that were kept from it."""
    answers = np.empty_like(samples.after)
    for fold, fitted in zip(np.unique(fold_of), rounds, strict=True):
        kept = fold_of == fold
        answers[kept] = predicted_lab(fitted.blended(share), fitted.standardisation, samples.only(kept), device)
    return answers


def _best_share(
    rounds: Sequence[Fitted], samples: Samples, fold_of: IntArray, device: torch.device
) -> tuple[float, FloatArray]:
    tried = {share: _answers(rounds, samples, fold_of, share, device) for share in SHARES}
    errors = {share: float(np.linalg.norm(tried[share] - samples.after, axis=-1).mean()) for share in SHARES}
    best = min(SHARES, key=lambda share: errors[share])
    return best, tried[best]
