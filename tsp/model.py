"""The generative model's numbers for one frame size, and the closed forms of a superpixel's likelihood.

Chang, Wei and Fisher, "A Video Representation Using Temporal Superpixels" (CVPR 2013). A pixel has a place and a
colour, both whitened, so that a superpixel is a unit Gaussian in five dimensions. A *new* superpixel has no
prior on its means, an *old* one (alive in the frame before) is expected at its last place plus its flow and in
its last colour. The means are optimised out.

Statistics are float64 (K, 7): pixels, pixels inside the frame, and sums of whitened y, x (all pixels), L, a, b
(pixels inside the frame). Scores are float64 (K, 11), what a border pixel needs of a superpixel to decide;
:func:`refresh` derives them from the statistics.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tsp.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LabelArray
from tsp.compiled import kernel
from tsp.settings import Settings

COUNT, INSIDE, SUM_Y, SUM_X, SUM_L, SUM_A, SUM_B = range(7)
STATISTICS = 7
MEAN_Y, MEAN_X, MEAN_L, MEAN_A, MEAN_B, ADD_PLACE, ADD_COLOUR, DROP_PLACE, DROP_COLOUR, ADD_AREA, DROP_AREA = range(11)
SCORES = 11

L_CODES = 2.55  # code values per unit of L; a and b have one
LOG_2PI = math.log(2 * math.pi)

# Spatial cost of a compact superpixel of area A is A^2 / (c S); c lies between a square's 12 and a disc's 12.57.
_COMPACT = 12.5123

# The variance of colour grows with the frame and does not depend on K. The published choice is H W / 18768; with
# 0.7 times that borders follow colour more closely. In small pictures it would fall below the noise of 8-bit codes.
_COLOUR_AREA = _COMPACT * 15 * 100
_COLOUR_SHARE = 0.7
_LEAST_COLOUR_VAR, _LEAST_AREA = 3.0, 4  # 8-bit codes squared; px


class Model(NamedTuple):
    """The numbers that Settings stand for in frames of one size; lengths in px, log-weights in nats."""

    area: float
    """Ideal area of a superpixel, H W / K."""
    area_var: float
    """Variance of the area about it, px^2."""
    place_scale: float
    """Whitened length of one px."""
    colour_var: float
    """Variance of a and b within a superpixel, 8-bit Lab codes squared; the variance of L is twice this."""
    place_prior: float
    """Variance of an old superpixel's place about its prediction, whitened."""
    colour_prior: float
    """Variance of an old superpixel's colour about its last one, whitened."""
    log_new: float
    """Log-weight of a new superpixel."""
    log_old: float
    """Log-weight of an old one."""
    log_unassigned: float
    """Score of a margin pixel without a label, less that pixel's share of the location likelihood's constant."""
    pad: int
    """Width of the margin of virtual pixels, and one more that always stays empty, px."""


class Superpixels(NamedTuple):
    """The superpixels of one frame, one row each; rows beyond those in use are empty."""

    ids: IntArray
    """Lasting label, -1 before it is given."""
    old: BoolArray
    """Whether the superpixel was known before this frame."""
    priors: DoubleArray
    """float64 (K, 5): expected whitened y, x, L, a, b of an old one."""
    flows: DoubleArray
    """float64 (K, 2): re-estimated flow (dy, dx) in px, 0 where there is none."""
    stats: DoubleArray
    """float64 (K, 7)."""
    scores: DoubleArray
    """float64 (K, 11)."""
    changed: BoolArray
    """Whether it changed since the moves on whole superpixels last looked at it."""


def superpixels(rows: int) -> Superpixels:
    """An empty table."""
    return Superpixels(
        ids=np.full(rows, -1, np.int64),
        old=np.zeros(rows, np.bool_),
        priors=np.zeros((rows, 5)),
        flows=np.zeros((rows, 2)),
        stats=np.zeros((rows, STATISTICS)),
        scores=np.zeros((rows, SCORES)),
        changed=np.zeros(rows, np.bool_),
    )


def with_room(table: Superpixels, rows: int) -> Superpixels:
    """The table with at least ``rows`` rows; a copy, twice as long, if it has fewer."""
    if len(table.ids) >= rows:
        return table
    longer = superpixels(2 * rows)
    for column, grown in zip(table, longer, strict=True):
        grown[: len(column)] = column
    return longer


