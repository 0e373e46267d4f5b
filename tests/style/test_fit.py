import numpy as np
import pytest
import torch

from vfxstyle.style import (
    FitSettings,
    Predictor,
    Samples,
    Standardisation,
    fit,
    measure,
    predict,
    transform_lab,
)

CPU = torch.device("cpu")


def two_looks(superpixels=400, seed=0):
    """Superpixels of two kinds, told apart by their features, each kind with a look of its own."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, superpixels)
    features = random.normal(0, 1, (superpixels, 12))
    features[:, 3] += 6 * kind
    before = (random.random((superpixels, 10, 3)) * [100, 60, 60] - [0, 30, 30]).astype(np.float32)
    phi = np.zeros((2, 30), np.float32)
    phi[0, 9], phi[1, 29], phi[1, 6] = 0.1, 0.15, -0.2
    after = transform_lab(before, phi[kind][:, None])
    return Samples(features.astype(np.float16), before, after, random.integers(0, 5, superpixels).astype(np.int32))


@pytest.fixture(scope="module")
def fitted():
    torch.use_deterministic_algorithms(True)
    network, standardisation = fit(two_looks(), two_looks(100, 1), FitSettings(epochs=60, batch=64, seed=4), CPU)
    torch.use_deterministic_algorithms(False)
    return network, standardisation


def test_a_look_per_kind_is_learnt_better_than_any_global_one(fitted):
    errors = measure(*fitted, two_looks(100, 2), CPU)
    assert errors.predicted < 0.35 * errors.global_oracle
    assert errors.global_oracle < errors.distance


def test_the_errors_are_mean_distances():
    samples = two_looks(50)
    network = Predictor(12)
    errors = measure(network, Standardisation.of(samples.features), samples, CPU)
    expected = np.linalg.norm(samples.after - samples.before, axis=-1).mean()
    assert errors.distance == pytest.approx(expected, rel=1e-5)
    assert errors.predicted == pytest.approx(expected, rel=1e-5)


def test_an_untrained_network_predicts_the_identity():
    phi = predict(Predictor(12), Standardisation.of(np.ones((2, 12))), np.ones((5, 12), np.float32), CPU)
    assert not phi.any()


def test_the_same_seed_gives_the_same_network(fitted):
    again, _ = fit(two_looks(), two_looks(100, 1), FitSettings(epochs=60, batch=64, seed=4), CPU)
    for one, two in zip(fitted[0].parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_the_best_epoch_is_kept():
    seen = []
    samples, unseen = two_looks(200), two_looks(100, 1)
    network, standardisation = fit(
        samples,
        unseen,
        FitSettings(epochs=8, batch=32),
        CPU,
        lambda epoch, error: seen.append((epoch, error)),
    )
    assert [epoch for epoch, _ in seen] == list(range(1, 9))
    best = min(error for _, error in seen)
    assert measure(network, standardisation, unseen, CPU).predicted == pytest.approx(best, rel=1e-4)


def test_standardisation_leaves_constant_inputs_finite_and_limits_strange_ones():
    standardisation = Standardisation.of(np.float32([[1, 5], [1, 7]]))
    out = standardisation.apply(torch.tensor([[1.0, 1e6]]))
    assert out.tolist() == [[0.0, 6.0]]
