"""The flow of superpixels as a Gaussian process over place and colour (Chang, Wei and Fisher 2013, section 3.3).

Neighbours of like colour move alike. The published kernel is tapered to zero at three of its lengths (Wendland's
C2 function, which keeps it positive definite), and the system is solved by conjugate gradients, so that the cost
grows with the pairs within reach and not with the cube of the number of superpixels.
"""

from __future__ import annotations

import math

import numpy as np

from tsp.arrays import BoolArray, DoubleArray, IntArray
from tsp.compiled import kernel
from tsp.model import COUNT, SUM_Y, Model, Superpixels
from tsp.settings import Settings

_REACH = 3.0  # lengths
_ITERATIONS = 50
_SOLVED = 1e-3  # of the right-hand side


def reestimate(
    theta: DoubleArray, table: Superpixels, before: DoubleArray, settings: Settings, model: Model
) -> DoubleArray:
    """Flow of last frame's superpixels after their pixels have settled in this one, float64 (K, 2), (dy, dx) px.

    theta: float64 (K, 5), last frame's means, whitened. table: this frame's, its first K rows those superpixels.
    before: float64 (K, 2), the flow expected of them, px. A superpixel without pixels follows the others.
    """
    count = len(theta)
    order = np.argsort(theta[:, 0], kind="stable")  # by row, so that the search for pairs within reach is short
    places = theta[order, :2] / model.place_scale
    colours = theta[order, 2:] * np.sqrt(model.colour_var * np.array([2.0, 1.0, 1.0]))
    stats = table.stats[order]
    alive = stats[:, COUNT] > 0
    observed = np.zeros((count, 2))
    means = stats[alive, SUM_Y : SUM_Y + 2] / stats[alive, COUNT, None] / model.place_scale
    observed[alive] = means - places[alive] - before[order][alive]
    start, column, weight = _kernel(places, colours, settings.cov_var_p, settings.cov_var_a)
    flows = before.copy()
    for d in range(2):
        flows[order, d] += _smooth(start, column, weight, alive, observed[:, d].copy(), model.place_prior)
    return flows


@kernel(nogil=True)
def _kernel(
    places: DoubleArray, colours: DoubleArray, place_var: float, colour_var: float
) -> tuple[IntArray, IntArray, DoubleArray]:
    """Covariance of all pairs within reach as compressed sparse rows.

    places: float64 (K, 2), px, in ascending rows. colours: float64 (K, 3), code values.
    """
    count = len(places)
    radius = _REACH * math.sqrt(place_var)
    start = np.zeros(count + 1, np.int64)
    column = np.empty(64 * count, np.int64)
    weight = np.empty(64 * count)
    used, low = 0, 0
    for k in range(count):
        while places[k, 0] - places[low, 0] > radius:
            low += 1
        for j in range(low, count):
            dy, dx = places[j, 0] - places[k, 0], places[j, 1] - places[k, 1]
            if dy > radius:
                break
            distance = dy * dy + dx * dx
            if distance >= radius * radius:
                continue
            r = math.sqrt(distance) / radius
            off = 0.0
            for d in range(3):
                off += (colours[j, d] - colours[k, d]) ** 2
            if used == len(column):
                column = np.concatenate((column, np.empty(used, np.int64)))
                weight = np.concatenate((weight, np.empty(used)))
            column[used] = j
            taper = (1 - r) ** 4 * (4 * r + 1)
            weight[used] = taper * math.exp(-distance / (2 * place_var) - off / (2 * colour_var))
            used += 1
        start[k + 1] = used
    return start, column[:used].copy(), weight[:used].copy()


@kernel(nogil=True)
def _smooth(
    start: IntArray,
    column: IntArray,
    weight: DoubleArray,
    alive: BoolArray,
    observed: DoubleArray,
    noise: float,
) -> DoubleArray:
    """Posterior mean C[:, alive] (C[alive, alive] + noise I)^-1 observed, float64 (K,)."""
    solution = np.zeros(len(observed))
    rest = observed.copy()
    way = rest.copy()
    size = (rest * rest).sum()  # not np.dot, for which numba asks for SciPy
    goal = _SOLVED**2 * size
    for _ in range(_ITERATIONS):
        if size <= goal:
            break
        image = _times(start, column, weight, way) + noise * way
        image[~alive] = 0.0
        step = size / (way * image).sum()
        solution += step * way
        rest -= step * image
        smaller = (rest * rest).sum()
        way = rest + smaller / size * way
        size = smaller
    return _times(start, column, weight, solution)


@kernel(nogil=True)
def _times(start: IntArray, column: IntArray, weight: DoubleArray, vector: DoubleArray) -> DoubleArray:
    out = np.zeros(len(vector))
    for k in range(len(vector)):
        for i in range(start[k], start[k + 1]):
            out[k] += weight[i] * vector[column[i]]
    return out
