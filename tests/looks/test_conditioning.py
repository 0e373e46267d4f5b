import numpy as np
import torch

from vfxstyle.looks import basis, fit_transform
from vfxstyle.looks.conditioning import Conditioning
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Samples


def samples():
    random = np.random.default_rng(0)
    before = (random.random((300, 10, 3)) * [100, 60, 60] - [0, 30, 30]).astype(np.float32)
    after = (before + random.normal(0, 3, before.shape)).astype(np.float32)
    bands = random.normal(0, [9, 5, 2], before.shape).astype(np.float32)
    picture = np.zeros(300, np.int32)
    return Samples(np.zeros((300, 4), np.float16), before, after, bands, picture, semantic=0)


def test_training_pixels_are_uncorrelated_and_of_unit_size():
    own = samples()
    colours, bands = Conditioning(own).values(own.before, own.bands)
    scatter = np.einsum("npi,npj->ij", colours, colours) / 3000
    assert np.abs(scatter - np.diag(np.diag(scatter))).max() < 1e-3
    assert np.diag(scatter).max() < 1.001
    assert np.diag(scatter).min() > 0.9, "but for what the ridge takes from directions that hardly vary"
    np.testing.assert_allclose((bands**2).mean(axis=(0, 1)), 1, atol=0.1)


def test_outputs_of_either_coordinates_make_the_same_change():
    own = samples()
    conditioning = Conditioning(own)
    inside = np.random.default_rng(1).normal(0, 0.1, 33).astype(np.float32)
    outputs = conditioning.to_outputs @ inside
    colours, bands = conditioning.values(own.before, own.bands)
    np.testing.assert_allclose(
        colours @ inside[:30].reshape(3, 10).T, basis(own.before) @ outputs[:30].reshape(3, 10).T, atol=1e-4
    )
    np.testing.assert_allclose(bands @ inside[30:], own.bands / 100 @ outputs[30:], atol=1e-4)


def test_the_start_is_the_best_single_transform():
    own = samples()
    conditioning = Conditioning(own)
    outputs = conditioning.to_outputs @ conditioning.start(own)
    best = fit_transform(own.before.reshape(-1, 3), own.after.reshape(-1, 3))
    np.testing.assert_allclose(outputs, [*best, 0, 0, 0], atol=1e-4)


def test_a_folded_predictor_has_outputs_for_the_terms_themselves():
    conditioning = Conditioning(samples())
    network = Predictor(4)
    with torch.no_grad():
        network.last.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    inputs = torch.randn(20, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        inside, outputs = network(inputs).numpy(), conditioning.folded(network)(inputs).numpy()
    np.testing.assert_allclose(outputs, inside @ conditioning.to_outputs.T, atol=1e-4)
