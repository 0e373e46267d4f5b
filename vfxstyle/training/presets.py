"""What was learnt, as a preset with the card that documents how it was learnt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from vfxstyle._version import __version__
from vfxstyle.arrays import HalfArray
from vfxstyle.features import all_blocks, projected_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.features.vectors import GLOBAL
from vfxstyle.looks import Preset, PresetInfo
from vfxstyle.looks.graded_frames import GradedFrames
from vfxstyle.looks.learning import Learning
from vfxstyle.settings import TrainSettings
from vfxstyle.training.learn import MANY_PAIRS, Learnt
from vfxstyle.training.pair_digests import PairDigest, grades_of
from vfxstyle.training.start import Start

_NOT_ON_THE_CARD = ("description", "data_note", "device", "weights", "blocks", "no_suggest", "matte", "any_light")
"""Settings that the card leaves out: other fields hold them, they change nothing, or they name one machine's file."""


def preset_of(
    name: str,
    learnt: Learnt,
    settings: TrainSettings,
    *,
    weights: str = "",
    card: Mapping[str, Any] | None = None,
    graded: GradedFrames | None = None,
    pictures: Sequence[HalfArray] = (),
    learning: Learning | None = None,
) -> Preset:
    """Return what was learnt as a preset, whose card says what was found.

    weights: SHA-256 of the backbone's weight file; empty where a package carries the weights. card: see
    :func:`preset_card`. graded: frames of the shot that it was learnt from. pictures: float16 (C,), global features of
    the pictures that it was learnt from; a look of few keeps none. learning: what training goes on from.
    """
    blocks = settings.blocks or all_blocks(backbone_class(settings.backbone))
    info = PresetInfo(
        name=name,
        backbone=settings.backbone,
        blocks=tuple(blocks),
        projected=projected_blocks(blocks),
        weights=weights,
        description=settings.description,
        any_light=settings.any_light,
        card=card or {},
    )
    projections = {block: (pca.mean, pca.components) for block, pca in learnt.projections.items()}
    if graded is not None and graded.layers is not None and len(learnt.base.cube):
        assert learnt.base.cube.shape == graded.layers.cubes[0].shape  # they are looked up together
    layers = learnt.network.numbers()
    preset = Preset(info, projections, learnt.standardisation, layers, digest="", base=learnt.base, graded=graded)
    if len(pictures) >= MANY_PAIRS and GLOBAL in learnt.projections:
        preset = replace(preset, pictures=learnt.projections[GLOBAL].project(np.stack(pictures)))
    if learning is not None:
        preset = replace(preset, learning=learning)
    said: dict[str, Any] = {"found": preset.found} if preset.found else {}
    if graded is not None:
        said["graded_frames"] = list(graded.numbers)
    return replace(preset, info=replace(info, card={**info.card, **said})) if said else preset


def kept_learning(learnt: Learnt, plates: tuple[str, ...], start: Start | None) -> Learning:
    """What the next training can go on from.

    plates: see :func:`~vfxstyle.training.pair_digests.plates_of`. start: the look that this one went on from.
    """
    return Learning(plates, learnt.folds, learnt.committee, () if start is None else start.earlier)


def preset_card(
    digests: Sequence[PairDigest], learnt: Learnt, settings: TrainSettings, start: Start | None = None
) -> dict[str, Any]:
    """Return the card of a preset: pairs, settings, versions and measured errors.

    digests: of the pairs. start: the look that training went on from.
    """
    lines = [line for pair in digests for line in pair]
    earlier = {} if start is None else {"start": f"{start.preset.info.name}, SHA-256 {start.preset.digest}"}
    return earlier | {
        "pairs": len(digests),
        "held_out": len(learnt.held_out),
        "share": learnt.share,
        "noise": learnt.noise,
        "dropout": learnt.dropout,
        "grades": list(grades_of(digests)),
        "pairs_sha256": hashlib.sha256(os.fsencode("\n".join(lines))).hexdigest(),
        "errors": asdict(learnt.errors),
        "data": settings.data_note,
        "settings": {name: value for name, value in asdict(settings).items() if name not in _NOT_ON_THE_CARD},
        "vfxstyle": __version__,
        "torch": torch.__version__.split("+")[0],
    }
