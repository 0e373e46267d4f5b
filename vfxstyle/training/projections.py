"""Projections of feature blocks onto the directions in which training examples differ, kept for later trainings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.arrays import AnyArray
from vfxstyle.errors import OutputError
from vfxstyle.features import PCA, PCAFit, components_of, projected_blocks
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.vectors import GLOBAL
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.kept_files import KeptFiles

PROJECTIONS_SCHEMA = 1
"""Version of what a file holds and how it is computed; raise it when either changes."""


def fitted_or_kept(
    examples: Sequence[TrainingExample],
    backbone: type[Backbone],
    blocks: Sequence[str],
    kept: KeptFiles | None = None,
) -> dict[str, PCA]:
    """Fit a PCA for each feature block that is projected, to the superpixels of some examples.

    kept: files of earlier trainings. A projection depends on the plates alone, so that one that was fitted to the same
    features is read there, and a new one is stored; by default none are.
    """
    if kept is None:
        return fit_projections(examples, backbone, blocks)
    digest = _digest(examples, backbone, blocks)
    arrays = kept.load(digest)
    if arrays is not None:
        return {name: PCA(arrays[f"{name}/mean"], arrays[f"{name}/components"]) for name in projected_blocks(blocks)}
    projections = fit_projections(examples, backbone, blocks)
    with suppress(OutputError):  # the training that comes fits them again
        kept.store(digest, _arrays(projections))
    return projections


def fit_projections(
    examples: Sequence[TrainingExample], backbone: type[Backbone], blocks: Sequence[str]
) -> dict[str, PCA]:
    """Fit a PCA for each feature block that is projected, to the superpixels of some examples."""
    fits: dict[str, PCAFit] = {}
    for example in examples:
        for name in projected_blocks(blocks):
            values = _values(example, name).astype(np.float32)
            fits.setdefault(name, PCAFit(values.shape[1])).add(values)
    projections = {}
    for name, fit in fits.items():
        pca = fit.result(components_of(backbone, name))
        # presets store directions as halves; training must use what grading will
        projections[name] = PCA(pca.mean, pca.components.astype(np.float16).astype(np.float32))
    return projections


def _values(example: TrainingExample, name: str) -> AnyArray:
    """What a block is projected from, float16 or float32 (N, C)."""
    return example.raw.global_[None] if name == GLOBAL else example.raw.blocks[name]


def _digest(examples: Sequence[TrainingExample], backbone: type[Backbone], blocks: Sequence[str]) -> str:
    names = projected_blocks(blocks)
    identity = {
        "projections": {name: components_of(backbone, name) for name in names},
        "version": [__version__, PROJECTIONS_SCHEMA],
    }
    hashed = hashlib.sha256(json.dumps(identity).encode())
    for example in examples:
        for name in names:
            values = _values(example, name)
            hashed.update(f"{values.dtype} {values.shape}".encode())
            hashed.update(np.ascontiguousarray(values).data)
    return hashed.hexdigest()


def _arrays(projections: dict[str, PCA]) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {}
    for name, pca in projections.items():
        arrays |= {f"{name}/mean": pca.mean, f"{name}/components": pca.components}
    return arrays
