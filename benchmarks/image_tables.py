"""The paper's tables for pictures, on labelled sets; ``python -m benchmarks.tables`` writes them.

Measured is the mean per-pixel L2 distance in CIELab over the whole test pictures, as they come out of the image method.
The styles are the recipes of ``benchmarks/styles.py``, stand-ins for edits that are not public: figures compare the
rows with each other.

Table I: what a user would pick instead. II: what each part of the features contributes, and other ways to extract them.
Fig. 12: how many pairs are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.image_sets import (
    CPU,
    VARIANTS,
    ImageSet,
    TestPicture,
    examples_in,
    lab_in_style,
    of_variant,
)
from benchmarks.rivals import learnt_cube
from vfxstyle.arrays import AnyIntegers, FloatArray
from vfxstyle.color import lab_to_linear, linear_to_srgb
from vfxstyle.features import all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.features.vectors import COLOUR_BLOCKS, holds_classes
from vfxstyle.looks import Preset, fit_transform, transform_lab
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Clock, Silent
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.learn import learn
from vfxstyle.training.presets import preset_of
from vfxstyle.training.stills import graded_still

ABLATIONS: dict[str, Callable[[str], bool]] = {
    "everything": lambda block: True,
    "semantic only": lambda block: block not in COLOUR_BLOCKS or block == "pixel",
    "colours only": lambda block: block in COLOUR_BLOCKS,
    "none (the pixel alone)": lambda block: block == "pixel",
    "without the global feature": lambda block: block != "global",
    "without the fine scale": lambda block: not block.endswith("_fine"),
    "without the coarse scale": lambda block: not block.endswith("_coarse"),
    "without inner layers": lambda block: not block.startswith(("late", "middle", "early")),
    "without histograms": lambda block: block != "histogram",
    "without what the classifier says": lambda block: not holds_classes(block),
}
"""Which blocks of the feature vector are kept in each row of table II."""
PAPER_ROWS = 4
"""The first rows of table II are the paper's, for every style; the others are for the first style only."""
SIZES = (10, 20, 35, 50, 70)
"""Numbers of pairs of Fig. 12."""
FEW = (5, 9, 10, 12, 16)
"""Numbers of pairs about where some begin to be held out."""

Answer = Callable[[TestPicture, FloatArray], FloatArray]
"""What a row of a table makes of a test picture, from the truth that only oracles use; CIELab, float32 (H, W, 3)."""


def learnt_preset(examples: Sequence[TrainingExample], settings: TrainSettings, variant: str = "") -> Preset:
    """Return the preset that ``vfxstyle train`` makes of examples. variant: a value of :data:`VARIANTS`, or none."""
    examples = [replace(example, raw=of_variant(example.raw, variant)) for example in examples]
    return preset_of("table", learn(examples, settings, CPU, Clock(Silent())), settings)


def error_of(images: ImageSet, truths: Sequence[FloatArray], answer: Answer) -> float:
    """Return the mean per-pixel L2 in Lab over the test pictures."""
    both = zip(images.tests, truths, strict=True)
    return float(np.mean([np.linalg.norm(answer(test, truth) - truth, axis=-1).mean() for test, truth in both]))


def ours(preset: Preset, variant: str = "") -> Answer:
    """Return the image method with a preset. variant: a value of :data:`VARIANTS`, or none."""

    def answer(test: TestPicture, truth: FloatArray) -> FloatArray:
        still = replace(test.still, raw=of_variant(test.still.raw, variant))
        return lab_of_picture(graded_still(test.picture, still, preset))

    return answer


def oracle_of_image(test: TestPicture, truth: FloatArray) -> FloatArray:
    """Return a picture after the single transform that fits the truth best."""
    phi = fit_transform(test.still.lab.reshape(-1, 3), truth.reshape(-1, 3))
    return transform_lab(test.still.lab, phi)


def oracle_per_superpixel(test: TestPicture, truth: FloatArray) -> FloatArray:
    """Return a picture after the transform of each superpixel that fits the truth best."""
    lab, rows = test.still.lab.reshape(-1, 3), test.still.rows.reshape(-1)
    return fitted_per_superpixel(lab, truth.reshape(-1, 3), rows).reshape(truth.shape)


def fitted_per_superpixel(before: FloatArray, after: FloatArray, superpixel: AnyIntegers) -> FloatArray:
    """Return colours after the transform of their superpixel that fits the truth best.

    before, after: float32 (N, 3), CIELab. superpixel: (N,), the number of the superpixel of each, 0 and up. Returns
    float32 (N, 3), CIELab.
    """
    out = np.empty_like(before)
    order = np.argsort(superpixel, kind="stable")
    for own in np.split(order, np.cumsum(np.bincount(superpixel))[:-1]):
        out[own] = transform_lab(before[own], fit_transform(before[own], after[own]))
    return out


