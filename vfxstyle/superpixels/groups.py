"""Groups of temporal superpixels with similar colour transforms."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.looks.transform import COEFFICIENTS, transform_lab

_ROUNDS = 50  # of k-means at most
# CIELab colours whose changes are compared: three tones of grey, and a tint to each side of middle grey
_PROBES = np.array(
    [[20, 0, 0], [50, 0, 0], [80, 0, 0], [50, 30, 0], [50, -30, 0], [50, 0, 30], [50, 0, -30]], np.float32
)


def group_alike(transforms: FloatArray, count: int, seed: int) -> IntArray:
    """Group transforms by the colours that they make of a few fixed ones, with k-means in CIELab.

    transforms: float32 (N, 30) or (N, 33), whose last three numbers, gains of local contrast, do not count.
    count: requested number of groups; there are fewer where there are not as many different transforms.
    seed: seed of the first centres.
    Returns int64 (N,), the group of each transform; 0 is the largest group.
    """
    colour = transforms[:, :COEFFICIENTS]
    effects = np.stack([transform_lab(np.broadcast_to(p, (len(colour), 3)), colour) for p in _PROBES], axis=1)
    points = effects.reshape(len(transforms), -1).astype(np.float64)
    random = np.random.default_rng(seed)
    centres = [points[random.integers(len(points))]]
    nearest = ((points - centres[0]) ** 2).sum(axis=1)
    while len(centres) < count and nearest.max() > 1e-6:
        centres.append(points[random.choice(len(points), p=nearest / nearest.sum())])
        nearest = np.minimum(nearest, ((points - centres[-1]) ** 2).sum(axis=1))
    middle = np.stack(centres)
    group = np.zeros(len(points), np.int64)
    for round_ in range(_ROUNDS):
        before = group
        group = ((middle**2).sum(axis=1) - 2 * points @ middle.T).argmin(axis=1)
        if round_ and (before == group).all():
            break
        for index in range(len(middle)):
            if (group == index).any():
                middle[index] = points[group == index].mean(axis=0)
    sizes = np.bincount(group, minlength=len(middle))
    rank = np.empty(len(middle), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(middle))
    return rank[group]
