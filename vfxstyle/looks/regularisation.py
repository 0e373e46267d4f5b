"""Choosing noise and dropout of a fit by what pictures that are held out say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from vfxstyle.errors import PairsError
from vfxstyle.looks.fit import Epoch, FitSettings, FitTask, fit_side_by_side
from vfxstyle.looks.samples import Samples

REGULARISATIONS: tuple[tuple[float, float], ...] = ((0.2, 0.1), (0.4, 0.25), (0.8, 0.4))
"""Pairs of noise and dropout, from light to strong, from which one is chosen on held-out pictures."""
_AS_GOOD = 1.02
"""Held-out error, over the smallest, up to which a stronger setting is taken: a trial is shorter than the real fit, and
overfitting grows with the number of passes."""
_TRIAL_EPOCHS = 6
"""Passes of a trial at most."""


def trials(settings: FitSettings) -> list[FitSettings]:
    """The settings of the fits in which each of :data:`REGULARISATIONS` is tried."""
    short = replace(settings, epochs=min(settings.epochs, _TRIAL_EPOCHS))
    return [replace(short, noise=noise, dropout=dropout) for noise, dropout in REGULARISATIONS]


def regularised(
    samples: Samples,
    held_out: Samples,
    settings: FitSettings,
    device: str,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[FitSettings, dict[tuple[float, float], float]]:
    """Choose noise and dropout by their errors on held-out pictures.

    The strongest of :data:`REGULARISATIONS` is chosen whose error is within two per cent of the smallest. Each is tried
    on all superpixels, in few passes: on a part of them a fit learns more by heart than the real one will, and too
    strong a setting is chosen. after_epoch: called after the epochs of :func:`trials`.

    Returns the settings with the chosen noise and dropout, and the error, in Lab units, of each pair of noise and
    dropout. Raises :class:`~vfxstyle.errors.PairsError` if no error is finite.
    """
    tasks = [FitTask(samples, held_out, trial) for trial in trials(settings)]
    tried = zip(REGULARISATIONS, fit_side_by_side(tasks, device, after_epoch), strict=True)
    errors = {setting: min(epoch.error for epoch in fitted.curve) for setting, fitted in tried}
    finite = [error for error in errors.values() if math.isfinite(error)]
    if not finite:
        raise PairsError("Training came to no finite error; look for pictures with broken numbers among the pairs.")
    noise, dropout = max(tried for tried, error in errors.items() if error <= _AS_GOOD * min(finite))
    return replace(settings, noise=noise, dropout=dropout), errors
