import numpy as np
import oracle
import pytest
from scipy.optimize import minimize_scalar

from tsp.model import (
    ADD_AREA,
    ADD_COLOUR,
    ADD_PLACE,
    COUNT,
    DROP_AREA,
    DROP_COLOUR,
    DROP_PLACE,
    INSIDE,
    LOG_2PI,
    STATISTICS,
    colour_scale,
    derive,
    gather,
    log_area,
    log_posterior,
    mean_of,
    refresh,
    squares,
    superpixels,
    with_room,
)
from tsp.settings import Settings


def pixels(random, n):
    return random.normal(0, 2, (n, 5))


def table_of(samples, old, prior):
    table = superpixels(1)
    table.old[0], table.priors[0] = old, prior
    table.stats[0, COUNT] = table.stats[0, INSIDE] = len(samples)
    table.stats[0, 2:] = samples.sum(axis=0)
    return table


def full_score(model, samples, prior, old):
    """log_posterior with the terms that it leaves out, which the samples alone decide."""
    table = table_of(samples, old, prior)
    left_out = -0.5 * (samples**2).sum() - 2.5 * len(samples) * LOG_2PI
    return log_posterior(model, table.stats[0], table.priors[0], old) + left_out


@pytest.fixture
def model():
    return derive(Settings(num_superpixels=40), 40, 60)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("n", [1, 2, 17])
def test_the_closed_form_is_the_maximum_over_the_means(model, old, n):
    random = np.random.default_rng(n)
    samples, prior = pixels(random, n), random.normal(0, 1, 5)
    best = oracle.log_area(model, n, old)
    for d in range(5):
        variance = model.place_prior if d < 2 else model.colour_prior

        def loss(mean, d=d, variance=variance):
            cost = -oracle.log_normal(samples[:, d], mean, 1.0)
            return cost + (mean - prior[d]) ** 2 / (2 * variance) * old

        found = minimize_scalar(loss, bracket=(-20, 20), method="golden", tol=1e-12)
        best -= found.fun
        table = table_of(samples, old, prior)
        assert mean_of(model, table.stats[0], table.priors[0], old, d) == pytest.approx(found.x, abs=1e-6)
    assert full_score(model, samples, prior, old) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_increments_are_differences_of_the_closed_form(model, old, n):
    random = np.random.default_rng(n)
    samples, prior = pixels(random, n + 1), random.normal(0, 1, 5)
    table = table_of(samples[:n], old, prior)
    refresh(model, 0, table)
    score = table.scores[0]
    gap = (samples[n] - score[:5]) ** 2
    added = score[ADD_AREA] - score[ADD_PLACE] * gap[:2].sum() - score[ADD_COLOUR] * gap[2:].sum() - 2.5 * LOG_2PI
    expected = full_score(model, samples, prior, old) - full_score(model, samples[:n], prior, old)
    assert added == pytest.approx(expected, abs=1e-9)
    table = table_of(samples, old, prior)
    refresh(model, 0, table)
    score = table.scores[0]
    gap = (samples[n] - score[:5]) ** 2
    dropped = score[DROP_AREA] + score[DROP_PLACE] * gap[:2].sum() + score[DROP_COLOUR] * gap[2:].sum() + 2.5 * LOG_2PI
    assert dropped == pytest.approx(-expected, abs=1e-9)


def test_the_last_pixel_takes_the_whole_superpixel_with_it(model):
    table = table_of(np.ones((1, 5)), False, np.zeros(5))
    refresh(model, 0, table)
    assert table.scores[0, DROP_AREA] == pytest.approx(-log_area(model, 1, False))
    assert table.scores[0, DROP_PLACE] == table.scores[0, DROP_COLOUR] == 0
    empty = superpixels(1)
    refresh(model, 0, empty)
    assert empty.scores[0, ADD_AREA] == pytest.approx(log_area(model, 1, False))


def test_constants_are_the_published_ones():
    """TSP_MODEL, section 1: 480x270 and K = 1000."""
    model = derive(Settings(colour_var=6.9, beta=-10.0), 270, 480)
    assert model.area == pytest.approx(129.6)
    assert model.place_scale**-2 == pytest.approx(129.6 / 187.68, rel=1e-4)
    assert model.log_new == pytest.approx(-1944)
    assert model.log_old == pytest.approx(-1296)
    assert model.pad - 1 == 26
    assert derive(Settings(), 270, 480).colour_var == pytest.approx(0.7 * 129600 / 18768, rel=1e-3)
    np.testing.assert_allclose(colour_scale(model), np.array([2.55 / np.sqrt(2), 1, 1]) / np.sqrt(6.9), rtol=1e-6)


def test_statistics_are_sums_over_the_pixels():
    random = np.random.default_rng(0)
    model = derive(Settings(num_superpixels=6), 5, 7)
    colour = random.random((5, 7, 3)).astype(np.float32)
    labels = np.full((5 + 2 * model.pad, 7 + 2 * model.pad), -1, np.int32)
    labels[1:-1, 1:-1] = random.integers(-1, 4, (3 + 2 * model.pad, 5 + 2 * model.pad))
    table = superpixels(4)
    gather(labels, colour, table, 4, model)
    features, inside = oracle.features_of(colour, model.pad, model.place_scale)
    for k in range(4):
        mine = labels == k
        assert table.stats[k, COUNT] == mine.sum()
        assert table.stats[k, INSIDE] == (mine & inside).sum()
        np.testing.assert_allclose(table.stats[k, 2:], features[mine].sum(axis=0), atol=1e-5)
        assert squares(labels, colour, 4, model)[k] == pytest.approx((features[mine] ** 2).sum(), rel=1e-6)


def test_a_table_grows_without_losing_anything():
    table = superpixels(2)
    table.ids[:] = [3, 4]
    table.stats[:] = 1
    longer = with_room(table, 5)
    assert len(longer.ids) == 10
    assert longer.ids[:3].tolist() == [3, 4, -1]
    assert longer.stats.sum() == 2 * STATISTICS
    assert with_room(longer, 5) is longer


def test_superpixels_are_not_wished_smaller_than_four_pixels():
    assert derive(Settings(num_superpixels=10**7), 20, 30) == derive(Settings(num_superpixels=150), 20, 30)
    assert derive(Settings(num_superpixels=150), 20, 30) != derive(Settings(num_superpixels=149), 20, 30)
    assert derive(Settings(num_superpixels=5), 1, 1) == derive(Settings(num_superpixels=1), 1, 1)
