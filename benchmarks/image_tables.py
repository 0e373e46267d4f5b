"""The paper's tables for pictures, on labelled sets; ``python -m benchmarks.tables`` writes them.

Protocol (Zhu, Yan, Bu, Yu, section V): 115 pictures drawn by seed, 70 to learn from, 45 to test; mean per-pixel L2
distance in CIELab over the whole test pictures, as they come out of the pipeline. The styles are the recipes of
``benchmarks/styles.py``, stand-ins for edits that are not public: figures compare the rows with each other.

Table I: what a user would pick instead. II: what each part of the features is worth, and each way to take it.
Fig. 12: how many pairs it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from benchmarks.rivals import learnt_cube
from benchmarks.styles import Labelled, graded, labelled_pictures
from vfxstyle.arrays import FloatArray, HalfArray
from vfxstyle.color import lab_to_linear, linear_to_srgb, srgb_to_linear
from vfxstyle.features import RawFeatures, all_blocks, pick_device
from vfxstyle.features.extract import NetworkOutput, Segmentation, extract_features
from vfxstyle.features.histogram import colour_histograms
from vfxstyle.features.registry import backbone_class
from vfxstyle.features.vectors import COLOUR_BLOCKS
from vfxstyle.looks import Preset, fit_transform, transform_lab
from vfxstyle.plates.picture import analysis_size, lab_of_picture
from vfxstyle.progress import Clock, Silent
from vfxstyle.settings import DEFAULT_ANALYSIS_WIDTH, DEFAULT_STILL_SUPERPIXELS, TrainSettings
from vfxstyle.training.examples import TrainingExample, example_of
from vfxstyle.training.learn import learn
from vfxstyle.training.pairs import PairPictures
from vfxstyle.training.stills import StillFeatures, features_of_still, graded_still
from vfxstyle.training.train import preset_of

PICTURES, LEARNT = 115, 70
"""Pictures drawn from a set, and how many of them are learnt from."""
CPU = pick_device("cpu")
ABLATIONS: dict[str, Callable[[str], bool]] = {
    "everything": lambda part: True,
    "semantic only": lambda part: part not in COLOUR_BLOCKS or part == "pixel",
    "colours only": lambda part: part in COLOUR_BLOCKS,
    "none (the pixel alone)": lambda part: part == "pixel",
    "without the global feature": lambda part: part != "global",
    "without the fine scale": lambda part: not part.endswith("_fine"),
    "without the coarse scale": lambda part: not part.endswith("_coarse"),
    "without inner layers": lambda part: not part.startswith(("late", "middle", "early")),
    "without histograms": lambda part: part != "histogram",
}
"""Which parts of the feature vector are kept in each row of table II."""
PAPER_ROWS = 4
"""The first rows of table II are the paper's, for every style; the others are for the first style only."""
VARIANTS = {
    "at the centroid, between four cells": "centroid",
    "at the centroid, the nearest cell": "nearest",
    "histograms without bilateral weights": "unweighted",
}
"""Other ways to describe a superpixel, in further rows of table II."""
SIZES = (10, 20, 35, 50, 70)
"""Numbers of pairs of Fig. 12."""


@dataclass(frozen=True, slots=True)
class TestPicture:
    """A picture to test on."""

    labelled: Labelled
    """Where it comes from."""
    picture: FloatArray
    """float32 (H, W, 3), sRGB, at analysis resolution."""
    still: StillFeatures
    """Its superpixels and features."""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """A set of labelled pictures, described once for all styles."""

    name: str
    """Name of its folder."""
    learnt: tuple[tuple[Labelled, TrainingExample], ...]
    """Pictures to learn from."""
    tests: tuple[TestPicture, ...]
    """Pictures to test on."""


def describe_all_ways(seen: NetworkOutput, index: int, superpixels: Segmentation) -> RawFeatures:
    """Features as always, and those of :data:`VARIANTS` beside them as ``PART:VARIANT``."""
    raw = extract_features(seen, index, superpixels)
    points = superpixels.centroids[superpixels.wanted]
    parts = dict(raw.blocks)
    for scale, maps in seen.maps.items():
        for layer, cells in maps.layers.items():
            place = ((points + 0.5) * maps.upsample - 0.5 - maps.origins[layer]) / maps.stride
            for variant, mode in (("centroid", "bilinear"), ("nearest", "nearest")):
                parts[f"{layer}_{scale}:{variant}"] = _sampled(cells[index], place, mode)
    parts["histogram:unweighted"] = colour_histograms(seen.labs[index], points, bilateral=False).astype(np.float16)
    return replace(raw, blocks=parts)


