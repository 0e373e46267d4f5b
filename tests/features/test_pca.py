import numpy as np

from vfxstyle.features import PCA, PCAFit


def test_agrees_with_a_singular_value_decomposition_whatever_the_batches():
    random = np.random.default_rng(0)
    data = (random.standard_normal((300, 12)) * np.arange(1, 13) + 5).astype(np.float32)
    fitting = PCAFit(12)
    for start in range(0, 300, 70):
        fitting.add(data[start : start + 70])
    pca = fitting.result(4)
    _, _, directions = np.linalg.svd(data - data.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(pca.components @ directions[:4].T), np.eye(4), atol=1e-3)
    np.testing.assert_allclose(pca.mean, data.mean(axis=0), rtol=1e-4)
    projected = pca.project(data)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-3)
    assert np.all(np.diff(projected.var(axis=0)) < 0)


def test_no_more_directions_than_there_are_vectors():
    fitting = PCAFit(8)
    fitting.add(np.random.default_rng(0).random((3, 8)).astype(np.float32))
    assert fitting.result(5).components.shape == (2, 8)
    lone = PCAFit(8)
    lone.add(np.ones((1, 8), np.float32))
    assert lone.result(5).project(np.ones((2, 8), np.float32)).tolist() == [[0.0], [0.0]]


def test_projection_is_centred_and_linear():
    pca = PCA(np.float32([1, 2]), np.float32([[0, 1]]))
    np.testing.assert_array_equal(pca.project(np.float32([[1, 2], [5, 4]])), [[0], [2]])
