import numpy as np

from vfxstyle.looks import basis, fit_transform, transform_lab
from vfxstyle.looks.transform import fit_transform_without_each

LAB = (np.random.default_rng(0).random((500, 3)) * [100, 160, 160] - [0, 80, 80]).astype(np.float32)


def test_the_basis_is_the_papers_in_its_order():
    values = basis(np.float32([50, 11, -22]))
    L, a, b = 0.5, 0.1, -0.2
    np.testing.assert_allclose(values, [L * L, a * a, b * b, L * a, L * b, a * b, L, a, b, 1], rtol=1e-6)


def test_zeros_are_the_identity():
    np.testing.assert_array_equal(transform_lab(LAB, np.zeros(30, np.float32)), LAB)


def test_rows_are_L_a_b():
    phi = np.zeros(30, np.float32)
    phi[9], phi[16], phi[27] = 0.1, -1, 0.5
    graded = transform_lab(np.float32([50, 20, 40]), phi)
    np.testing.assert_allclose(graded, [60, 20 - 110 * 0.5, 40 + 110 * 0.5 * 20 / 110], rtol=1e-5)


def test_a_quadratic_look_is_fitted_exactly():
    phi = np.random.default_rng(1).normal(0, 0.1, 30).astype(np.float32)
    fitted = fit_transform(LAB, transform_lab(LAB, phi), ridge=1e-9)
    np.testing.assert_allclose(fitted, phi, atol=1e-3)


def test_a_single_colour_is_fitted_without_blowing_up():
    lab = np.repeat(LAB[:1], 50, axis=0)
    fitted = fit_transform(lab, lab + np.float32([5, 0, 0]))
    assert np.abs(fitted).max() < 1
    np.testing.assert_allclose(transform_lab(lab, fitted)[0] - lab[0], [5, 0, 0], atol=0.1)


def test_leaving_each_out_is_fitting_the_others():
    random = np.random.default_rng(4)
    before = (random.random((4, 50, 3)) * [100, 80, 80] - [0, 40, 40]).astype(np.float32)
    after = (before + random.normal(0, 5, before.shape)).astype(np.float32)
    for index, found in enumerate(fit_transform_without_each(before, after)):
        others = [i for i in range(4) if i != index]
        wanted = fit_transform(before[others].reshape(-1, 3), after[others].reshape(-1, 3))
        np.testing.assert_allclose(found, wanted, atol=1e-4)
