"""Frames of a shot among the pictures that a look was learnt from, on a plane (the paper's figure 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from vfxstyle.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """Places on a plane where what is alike is near."""

    pictures: FloatArray
    """float32 (N, 2), of the pictures."""
    frames: Mapping[int, FloatArray]
    """float32 (2,), of each frame."""


def embedded(frames: Mapping[int, FloatArray], pictures: FloatArray) -> Embedding | None:
    """Embed frames and pictures by t-SNE; None where there are none, or no scikit-learn.

    frames: float32 (K,) by number. pictures: float32 (N, K). Source: L. van der Maaten, G. Hinton, "Visualizing Data
    using t-SNE", JMLR 2008, as scikit-learn has it.
    """
    if not frames or find_spec("sklearn") is None:
        return None
    from sklearn.manifold import TSNE  # a second to load, for reports alone

    every = np.concatenate([pictures, np.stack(list(frames.values()))])
    tsne = TSNE(perplexity=min(30.0, (len(every) - 1) / 3), init="pca", random_state=0)
    places = np.asarray(tsne.fit_transform(every), np.float32)
    return Embedding(places[: len(pictures)], dict(zip(frames, places[len(pictures) :], strict=True)))
