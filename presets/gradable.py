"""What the shipped looks are learnt from: superpixels of photographs, in several lights and pasted together."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from presets.composites import Mapped, has_subject, pasted
from presets.photographs import CLASSES, Photograph, under_other_light
from presets.recipes import RECIPES
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import pick_device
from vfxstyle.features.registry import load_backbone
from vfxstyle.plates.picture import in_ordinary_light
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample, superpixels_of, superpixels_per_segmentation
from vfxstyle.training.learn import which_held_out
from vfxstyle.training.plate_folder import PLATE_SCHEMA
from vfxstyle.training.subject import balanced, lie_inside, number_of_share

SUBJECT_SHARES = {"golden": 1 / 3, "pop-out": 0.7, "local-xpro": 1 / 3, "teal-orange": 1 / 3}
"""Looks in which subjects count more: the share of the superpixels of a photograph with subjects that is theirs at
least; more of them are taken, and repeated where there are no more. Not ``bleach-bypass``, whose lights go to white
with it."""
GLOBAL = ("cold", "spring")
"""Looks that are the same on everything; they are learnt from whole photographs alone."""
LIGHTS = 3
"""Versions of each photograph: as it is, and under two other lights."""
COMPOSITES = 3
"""Pictures with each photograph that is learnt from behind the subjects of others."""
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

    def graded(self, look: str) -> TrainingExample:
        """The example with its pixels after a look, with as large a share of subjects as the look has."""
        masks = {name: self.masks[..., index : index + 1] for index, name in enumerate(CLASSES)}
        after = RECIPES[look](self.pixels, masks)
        graded = replace(self.example, after=linear_to_lab(srgb_to_linear(after)))
        if look not in SUBJECT_SHARES:
            return graded.at(np.flatnonzero(self.plain))
        share, some = SUBJECT_SHARES[look], np.flatnonzero(self.inside)
        others = np.flatnonzero(self.plain & ~self.inside)
        wanted = max(number_of_share(share, len(others)), int((self.plain & self.inside).sum()))
        if wanted < len(some):
            some = some[np.arange(wanted) * len(some) // wanted]
        rows = np.concatenate([others, some])
        return balanced(graded.at(rows), self.inside[rows], share)


@dataclass(frozen=True, slots=True)
class GradableExamples:
    """The examples of a collection of photographs."""

    photographs: list[GradableExample]
    """Those of the photographs, each in :data:`LIGHTS` lights, the first one as it is."""
    composites: list[GradableExample]
    """Those of photographs behind the subjects of others; nothing in them is of a photograph that is held out."""
    behind: list[int]
    """The number of the photograph behind each composite."""

    def of(self, look: str) -> tuple[list[TrainingExample], list[int]]:
        """The examples that a look is learnt from, graded, and the number of the photograph of each."""
        numbers = [index // LIGHTS for index in range(len(self.photographs))]
        if look in GLOBAL:
            return [one.graded(look) for one in self.photographs], numbers
        return [one.graded(look) for one in (*self.photographs, *self.composites)], numbers + self.behind


def every_example(pictures: Sequence[Photograph], settings: TrainSettings, kept: Path | None) -> GradableExamples:
    """The examples of all photographs, from a file of an earlier run if it is there.

    Raises ValueError for a file of other photographs, or of another version.
    """
    count = superpixels_per_segmentation(LIGHTS * len(pictures), settings)
    made_of = (PLATE_SCHEMA, LIGHTS, COMPOSITES, DRAWN, count, [one.name for one in pictures])
    if kept is not None and kept.exists():
        with kept.open("rb") as file:
            before, read = pickle.load(file)
        if before != made_of:
            raise ValueError(f"{kept} is of other photographs or another version; take it away.")
        return GradableExamples(*read)
    learnt_from = np.flatnonzero(~which_held_out(range(len(pictures)), settings)).tolist()
    with ProcessPoolExecutor(2) as pool:
        plain = [pool.submit(examples_of_photograph, one, i, count, settings) for i, one in enumerate(pictures)]
        behind = [i for i in learnt_from for _ in range(COMPOSITES)]
        learnt = [pictures[i] for i in learnt_from]
        pastings = [
            pool.submit(example_of_composite, pictures[i], learnt, [i, LIGHTS + k % COMPOSITES], count // 2, settings)
            for k, i in enumerate(behind)
        ]
        found = [example for task in plain for example in task.result()]
        composites = [task.result() for task in pastings]
    if kept is not None:
        with kept.open("wb") as file:
            pickle.dump((made_of, (found, composites, behind)), file)
    return GradableExamples(found, composites, behind)


def examples_of_photograph(
    photograph: Photograph, index: int, count: int, settings: TrainSettings
) -> list[GradableExample]:
    """The examples of a photograph under its lights, of superpixels whose classes are known.

    count: superpixels taken at random from either segmentation of each, about. Raises ValueError for a photograph
    of which nothing is known.
    """
    own, found = Mapped.of(photograph), []
    for light in range(LIGHTS):
        random = np.random.default_rng([settings.seed, index, light])
        shown = own
        if light:
            shown = replace(own, picture=under_other_light(own.picture, random))
            if random.random() < 0.5:
                shown = shown.mirrored()
        found.append(_gradable(shown, photograph.name, count, settings, random))
    return found


def example_of_composite(
    photograph: Photograph, others: Sequence[Photograph], numbers: Sequence[int], count: int, settings: TrainSettings
) -> GradableExample:
    """The example of a photograph with the subjects of one of the others in front, every third time in its own light.

    numbers: what its random numbers begin with, after the seed; the last one counts the composites. count: as for
    :func:`examples_of_photograph`. Raises ValueError if no other one has subjects.
    """
    random = np.random.default_rng([settings.seed, *numbers])
    for number in random.permutation(len(others)).tolist():
        front = Mapped.of(others[number])
        if others[number].name != photograph.name and has_subject(front):
            shown = pasted(Mapped.of(photograph), front, random)
            if numbers[-1] % COMPOSITES:
                shown = replace(shown, picture=under_other_light(shown.picture, random))
            return _gradable(shown, photograph.name, count, settings, random)
    raise ValueError(f"{photograph.name}: no other photograph has people, animals or vehicles to paste in.")


def _gradable(
    shown: Mapped, name: str, count: int, settings: TrainSettings, random: np.random.Generator
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
    return GradableExample(example, colours, own, plain[kept], inside[kept])
