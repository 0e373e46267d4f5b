"""Train a preset: resolve, read and check the pairs, describe, learn, save, report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vfxstyle._version import __version__
from vfxstyle.errors import OutputError, UsageError
from vfxstyle.features import all_blocks, pick_device, projected_blocks
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.registry import backbone_class, weights_digest
from vfxstyle.looks import Preset, PresetInfo, save_preset
from vfxstyle.looks.fit import Epoch
from vfxstyle.looks.library import user_folder
from vfxstyle.looks.preset import SUFFIX
from vfxstyle.looks.samples import Errors
from vfxstyle.progress import Clock, Progress, Silent, Stage
from vfxstyle.settings import TrainSettings
from vfxstyle.shots.folders import make_folder
from vfxstyle.training.errors import ColourError, PairError, error_of_pair, errors_by_colour
from vfxstyle.training.examples import ExampleFolder, TrainingExample, example_of, superpixels_each
from vfxstyle.training.learn import Learnt, learn
from vfxstyle.training.next_frames import frames_to_grade
from vfxstyle.training.pair_checks import check_pairs, facts_of
from vfxstyle.training.pairs import (
    ExemplarPair,
    PictureReader,
    find_graded_frames,
    find_pairs,
    pairs_digest,
)

_NAME = re.compile(r"^\w[\w.-]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a training run made and measured."""

    path: Path
    """The preset file."""
    preset: Preset
    """The preset."""
    pairs: tuple[ExemplarPair, ...]
    """Exemplar pairs used, held-out ones included."""
    held_out: tuple[ExemplarPair, ...]
    """Pairs that were kept from the weights; they chose the epoch and measure it."""
    share: float
    """How far the look departs from the best single transform, 0..1; below 1 only where few pairs did not bear it."""
    errors: Errors
    """Mean L2 distances in Lab, on held-out pairs, or on the parts of few pairs that were kept out in turn."""
    by_colour: tuple[ColourError, ...]
    """The same by the plate's colour, the worst first."""
    by_pair: Mapping[str, PairError]
    """The same by pair, with the region that is worst, for those that were measured, the worst first."""
    curve: tuple[Epoch, ...]
    """Training loss and error by epoch."""
    notes: tuple[str, ...]
    """What the checks of the pairs found."""
    next_frames: tuple[int, ...]
    """Frames of the shot whose grading would help most, the most useful first; empty without a shot."""
    seconds: Mapping[Stage, float]
    """Wall seconds of each stage."""


