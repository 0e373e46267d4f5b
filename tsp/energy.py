"""The model's energy of any label maps, whichever method made them."""

from __future__ import annotations

import numpy as np

from tsp.arrays import DoubleArray, FloatArray, LabelArray
from tsp.model import (
    COUNT,
    INSIDE,
    LOG_2PI,
    MEAN_X,
    MEAN_Y,
    colour_scale,
    derive,
    gather,
    log_posterior,
    squares,
    superpixels,
)
from tsp.settings import Settings
from tsp.topology import UNASSIGNED


class Evaluator:
    """Log-posterior E of the label maps of one shot, frame after frame.

    A label is old where it was seen on the frame before, and new elsewhere, also when it comes back after a
    gap. Only pixels inside the frame count, so that label maps made without a margin are judged alike.
    """

    def __init__(self, height: int, width: int, settings: Settings) -> None:
        self._model = derive(settings, height, width)._replace(pad=1)
        self._scale = colour_scale(self._model)
        self._labels = np.zeros(0, np.int64)
        self._means: DoubleArray = np.zeros((0, 5))

    def add(self, labels: LabelArray, lab: FloatArray, flow: FloatArray | None = None) -> float:
        """E of the next frame, in nats; larger is better.

        labels: int (H, W). lab: float32 (H, W, 3), CIELab D65, L 0..100. flow: float32 (H, W, 2), (dx, dy) px
        from the frame before to this one, None on the first frame of a shot.
        """
        model = self._model
        names, rows = np.unique(labels, return_inverse=True)
        colour = np.ascontiguousarray(lab * self._scale, np.float32)
        padded = np.pad(rows.reshape(labels.shape).astype(np.int32), 1, constant_values=UNASSIGNED)
        table = superpixels(len(names))
        if flow is not None:
            _, here, before = np.intersect1d(names, self._labels, assume_unique=True, return_indices=True)
            table.old[here] = True
            table.priors[here] = self._means[before]
            table.priors[here, :2] += flow_at(self._means[before, :2], flow, model.place_scale) * model.place_scale
        gather(padded, colour, table, len(names), model)
        energy = -0.5 * float(squares(padded, colour, len(names), model).sum())
        for k in range(len(names)):
            energy += log_posterior(model, table.stats[k], table.priors[k], table.old[k])
        energy -= LOG_2PI * float(table.stats[:, COUNT].sum() + 1.5 * table.stats[:, INSIDE].sum())
        self._labels, self._means = names.astype(np.int64), table.scores[:, MEAN_Y : MEAN_Y + 5].copy()
        return energy


def flow_at(means: DoubleArray, flow: FloatArray, place_scale: float) -> DoubleArray:
    """The flow at the pixels nearest to given centres, float64 (K, 2) as (dy, dx) in px.

    means: float64 (K, 2), whitened y, x. flow: float32 (H, W, 2), (dx, dy) in px.
    """
    y = np.clip(np.rint(means[:, MEAN_Y] / place_scale), 0, flow.shape[0] - 1).astype(int)
    x = np.clip(np.rint(means[:, MEAN_X] / place_scale), 0, flow.shape[1] - 1).astype(int)
    return flow[y, x, ::-1].astype(np.float64)
