"""What the shipped looks are learnt from: superpixels of photographs in several lights, and of composites of them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from presets.composites import LabelledPicture, has_subject, with_subject
from presets.photographs import CLASSES, Photograph, under_other_light
from presets.recipes import RECIPES
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import pick_device
from vfxstyle.features.registry import load_backbone
from vfxstyle.plates.picture import in_ordinary_light
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import PlateSuperpixels, TrainingExample, superpixels_of, superpixels_per_segmentation
from vfxstyle.training.plate_folder import PLATE_SCHEMA
from vfxstyle.training.subject import balanced, lie_inside, number_of_share

SUBJECT_SHARES = {"golden": 1 / 3, "pop-out": 0.7, "local-xpro": 1 / 3, "teal-orange": 1 / 3}
"""Looks in which subjects count more: the share of the superpixels of a photograph with subjects that is theirs at
least; more of them are taken, and repeated where there are no more. Not ``bleach-bypass``, whose lights go to white
with it."""
BESIDE = {"pop-out": 3}
"""Looks of :data:`SUBJECT_SHARES` that must not spill over the edge of a subject, and how often what lies beside one is
learnt; in the others once."""
GLOBAL = ("cold", "spring")
"""Looks that are the same on everything; they are learnt from whole photographs alone."""
LIGHTS = 3
"""Versions of each photograph: as it is, and under two other lights."""
COMPOSITES = 4
"""Pictures with each photograph behind the people, animals and vehicles of others."""
COMPOSITE_PART = 2
"""One superpixel of a composite is taken for so many of a photograph."""
EXAMPLES_SCHEMA = 2
"""Version of how examples are made of pictures; raise it when that changes."""
_IN_OTHER_LIGHT = (1, 2)  # which composites of a photograph are put under another light
_REACH = 1 / 16  # how far from a subject something still lies beside it, as a share of the picture's width
DRAWN = 4
"""Superpixels that are drawn for one that is taken. Those of people, animals and vehicles, of which there are few, are
all taken, for the looks in which they count more."""


@dataclass(frozen=True, slots=True)
class GradableExample:
    """A training example whose pixels can be graded by any recipe."""

    example: TrainingExample
    """The example; its colours after are those before."""
    pixels: FloatArray
    """float32 (N, P, 3), sRGB-encoded colours of its pixels."""
    masks: FloatArray
    """float32 (N, P, 7), the masks of the classes at its pixels."""
    plain: BoolArray
    """bool (N,), superpixels taken at random from the whole picture; the others are of people, animals and vehicles."""
    inside: BoolArray
    """bool (N,), superpixels of people, animals and vehicles."""
    beside: BoolArray
    """bool (N,), superpixels close to those, but not of them."""

    def graded(self, look: str, *, learnt_from: bool = True) -> TrainingExample:
        """The example with its pixels after a look, with as large a share of subjects as the look has.

        learnt_from: whether a look is learnt from it, rather than measured on it.
        """
        masks = {name: self.masks[..., index : index + 1] for index, name in enumerate(CLASSES)}
        after = RECIPES[look](self.pixels, masks)
        graded = replace(self.example, after=linear_to_lab(srgb_to_linear(after)))
        if look not in SUBJECT_SHARES:
            return graded.at(np.flatnonzero(self.plain))
        share, some = SUBJECT_SHARES[look], np.flatnonzero(self.inside)
        others = np.flatnonzero(self.plain & ~self.inside)
        if learnt_from:
            others = np.repeat(others, np.where(self.beside[others], BESIDE.get(look, 1), 1))
        wanted = max(number_of_share(share, len(others)), int((self.plain & self.inside).sum()))
        if wanted < len(some):
            some = some[np.arange(wanted) * len(some) // wanted]
        rows = np.concatenate([others, some])
        return balanced(graded.at(rows), self.inside[rows], share)


@dataclass(frozen=True, slots=True)
class Composite:
    """The example of a photograph with the people, animals and vehicles of another one in front of it."""

    photographs: tuple[int, int]
    """The numbers of the photograph behind and of the one in front."""
    example: GradableExample
    """The example."""


@dataclass(frozen=True, slots=True)
class GradableExamples:
    """The examples of a collection of photographs."""

    photographs: list[GradableExample]
    """Those of the photographs, each in :data:`LIGHTS` lights, the first one as it is."""
    composites: list[Composite]
    """Those of pairs of photographs."""

    def of(self, look: str, held_out: BoolArray) -> tuple[list[TrainingExample], list[int]]:
        """The examples that a look is learnt from and measured on, graded, and the number of the photograph of each.

        held_out: bool (photographs,), those that measure the look. No composite shows anything of them.
        """
        numbers = [index // LIGHTS for index in range(len(self.photographs))]
        chosen = self.photographs
        if look not in GLOBAL:
            seen = [one for one in self.composites if not held_out[list(one.photographs)].any()]
            chosen, numbers = chosen + [one.example for one in seen], numbers + [one.photographs[0] for one in seen]
        learnt_from = ~held_out[numbers]
        pairs = zip(chosen, learnt_from.tolist(), strict=True)
        return [one.graded(look, learnt_from=learnt) for one, learnt in pairs], numbers


def every_example(
    pictures: Sequence[Photograph], settings: TrainSettings, kept: Path | None, *, composites: bool = True
) -> GradableExamples:
    """The examples of all photographs, from a file of an earlier run if it is there.

    composites: whether they are made too. Raises ValueError for a file of other photographs, settings or numbers.
    """
    count = superpixels_per_segmentation(LIGHTS * len(pictures), settings)
    made_of = _made_of(pictures, settings, count, composites=composites)
    if kept is not None and kept.exists():
        with kept.open("rb") as file:
            if pickle.load(file) != made_of:
                raise ValueError(
                    f"{kept} is of other photographs or settings, of another version, or has no composites where they "
                    "are asked for or the other way round; name another file, or take it away."
                )
            return GradableExamples(*pickle.load(file))
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        plain = [pool.submit(examples_of_photograph, one, i, count, settings) for i, one in enumerate(pictures)]
        pairs = [
            pool.submit(composite_of, pictures, index, number, count // COMPOSITE_PART, settings)
            for number in range(COMPOSITES if composites else 0)
            for index in range(len(pictures))
        ]
        found = GradableExamples(
            [example for task in plain for example in task.result()], [task.result() for task in pairs]
        )
    if kept is not None:
        with kept.open("wb") as file:
            pickle.dump(made_of, file)
            pickle.dump((found.photographs, found.composites), file)
    return found


def _made_of(
    pictures: Sequence[Photograph], settings: TrainSettings, count: int, *, composites: bool
) -> tuple[object, ...]:
    """What examples depend on, to compare with that of a file."""
    files = [path for one in pictures for path in one.files]
    numbers = (EXAMPLES_SCHEMA, PLATE_SCHEMA, LIGHTS, COMPOSITES if composites else 0, COMPOSITE_PART, DRAWN, count)
    return *numbers, asdict(settings), [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def examples_of_photograph(
    photograph: Photograph, index: int, count: int, settings: TrainSettings
) -> list[GradableExample]:
    """The examples of a photograph under its lights, of superpixels whose classes are known.

    count: superpixels taken at random from either segmentation of each, about. Raises ValueError for a photograph
    of which nothing is known.
    """
    own, found = LabelledPicture.of(photograph), []
    for light in range(LIGHTS):
        random = np.random.default_rng([settings.seed, index, light])
        shown = own
        if light:
            shown = replace(own, picture=under_other_light(own.picture, random))
            if random.random() < 0.5:
                shown = shown.mirrored()
        found.append(_gradable(shown, photograph.name, count, settings, random))
    return found


def composite_of(
    pictures: Sequence[Photograph], index: int, number: int, count: int, settings: TrainSettings
) -> Composite:
    """A photograph with the people, animals and vehicles of another one in front, half of them in another light.

    index: the photograph's. number: the composite's, of this photograph. count: as for :func:`examples_of_photograph`.
    Raises ValueError if no other one has subjects.
    """
    random = np.random.default_rng([settings.seed, index, LIGHTS, 1, number])  # no light of a photograph begins so
    own = LabelledPicture.of(pictures[index])
    for other in random.permutation(len(pictures)).tolist():
        if other != index and has_subject(front := LabelledPicture.of(pictures[other])):
            shown = with_subject(own, front, random)
            if number in _IN_OTHER_LIGHT:
                shown = replace(shown, picture=under_other_light(shown.picture, random))
            return Composite((index, other), _gradable(shown, pictures[index].name, count, settings, random))
    raise ValueError(f"{pictures[index].name}: no other photograph has people, animals or vehicles to put in front.")


def _gradable(
    shown: LabelledPicture, name: str, count: int, settings: TrainSettings, random: np.random.Generator
) -> GradableExample:
    """The example of one picture, of superpixels whose classes are known."""
    backbone = load_backbone(settings.backbone, pick_device("cpu"))
    picture, _ = in_ordinary_light(shown.picture)
    example = superpixels_of(picture, backbone, settings, DRAWN * count, random).graded(picture)
    plain = random.random(len(example.pixels)) < 1 / DRAWN
    named, inside = lie_inside(example, shown.sure), lie_inside(example, shown.subject)
    if not (named & plain).any():
        raise ValueError(f"{name}: its map says of no part what it is; draw it, or take it out.")
    kept = np.flatnonzero(named & (plain | inside))
    example = example.at(kept)
    colours, own = (of.reshape(-1, of.shape[-1])[example.pixels] for of in (picture, shown.maps))
    beside = _lie_beside(example, shown.subject) & ~inside[kept]
    return GradableExample(example, colours, own, plain[kept], inside[kept], beside)


def _lie_beside(example: PlateSuperpixels, subject: FloatArray) -> BoolArray:
    """Which superpixels of an example lie in or close to a subject, bool (N,). subject: float32 (H, W), 0..1."""
    reach = round(subject.shape[1] * _REACH)
    near = cv2.dilate(subject, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return lie_inside(example, np.asarray(near, np.float32))
