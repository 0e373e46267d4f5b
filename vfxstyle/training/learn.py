"""Learning a look from training examples: what is held out, and how far to trust what was learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vfxstyle.arrays import BoolArray, FloatArray, IntArray
from vfxstyle.features import PCA, all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import Standardisation
from vfxstyle.looks.base import NO_BASE, Base
from vfxstyle.looks.cards import how_many_pairs
from vfxstyle.looks.fit import Epoch, FitSettings, FitTask, Fitted, fit, fit_side_by_side
from vfxstyle.looks.learning import MOST_FOLDS, Network
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.regularisation import regularised, trials
from vfxstyle.looks.samples import Errors, Samples, global_oracle, mean_error, measure, predicted_lab
from vfxstyle.progress import Clock, Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.training.base import find_base, places_of, without_base
from vfxstyle.training.cross_validation import (
    CrossValidation,
    folds_of,
    folds_of_pictures,
    holds_out,
    mean_distance,
)
from vfxstyle.training.examples import TrainingExample, samples_of
from vfxstyle.training.kept_files import KeptFiles
from vfxstyle.training.projections import fitted_or_kept
from vfxstyle.training.start import Start

MANY_PAIRS = 10
"""Pairs from which on a preset keeps global features of its pictures, and plates are stored until the run is done."""
_MIN_STEPS = 1500  # training steps that few pairs get at least, in more passes over them
_MIN_STEPS_OF_SHOT = 600  # the same of a shot, where graded frames are carried and say most of what is to be known
_GOING_ON = 3  # passes from the start, over those of a network that goes on from an earlier one


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A look as it was learnt."""

    network: Predictor
    """Predicts the transform of a feature vector."""
    standardisation: Standardisation
    """Of the feature vector."""
    base: Base
    """What the look does by colour alone or by place; the network predicts what is left."""
    projections: dict[str, PCA]
    """Of the feature blocks that are projected, by block."""
    curve: tuple[Epoch, ...]
    """Training loss and error on unseen superpixels by epoch; of the first fold, where few pairs are learnt."""
    share: float
    """How much of what differs from the best single transform is in it, 0..1."""
    noise: float
    """Noise on semantic inputs that was chosen; see :func:`~vfxstyle.looks.regularisation.regularised`."""
    dropout: float
    """Dropout that was chosen with it."""
    held_out: tuple[int, ...]
    """Indices of the examples that the network has not seen; none where few pairs are learnt."""
    folds: tuple[int, ...]
    """The fold of each example; of many pairs 1 for held out and 0 for the others; empty where folds are tiles."""
    errors: Errors
    """On superpixels that the network, or that of the fold, had not seen; the base of few pairs has seen them all."""
    unseen: Samples
    """These superpixels; ``picture`` is the index of the example that each belongs to."""
    predicted: FloatArray
    """float32 (N, P, 3), CIELab D65 predicted for their pixels."""
    committee: Mapping[int, Network]
    """By fold of few pairs, the network that has not seen it; where they disagree, the look is not known."""


