"""Training examples: superpixels of exemplar pairs with their features and their colours before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

import tsp
from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.features import PCA, RawFeatures, assemble
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Extraction, Segmentation, extract_features, run_network
from vfxstyle.features.vectors import COLOUR_BLOCKS
from vfxstyle.looks import bands
from vfxstyle.looks.samples import Samples
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS, TrainSettings
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.tables import table_of
from vfxstyle.training.pairs import PairPictures

MAX_SUPERPIXELS = 200_000
"""Superpixels that a look is learnt from at most, over all pairs: more teach no more, and take longer."""
MIN_SUPERPIXELS = 100
"""Superpixels that are learnt from at least in each segmentation of a picture, however many pairs there are."""


@dataclass(frozen=True, slots=True)
class PlateSuperpixels:
    """Superpixels of a picture before it is graded: N of them, with P sampled pixels each."""

    raw: RawFeatures
    """Their features, before projection."""
    pixels: LabelArray
    """int32 (N, P), the sampled pixels, as flat indices into the analysis picture."""
    before: FloatArray
    """float32 (N, P, 3), CIELab D65 of these pixels."""
    bands: FloatArray
    """float32 (N, P, 3), bands of lightness, at these pixels."""
    shape: tuple[int, int]
    """Rows and columns of the analysis picture."""

    def graded(self, after: FloatArray) -> TrainingExample:
        """Return the training example of the plate and its graded picture.

        after: float32 (H, W, 3), the graded picture, sRGB-encoded, 0..1, at analysis resolution.
        """
        return TrainingExample(
            raw=self.raw,
            pixels=self.pixels,
            before=self.before,
            bands=self.bands,
            shape=self.shape,
            after=_values_at(lab_of_picture(after), self.pixels),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample(PlateSuperpixels):
    """Superpixels of one exemplar pair."""

    after: FloatArray
    """float32 (N, P, 3), CIELab D65 of the sampled pixels in the graded picture."""

    def at(self, rows: IntArray) -> TrainingExample:
        """The example with these of its superpixels, some more than once perhaps. rows: int64 (M,)."""
        return replace(
            self,
            raw=RawFeatures(self.raw.global_, {name: block[rows] for name, block in self.raw.blocks.items()}),
            pixels=self.pixels[rows],
            before=self.before[rows],
            after=self.after[rows],
            bands=self.bands[rows],
        )


def superpixels_per_segmentation(pairs: int, settings: TrainSettings) -> int:
    """Return how many superpixels are learnt from in each segmentation of a picture, for a number of pairs."""
    return min(settings.superpixels, max(MIN_SUPERPIXELS, MAX_SUPERPIXELS // (2 * pairs)))


def example_of(
    pictures: PairPictures,
    backbone: Backbone,
    settings: TrainSettings,
    count: int,
    random: np.random.Generator,
    extraction: Extraction = extract_features,
) -> TrainingExample:
    """Draw superpixels of a pair, extract their features and sample their colours; see :func:`superpixels_of`."""
    return superpixels_of(pictures.before, backbone, settings, count, random, extraction).graded(pictures.after)


def superpixels_of(
    picture: FloatArray,
    backbone: Backbone,
    settings: TrainSettings,
    count: int,
    random: np.random.Generator,
    extraction: Extraction = extract_features,
) -> PlateSuperpixels:
    """Draw superpixels of a picture, extract their features and sample their colours.

    The picture is segmented in both ways that a look will meet later: as the first frame of a shot and as a still.
    picture: float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. count: superpixels drawn from either
    segmentation, at most.
    """
    output = run_network(backbone, [picture])
    lab = output.labs[0]
    raw, sampled = [], []
    for labels in _segmentations(picture, settings):
        table, rows = table_of(labels, lab)
        drawn = _drawn_superpixels(rows, count, random)
        raw.append(extraction(output, 0, Segmentation(rows, table.centroids, drawn)))
        sampled.append(_sampled_pixels(rows, drawn, settings.samples, random))
    pixels = np.concatenate(sampled)
    return PlateSuperpixels(
        raw=_joined(raw),
        pixels=pixels,
        before=_values_at(lab, pixels),
        bands=_values_at(bands(np.ascontiguousarray(lab[..., 0])), pixels),
        shape=(lab.shape[0], lab.shape[1]),
    )


def _segmentations(picture: FloatArray, settings: TrainSettings) -> Iterator[LabelArray]:
    yield next(iter(tsp.segment([picture], settings.superpixels, seed=settings.seed)))
    yield graph_superpixels(picture, DEFAULT_STILL_SUPERPIXELS)


def _drawn_superpixels(rows: LabelArray, count: int, random: np.random.Generator) -> LabelArray:
    """Draw up to ``count`` superpixels, large ones more likely. Returns int32 (N,), ascending."""
    areas = np.bincount(rows.reshape(-1))
    drawn = random.choice(len(areas), min(count, len(areas)), replace=False, p=areas / areas.sum())
    return np.sort(drawn).astype(np.int32)


def _sampled_pixels(rows: LabelArray, drawn: LabelArray, samples: int, random: np.random.Generator) -> LabelArray:
    """Draw ``samples`` pixels of each drawn superpixel with replacement. Returns flat indices, int32 (N, samples)."""
    order = np.argsort(rows.reshape(-1), kind="stable")
    sizes = np.bincount(rows.reshape(-1))
    starts = (np.cumsum(sizes) - sizes)[drawn]
    places = starts[:, None] + np.floor(random.random((len(drawn), samples)) * sizes[drawn, None]).astype(np.int64)
    return np.asarray(order[places], np.int32)


def _values_at(picture: FloatArray, pixels: LabelArray) -> FloatArray:
    return picture.reshape(-1, picture.shape[-1])[pixels]


def _joined(raw: Sequence[RawFeatures]) -> RawFeatures:
    """Put features of superpixels of one picture side by side."""
    blocks = {name: np.concatenate([features.blocks[name] for features in raw]) for name in raw[0].blocks}
    return RawFeatures(raw[0].global_, blocks)


def samples_of(examples: Sequence[TrainingExample], blocks: Sequence[str], projections: Mapping[str, PCA]) -> Samples:
    """Return the superpixels of all examples in one table, with their assembled feature vectors."""
    features = [assemble(blocks, raw=example.raw, projections=projections).astype(np.float16) for example in examples]
    return Samples(
        features=np.concatenate(features),
        before=np.concatenate([example.before for example in examples]),
        after=np.concatenate([example.after for example in examples]),
        bands=np.concatenate([example.bands for example in examples]),
        picture=np.repeat(np.arange(len(examples), dtype=np.int32), [len(example.before) for example in examples]),
        semantic=sum(len(pca.components) for name, pca in projections.items() if name not in COLOUR_BLOCKS),
    )
