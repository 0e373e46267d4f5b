"""What more photographs would teach: ``python -m benchmarks.learning_curve FOLDER [--only LOOK] [--examples FILE]``.

Each look is learnt from an eighth, a quarter, a half and all of the photographs that are not held out, in one to three
draws, and tested on those that are, which choose the epoch too, as they do for the shipped presets. It is learnt as
these are, but without composites, from every fourth superpixel, without a base, and with noise and dropout as they are
by default. The last figure is of a network that is given the classes of each superpixel, of the photographs held out
too: what it leaves is not a matter of knowing what is there. Figures are mean L2 distances in Lab over those of the
best single transform of each picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from presets.gradable import LIGHTS, GradableExample, GradableExamples, every_example
from presets.make_presets import arguments_of
from presets.photographs import photographs
from presets.recipes import RECIPES
from vfxstyle.arrays import IntArray
from vfxstyle.features import all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks.fit import FitSettings, FitTask, fit
from vfxstyle.looks.samples import global_oracle, mean_error
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample, samples_of
from vfxstyle.training.learn import which_held_out
from vfxstyle.training.projections import fit_projections

DRAWS = {8: 3, 4: 3, 2: 2, 1: 1}
"""Of the others one in so many is learnt from; and how often others of them are drawn."""
STEP = 4
"""One superpixel of so many is learnt from; all are tested on."""
_CLASSES = "surround"  # the block that classes are added to: one that is not projected


def curve(look: str, every: GradableExamples) -> list[tuple[int, float]]:
    """The photographs that a look is learnt from, and its error; the last time with their classes."""
    held_out = which_held_out(range(len(every.photographs) // LIGHTS), TrainSettings())
    unseen, rest = np.flatnonzero(held_out), np.flatnonzero(~held_out)
    graded, _ = every.of(look, held_out)
    figures = []
    for part, draws in DRAWS.items():
        drawn = [np.random.default_rng(draw).permutation(rest)[: len(rest) // part] for draw in range(draws)]
        errors = [_error(_of(graded, seen), _of(graded, unseen)) for seen in drawn]
        figures.append((len(rest) // part, float(np.mean(errors))))
    known, _ = replace(every, photographs=[_with_classes(one) for one in every.photographs]).of(look, held_out)
    return [*figures, (len(rest), _error(_of(known, rest), _of(known, unseen)))]


def _of(examples: Sequence[TrainingExample], chosen: IntArray) -> list[TrainingExample]:
    """The examples of some photographs, in all lights."""
    return [examples[LIGHTS * number + light] for number in chosen for light in range(LIGHTS)]


def _with_classes(one: GradableExample) -> GradableExample:
    """The example with the classes of its superpixels among their features."""
    blocks = one.example.raw.blocks
    classes = np.concatenate([blocks[_CLASSES], one.masks.mean(axis=1).astype(np.float16)], axis=1)
    raw = replace(one.example.raw, blocks={**blocks, _CLASSES: classes})
    return replace(one, example=replace(one.example, raw=raw))


def _error(learnt: Sequence[TrainingExample], unseen: Sequence[TrainingExample]) -> float:
    """The error on photographs that are not learnt from, over that of the best single transform of each picture."""
    backbone = backbone_class(TrainSettings().backbone)
    blocks = all_blocks(backbone)
    projections = fit_projections(learnt, backbone, blocks)
    samples, tests = samples_of(learnt, blocks, projections), samples_of(unseen, blocks, projections)
    part = samples.only(np.arange(len(samples.features)) % STEP == 0)
    fitted = fit(FitTask(part, tests, FitSettings()), "cpu")
    return mean_error(fitted.network, fitted.standardisation, tests) / global_oracle(tests)


def main() -> None:
    """Print the curve of each look."""
    arguments = arguments_of(__doc__)
    every = every_example(
        photographs(arguments.folder), TrainSettings(device="cpu"), arguments.examples, composites=False
    )
    for look in arguments.only or RECIPES:
        *figures, (_, with_classes) = curve(look, every)
        words = ", ".join(f"{count} photographs {error:.2f}" for count, error in figures)
        print(f"{look}: {words}; with their classes given {with_classes:.2f}", flush=True)


if __name__ == "__main__":
    main()
