"""What a network learns from: superpixels of exemplar pairs with features and colours before and after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import tsp
from vfxstyle._version import __version__
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.features import PCA, PCAFit, RawFeatures, assemble, components_of, projected_blocks
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Extraction, Segmentation, extract_features, run_network
from vfxstyle.features.vectors import COLOUR_BLOCKS, GLOBAL
from vfxstyle.files import writing_atomically
from vfxstyle.looks import bands
from vfxstyle.looks.samples import Samples
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS, TrainSettings
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.tables import table_of
from vfxstyle.training.pairs import PairPictures

EXAMPLE_SCHEMA = 2
"""Version of what a example holds and how it is computed; raise it when either changes."""
MOST_SUPERPIXELS = 200_000
"""Superpixels that a look is learnt from: more teach no more, and take longer."""
LEAST_EACH = 100
"""Superpixels of each cut of a picture at least."""


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """Superpixels of one exemplar pair."""

    raw: RawFeatures
    """Their features, before projection."""
    pixels: LabelArray
    """int32 (N, P), sampled pixels of each, as flat indices into the analysis picture."""
    before: FloatArray
    """float32 (N, P, 3), CIELab D65 of these pixels."""
    after: FloatArray
    """float32 (N, P, 3), the same in the graded picture."""
    bands: FloatArray
    """float32 (N, P, 3), bands of lightness before, at these pixels."""
    shape: tuple[int, int]
    """Rows and columns of the analysis picture."""


def superpixels_each(pairs: int, settings: TrainSettings) -> int:
    """How many superpixels of each cut of a picture are learnt from, when there are so many pairs."""
    return min(settings.superpixels, max(LEAST_EACH, MOST_SUPERPIXELS // (2 * pairs)))


def example_of(
    pictures: PairPictures,
    backbone: Backbone,
    settings: TrainSettings,
    each: int,
    random: np.random.Generator,
    extraction: Extraction = extract_features,
) -> TrainingExample:
    """Cut a pair into superpixels, describe ``each`` of either cut and sample their colours.

    The picture is cut both ways that a look will meet later: as the first frame of a shot and as a still.
    """
    seen = run_network(backbone, [pictures.before])
    temporal = next(iter(tsp.segment([pictures.before], settings.superpixels, seed=settings.seed)))
    graph = graph_superpixels(pictures.before, DEFAULT_STILL_SUPERPIXELS)
    lab = seen.labs[0]
    found: list[tuple[RawFeatures, LabelArray]] = []
    for labels in (temporal, graph):
        table, rows = table_of(labels, lab)
        areas = np.bincount(rows.reshape(-1))
        count = min(each, len(areas))
        wanted = np.sort(random.choice(len(areas), count, replace=False, p=areas / areas.sum())).astype(np.int32)
        raw = extraction(seen, 0, Segmentation(rows, table.centroids, wanted))
        found.append((raw, _sampled_pixels(rows, wanted, settings.samples, random)))
    pixels = np.concatenate([drawn for _, drawn in found])
    after, contrast = lab_of_picture(pictures.after), bands(np.ascontiguousarray(lab[..., 0]))
    first, second = (raw for raw, _ in found)
    return TrainingExample(
        RawFeatures(
            first.global_, {name: np.concatenate([part, second.blocks[name]]) for name, part in first.blocks.items()}
        ),
        pixels,
        lab.reshape(-1, 3)[pixels],
        after.reshape(-1, 3)[pixels],
        contrast.reshape(-1, contrast.shape[-1])[pixels],
        (lab.shape[0], lab.shape[1]),
    )


def _sampled_pixels(rows: LabelArray, wanted: LabelArray, samples: int, random: np.random.Generator) -> LabelArray:
    """``samples`` pixels of each wanted superpixel, drawn with replacement, as flat indices (N, samples)."""
    order = np.argsort(rows.reshape(-1), kind="stable")
    sizes = np.bincount(rows.reshape(-1))
    starts = (np.cumsum(sizes) - sizes)[wanted]
    drawn = starts[:, None] + np.floor(random.random((len(wanted), samples)) * sizes[wanted, None]).astype(np.int64)
    return np.asarray(order[drawn], np.int32)


def fit_projections(
    examples: Iterable[TrainingExample], backbone: type[Backbone], blocks: Sequence[str]
) -> dict[str, PCA]:
    """A PCA for each part that is projected, fitted to the superpixels of some examples."""
    names = projected_blocks(blocks)
    fits: dict[str, PCAFit] = {}
    for example in examples:
        for name in names:
            values = (example.raw.global_[None] if name == GLOBAL else example.raw.blocks[name]).astype(np.float32)
            fits.setdefault(name, PCAFit(values.shape[1])).add(values)
    fitted = {}
    for name, fitting in fits.items():
        pca = fitting.result(components_of(backbone, name))
        # presets store directions as halves; training must see what grading will
        fitted[name] = PCA(pca.mean, pca.components.astype(np.float16).astype(np.float32))
    return fitted


def samples_of(examples: Sequence[TrainingExample], blocks: Sequence[str], projections: Mapping[str, PCA]) -> Samples:
    """Everything that the examples hold, side by side."""
    features = [assemble(blocks, raw=example.raw, projections=projections).astype(np.float16) for example in examples]
    return Samples(
        np.concatenate(features),
        np.concatenate([example.before for example in examples]),
        np.concatenate([example.after for example in examples]),
        np.concatenate([example.bands for example in examples]),
        np.repeat(np.arange(len(examples), dtype=np.int32), [len(example.before) for example in examples]),
        sum(len(pca.components) for name, pca in projections.items() if name not in COLOUR_BLOCKS),
    )


class ExampleFolder:
    """Training examples on disk while a training run lasts, so that one that was stopped does not begin again.

    Every file is named by a hash of the pair's pictures and of the settings; what does not fit is made again.
    """

    def __init__(self, folder: Path, settings: TrainSettings, weights: str, each: int, colours: str) -> None:
        """weights, colours: stand for the backbone's weights and for how pictures are decoded."""
        self.folder = folder
        choices = {name: value for name, value in asdict(settings).items() if name in _DECIDING}
        self._settings = json.dumps(
            {**choices, "weights": weights, "each": each, "colours": colours, "version": [__version__, EXAMPLE_SCHEMA]},
            sort_keys=True,
        )

    def _file(self, pair: Sequence[str]) -> Path:
        digest = hashlib.sha256("\n".join([self._settings, *pair]).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npz"

    def load(self, pair: Sequence[str]) -> TrainingExample | None:
        """The example of a pair, by the lines that stand for its pictures; None where it is not there, or damaged."""
        try:
            with self._file(pair).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            own = {name: arrays.pop(name) for name in ("global", "pixels", "before", "after", "bands", "shape")}
        except Exception:  # a file cut off by whatever stopped the run is made again, whatever it looks like
            return None
        rows, columns = (int(size) for size in own["shape"])
        raw = RawFeatures(own["global"], arrays)
        return TrainingExample(raw, own["pixels"], own["before"], own["after"], own["bands"], (rows, columns))

    def store(self, pair: Sequence[str], example: TrainingExample) -> None:
        """Keep the example of a pair."""
        arrays = {"pixels": example.pixels, "before": example.before, "after": example.after, "bands": example.bands}
        with writing_atomically(self._file(pair)) as file:
            np.savez(
                file,
                allow_pickle=False,
                shape=np.array(example.shape),
                **arrays,
                **{"global": example.raw.global_},
                **example.raw.blocks,
            )

    def remove(self) -> None:
        """Take the files away, and the folder with them if nothing else is in it."""
        for path in self.folder.glob("*.npz"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


_DECIDING = ("superpixels", "analysis_width", "samples", "backbone", "seed")
"""Settings that decide what a example holds."""