def derive(settings: Settings, height: int, width: int) -> Model:
    """The model of frames of ``height`` x ``width`` px."""
    requested = min(settings.num_superpixels, max(1, height * width // _LEAST_AREA))
    area = height * width / requested
    place_var = area / (_COMPACT * -settings.alpha)
    radius = math.sqrt(area / math.pi)
    unassigned = -(radius**2) / (2 * place_var) - math.log(2 * math.pi * place_var)
    margin = min(2 * round(2 * radius), max(height, width))
    return Model(
        area=area,
        area_var=settings.area_var,
        place_scale=1 / math.sqrt(place_var),
        colour_var=settings.colour_var or max(_COLOUR_SHARE * height * width / _COLOUR_AREA, _LEAST_COLOUR_VAR),
        place_prior=2 * settings.deltap_scale,
        colour_prior=1000 / (settings.deltaa_scale * requested),
        log_new=settings.alpha * area,
        log_old=settings.beta * area,
        log_unassigned=unassigned + LOG_2PI,
        pad=margin + 1,
    )


def colour_scale(model: Model) -> FloatArray:
    """Whitened length of one unit of CIELab L, a, b; float32 (3,)."""
    a = 1 / math.sqrt(model.colour_var)
    return np.array([L_CODES * a / math.sqrt(2), a, a], np.float32)


@kernel(nogil=True)
def log_area(model: Model, count: float, old: bool) -> float:
    """Prior of a superpixel of ``count`` px, without the constant that all non-empty ones share; 0 if empty."""
    if count == 0:
        return 0.0
    off = model.area - count
    weight = model.log_old if old else model.log_new
    return weight - 0.5 * math.log(2 * math.pi * model.area_var) - off * off / (2 * model.area_var)


@kernel(nogil=True)
def _likelihood(n: float, total: float, expected: float, variance: float, old: bool) -> float:
    """One dimension with its mean optimised out, less the sum of squares that every labelling shares."""
    if n == 0:
        return 0.0
    if old:
        return (variance * total * total + 2 * expected * total - n * expected * expected) / (2 * (n * variance + 1))
    return total * total / (2 * n)


@kernel(nogil=True)
def log_posterior(model: Model, stat: DoubleArray, prior: DoubleArray, old: bool) -> float:
    """Likelihood and prior of one superpixel, less terms that are the same for every labelling of its pixels.

    stat: float64 (7,); prior: float64 (5,), expected whitened y, x, L, a, b, read only if ``old``.
    """
    score = log_area(model, stat[COUNT], old)
    for d in range(2):
        score += _likelihood(stat[COUNT], stat[SUM_Y + d], prior[d], model.place_prior, old)
    for d in range(2, 5):
        score += _likelihood(stat[INSIDE], stat[SUM_Y + d], prior[d], model.colour_prior, old)
    return score


@kernel(nogil=True)
def mean_of(model: Model, stat: DoubleArray, prior: DoubleArray, old: bool, d: int) -> float:
    """Posterior mode of a superpixel's mean in whitened dimension d (y, x, L, a, b)."""
    n = stat[COUNT] if d < 2 else stat[INSIDE]
    if old:
        variance = model.place_prior if d < 2 else model.colour_prior
        return float((prior[d] + variance * stat[SUM_Y + d]) / (1 + n * variance))
    return float(stat[SUM_Y + d] / n) if n > 0 else 0.0


@kernel(nogil=True)
def refresh(model: Model, k: int, table: Superpixels) -> None:
    """Derive superpixel k's scores from its statistics.

    Adding a pixel costs its squared whitened distance from the mean times ADD_PLACE and ADD_COLOUR and gains
    ADD_AREA; taking one away gains the distance times DROP_PLACE and DROP_COLOUR, and DROP_AREA. These
    increments are exact and lose no digits, unlike differences of the closed form.
    """
    stats, priors, old, scores = table.stats, table.priors, table.old, table.scores
    n, inside = stats[k, COUNT], stats[k, INSIDE]
    for d in range(5):
        scores[k, d] = mean_of(model, stats[k], priors[k], old[k], d)
    if old[k]:
        p, c = model.place_prior, model.colour_prior
        scores[k, ADD_PLACE] = 0.5 * (1 + n * p) / (1 + (n + 1) * p)
        scores[k, ADD_COLOUR] = 0.5 * (1 + inside * c) / (1 + (inside + 1) * c)
        scores[k, DROP_PLACE] = 0.5 * (1 + n * p) / (1 + (n - 1) * p) if n > 0 else 0.0
        scores[k, DROP_COLOUR] = 0.5 * (1 + inside * c) / (1 + (inside - 1) * c) if inside > 0 else 0.0
    else:
        scores[k, ADD_PLACE] = 0.5 * n / (n + 1)
        scores[k, ADD_COLOUR] = 0.5 * inside / (inside + 1)
        scores[k, DROP_PLACE] = 0.5 * n / (n - 1) if n > 1 else 0.0
        scores[k, DROP_COLOUR] = 0.5 * inside / (inside - 1) if inside > 1 else 0.0
    if n > 1:  # the same as below without its rounding and logarithms; every move calls this
        off = model.area - n
        scores[k, ADD_AREA] = (2 * off - 1) / (2 * model.area_var)
        scores[k, DROP_AREA] = (-2 * off - 1) / (2 * model.area_var)
    else:
        here = log_area(model, n, old[k])
        scores[k, ADD_AREA] = log_area(model, n + 1, old[k]) - here
        scores[k, DROP_AREA] = log_area(model, n - 1, old[k]) - here if n > 0 else 0.0


@kernel(nogil=True, inline="always")
def count_in(labels: LabelArray, colour: FloatArray, stats: DoubleArray, model: Model, y: int, x: int) -> None:
    """Add the pixel at padded (y, x) to the statistics of the superpixel that has it."""
    k = labels[y, x]
    iy, ix = y - model.pad, x - model.pad
    stats[k, COUNT] += 1.0
    stats[k, SUM_Y] += iy * model.place_scale
    stats[k, SUM_X] += ix * model.place_scale
    if 0 <= iy < colour.shape[0] and 0 <= ix < colour.shape[1]:
        stats[k, INSIDE] += 1.0
        stats[k, SUM_L] += colour[iy, ix, 0]
        stats[k, SUM_A] += colour[iy, ix, 1]
        stats[k, SUM_B] += colour[iy, ix, 2]


@kernel(nogil=True)
def gather(labels: LabelArray, colour: FloatArray, table: Superpixels, count: int, model: Model) -> None:
    """Statistics and scores of superpixels 0..count-1 from scratch, in place.

    labels: padded int32. colour: float32 (H, W, 3), whitened.
    """
    stats = table.stats
    stats[:count] = 0.0
    pad = model.pad
    for y in range(1, labels.shape[0] - 1):
        iy = y - pad
        in_rows = 0 <= iy < colour.shape[0]
        x = 1
        while x < labels.shape[1] - 1:
            k = labels[y, x]
            begin = x
            inside, light, a, b = 0, 0.0, 0.0, 0.0
            while x < labels.shape[1] - 1 and labels[y, x] == k:  # a run at a time: sums stay in registers
                ix = x - pad
                if in_rows and 0 <= ix < colour.shape[1]:
                    inside += 1
                    light += colour[iy, ix, 0]
                    a += colour[iy, ix, 1]
                    b += colour[iy, ix, 2]
                x += 1
            if k >= 0:
                run = x - begin
                stats[k, COUNT] += run
                stats[k, INSIDE] += inside
                stats[k, SUM_Y] += run * iy * model.place_scale
                stats[k, SUM_X] += run * (0.5 * (begin + x - 1) - pad) * model.place_scale
                stats[k, SUM_L] += light
                stats[k, SUM_A] += a
                stats[k, SUM_B] += b
    refresh_rows(model, count, table)


@kernel(nogil=True)
def refresh_rows(model: Model, count: int, table: Superpixels) -> None:
    """Derive the scores of superpixels 0..count-1 from their statistics."""
    for k in range(count):
        refresh(model, k, table)


@kernel(nogil=True)
def squares(labels: LabelArray, colour: FloatArray, count: int, model: Model) -> DoubleArray:
    """Sum of squared whitened features of each superpixel, float64 (K,). Arguments as for :func:`gather`."""
    total = np.zeros(count)
    pad = model.pad
    unit = model.place_scale**2
    for y in range(1, labels.shape[0] - 1):
        iy = y - pad
        in_rows = 0 <= iy < colour.shape[0]
        x = 1
        while x < labels.shape[1] - 1:
            k = labels[y, x]
            run = 0.0
            while x < labels.shape[1] - 1 and labels[y, x] == k:
                ix = x - pad
                run += unit * (iy * iy + ix * ix)
                if in_rows and 0 <= ix < colour.shape[1]:
                    light, a, b = colour[iy, ix, 0], colour[iy, ix, 1], colour[iy, ix, 2]
                    run += light * light + a * a + b * b
                x += 1
            if k >= 0:
                total[k] += run
    return total