def learn(
    examples: Sequence[TrainingExample],
    settings: TrainSettings,
    device: str,
    clock: Clock,
    *,
    of_shot: bool = False,
    together: Sequence[int] | None = None,
    start: Start | None = None,
    kept: KeptFiles | None = None,
) -> Learnt:
    """Learn a look: its base first (docs/method.md, section 13), and by superpixels what is left.

    of_shot: whether the pictures are frames of one shot, which the look is for. together: a number for each example;
    those of one number, such as versions of one photograph, are held out together or not at all. start: the look that
    training goes on from, with its projections; it is tested on what it has not seen, as one that is learnt anew.
    kept: files of earlier trainings, where projections are found that were fitted to the same features.

    Of many examples some are held out, see :func:`~vfxstyle.training.cross_validation.holds_out`; they choose the epoch
    and measure it. Few are learnt several times with a part kept out, which chooses how far the look departs from the
    best single transform, and then once from everything. Raises :class:`~vfxstyle.errors.PairsError` for pairs too
    small to be tested.
    """
    backbone = backbone_class(settings.backbone)
    blocks = settings.blocks or all_blocks(backbone)
    many = holds_out(len(examples), settings) if start is None else start.holds_out(settings)
    held_out = np.zeros(len(examples), np.bool_)
    if many:
        held_out = which_held_out(together or range(len(examples)), settings, start)
    if start is not None:
        projections = start.projections
    else:
        learnt_from = [example for example, out in zip(examples, held_out, strict=True) if not out]
        projections = fitted_or_kept(learnt_from, backbone, blocks, kept)
    samples, place = samples_of(examples, blocks, projections), places_of(examples)
    plan = _Plan(settings, device, clock, of_shot, start)
    if many:
        base = find_base(
            samples,
            place,
            (samples.picture % MOST_FOLDS).astype(np.int64),
            clock,
            few_numbers_only=False,
            fine=not of_shot,
            learnt_from=~held_out[samples.picture],
        )
        learnt = _from_many(without_base(samples, base, place), held_out, projections, plan)
    else:
        folds = start.folds() if start is not None else folds_of_pictures(len(examples))
        fold_of = folds_of(samples, examples, folds)
        few_numbers_only = not of_shot and len(examples) <= 2
        base = find_base(samples, place, fold_of, clock, few_numbers_only=few_numbers_only)
        left = without_base(samples, base, place)
        learnt = _from_few(left, fold_of, folds, projections, plan)
    return _on_base(learnt, base, samples, place)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the network is learnt, and from what on."""

    settings: TrainSettings
    device: str
    clock: Clock
    of_shot: bool
    start: Start | None

    @property
    def network(self) -> Network | None:
        """The network that the look's own goes on from."""
        return None if self.start is None else self.start.network


def _on_base(learnt: Learnt, base: Base, samples: Samples, place: FloatArray) -> Learnt:
    """What was learnt of samples without their base, measured on the samples with it."""
    if base.is_none:
        return learnt
    measured = np.ones(len(samples.before), np.bool_)
    if learnt.held_out:
        measured = np.isin(samples.picture, learnt.held_out)
    unseen = samples.only(measured)
    return replace(
        learnt,
        base=base,
        unseen=unseen,
        predicted=learnt.predicted + base.change(unseen.before, place[measured]),
        errors=replace(
            learnt.errors, distance=mean_distance(unseen.before, unseen.after), global_oracle=global_oracle(unseen)
        ),
    )


def which_held_out(together: Sequence[int], settings: TrainSettings, start: Start | None = None) -> BoolArray:
    """Which of many examples are held out; where training goes on, those that were before, and then some that are new.

    together, start: as for :func:`learn`; more examples of the same numbers change nothing for the others.
    """
    numbers = np.asarray(together)
    kinds = np.unique(numbers)
    count = max(1, round(len(kinds) * settings.held_out))
    chosen = kinds[np.random.default_rng(settings.seed).permutation(len(kinds))]
    if start is not None:
        unseen, before = np.array(start.unseen), np.array(start.held_out)
        may = [kind for kind in chosen if unseen[numbers == kind].all()]
        chosen = np.array(sorted(may, key=lambda kind: not before[numbers == kind].any()), numbers.dtype)
    return np.isin(numbers, chosen[:count])


def _from_many(samples: Samples, held_out: BoolArray, projections: dict[str, PCA], plan: _Plan) -> Learnt:
    """Learn from the pairs that are not held out, bool (pairs,); the others choose regularisation and epoch."""
    out, clock = held_out[samples.picture], plan.clock
    training, unseen = samples.only(~out), samples.only(out)
    fitting = _regularisation(training, unseen, plan)
    with clock.stage(Stage.TRAINING, len(fitting.judged)) as step:

        def after_epoch(epoch: Epoch) -> None:
            step()
            clock.epoch(epoch.number, epoch.error)
            clock.note(
                f"epoch {epoch.number}: loss {epoch.loss:.3f}, mean L2 in Lab on held-out pairs {epoch.error:.3f}"
            )

        fitted = fit(FitTask(training, unseen, fitting, plan.network), plan.device, after_epoch)
    clock.note(
        f"epoch {fitted.epoch} of {fitting.epochs} is kept, the latest that is as good as the best on held-out pairs"
    )
    return Learnt(
        network=fitted.network,
        standardisation=fitted.standardisation,
        base=NO_BASE,
        projections=projections,
        curve=fitted.curve,
        share=1.0,
        noise=fitting.noise,
        dropout=fitting.dropout,
        held_out=tuple(int(index) for index in np.flatnonzero(held_out)),
        folds=tuple(int(flag) for flag in held_out),
        errors=measure(fitted.network, fitted.standardisation, unseen),
        unseen=unseen,
        predicted=predicted_lab(fitted.network, fitted.standardisation, unseen),
        committee={},
    )


