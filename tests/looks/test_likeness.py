import numpy as np
from numba import njit

from vfxstyle.looks.likeness import LEAST_EXPONENT, exponent_of, likeness


@njit
def every(exponents, out):
    for i in range(len(exponents)):
        out[i] = likeness(exponents[i])


def test_it_is_a_power_of_two():
    exponents = np.linspace(LEAST_EXPONENT, 0, 100_001).astype(np.float32)
    found = np.empty_like(exponents)
    every(exponents, found)
    np.testing.assert_allclose(found, np.exp2(exponents.astype(np.float64)), rtol=4e-6)
    farther = np.array([-1e3, -1e30, -np.inf], np.float32)
    found = np.empty_like(farther)
    every(farther, found)
    np.testing.assert_allclose(found, 2.0**LEAST_EXPONENT, rtol=4e-6)


def test_a_standard_deviation_away_it_is_that_of_a_gaussian():
    found = np.empty(1, np.float32)
    every(np.array([8.0**2 * exponent_of(8.0)], np.float32), found)
    np.testing.assert_allclose(found, np.exp(-0.5), rtol=4e-6)
