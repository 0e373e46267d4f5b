import numpy as np
import pytest

from tsp.moves import cut_giants, gather_statistics, merge_crumbs, sweep
from tsp.tracker import _hexagons

AREA, AREA_VAR = 36.0, 400.0


def energy(labels, features, prior, tracked, variance):
    """Log-posterior of a label map with means optimised out, straight from its definition."""
    total = 0.0
    for k in np.unique(labels):
        x = features[labels == k].astype(np.float64)
        n = len(x)
        for d in range(5):
            if tracked[k]:
                mean = (prior[k, d] + variance[d] * x[:, d].sum()) / (1 + n * variance[d])
                total -= (mean - prior[k, d]) ** 2 / (2 * variance[d])
            else:
                mean = x[:, d].mean()
            total -= ((x[:, d] - mean) ** 2).sum() / 2
        total -= (AREA - n) ** 2 / (2 * AREA_VAR)
    return total


@pytest.fixture(params=["new", "tracked"])
def state(request):
    random = np.random.default_rng(0)
    height, width = 24, 36
    y, x = np.mgrid[0:height, 0:width]
    colours = random.random((height, width, 3)) + (x[..., None] > 17) * 3
    features = np.concatenate([x[..., None], y[..., None], colours], axis=2).astype(np.float32)
    labels = _hexagons(height, width, AREA)
    count = int(labels.max()) + 1
    stats = gather_statistics(labels, features, count)
    prior = stats[:, 1:] / np.maximum(stats[:, :1], 1) + random.normal(0, 0.3, (count, 5))
    tracked = np.full(count, request.param == "tracked")
    variance = np.array([0.002, 0.002, 0.01, 0.01, 0.01])
    return labels, features, stats, prior, tracked, variance


def test_statistics_are_counts_and_sums(state):
    labels, features, stats, *_ = state
    for k in (0, 5):
        mine = features[labels == k].astype(np.float64)
        np.testing.assert_allclose(stats[k], [len(mine), *mine.sum(axis=0)])


def test_a_sweep_raises_the_energy_by_its_moves_and_keeps_statistics_true(state):
    labels, features, stats, prior, tracked, variance = state
    before = energy(labels, features, prior, tracked, variance)
    for backwards in (False, True):
        moves, border = sweep(labels, features, stats, prior, tracked, variance, AREA, AREA_VAR, backwards)
        after = energy(labels, features, prior, tracked, variance)
        assert moves > 0
        assert border >= moves
        assert after > before
        before = after
    np.testing.assert_allclose(stats, gather_statistics(labels, features, len(stats)), atol=1e-6)


def test_sweeps_never_cut_a_superpixel_or_lose_one(state):
    labels, features, stats, prior, tracked, variance = state
    names = np.unique(labels)
    from tsp.topology import connected_pieces

    for _ in range(5):
        sweep(labels, features, stats, prior, tracked, variance, AREA, AREA_VAR, False)
        owners = connected_pieces(labels)[2]
        assert sorted(owners) == names.tolist()


def test_borders_follow_a_colour_edge(state):
    labels, features, stats, prior, tracked, variance = state
    variance = np.array([0.002, 0.002, 1.0, 1.0, 1.0])
    features[..., 2:] *= 20
    stats = gather_statistics(labels, features, len(stats))
    new = np.zeros(len(stats), bool)
    for number in range(10):
        sweep(labels, features, stats, prior, new, variance, AREA, AREA_VAR, number % 2 == 1)
    crossing = np.intersect1d(labels[:, :18], labels[:, 18:])
    assert len(crossing) == 0


def test_crumbs_go_to_the_neighbour_of_like_colour():
    labels = np.zeros((6, 9), np.int32)
    labels[:, 5:] = 1
    labels[2:4, 4:5] = 2
    features = np.zeros((6, 9, 5), np.float32)
    features[..., 2] = np.where(labels == 1, 5.0, 0.0)
    features[labels == 2, 2] = 4.9
    stats = gather_statistics(labels, features, 3)
    merge_crumbs(labels, stats, 4)
    assert (labels[2:4, 4] == 1).all()
    assert stats[2, 0] == 0
    np.testing.assert_allclose(stats, gather_statistics(labels, features, 3))


def test_a_chain_of_crumbs_ends_in_one_survivor():
    labels = np.repeat(np.arange(4, dtype=np.int32), [1, 2, 3, 20])[None].repeat(2, axis=0)
    stats = gather_statistics(labels, np.zeros((2, 26, 5), np.float32), 4)
    merge_crumbs(labels, stats, 8)
    assert (labels == 3).all()


def test_giants_are_cut_across_their_longer_axis():
    labels = np.zeros((8, 40), np.int32)
    stats = gather_statistics(labels, np.zeros((8, 40, 5), np.float32), 1)
    assert cut_giants(labels, stats, 100, 1) == 2
    assert len(np.unique(labels[:, :19])) == 1
    assert len(np.unique(labels[:, 21:])) == 1
    assert labels[0, 0] != labels[0, -1]