def _regularisation(training: Samples, unseen: Samples, plan: _Plan) -> FitSettings:
    """Choose noise and dropout by the error on held-out pairs, and say which."""
    fitting = FitSettings(epochs=plan.settings.epochs or FitSettings().epochs, seed=plan.settings.seed)
    with plan.clock.stage(Stage.REGULARISATION, sum(len(one.judged) for one in trials(fitting))) as step:
        fitting, tried = regularised(training, unseen, fitting, plan.device, lambda epoch: step())
    plan.clock.note(
        f"noise {fitting.noise} and dropout {fitting.dropout} are taken, the strongest with an error on held-out pairs "
        "within 2% of the smallest: "
        + ", ".join(f"{noise}/{dropout} {error:.3f}" for (noise, dropout), error in tried.items())
    )
    return fitting


def _from_few(
    samples: Samples, fold_of: IntArray, folds: IntArray | None, projections: dict[str, PCA], plan: _Plan
) -> Learnt:
    """Learn from every pair; cross-validation chooses how far the look departs from the best single transform.

    fold_of: of each superpixel. folds: of each pair; None where folds are tiles.
    """
    clock, tasks = plan.clock, []
    for fold in np.unique(fold_of):
        start = None if plan.start is None else plan.start.network_without(int(fold), folds)
        fitting = _fitting_of_few(len(samples.features), plan, goes_on=start is not None)
        tasks.append(FitTask(samples.only(fold_of != fold), samples.only(fold_of == fold), fitting, start))
    fitting = _fitting_of_few(len(samples.features), plan, goes_on=plan.start is not None)
    tasks.append(FitTask(samples, None, fitting, plan.network))
    with clock.stage(Stage.TRAINING, sum(len(task.settings.judged) for task in tasks)) as step:

        def after_epoch(epoch: Epoch) -> None:
            step()
            clock.epoch(epoch.number, epoch.error)

        *networks, whole = fit_side_by_side(tasks, plan.device, after_epoch)
    tested = CrossValidation(samples, fold_of, tuple(networks))
    share = _supported_share(whole, tested)
    pairs = len(np.unique(samples.picture))
    clock.note(
        f"{how_many_pairs(pairs)}, tested on parts kept out: {share:.0%} of what differs from the best "
        "single transform is kept"
    )
    network, predicted = whole.blended(share), tested.predicted(share)
    errors = measure(network, whole.standardisation, samples)
    return Learnt(
        network=network,
        standardisation=whole.standardisation,
        base=NO_BASE,
        projections=projections,
        curve=networks[0].curve,
        share=share,
        noise=fitting.noise,
        dropout=fitting.dropout,
        held_out=(),
        folds=() if folds is None else tuple(int(fold) for fold in folds),
        errors=replace(errors, predicted=mean_distance(predicted, samples.after)),
        unseen=samples,
        predicted=predicted,
        committee=tested.committee(share),
    )


def _supported_share(whole: Fitted, tested: CrossValidation) -> float:
    """Return the best share of the folds; 0 if with it the pairs are missed by more than with the single transform."""
    share = tested.best_share()
    errors = [mean_error(whole.blended(s), whole.standardisation, tested.samples) for s in (share, 0.0)]
    return 0.0 if errors[0] > errors[1] else share


def _fitting_of_few(superpixels: int, plan: _Plan, *, goes_on: bool) -> FitSettings:
    """Return how few pairs are learnt: to the last epoch, in as many passes as make enough steps."""
    steps_per_epoch = -(-superpixels // FitSettings().batch)
    steps = _MIN_STEPS_OF_SHOT if plan.of_shot else _MIN_STEPS
    passes = max(FitSettings().epochs, -(-steps // steps_per_epoch))
    if goes_on:
        passes = -(-passes // _GOING_ON)
    return FitSettings(epochs=plan.settings.epochs or passes, keep="last", seed=plan.settings.seed)
