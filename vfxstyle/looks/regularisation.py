"""Choosing noise and dropout of a fit by what pictures that are held out say."""

from __future__ import annotations

import math
from dataclasses import replace

from vfxstyle.errors import PairsError
from vfxstyle.looks.fit import FitSettings, FitTask, fit_side_by_side
from vfxstyle.looks.samples import Samples

REGULARISATIONS: tuple[tuple[float, float], ...] = ((0.2, 0.1), (0.4, 0.25), (0.8, 0.4))
"""Pairs of noise and dropout, from light to strong, from which one is chosen on held-out pictures."""
_AS_GOOD = 1.02
"""Held-out error, over the smallest, up to which a stronger setting is taken: a trial is shorter than the real fit, and
overfitting grows with the number of passes."""
_TRIAL_EPOCHS = 6
"""Passes of a trial, a quarter of the real fit's."""


def regularised(
    samples: Samples, held_out: Samples, settings: FitSettings, device: str
) -> tuple[FitSettings, dict[tuple[float, float], float]]:
    """Choose noise and dropout by their errors on held-out pictures.

    The strongest of :data:`REGULARISATIONS` is chosen whose error is within two per cent of the smallest. Each is tried
    on all superpixels, in few passes: fewer superpixels are overfitted sooner, which a stronger one is taken for.

    Returns the settings with the chosen noise and dropout, and the error, in Lab units, of each pair of noise and
    dropout. Raises :class:`~vfxstyle.errors.PairsError` if no error is finite.
    """
    trial = replace(settings, epochs=min(settings.epochs, _TRIAL_EPOCHS))
    tasks = [
        FitTask(samples, held_out, replace(trial, noise=noise, dropout=dropout)) for noise, dropout in REGULARISATIONS
    ]
    tried = zip(REGULARISATIONS, fit_side_by_side(tasks, device), strict=True)
    errors = {setting: min(epoch.error for epoch in fitted.curve) for setting, fitted in tried}
    finite = [error for error in errors.values() if math.isfinite(error)]
    if not finite:
        raise PairsError("Training came to no finite error; look for pictures with broken numbers among the pairs.")
    noise, dropout = max(tried for tried, error in errors.items() if error <= _AS_GOOD * min(finite))
    return replace(settings, noise=noise, dropout=dropout), errors