def _sampled(cells: torch.Tensor, place: FloatArray, mode: str) -> HalfArray:
    """Cells (C, h, w) at places (N, 2), (x, y) in cells."""
    size = np.array([cells.shape[2], cells.shape[1]]) - 1
    grid = torch.from_numpy((2 * place / size - 1).astype(np.float32))[None, None]
    found = functional.grid_sample(cells[None].float(), grid, mode=mode, padding_mode="border", align_corners=True)
    return found[0, :, 0].T.numpy().astype(np.float16)


def in_a_way(raw: RawFeatures, variant: str = "") -> RawFeatures:
    """The features of one of :data:`VARIANTS`, or those as always."""
    own = {name: part for name, part in raw.blocks.items() if ":" not in name}
    other = {name.partition(":")[0]: part for name, part in raw.blocks.items() if name.endswith(f":{variant}")}
    return replace(raw, blocks=own | other)


def small(picture: FloatArray) -> FloatArray:
    """A picture at analysis resolution, brought there in linear light as plates are."""
    size = analysis_size(picture.shape[1], picture.shape[0], DEFAULT_ANALYSIS_WIDTH)
    return np.clip(linear_to_srgb(cv2.resize(srgb_to_linear(picture), size, interpolation=cv2.INTER_AREA)), 0, 1)


def after_of(labelled: Labelled, style: str) -> FloatArray:
    """CIELab of a picture after a style, at analysis resolution."""
    return lab_of_picture(small(graded(style, *labelled.read())))


def read_set(folder: Path, settings: TrainSettings, seed: int, *, all_ways: bool) -> ImageSet:
    """Draw and describe the pictures of a set. all_ways: in all :data:`VARIANTS` too, which takes twice as long."""
    way = describe_all_ways if all_ways else extract_features
    every = labelled_pictures(folder)
    drawn = [every[i] for i in np.random.default_rng(seed).permutation(len(every))[:PICTURES]]
    backbone = backbone_class(settings.backbone).load(CPU)
    learnt, tests = [], []
    for index, labelled in enumerate(drawn):
        picture = small(labelled.read()[0])
        if index < LEARNT:
            pair = PairPictures(picture, picture, ((0, 0), (0, 0)), ("", ""))
            random = np.random.default_rng([seed, index])
            example = example_of(pair, backbone, settings, settings.superpixels, random, way)
            learnt.append((labelled, example))
        else:
            still = features_of_still(picture, backbone, DEFAULT_STILL_SUPERPIXELS, way)
            tests.append(TestPicture(labelled, picture, still))
        print(f"{folder.name}: {index + 1} of {len(drawn)} pictures described", flush=True)
    return ImageSet(folder.name, tuple(learnt), tuple(tests))


def lessons_in(images: ImageSet, style: str) -> list[TrainingExample]:
    """The examples of a set in a style."""
    found = []
    for labelled, example in images.learnt:
        found.append(replace(example, after=after_of(labelled, style).reshape(-1, 3)[example.pixels]))
    return found


def learnt_preset(examples: Sequence[TrainingExample], settings: TrainSettings, variant: str = "") -> Preset:
    """What ``vfxstyle train`` makes of examples."""
    examples = [replace(example, raw=in_a_way(example.raw, variant)) for example in examples]
    return preset_of("table", learn(examples, settings, CPU, Clock(Silent())), settings)


def error_of(
    images: ImageSet, truths: Sequence[FloatArray], answer: Callable[[TestPicture, FloatArray], FloatArray]
) -> float:
    """Mean per-pixel L2 in Lab over the test pictures of what ``answer`` makes of each, CIELab.

    An oracle uses the truth, which it is given; whatever is learnt does not.
    """
    both = zip(images.tests, truths, strict=True)
    return float(np.mean([np.linalg.norm(answer(test, truth) - truth, axis=-1).mean() for test, truth in both]))


def ours(preset: Preset, variant: str = "") -> Callable[[TestPicture, FloatArray], FloatArray]:
    """The image method with a preset."""

    def answer(test: TestPicture, truth: FloatArray) -> FloatArray:
        still = replace(test.still, raw=in_a_way(test.still.raw, variant))
        return lab_of_picture(graded_still(test.picture, still, preset, CPU))

    return answer


def oracle_of_image(test: TestPicture, truth: FloatArray) -> FloatArray:
    """A picture after the single transform that fits the answer best, CIELab."""
    phi = fit_transform(test.still.lab.reshape(-1, 3), truth.reshape(-1, 3))
    return transform_lab(test.still.lab, phi)


def oracle_per_superpixel(test: TestPicture, truth: FloatArray) -> FloatArray:
    """A picture whose every superpixel has the transform that fits the answer best, CIELab."""
    lab, rows = test.still.lab.reshape(-1, 3), test.still.rows.reshape(-1)
    return fitted_per_superpixel(lab, truth.reshape(-1, 3), rows).reshape(truth.shape)


