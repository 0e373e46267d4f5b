"""Vector instructions against what they stand for."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from vfxstyle.looks.likeness import exponent_of, likeness
from vfxstyle.looks.simd import LANES, blended_change, weigh_eight
from vfxstyle.looks.transform import LAB_SCALE, basis

SCALE = exponent_of(10.0)


@njit
def changes(above, below, cells, weights, colours, out):
    for i in range(len(colours)):
        x0, x1 = np.uintp(cells[i, 0]), np.uintp(cells[i, 1])
        own = weights[i, 0], weights[i, 1], weights[i, 2], weights[i, 3]
        colour = colours[i, 0], colours[i, 1], colours[i, 2]
        out[i, 0], out[i, 1], out[i, 2] = blended_change((above, below), (x0, x1), own, colour)


@njit
def weights_of(near, numbers, colour, out):
    for at in range(0, len(near), LANES):
        weigh_eight(near, numbers, np.uintp(at), (colour[0], colour[1], colour[2]), SCALE, out)


@njit
def plain_weights(near, numbers, colour, out):
    for i in range(len(near)):
        d0, d1, d2 = colour[0] - numbers[0, i], colour[1] - numbers[1, i], colour[2] - numbers[2, i]
        out[i] = np.float32(near[i]) * (likeness((d0 * d0 + d1 * d1 + d2 * d2) * SCALE) + numbers[3, i])


def drawn(random, *shape):
    return random.normal(0, 1, shape).astype(np.float32)


def test_the_change_is_the_blended_transform_times_the_basis():
    random = np.random.default_rng(0)
    above, below = drawn(random, 6, 30), drawn(random, 6, 30)
    cells, weights = random.integers(0, 6, (50, 2)), random.random((50, 4)).astype(np.float32)
    colours, out = drawn(random, 50, 3), np.empty((50, 3), np.float32)
    changes(above, below, cells, weights, colours, out)
    four = np.stack([above[cells[:, 0]], above[cells[:, 1]], below[cells[:, 0]], below[cells[:, 1]]], axis=1)
    rows = (weights[..., None] * four.astype(np.float64)).sum(axis=1).reshape(-1, 3, 10)
    terms = basis(colours * np.float32(LAB_SCALE))
    np.testing.assert_allclose(out, np.einsum("nrt,nt->nr", rows, terms), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("coefficient", range(30))
def test_every_coefficient_counts_once(coefficient):
    above = np.zeros((1, 30), np.float32)
    above[0, coefficient] = 1
    colour, out = np.float32([[0.5, 0.25, -0.75]]), np.empty((1, 3), np.float32)
    changes(above, np.zeros_like(above), np.zeros((1, 2), int), np.float32([[0.25, 0.5, 3, 3]]), colour, out)
    expected = np.zeros(3, np.float32)
    expected[coefficient // 10] = 0.75 * basis(colour * np.float32(LAB_SCALE))[0, coefficient % 10]
    np.testing.assert_allclose(out[0], expected, rtol=1e-6)


def test_eight_superpixels_are_weighed_as_one_is_bit_for_bit():
    random = np.random.default_rng(1)
    near = random.integers(0, 49 * 2**20, 3 * LANES).astype(np.int32)
    numbers = drawn(random, 4, 3 * LANES) * np.float32(20)
    numbers[:, 0] = 0  # the colour itself
    numbers[:3, 1] = 1e4  # one so far from it that its likeness is the least there is
    colour = np.zeros(3, np.float32)
    eight, plain = np.empty(3 * LANES, np.float32), np.empty(3 * LANES, np.float32)
    weights_of(near, numbers, colour, eight)
    plain_weights(near, numbers, colour, plain)
    np.testing.assert_array_equal(eight, plain)
    assert len(set(eight.tolist())) == len(eight)


def test_arrays_that_the_instructions_would_misread_are_refused():
    colours, out = np.zeros((1, 3), np.float32), np.empty((1, 3), np.float32)
    cells, weights = np.zeros((1, 2), int), np.ones((1, 4), np.float32)
    for rows in (np.zeros((2, 30)), np.zeros((30, 2), np.float32).T):
        with pytest.raises(TypingError, match="is not a contiguous array of float32"):
            changes(rows, rows, cells, weights, colours, out)
