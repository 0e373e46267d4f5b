"""Carrying labels from one frame to the next along the flow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tsp.topology import HOLE, LabelArray

FloatArray = npt.NDArray[np.float32]
StatArray = npt.NDArray[np.float64]


@njit(cache=True)
def mean_flow(labels: LabelArray, flow: FloatArray, count: int) -> tuple[StatArray, StatArray]:
    """Mean forward flow and centroid of each superpixel, both float64 (K, 2) as (x, y) in px."""
    flows = np.zeros((count, 2))
    centres = np.zeros((count, 2))
    sizes = np.zeros(count)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            sizes[k] += 1.0
            flows[k, 0] += flow[y, x, 0]
            flows[k, 1] += flow[y, x, 1]
            centres[k, 0] += x
            centres[k, 1] += y
    for k in range(count):
        if sizes[k] > 0:
            flows[k] /= sizes[k]
            centres[k] /= sizes[k]
    return flows, centres


@njit(cache=True)
def shift_labels(labels: LabelArray, flows: StatArray, centres: StatArray) -> LabelArray:
    """Shift every superpixel rigidly by its mean flow.

    Where several land, the one whose shifted centre is nearest stays; where none lands, a hole is left.
    """
    height, width = labels.shape
    out = np.full((height, width), HOLE, np.int32)
    nearest = np.full((height, width), np.inf)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            tx = int(np.floor(x + flows[k, 0] + 0.5))
            ty = int(np.floor(y + flows[k, 1] + 0.5))
            if not (0 <= tx < width and 0 <= ty < height):
                continue
            dx = tx - centres[k, 0] - flows[k, 0]
            dy = ty - centres[k, 1] - flows[k, 1]
            distance = dx * dx + dy * dy
            if distance < nearest[ty, tx] or (distance == nearest[ty, tx] and k < out[ty, tx]):
                nearest[ty, tx] = distance
                out[ty, tx] = k
    return out
