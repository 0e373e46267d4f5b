"""Train a preset: find, read and check the pairs, extract examples, learn, save, report."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Unpack

import numpy as np

from vfxstyle.errors import InputError, OutputError, UsageError
from vfxstyle.features import check_torch, pick_device
from vfxstyle.features.registry import load_backbone, weights_digest
from vfxstyle.looks import Preset, save_preset
from vfxstyle.looks.fit import Epoch
from vfxstyle.looks.library import load_preset
from vfxstyle.looks.samples import Errors
from vfxstyle.progress import Clock, Progress, Silent, Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.settings.keywords import TrainOptions
from vfxstyle.settings.table import check_known
from vfxstyle.training.base import base_of_points
from vfxstyle.training.context import TrainingContext
from vfxstyle.training.errors import ColourError, PairError, error_of_pair, errors_by_colour
from vfxstyle.training.examples import PlateSuperpixels, TrainingExample, superpixels_of, superpixels_per_segmentation
from vfxstyle.training.graded_frames import graded_frames_of
from vfxstyle.training.kept_files import MOST_KEPT, kept_folder
from vfxstyle.training.learn import MANY_PAIRS, Learnt, learn
from vfxstyle.training.next_frames import frames_to_grade
from vfxstyle.training.pair_checks import check_pairs, facts_of
from vfxstyle.training.pair_digests import PairDigest, digests_of, grades_of, plates_of
from vfxstyle.training.pairs import (
    ExemplarPair,
    PictureReader,
    find_graded_frames,
    find_pairs,
)
from vfxstyle.training.plate_folder import PlateFolder
from vfxstyle.training.preset_file import check_name, named, preset_file
from vfxstyle.training.presets import kept_learning, preset_card, preset_of
from vfxstyle.training.start import Start, check_blocks, check_start
from vfxstyle.training.subject import SubjectError, balanced, check_mattes, lie_inside, subject_error, subject_mattes


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a training run made and measured."""

    path: Path
    """The preset file."""
    preset: Preset
    """The preset."""
    settings: TrainSettings
    """How it was trained."""
    pairs: tuple[ExemplarPair, ...]
    """Exemplar pairs used, held-out ones included."""
    held_out: tuple[ExemplarPair, ...]
    """Pairs that the weights were not fitted to; they chose the epoch and measure it."""
    share: float
    """How far the look departs from the best single transform, 0..1; below 1 where few pairs did not support more."""
    errors: Errors
    """Mean L2 distances in Lab, on held-out pairs, or on the parts of few pairs that were kept out in turn."""
    by_colour: tuple[ColourError, ...]
    """The same by the plate's colour, the worst first."""
    by_pair: Mapping[str, PairError]
    """The same by pair, with the region that is worst, for the pairs that were measured, the worst first."""
    curve: tuple[Epoch, ...]
    """Training loss and error by epoch."""
    notes: tuple[str, ...] = ()
    """What the checks of the pairs point out."""
    next_frames: tuple[int, ...] = ()
    """Frames of the shot whose grading would help most, the most useful first; empty without a shot."""
    subject: SubjectError | None = None
    """The same inside and outside the matte of the subject, where one was given."""
    seconds: Mapping[Stage, float] = field(default_factory=dict)
    """Wall seconds of each stage."""


