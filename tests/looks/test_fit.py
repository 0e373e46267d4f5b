from dataclasses import replace

import numpy as np
import pytest
import torch

from vfxstyle.looks import Standardisation, fit_transform, transform_lab
from vfxstyle.looks import fit as fitting
from vfxstyle.looks.descent import Descent
from vfxstyle.looks.fit import FitSettings, FitTask, fit, fit_side_by_side
from vfxstyle.looks.network import predict
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.regularisation import REGULARISATIONS, regularised
from vfxstyle.looks.samples import Samples, measure, predicted_lab

CPU = "cpu"


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
    contrast = random.normal(0, 5, before.shape).astype(np.float32)
    picture = random.integers(0, 5, superpixels).astype(np.int32)
    return Samples(features.astype(np.float16), before, after, contrast, picture, semantic=0)


@pytest.fixture(scope="module")
def fitted():
    torch.use_deterministic_algorithms(True)
    found = fit(FitTask(two_looks(), two_looks(100, 1), FitSettings(epochs=60, batch=64, seed=4)), CPU)
    torch.use_deterministic_algorithms(False)
    return found


def test_a_look_per_kind_is_learnt_better_than_any_global_one(fitted):
    errors = measure(fitted.network, fitted.standardisation, two_looks(100, 2))
    assert errors.predicted < 0.35 * errors.global_oracle
    assert errors.global_oracle < errors.distance


def test_the_errors_are_mean_distances():
    samples = two_looks(50)
    network = Predictor(12)
    errors = measure(network, Standardisation.of(samples.features), samples)
    expected = np.linalg.norm(samples.after - samples.before, axis=-1).mean()
    assert errors.distance == pytest.approx(expected, rel=1e-5)
    assert errors.predicted == pytest.approx(expected, rel=1e-5)


def test_an_untrained_network_predicts_the_identity():
    phi = predict(Predictor(12).numbers(), Standardisation.of(np.ones((2, 12))), np.ones((5, 12), np.float32))
    assert not phi.any()


def test_fits_side_by_side_come_out_as_they_do_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    tasks = [FitTask(two_looks(200, seed), None, FitSettings(epochs=6, batch=64)) for seed in range(4)]
    together = fit_side_by_side(tasks, CPU)
    for one, task in zip(together, tasks, strict=True):
        alone = fit(task, CPU)
        for two, three in zip(one.network.parameters(), alone.network.parameters(), strict=True):
            assert two.equal(three)


