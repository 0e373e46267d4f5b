"""What a network learns from: superpixels of exemplar pairs with features and colours before and after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tsp
from vfxstyle._version import __version__
from vfxstyle.features import PCA, PCAFit, RawFeatures, assemble, components_of, projected_parts
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.extract import Describing, Segmentation, describe, see
from vfxstyle.features.vectors import COLOUR_PARTS, GLOBAL
from vfxstyle.files import writing_atomically
from vfxstyle.looks import bands
from vfxstyle.looks.samples import Samples
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import DEFAULT_STILL_SUPERPIXELS, TrainSettings
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.tables import table_of
from vfxstyle.training.pairs import PairPictures

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.int32]

SCHEMA = 2
"""Version of what a lesson holds and how it is computed; raise it when either changes."""
MOST_SUPERPIXELS = 200_000
"""Superpixels that a look is learnt from: more teach no more, and take longer."""
LEAST_EACH = 100
"""Superpixels of each cut of a picture at least."""


@dataclass(frozen=True, slots=True)
class Lesson:
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


def lesson_of(
    pictures: PairPictures,
    backbone: Backbone,
    settings: TrainSettings,
    each: int,
    random: np.random.Generator,
    describing: Describing = describe,
) -> Lesson:
    """Cut a pair into superpixels, describe ``each`` of either cut and sample their colours.

    The picture is cut both ways that a look will meet later: as the first frame of a shot and as a still.
    """
    seen = see(backbone, [pictures.before])
    temporal = next(iter(tsp.segment([pictures.before], settings.superpixels, seed=settings.seed)))
    graph = graph_superpixels(pictures.before, DEFAULT_STILL_SUPERPIXELS)
    lab = seen.labs[0]
    found: list[tuple[RawFeatures, LabelArray]] = []
    for labels in (temporal, graph):
        table, rows = table_of(labels, lab)
        areas = np.bincount(rows.reshape(-1))
        count = min(each, len(areas))
        wanted = np.sort(random.choice(len(areas), count, replace=False, p=areas / areas.sum())).astype(np.int32)
        raw = describing(seen, 0, Segmentation(rows, table.centroids, wanted))
        found.append((raw, _sampled_pixels(rows, wanted, settings.samples, random)))
    pixels = np.concatenate([drawn for _, drawn in found])
    after, contrast = lab_of_picture(pictures.after), bands(np.ascontiguousarray(lab[..., 0]))
    first, second = (raw for raw, _ in found)
    return Lesson(
        RawFeatures(
            first.global_, {name: np.concatenate([part, second.parts[name]]) for name, part in first.parts.items()}
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


def fit_projections(lessons: Iterable[Lesson], backbone: type[Backbone], parts: Sequence[str]) -> dict[str, PCA]:
    """A PCA for each part that is projected, fitted to the superpixels of some lessons."""
    names = projected_parts(parts)
    fits: dict[str, PCAFit] = {}
    for lesson in lessons:
        for name in names:
            values = (lesson.raw.global_[None] if name == GLOBAL else lesson.raw.parts[name]).astype(np.float32)
            fits.setdefault(name, PCAFit(values.shape[1])).add(values)
    fitted = {}
    for name, fitting in fits.items():
        pca = fitting.result(components_of(backbone, name))
        # presets store directions as halves; training must see what grading will
        fitted[name] = PCA(pca.mean, pca.components.astype(np.float16).astype(np.float32))
    return fitted


def samples_of(lessons: Sequence[Lesson], parts: Sequence[str], projections: Mapping[str, PCA]) -> Samples:
    """Everything that the lessons hold, side by side."""
    features = [assemble(parts, raw=lesson.raw, projections=projections).astype(np.float16) for lesson in lessons]
    return Samples(
        np.concatenate(features),
        np.concatenate([lesson.before for lesson in lessons]),
        np.concatenate([lesson.after for lesson in lessons]),
        np.concatenate([lesson.bands for lesson in lessons]),
        np.repeat(np.arange(len(lessons), dtype=np.int32), [len(lesson.before) for lesson in lessons]),
        sum(len(pca.components) for name, pca in projections.items() if name not in COLOUR_PARTS),
    )


class LessonFolder:
    """Lessons on disk while a training run lasts, so that one that was stopped does not begin again.

    Every file is named by a hash of the pair's pictures and of the settings; what does not fit is made again.
    """

    def __init__(self, folder: Path, settings: TrainSettings, weights: str, each: int, colours: str) -> None:
        """weights, colours: stand for the backbone's weights and for how pictures are decoded."""
        self.folder = folder
        choices = {name: value for name, value in asdict(settings).items() if name in _DECIDING}
        self._settings = json.dumps(
            {**choices, "weights": weights, "each": each, "colours": colours, "version": [__version__, SCHEMA]},
            sort_keys=True,
        )

    def _file(self, pair: Sequence[str]) -> Path:
        digest = hashlib.sha256("\n".join([self._settings, *pair]).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npz"

    def load(self, pair: Sequence[str]) -> Lesson | None:
        """The lesson of a pair, by the lines that stand for its pictures; None where it is not there, or damaged."""
        try:
            with self._file(pair).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            own = {name: arrays.pop(name) for name in ("global", "pixels", "before", "after", "bands", "shape")}
        except Exception:  # a file cut off by whatever stopped the run is made again, whatever it looks like
            return None
        rows, columns = (int(size) for size in own["shape"])
        raw = RawFeatures(own["global"], arrays)
        return Lesson(raw, own["pixels"], own["before"], own["after"], own["bands"], (rows, columns))

    def store(self, pair: Sequence[str], lesson: Lesson) -> None:
        """Keep the lesson of a pair."""
        arrays = {"pixels": lesson.pixels, "before": lesson.before, "after": lesson.after, "bands": lesson.bands}
        with writing_atomically(self._file(pair)) as file:
            np.savez(
                file,
                allow_pickle=False,
                shape=np.array(lesson.shape),
                **arrays,
                **{"global": lesson.raw.global_},
                **lesson.raw.parts,
            )

    def remove(self) -> None:
        """Take the files away, and the folder with them if nothing else is in it."""
        for path in self.folder.glob("*.npz"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


_DECIDING = ("superpixels", "analysis_width", "samples", "backbone", "seed")
"""Settings that decide what a lesson holds."""
