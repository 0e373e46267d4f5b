"""Groups of temporal superpixels that a look treats alike."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import FloatArray, IntArray
from vfxstyle.looks.transform import COEFFICIENTS, transform_lab

_ROUNDS = 50
# colours that a transform is known by: three tones, and a tint to each side of grey
_PROBES = np.array(
    [[20, 0, 0], [50, 0, 0], [80, 0, 0], [50, 30, 0], [50, -30, 0], [50, 0, 30], [50, 0, -30]], np.float32
)


def group_alike(transforms: FloatArray, count: int, seed: int) -> IntArray:
    """Which group each transform is in, by what it does to a few colours (k-means in CIELab).

    transforms: float32 (N, 30) or (N, 33), of which gains of detail are not looked at. count: groups requested; fewer
    where there are not as many different transforms.
    Returns int64 (N,), from 0 for the largest group on.
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
