"""Choosing the epoch whose weights are kept, by pictures that are held out (docs/method.md, section 4)."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import DoubleArray

_MOST = 0.5  # of the best error, that one as good may be above it
_BELOW = 1 - 1e-9  # what is worse on one picture alone is worse by its standard error, but for rounding


def latest_as_good(errors: DoubleArray, shares: DoubleArray) -> int:
    """The latest of several epochs that is as good as the best of them, as far as a few pictures can tell.

    The steps of an epoch get smaller until the last, so a later epoch is the better guess. Few pictures choose an early
    one by chance; one is as good as the best where its error is above it by less than the standard error of that
    difference over the pictures, and by no more than half of it. Of a single picture there is no such error, and the
    best is taken.

    errors: float64 (epochs, pictures), in any unit; epochs with errors that are not finite are left out while others
    remain. shares: float64 (pictures,), weights of the pictures, summing to 1. Returns the row of the epoch.
    """
    rows = np.flatnonzero(np.isfinite(errors).all(axis=1))
    if not len(rows):
        return len(errors) - 1
    means = errors[rows] @ shares
    best = int(means.argmin())
    worse = errors[rows] - errors[rows[best]]
    mean = means - means[best]
    pictures = len(shares)
    unbiased = pictures / (pictures - 1) if pictures > 1 else 0.0
    spread = np.sqrt(unbiased * (shares**2 * (worse - mean[:, None]) ** 2).sum(axis=1))
    as_good = (mean <= 0) | (mean < _BELOW * np.minimum(spread, _MOST * means[best]))
    return int(rows[as_good][-1])