def train(
    pairs: str | Path | None,
    name: str | None = None,
    *,
    shot: str | Path | None = None,
    graded: str | Path | None = None,
    output: str | Path | None = None,
    start: str | Path | None = None,
    progress: Progress | None = None,
    **options: Unpack[TrainOptions],
) -> TrainReport:
    """Learn a look from before/after pairs and write it as a preset.

    pairs: a folder with ``before/`` and ``after/``; or None, and ``shot`` with ``graded``, a folder of graded frames of
    it. name: what the look is called. output: the preset file; by default NAME.safetensors in the user's preset folder.
    start: a preset that training goes on from, after an edit or with pairs added; its name and its file are then the
    defaults. options: the fields of :class:`~vfxstyle.settings.TrainSettings`.
    A run that was stopped goes on where it was when it is started again. Raises :class:`~vfxstyle.errors.UsageError`
    for a name, file or option that cannot be used, :class:`~vfxstyle.errors.PairsError` for unusable pairs, and
    :class:`~vfxstyle.errors.OutputError` where the preset cannot be written.
    """
    check_known(options, TrainOptions)
    check_torch("Training")
    settings, clock = TrainSettings(**options), Clock(progress or Silent())
    name, output = named(name, output, start)
    check_name(name)
    if settings.matte is not None and shot is None:
        raise UsageError("--matte is of the frames of a shot; leave it out for pairs of pictures.")
    if settings.any_light and shot is not None:
        raise UsageError("--any-light is for pairs of pictures; a look of one shot is for the light of that shot.")
    exemplars = _exemplar_pairs(pairs, shot, graded, settings.max_pixels)
    target = preset_file(name, output, clock)
    earlier = None if start is None else load_preset(start)
    weights = weights_digest(settings.backbone, settings.weights)
    if earlier is not None:
        check_start(earlier, settings, weights)
        settings = replace(settings, blocks=earlier.info.blocks)  # of an earlier version perhaps, which had fewer
    check_blocks(settings)
    backbone = load_backbone(settings.backbone, pick_device(settings.device), settings.weights)
    with PictureReader(settings) as reader:
        context = TrainingContext(settings=settings, backbone=backbone, reader=reader, clock=clock)
        check_mattes(exemplars, context)
        notes = check_all_pairs(exemplars, context)
        digests = digests_of(exemplars, reader)
        plates = plates_of(digests)
        begun = None if earlier is None else Start.of(earlier, plates, settings, grades_of(digests))
        if begun is not None:
            clock.note(begun.words)
        stored = _plate_folder(target, len(exemplars), weights, context)
        examples = examples_of(exemplars, digests, context, stored)
        mattes = subject_mattes(exemplars, examples, context)
        if mattes is not None:
            examples = [
                balanced(example, lie_inside(example, matte)) for example, matte in zip(examples, mattes, strict=True)
            ]
        kept = stored.files if stored is not None and stored.is_kept else None
        learnt = learn(examples, settings, backbone.device, clock, of_shot=shot is not None, start=begun, kept=kept)
        if len(exemplars) < MANY_PAIRS:
            learnt = replace(learnt, base=base_of_points(learnt.base, exemplars, context))
        graded_frames = None if shot is None else graded_frames_of(exemplars, digests, learnt, context, mattes)
        subject = None if mattes is None else subject_error(learnt, examples, mattes)
        if subject is not None:
            clock.note(
                f"the plain look misses {subject.subject:.2f} inside the matte and {subject.rest:.2f} outside (mean L2 "
                "in Lab, on parts kept out); on this shot the graded frames are carried and say more"
            )
        preset = preset_of(
            name,
            learnt,
            settings,
            weights=weights,
            card=preset_card(digests, learnt, settings, begun),
            graded=graded_frames,
            pictures=[example.raw.global_ for example in examples],
            learning=kept_learning(learnt, plates, begun),
        )
        save_preset(preset, target)
        clock.note(f"saved {target}")
        next_frames: tuple[int, ...] = ()
        if shot is not None and not settings.no_suggest:
            try:
                next_frames = frames_to_grade(Path(shot), exemplars, preset, learnt.committee, context)
            except InputError as error:  # the look is there, and its page is still to be written
                clock.warn(f"which frames to grade next cannot be told: {error}")
    if stored is not None and not stored.is_kept:
        stored.remove()
    report = report_of(target, preset, settings, exemplars, examples, learnt)
    return replace(report, notes=notes, next_frames=next_frames, subject=subject, seconds=clock.seconds)


def _exemplar_pairs(
    pairs: str | Path | None, shot: str | Path | None, graded: str | Path | None, max_pixels: int
) -> list[ExemplarPair]:
    if pairs is not None and shot is None and graded is None:
        return find_pairs(Path(pairs))
    if pairs is None and shot is not None and graded is not None:
        return find_graded_frames(Path(shot), Path(graded), max_pixels)
    raise UsageError("Give a folder of pairs, or --shot with --graded, and not both.")