def train(
    pairs: str | Path | None,
    name: str,
    *,
    shot: str | Path | None = None,
    graded: str | Path | None = None,
    output: str | Path | None = None,
    settings: TrainSettings | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Learn a look from before/after pairs and write it as a preset.

    pairs: a folder with ``before/`` and ``after/``; or None, and ``shot`` with ``graded``, a folder of graded frames of
    it. name: what the look is called. output: the preset file; by default NAME.safetensors in the user's preset folder.
    A run that was stopped goes on where it was when it is started again.
    Raises :class:`~vfxstyle.errors.PairsError` for unusable pairs, :class:`~vfxstyle.errors.OutputError` if
    the preset cannot be written.
    """
    settings, clock = settings or TrainSettings(), Clock(progress or Silent())
    if not _NAME.match(name):
        raise UsageError(f"'{name}' cannot name a look; use letters, digits, '-', '_' and '.'.")
    found = _find(pairs, shot, graded, settings.max_pixels)
    target = Path(output) if output is not None else user_folder() / f"{name}{SUFFIX}"
    device, kind = pick_device(settings.device), backbone_class(settings.backbone)
    weights = weights_digest(settings.backbone, settings.weights)
    if target.suffix != SUFFIX or target.is_dir():
        raise UsageError(f"The preset {target} must be a file that ends in {SUFFIX}; name one with -o.")
    make_folder(target.parent)
    if target.exists():
        clock.note(f"{target} is there and will be replaced")
    backbone = kind.load(device, settings.weights)
    with PictureReader(settings) as reader:
        each = superpixels_each(len(found), settings)
        kept = ExampleFolder(target.with_suffix(".training"), settings, weights, each, reader.colours(found))
        notes = checked(found, reader, clock)
        lines = pairs_digest(found, reader)
        examples = studied(found, lines, reader, backbone, settings, clock, kept)
        learnt = learn(examples, settings, device, clock)
        card = preset_card(lines, learnt, settings)
        preset = preset_of(name, learnt, settings, weights=weights, card=card)
        next_frames: tuple[int, ...] = ()
        if shot is not None:
            next_frames = frames_to_grade(
                reader.shot(Path(shot)), Path(shot), found, preset, learnt.committee, reader, backbone, settings, clock
            )
    save_preset(preset, target)
    kept.remove()
    return train_report(target, preset, found, examples, learnt, notes, next_frames, clock.seconds)


def _find(
    pairs: str | Path | None, shot: str | Path | None, graded: str | Path | None, max_pixels: int
) -> list[ExemplarPair]:
    if (shot is None) is not (graded is None) or (pairs is None) is (shot is None):
        raise UsageError("Give a folder of pairs, or --shot with --graded, and not both.")
    if pairs is not None:
        return find_pairs(Path(pairs))
    assert shot is not None
    assert graded is not None
    return find_graded_frames(Path(shot), Path(graded), max_pixels)


def checked(pairs: Sequence[ExemplarPair], reader: PictureReader, clock: Clock) -> tuple[str, ...]:
    """What is to be said of the pairs. Raises :class:`~vfxstyle.errors.PairsError` for those that cannot be meant."""
    with clock.stage(Stage.PAIRS, len(pairs)) as step:
        facts = []
        for pair in pairs:
            facts.append(facts_of(pair, reader.pair(pair)))
            step()
    notes = check_pairs(facts)
    for note in notes:
        clock.note(note)
    return tuple(notes)


def studied(
    pairs: Sequence[ExemplarPair],
    lines: Sequence[str],
    reader: PictureReader,
    backbone: Backbone,
    settings: TrainSettings,
    clock: Clock,
    kept: ExampleFolder | None = None,
) -> list[TrainingExample]:
    """A example of each pair; those that an earlier, stopped run has left in ``kept`` are not made again.

    lines: what :func:`~vfxstyle.training.pairs.pairs_digest` says of the pairs.
    """
    examples = []
    each = superpixels_each(len(pairs), settings)
    with clock.stage(Stage.FEATURES, len(pairs)) as step:
        for index, pair in enumerate(pairs):
            about = lines[2 * index : 2 * index + 2]
            example = None if kept is None else kept.load(about)
            if example is None:
                drawn = hashlib.sha256("\n".join(about).encode()).digest()[:8]
                random = np.random.default_rng([settings.seed, int.from_bytes(drawn, "little")])
                example = example_of(reader.pair(pair), backbone, settings, each, random)
                if kept is not None:
                    try:
                        kept.store(about, example)
                    except OSError as error:
                        raise OutputError(f"{kept.folder} cannot be written: {error.strerror}; free space.") from error
            examples.append(example)
            step()
    return examples


def preset_of(
    name: str, learnt: Learnt, settings: TrainSettings, *, weights: str = "", card: Mapping[str, Any] | None = None
) -> Preset:
    """What was learnt, as a preset."""
    blocks = settings.blocks or all_blocks(backbone_class(settings.backbone))
    info = PresetInfo(
        name=name,
        backbone=settings.backbone,
        blocks=tuple(blocks),
        projected=projected_blocks(blocks),
        weights=weights,
        description=settings.description,
        card=card or {},
    )
    arrays = {part: (pca.mean, pca.components) for part, pca in learnt.projections.items()}
    return Preset(info, arrays, learnt.standardisation, learnt.network.numbers(), digest="")


def preset_card(lines: Sequence[str], learnt: Learnt, settings: TrainSettings) -> dict[str, Any]:
    """What a preset says of how it was learnt. lines: the digest of the pairs, two of a pair."""
    unstored = ("description", "data_note", "device", "weights", "blocks")
    return {
        "pairs": len(lines) // 2,
        "held_out": len(learnt.held_out),
        "share": learnt.share,
        "noise": learnt.noise,
        "dropout": learnt.dropout,
        "pairs_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "errors": asdict(learnt.errors),
        "data": settings.data_note,
        "settings": {k: v for k, v in asdict(settings).items() if k not in unstored},
        "vfxstyle": __version__,
        "torch": torch.__version__.split("+")[0],
    }


def train_report(
    target: Path,
    preset: Preset,
    pairs: Sequence[ExemplarPair],
    examples: Sequence[TrainingExample],
    learnt: Learnt,
    notes: tuple[str, ...] = (),
    next_frames: tuple[int, ...] = (),
    seconds: Mapping[Stage, float] | None = None,
) -> TrainReport:
    """What is to be said of a look that was learnt. examples: of the pairs, in their order."""
    missed = np.linalg.norm(learnt.answers - learnt.unseen.after, axis=-1)
    by_pair = {
        pairs[i].name: error_of_pair(missed[learnt.unseen.picture == i], examples[i].pixels, examples[i].shape)
        for i in learnt.held_out or range(len(pairs))
    }
    return TrainReport(
        path=target,
        preset=preset,
        pairs=tuple(pairs),
        held_out=tuple(pairs[index] for index in learnt.held_out),
        share=learnt.share,
        errors=learnt.errors,
        by_colour=errors_by_colour(learnt.unseen.before, learnt.unseen.after, learnt.answers),
        by_pair=dict(sorted(by_pair.items(), key=lambda item: -item[1].missed)),
        curve=learnt.curve,
        notes=notes,
        next_frames=next_frames,
        seconds=seconds or {},
    )