def table_one(images: ImageSet, settings: TrainSettings, styles: Sequence[str]) -> list[str]:
    """Return table I as Markdown lines."""
    lines = [
        f"**Table I, {images.name}**: mean L2 in Lab on {len(images.tests)} test pictures",
        "",
        "| style | distance | global oracle | one free transform per superpixel | learnt global quadratic | "
        "learnt 33-cube LUT | ours | ours / global oracle |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for style in styles:
        truths = [lab_in_style(test.labelled, style) for test in images.tests]
        examples = examples_in(images, style)
        answers: list[Answer] = [
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
    colours: FloatArray = np.clip(linear_to_srgb(lab_to_linear(lab[None])), 0, 1)[0]
    return colours


def _without_a_network(examples: Sequence[TrainingExample]) -> list[Answer]:
    """Return one learnt quadratic, and one learnt LUT."""
    before = np.concatenate([example.before.reshape(-1, 3) for example in examples])
    after = np.concatenate([example.after.reshape(-1, 3) for example in examples])
    quadratic = fit_transform(before, after)
    cube = learnt_cube([(_srgb(before), _srgb(after))])
    return [
        lambda test, truth: transform_lab(test.still.lab, quadratic),
        lambda test, truth: lab_of_picture(cube(test.picture)),
    ]


def table_two(images: ImageSet, settings: TrainSettings, styles: Sequence[str], *, every_row: bool = True) -> list[str]:
    """Return table II as Markdown lines. every_row: all rows for the first style, else the paper's only."""
    cells: dict[str, list[str]] = {name: [] for name in (*ABLATIONS, *VARIANTS)}
    for style in styles:
        truths = [lab_in_style(test.labelled, style) for test in images.tests]
        for name, preset, variant in _ablated(images, settings, style, every_row and style == styles[0]):
            error = error_of(images, truths, ours(preset, variant))
            cells[name].append(f"{error:.2f}")
            print(f"{images.name} {style} {name} {error:.3f}", flush=True)
    rows = [f"| {name} | {' | '.join(row + [''] * (len(styles) - len(row)))} |" for name, row in cells.items() if row]
    return [
        f"**Table II, {images.name}**: the same with parts of the features",
        "",
        f"| features | {' | '.join(styles)} |",
        "|---" * (len(styles) + 1) + "|",
        *rows,
        "",
    ]


def _ablated(
    images: ImageSet, settings: TrainSettings, style: str, every_row: bool
) -> Iterator[tuple[str, Preset, str]]:
    """Yield the name, the preset and the variant of each row of table II for one style."""
    every = all_blocks(backbone_class(settings.backbone))
    examples = examples_in(images, style)
    for name, keeps in list(ABLATIONS.items())[: None if every_row else PAPER_ROWS]:
        blocks = tuple(block for block in every if keeps(block))
        yield name, learnt_preset(examples, replace(settings, blocks=blocks)), ""
    for name, variant in VARIANTS.items() if every_row else ():
        yield name, learnt_preset(examples, settings, variant), variant


def few_pairs(images: ImageSet, settings: TrainSettings, style: str) -> list[str]:
    """Return a table of few pairs as Markdown lines: three draws, in each of which more pairs hold the fewer."""
    lines = [f"**Few pairs, {images.name}, {style}**: error as pairs are added, three draws", ""]
    lines += [f"| pairs | {' | '.join(map(str, FEW))} |", "|---|" + "---|" * len(FEW)]
    truths = [lab_in_style(test.labelled, style) for test in images.tests]
    examples = examples_in(images, style)
    for draw in range(3):
        order = np.random.default_rng(draw).permutation(len(examples))
        errors = []
        for size in FEW:
            preset = learnt_preset([examples[i] for i in order[:size]], replace(settings, seed=draw))
            errors.append(error_of(images, truths, ours(preset)))
        lines.append(f"| draw {draw + 1} | {' | '.join(f'{error:.2f}' for error in errors)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def figure_twelve(images: ImageSet, settings: TrainSettings, style: str) -> list[str]:
    """Return Fig. 12 as Markdown lines: three draws of each number of pairs."""
    lines = [f"**Fig. 12, {images.name}, {style}**: error against the number of pairs, three draws", ""]
    lines += ["| pairs | mean L2 in Lab | of each draw |", "|---|---|---|"]
    truths = [lab_in_style(test.labelled, style) for test in images.tests]
    examples = examples_in(images, style)
    for size in SIZES:
        errors = []
        for draw in range(3):
            chosen = np.random.default_rng([draw, size]).permutation(len(examples))[:size]
            preset = learnt_preset([examples[i] for i in chosen], replace(settings, seed=draw))
            errors.append(error_of(images, truths, ours(preset)))
        lines.append(f"| {size} | {np.mean(errors):.2f} | {', '.join(f'{e:.2f}' for e in errors)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]
