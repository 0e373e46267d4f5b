import numpy as np
import pytest

from tsp import Settings, segment
from tsp.flow_process import _kernel, reestimate
from tsp.model import derive, superpixels


def setting(count=40, seed=0):
    random = np.random.default_rng(seed)
    settings = Settings(num_superpixels=count)
    model = derive(settings, 120, 160)
    places = random.random((count, 2)) * [120, 160]
    colours = random.normal(0, 8, (count, 3))
    scale = np.sqrt(model.colour_var * np.array([2.0, 1.0, 1.0]))
    theta = np.concatenate([places * model.place_scale, colours / scale], axis=1)
    table = superpixels(count)
    moved = places + random.normal(0, 2, (count, 2))
    table.stats[:, 0] = 10
    table.stats[:, 2:4] = 10 * moved * model.place_scale
    return settings, model, places, colours, theta, table, moved


def dense(places, colours, settings):
    gap = np.linalg.norm(places[:, None] - places[None], axis=-1)
    off = ((colours[:, None] - colours[None]) ** 2).sum(axis=-1)
    r = np.minimum(gap / (3 * np.sqrt(settings.cov_var_p)), 1)
    taper = (1 - r) ** 4 * (4 * r + 1)
    return taper * np.exp(-(gap**2) / (2 * settings.cov_var_p) - off / (2 * settings.cov_var_a))


def test_the_kernel_is_the_tapered_one():
    settings, _, places, colours, *_ = setting()
    order = np.argsort(places[:, 0])
    places, colours = places[order], colours[order]
    start, column, weight = _kernel(places, colours, settings.cov_var_p, settings.cov_var_a)
    found = np.zeros((40, 40))
    for k in range(40):
        found[k, column[start[k] : start[k + 1]]] = weight[start[k] : start[k + 1]]
    expected = dense(places, colours, settings)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.linalg.eigvalsh(expected).min() > -1e-10, "positive semidefinite in spite of the taper"


def test_the_local_solve_equals_the_dense_one():
    settings, model, places, colours, theta, table, moved = setting()
    dead = np.array([3, 17])
    table.stats[dead] = 0
    before = np.random.default_rng(2).normal(0, 1, (40, 2))
    found = reestimate(theta, table, before, settings, model)
    alive = np.setdiff1d(np.arange(40), dead)
    c = dense(places, colours, settings)
    observed = moved[alive] - places[alive] - before[alive]
    solved = np.linalg.solve(c[np.ix_(alive, alive)] + model.place_prior * np.eye(len(alive)), observed)
    expected = before + c[:, alive] @ solved
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected - before).max()


def test_what_all_neighbours_do_is_expected_of_the_one_without_pixels():
    settings, model, places, _, theta, table, _ = setting()
    theta[:, 2:] = 0
    table.stats[:, 2:4] = 10 * (places + np.array([1.0, -3.0])) * model.place_scale
    table.stats[11] = 0
    found = reestimate(theta, table, np.zeros((40, 2)), settings, model)
    assert found[11] == pytest.approx([1.0, -3.0], abs=0.5)


def test_it_can_be_switched_on():
    from helpers import moving_picture

    frames = [moving_picture(i) for i in range(5)]
    plain, process = (
        list(segment(frames, settings=Settings(num_superpixels=60, reestimate_flow=on))) for on in (False, True)
    )
    assert any((one != two).any() for one, two in zip(plain, process, strict=True))
    assert len(np.intersect1d(process[0], process[4])) > 30