def fitted_per_superpixel(before: FloatArray, after: FloatArray, whose: npt.NDArray[np.integer]) -> FloatArray:
    """Colours after the transform of their superpixel that fits the answer best.

    before, after: float32 (N, 3), CIELab. whose: (N,), number of the superpixel of each; returns as ``before``.
    """
    out = np.empty_like(before)
    order = np.argsort(whose, kind="stable")
    for own in np.split(order, np.cumsum(np.bincount(whose))[:-1]):
        out[own] = transform_lab(before[own], fit_transform(before[own], after[own]))
    return out


def table_one(images: ImageSet, settings: TrainSettings, styles: Sequence[str]) -> list[str]:
    """Table I, as Markdown lines."""
    lines = [
        f"**Table I, {images.name}**: mean L2 in Lab on {len(images.tests)} test pictures",
        "",
        "| style | distance | global oracle | one free transform per superpixel | learnt global quadratic | "
        "learnt 33-cube LUT | ours | ours / global oracle |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for style in styles:
        truths = [after_of(test.labelled, style) for test in images.tests]
        examples = lessons_in(images, style)
        answers = [
            lambda test, truth: test.still.lab,
            oracle_of_image,
            oracle_per_superpixel,
            *_without_a_network(examples),
            ours(learnt_preset(examples, settings)),
        ]
        figures = [error_of(images, truths, answer) for answer in answers]
        lines.append(f"| {style} | {' | '.join(f'{f:.2f}' for f in figures)} | {figures[-1] / figures[1]:.2f} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def _srgb(lab: FloatArray) -> FloatArray:
    return np.clip(linear_to_srgb(lab_to_linear(lab[None])), 0, 1)[0]


def _without_a_network(examples: Sequence[TrainingExample]) -> list[Callable[[TestPicture, FloatArray], FloatArray]]:
    """One learnt quadratic, and one learnt LUT."""
    before = np.concatenate([example.before.reshape(-1, 3) for example in examples])
    after = np.concatenate([example.after.reshape(-1, 3) for example in examples])
    quadratic = fit_transform(before, after)
    cube = learnt_cube([(_srgb(before), _srgb(after))])
    return [
        lambda test, truth: transform_lab(test.still.lab, quadratic),
        lambda test, truth: lab_of_picture(cube(test.picture)),
    ]


def table_two(images: ImageSet, settings: TrainSettings, styles: Sequence[str], *, every_row: bool = True) -> list[str]:
    """Table II, as Markdown lines. every_row: of the first style all rows, else the paper's alone."""
    every = all_blocks(backbone_class(settings.backbone))
    lines = [
        f"**Table II, {images.name}**: the same with parts of the features",
        "",
        f"| features | {' | '.join(styles)} |",
        "|---" * (len(styles) + 1) + "|",
    ]
    cells: dict[str, list[str]] = {name: [] for name in (*ABLATIONS, *VARIANTS)}
    for style in styles:
        truths = [after_of(test.labelled, style) for test in images.tests]
        examples = lessons_in(images, style)
        wide = every_row and style == styles[0]
        for name, keeps in list(ABLATIONS.items())[: None if wide else PAPER_ROWS]:
            part_settings = replace(settings, blocks=tuple(part for part in every if keeps(part)))
            error = error_of(images, truths, ours(learnt_preset(examples, part_settings)))
            cells[name].append(f"{error:.2f}")
            print(f"{images.name} {style} {name} {error:.3f}", flush=True)
        for name, variant in VARIANTS.items() if wide else ():
            preset = learnt_preset(examples, settings, variant)
            error = error_of(images, truths, ours(preset, variant))
            cells[name].append(f"{error:.2f}")
            print(f"{images.name} {style} {name} {error:.3f}", flush=True)
    lines += [f"| {name} | {' | '.join(row + [''] * (len(styles) - len(row)))} |" for name, row in cells.items() if row]
    return [*lines, ""]


def figure_twelve(images: ImageSet, settings: TrainSettings, style: str) -> list[str]:
    """Fig. 12, as Markdown lines: three draws of each number of pairs."""
    lines = [f"**Fig. 12, {images.name}, {style}**: error against the number of pairs, three draws", ""]
    lines += ["| pairs | mean L2 in Lab | of each draw |", "|---|---|---|"]
    truths = [after_of(test.labelled, style) for test in images.tests]
    examples = lessons_in(images, style)
    for size in SIZES:
        errors = []
        for draw in range(3):
            chosen = np.random.default_rng([draw, size]).permutation(len(examples))[:size]
            preset = learnt_preset([examples[i] for i in chosen], replace(settings, seed=draw))
            errors.append(error_of(images, truths, ours(preset)))
        lines.append(f"| {size} | {np.mean(errors):.2f} | {', '.join(f'{e:.2f}' for e in errors)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]
