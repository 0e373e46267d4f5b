"""How alike two colours are, for compiled kernels: a Gaussian of their distance."""

from __future__ import annotations

import numpy as np

from vfxstyle.color.lab import Scalar
from vfxstyle.compiled import kernel

LEAST_EXPONENT = -60.0
"""Exponents below this one are taken for it."""
_LEAST = np.float32(LEAST_EXPONENT)
SERIES = tuple(np.float32(v) for v in (1, 0.69314718, 0.24022651, 0.05550411, 0.00961813, 0.00133336))
"""Coefficients of the series of 2^x, for x of -0.5 to 0.5."""
_E0, _E1, _E2, _E3, _E4, _E5 = SERIES


def exponent_of(sigma: float) -> np.float32:
    """What a squared distance is multiplied by for :func:`likeness`. sigma: the standard deviation."""
    return np.float32(-0.5 / sigma**2 / np.log(2))


@kernel(inline="always")
def likeness(exponent: Scalar) -> Scalar:
    """Two to the power of an exponent of at most 0, within 4e-6: a power of two by its bits, the rest by a series."""
    z = max(exponent, _LEAST)
    whole = np.rint(z)
    x = z - whole
    rest = _E0 + x * (_E1 + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
    return np.uint32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32) * rest
