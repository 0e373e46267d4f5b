"""Raw features of the chosen frames of a shot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vfxstyle.analysis.arrays import StoredFeatures
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import AnalysisRecipe
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import WeightsError
from vfxstyle.features import shot_device
from vfxstyle.features.extract import NetworkOutput, Segmentation, extract_features, run_network
from vfxstyle.features.registry import load_backbone, weights_digest
from vfxstyle.progress import Stage
from vfxstyle.settings import Run
from vfxstyle.superpixels.tables import table_of


def check_weights(recipe: AnalysisRecipe, named: str | None) -> None:
    """Check that the network can be loaded, and is the one that is wanted, before an hour goes into superpixels.

    named: the user's choice of a weight file. Raises :class:`~vfxstyle.errors.WeightsError`.
    """
    if weights_digest(recipe.backbone, named) != recipe.weights:
        raise WeightsError(
            f"The preset was learnt with other weights of {recipe.backbone} than are found here; name the right ones "
            "with --weights."
        )


def extract_frames(
    analysis: AnalysisFolder,
    recipe: AnalysisRecipe,
    numbers: Sequence[int],
    picture: Callable[[int], FloatArray],
    run: Run,
) -> None:
    """Store raw features of every superpixel on some frames.

    picture: a frame by its number, float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution. Raises what
    :func:`check_weights` does.
    """
    check_weights(recipe, run.weights)
    with run.clock.stage(Stage.FEATURES, len(numbers)) as step:
        backbone = load_backbone(recipe.backbone, shot_device(run.device), run.weights)
        try:
            for first in range(0, len(numbers), backbone.frames_at_once):
                group = numbers[first : first + backbone.frames_at_once]
                output = run_network(backbone, [picture(number) for number in group])
                for index, number in enumerate(group):
                    analysis.add_features(number, _features_on(output, index, analysis.read_labels(number)))
                    step()
        finally:
            backbone.release()  # the grade pass has use for the memory


def _features_on(output: NetworkOutput, index: int, labels: LabelArray) -> StoredFeatures:
    """Features of the superpixels on one of the frames that the network has run on."""
    table, rows = table_of(labels, output.labs[index])
    raw = extract_features(output, index, Segmentation.whole(rows, table.centroids))
    return StoredFeatures(table.labels, np.bincount(rows.reshape(-1)).astype(np.int32), raw)
