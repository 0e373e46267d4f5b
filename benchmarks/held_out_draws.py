"""How well looks are learnt, over draws of photographs held out: ``python -m benchmarks.held_out_draws FOLDER``.

Which few photographs are held out makes more difference than most of what can be tried, so a change of how looks are
learnt is judged over five draws. Each holds a fifth of the photographs out, and every photograph is held out in one of
them. Each look is learnt from the others alone, and from them and composites of them. It is learnt as the shipped
presets are, but without a base, with noise and dropout as they are by default, and in six passes, of which the
photographs held out choose the best. Figures are mean L2 distances in Lab on them, over those of the best single
transform of each picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from presets.gradable import GLOBAL, GradableExamples, every_example
from presets.make_presets import arguments_of
from presets.photographs import photographs
from presets.recipes import RECIPES
from vfxstyle.arrays import BoolArray
from vfxstyle.features import all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks.fit import FitSettings, FitTask, fit_side_by_side
from vfxstyle.looks.samples import global_oracle, mean_error
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import samples_of
from vfxstyle.training.projections import fit_projections

FOLDS = 5
"""Draws, which together hold every photograph out once."""
EPOCHS = 6
"""Passes over all superpixels."""


def held_out_of(count: int) -> list[BoolArray]:
    """Which of so many photographs each draw holds out."""
    order = np.random.default_rng(0).permutation(count)
    return [np.isin(np.arange(count), part) for part in np.array_split(order, FOLDS)]


def errors(look: str, every: Sequence[GradableExamples], held_out: BoolArray) -> list[float]:
    """The errors of a look on photographs held out, learnt from the others of each of some sets of examples.

    every: the first one has the photographs alone; the projections of features are fitted to these.
    """
    backbone = backbone_class(TrainSettings().backbone)
    blocks, graded = all_blocks(backbone), [examples.of(look, held_out) for examples in every]
    learnt_from = [one for one, number in zip(*graded[0], strict=True) if not held_out[number]]
    projections = fit_projections(learnt_from, backbone, blocks)
    samples = [samples_of(of_set, blocks, projections) for of_set, _ in graded]
    seen = [~held_out[numbers] for _, numbers in graded]
    tests = samples[0].only(~seen[0][samples[0].picture])
    fitting = FitSettings(epochs=EPOCHS)
    tasks = [FitTask(one.only(own[one.picture]), tests, fitting) for one, own in zip(samples, seen, strict=True)]
    fitted = fit_side_by_side(tasks, "cpu")
    oracle = global_oracle(tests)
    return [mean_error(one.network, one.standardisation, tests) / oracle for one in fitted]


def main() -> None:
    """Print the errors of each look, draw by draw."""
    arguments = arguments_of(__doc__)
    pictures = photographs(arguments.folder)
    every = every_example(pictures, TrainSettings(device="cpu"), arguments.examples)
    for look in arguments.only or [name for name in RECIPES if name not in GLOBAL]:
        found = []
        for number, held_out in enumerate(held_out_of(len(pictures)), 1):
            found.append(errors(look, [replace(every, composites=[]), every], held_out))
            print(f"{look}, draw {number}: {found[-1][0]:.3f} without composites, {found[-1][1]:.3f} with", flush=True)
        without, with_them = np.mean(found, axis=0)
        print(f"{look}: {without:.3f} without composites, {with_them:.3f} with, mean of {FOLDS} draws", flush=True)


if __name__ == "__main__":
    main()