def test_a_fit_that_fails_ends_the_others(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    epochs, broken = [], two_looks(300, 1)
    judge = fitting._Fit.judge

    def faulty(state, number, loss):
        if len(state.judged_on.features) == 300 and number > 0:
            raise ZeroDivisionError
        return judge(state, number, loss)

    monkeypatch.setattr(fitting._Fit, "judge", faulty)
    tasks = [
        FitTask(samples, None, FitSettings(epochs=2000, batch=64)) for samples in (two_looks(), two_looks(), broken)
    ]
    with pytest.raises(ZeroDivisionError):
        fit_side_by_side(tasks, CPU, lambda epoch: epochs.append(epoch.number))
    assert max(epochs, default=0) < 1000


def test_the_same_seed_gives_the_same_network(fitted):
    again = fit(FitTask(two_looks(), two_looks(100, 1), FitSettings(epochs=60, batch=64, seed=4)), CPU)
    for one, two in zip(fitted.network.parameters(), again.network.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_the_best_epoch_is_kept_where_one_picture_is_held_out():
    seen = []
    samples, unseen = two_looks(200), two_looks(100, 1)
    unseen = replace(unseen, picture=np.zeros_like(unseen.picture))
    fitted = fit(FitTask(samples, unseen, FitSettings(epochs=8, batch=32)), CPU, seen.append)
    assert [epoch.number for epoch in seen] == list(range(1, 9))
    assert fitted.curve[1:] == tuple(seen)
    best = min(fitted.curve, key=lambda epoch: epoch.error)
    assert fitted.epoch == best.number
    assert measure(fitted.network, fitted.standardisation, unseen).predicted == pytest.approx(best.error, rel=1e-4)


def test_a_picture_that_contradicts_the_others_does_not_stop_the_fit_early():
    """Of four held-out pictures three show the look and the largest its opposite, so that the start is best of all.

    That one picture says too little: the pictures' errors lie too far apart.
    """
    samples, unseen = two_looks(300), two_looks(500, 1)
    contrary = np.arange(500) >= 180
    after = np.where(contrary[:, None, None], 2 * unseen.before - unseen.after, unseen.after)
    pictures = np.where(contrary, 3, np.arange(500) // 60).astype(np.int32)
    unseen = replace(unseen, after=after, picture=pictures)
    fitted = fit(FitTask(samples, unseen, FitSettings(epochs=20, batch=32)), CPU)
    errors = [epoch.error for epoch in fitted.curve]
    assert np.argmin(errors) == 0
    assert measure(fitted.network, fitted.standardisation, unseen).predicted == pytest.approx(errors[-1], rel=1e-4)


def test_weights_are_averaged_so_that_early_passes_are_settled(monkeypatch):
    samples, random = two_looks(1000), np.random.default_rng(1)
    graded = (samples.after + random.normal(0, 10, samples.after.shape)).astype(np.float32)
    settings = FitSettings(epochs=10, batch=16, learning_rate=1e-2)
    task = FitTask(replace(samples, after=graded), two_looks(100, 2), settings)
    averaged = [epoch.error for epoch in fit(task, CPU).curve[2:7]]
    monkeypatch.setattr(Descent, "_share_of_step", lambda descent: 1.0)
    of_steps = [epoch.error for epoch in fit(task, CPU).curve[2:7]]
    assert np.mean(averaged) < 0.9 * np.mean(of_steps)


def test_fitting_starts_from_the_best_single_transform():
    samples = two_looks(200)
    fitted = fit(FitTask(samples, None, FitSettings(epochs=1, batch=64)), CPU)
    graded = transform_lab(samples.before, fit_transform(samples.before.reshape(-1, 3), samples.after.reshape(-1, 3)))
    expected = np.linalg.norm(graded - samples.after, axis=-1).mean()
    assert fitted.curve[0].error == pytest.approx(expected, rel=1e-3)
    nothing = measure(fitted.blended(0), fitted.standardisation, samples)
    assert nothing.predicted == pytest.approx(expected, rel=1e-3)
    everything = predicted_lab(fitted.blended(1), fitted.standardisation, samples)
    np.testing.assert_allclose(everything, predicted_lab(fitted.network, fitted.standardisation, samples), atol=1e-3)


def test_fitting_goes_on_where_an_earlier_network_ended():
    samples, settings = two_looks(200), FitSettings(epochs=20, batch=64)
    earlier = fit(FitTask(samples, None, settings), CPU)
    start = earlier.network.numbers(), earlier.standardisation
    stronger = replace(samples, after=samples.before + 1.2 * (samples.after - samples.before))
    for wanted in (samples, stronger):
        further = fit(FitTask(wanted, None, replace(settings, epochs=3), start), CPU)
        ended = measure(earlier.network, earlier.standardisation, wanted).predicted
        assert further.curve[0].error == pytest.approx(ended, rel=1e-3)
        anew = fit(FitTask(wanted, None, replace(settings, epochs=3)), CPU)
        assert further.curve[-1].error < 0.7 * anew.curve[-1].error
        np.testing.assert_array_equal(further.standardisation.mean, earlier.standardisation.mean)
        nothing = measure(further.blended(0), further.standardisation, wanted).predicted
        assert nothing == pytest.approx(anew.curve[0].error, rel=1e-3)


def test_what_the_held_out_superpixels_contradict_is_not_learnt():
    """Features that say nothing of the look: no epoch beats the start, and the start is what is kept."""
    random = np.random.default_rng(3)
    samples, unseen = two_looks(300), two_looks(300, 1)
    lying = replace(samples, features=random.normal(0, 1, samples.features.shape).astype(np.float16))
    opposite = replace(unseen, after=unseen.before + 0.5 * (unseen.before - unseen.after))
    fitted = fit(FitTask(lying, opposite, FitSettings(epochs=10, batch=32)), CPU)
    errors = [epoch.error for epoch in fitted.curve]
    kept = measure(fitted.network, fitted.standardisation, opposite).predicted
    assert np.argmin(errors) == 0
    assert kept == pytest.approx(errors[0], rel=1e-4)
    outputs = predict(fitted.network.numbers(), fitted.standardisation, opposite.features)
    np.testing.assert_allclose(outputs, np.broadcast_to(fitted.start, outputs.shape), atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 9, 10])
def test_any_number_of_steps_will_do(steps):
    assert len(fit(FitTask(two_looks(20), None, FitSettings(epochs=steps)), CPU).curve) == steps + 1


def test_gains_of_detail_are_learnt_where_there_are_some():
    """A look that doubles the finest band where feature 3 is high; colour alone cannot say it."""
    samples, unseen = (with_detail(two_looks(400, seed)) for seed in (0, 1))
    fitted = fit(FitTask(samples, unseen, FitSettings(epochs=60, batch=64)), CPU)
    outputs = predict(fitted.network.numbers(), fitted.standardisation, unseen.features.astype(np.float32))
    strong = unseen.features[:, 3] > 3
    assert outputs[strong, 30].mean() > 0.8
    assert abs(outputs[~strong, 30].mean()) < 0.2
    assert abs(outputs[:, 31:].mean()) < 0.1
    assert fitted.curve[-1].error < 0.35 * fitted.curve[0].error


def with_detail(samples):
    after = samples.before.copy()
    after[..., 0] += samples.bands[..., 0] * (samples.features[:, 3] > 3)[:, None]
    return replace(samples, after=after)


def test_standardisation_leaves_constant_inputs_finite_and_limits_strange_ones():
    standardisation = Standardisation.of(np.float32([[1, 5], [1, 7]]))
    out = standardisation.apply(torch.tensor([[1.0, 1e6]]))
    assert out.tolist() == [[0.0, 6.0]]


def test_held_out_superpixels_choose_noise_and_dropout():
    """What is chosen is the strongest that does about best on held-out superpixels, in fewer passes."""
    samples, unseen = two_looks(800), two_looks(100, 1)
    requested = FitSettings(epochs=9, batch=64, seed=4)
    chosen, errors = regularised(samples, unseen, requested, CPU)
    assert tuple(errors) == REGULARISATIONS
    good = [tried for tried, error in errors.items() if error <= 1.02 * min(errors.values())]
    assert (chosen.noise, chosen.dropout) == good[-1]
    assert len(good) < len(REGULARISATIONS)
    assert replace(chosen, noise=requested.noise, dropout=requested.dropout) == requested
    strong = fit(FitTask(samples, unseen, replace(requested, epochs=6, noise=0.8, dropout=0.4)), CPU)
    assert errors[0.8, 0.4] == pytest.approx(min(epoch.error for epoch in strong.curve), rel=1e-4)
    assert len(set(errors.values())) == 3