def check_all_pairs(pairs: Sequence[ExemplarPair], context: TrainingContext) -> tuple[str, ...]:
    """Read every pair and return what the user should look at.

    Raises :class:`~vfxstyle.errors.PairsError` for pairs that are mixed up or swapped.
    """
    facts = []
    with context.clock.stage(Stage.PAIRS, len(pairs)) as step:
        for pair in pairs:
            facts.append(facts_of(pair, context.reader.pair(pair)))
            step()
    notes = check_pairs(facts)
    for note in notes:
        context.clock.note(note)
    return tuple(notes)


def _plate_folder(target: Path, pairs: int, weights: str, context: TrainingContext) -> PlateFolder | None:
    """Where superpixels of plates are stored: of many pairs until the run is done, of few for the runs to come.

    None where nothing can be kept because the user has no home.
    """
    many = pairs >= MANY_PAIRS
    folder = target.with_suffix(".training") if many else kept_folder()
    if folder is None:
        return None
    return PlateFolder(
        folder,
        context.settings,
        most=None if many else MOST_KEPT,
        weights=weights,
        count=superpixels_per_segmentation(pairs, context.settings),
        device=context.backbone.device.partition(":")[0],
    )


def examples_of(
    pairs: Sequence[ExemplarPair],
    digests: Sequence[PairDigest],
    context: TrainingContext,
    stored: PlateFolder | None = None,
) -> list[TrainingExample]:
    """Return the training example of each pair; superpixels of plates that are ``stored`` are not made again.

    digests: see :func:`~vfxstyle.training.pair_digests.digests_of`; those of plates seed what is drawn of them.
    """
    count = superpixels_per_segmentation(len(pairs), context.settings)
    examples, storing = [], True
    with context.clock.stage(Stage.FEATURES, len(pairs)) as step:
        for pair, digest in zip(pairs, digests, strict=True):
            plate = f"{digest[0]} {context.reader.plate_identity(pair)}"
            superpixels = stored.load(plate) if stored is not None else None
            if superpixels is None:
                before, random = context.reader.read(pair.before).pixels, _random_of(digest[0], context.settings.seed)
                superpixels = superpixels_of(before, context.backbone, context.settings, count, random)
                if stored is not None and storing:
                    storing = _was_stored(stored, plate, superpixels, context.clock)
            examples.append(superpixels.graded(context.reader.graded(pair)))
            step()
    return examples


def _was_stored(folder: PlateFolder, plate: str, superpixels: PlateSuperpixels, clock: Clock) -> bool:
    """Store the superpixels of a plate, and say whether that was possible.

    Raises :class:`~vfxstyle.errors.OutputError` where this run would need them to go on when it is stopped.
    """
    try:
        folder.store(plate, superpixels)
    except OutputError as error:
        if not folder.is_kept:
            raise
        clock.warn(f"the next training will work out these frames again: {error}")
        return False
    return True


def _random_of(plate: str, seed: int) -> np.random.Generator:
    """Return random numbers of a plate, by its digest: the same whatever others there are, and however it is graded."""
    hashed = hashlib.sha256(os.fsencode(plate)).digest()[:8]
    return np.random.default_rng([seed, int.from_bytes(hashed, "little")])


def report_of(
    path: Path,
    preset: Preset,
    settings: TrainSettings,
    pairs: Sequence[ExemplarPair],
    examples: Sequence[TrainingExample],
    learnt: Learnt,
) -> TrainReport:
    """Return the errors of a look that was learnt, by colour and by pair. examples: of the pairs, in their order."""
    missed = np.linalg.norm(learnt.predicted - learnt.unseen.after, axis=-1)
    by_pair = {
        pairs[i].name: error_of_pair(missed[learnt.unseen.picture == i], examples[i].pixels, examples[i].shape)
        for i in learnt.held_out or range(len(pairs))
    }
    return TrainReport(
        path=path,
        preset=preset,
        settings=settings,
        pairs=tuple(pairs),
        held_out=tuple(pairs[index] for index in learnt.held_out),
        share=learnt.share,
        errors=learnt.errors,
        by_colour=errors_by_colour(learnt.unseen.before, learnt.unseen.after, learnt.predicted),
        by_pair=dict(sorted(by_pair.items(), key=lambda item: -item[1].missed)),
        curve=learnt.curve,
    )
