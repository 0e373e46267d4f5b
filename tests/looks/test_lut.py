import numpy as np
import pytest
from scipy.interpolate import interpn

from vfxstyle.looks.lut import Cdl, _corners, _diagonal, _solve, apply_cube, fit_cdl, fit_cube


def colours(count=20_000, low=0.1, high=0.7):
    return np.random.default_rng(0).uniform(low, high, (count, 3)).astype(np.float32)


def look(rgb):
    r, g, b = np.moveaxis(rgb, -1, 0)
    return np.stack([r**0.8, 0.9 * g + 0.02 * np.sin(9 * g), b**1.2 + 0.05 * r * g], axis=-1).astype(np.float32)


def test_a_smooth_look_is_recovered_on_colours_not_fitted_to():
    cube = fit_cube(colours(), look(colours()), 17)
    fresh = np.random.default_rng(1).uniform(0.15, 0.65, (2000, 3)).astype(np.float32)
    assert np.abs(apply_cube(cube, fresh) - look(fresh)).max() < 4e-3
    assert np.abs(fresh - look(fresh)).max() > 0.08


def test_what_no_frame_shows_goes_on_smoothly():
    cube = fit_cube(colours(low=0.3, high=0.5), look(colours(low=0.3, high=0.5)), 17)
    assert np.isfinite(cube).all()
    assert cube.min() > -0.5
    assert cube.max() < 1.6
    for axis in range(3):
        assert np.abs(np.diff(cube, 2, axis=axis)).max() < 0.05


def test_the_cube_is_that_of_the_normal_equations():
    size, smooth, rgb = 5, 0.3, colours(300).astype(np.float64)
    target = np.random.default_rng(1).normal(0, 1, (300, 3))
    corners, weights = _corners(rgb, size)
    in_nodes = np.zeros((300, size**3))
    np.put_along_axis(in_nodes, corners, weights, axis=1)
    bent = np.zeros((size - 2, size))
    for row in range(size - 2):
        bent[row, row : row + 3] = 1, -2, 1
    along, one = bent.T @ bent, np.eye(size)
    smoothing = (
        np.kron(np.kron(along, one), one) + np.kron(np.kron(one, along), one) + np.kron(one, np.kron(one, along))
    )
    smoothing += 1e-3 * np.eye(size**3)
    np.testing.assert_allclose(_diagonal(size), np.diag(smoothing))
    exact = np.linalg.solve(in_nodes.T @ in_nodes + smooth * smoothing, in_nodes.T @ target)
    found = _solve(corners, weights, target, size, smooth).reshape(-1, 3)
    np.testing.assert_allclose(found, exact, atol=2e-3 * np.abs(exact).max())


def test_a_pixel_counts_by_its_weight():
    rgb, wrong = colours(4000), np.arange(4000) % 4 == 0
    after = look(rgb) + np.where(wrong[:, None], np.float32(0.2), np.float32(0))
    right = fit_cube(rgb[~wrong], look(rgb[~wrong]), 17)
    weighted = fit_cube(rgb, after, 17, weights=np.where(wrong, 1e-6, 1.0))
    assert np.abs(apply_cube(weighted, rgb) - apply_cube(right, rgb)).max() < 2e-3
    assert np.abs(apply_cube(fit_cube(rgb, after, 17), rgb) - apply_cube(right, rgb)).mean() > 0.03


def test_a_rougher_cube_is_nearer_to_its_pixels():
    def missed(smoothness):
        return np.abs(
            apply_cube(fit_cube(colours(), look(colours()), 17, smoothness=smoothness), colours()) - look(colours())
        ).mean()

    assert missed(1e-4) < 0.7 * missed(1e-2)


def test_the_identity_is_the_identity():
    rgb = colours(5000, 0, 1)
    np.testing.assert_allclose(apply_cube(fit_cube(rgb, rgb, 9), rgb), rgb, atol=1e-5)


def test_lookup_is_trilinear_and_holds_at_the_border():
    cube = np.random.default_rng(0).random((2, 2, 2, 3)).astype(np.float32)
    middle = apply_cube(cube, np.full((1, 3), 0.5, np.float32))
    np.testing.assert_allclose(middle[0], cube.reshape(-1, 3).mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(apply_cube(cube, np.float32([[2, -1, 0]]))[0], cube[1, 0, 0])


@pytest.mark.parametrize(
    "cdl",
    [
        Cdl((1.1, 0.9, 1.2), (0.02, -0.01, 0.0), (0.9, 1.1, 1.0), 0.8),
        Cdl((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 1.0),
        Cdl((2.0, 2.0, 2.0), (-0.1, 0.0, 0.1), (1.5, 1.5, 1.5), 0.0),
    ],
)
def test_a_cdl_is_recovered(cdl):
    before = colours(2000)
    found = fit_cdl(before, cdl.apply(before))
    assert np.abs(found.apply(before) - cdl.apply(before)).max() < 2e-4


def test_cdl_by_hand():
    cdl = Cdl((2, 1, 1), (0.1, 0, -0.5), (2, 1, 1), 0.5)
    r, g, b = (0.3 * 2 + 0.1) ** 2, 0.4, 0.2 - 0.5  # a negative value is not raised to a power
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    wanted = [luma + 0.5 * (v - luma) for v in (r, g, b)]
    np.testing.assert_allclose(cdl.apply(np.float32([0.3, 0.4, 0.2])), wanted, rtol=1e-5)


def test_a_cube_is_looked_up_between_its_eight_nodes_and_nothing_is_made_of_nan():
    random = np.random.default_rng(0)
    cube = random.normal(size=(4, 4, 4, 3)).astype(np.float32)
    rgb = random.uniform(-0.2, 1.2, (500, 3)).astype(np.float32)
    rgb[:8] = [[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    wanted = interpn([np.linspace(0, 1, 4)] * 3, cube, np.clip(rgb, 0, 1))
    np.testing.assert_allclose(apply_cube(cube, rgb), wanted, atol=1e-6)
    assert np.isnan(apply_cube(cube, np.array([[np.nan, 0.5, 0.5]], np.float32))).all()
    assert apply_cube(cube, np.zeros((0, 3), np.float32)).shape == (0, 3)
