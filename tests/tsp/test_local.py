import numpy as np
import oracle
import pytest
from states import one_pixel_superpixel, pocket, small_state, spoil

from tsp.local import settle, sweep
from tsp.model import COUNT, INSIDE, gather, superpixels

_BESIDE = {(0, 1), (1, 0), (1, 2), (2, 1)}  # in a 3 x 3 window


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_every_sweep_raises_the_energy_and_cuts_nothing(kind):
    labels, colour, table, count, model = small_state(kind)
    spoil(labels, model.pad)
    gather(labels, colour, table, count, model)
    active = np.ones(labels.shape, np.uint8)
    energy, total = oracle.energy(labels, colour, table, model), 0
    for number in range(6):
        moves, tested = sweep(labels, colour, table, active, model, number % 2 == 1)
        after = oracle.energy(labels, colour, table, model)
        assert after > energy or moves == 0
        assert moves <= tested
        assert oracle.whole(labels, model.pad)
        energy, total = after, total + moves
    assert total > 100
    assert moves < total / 20, "it settles"


def test_statistics_kept_along_equal_those_from_scratch():
    labels, colour, table, count, model = small_state()
    settle(labels, colour, table, np.ones(labels.shape, np.uint8), model, 30)
    fresh = superpixels(len(table.ids))
    fresh.old[:], fresh.priors[:] = table.old, table.priors
    gather(labels, colour, fresh, count, model)
    np.testing.assert_allclose(table.stats[:count], fresh.stats[:count], atol=1e-6)
    np.testing.assert_allclose(table.scores[:count], fresh.scores[:count], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["new", "mixed"])
def test_a_pixel_goes_where_brute_force_sends_it(kind):
    """One pixel is let move; whichever label it takes, no other allowed choice has a higher energy."""
    labels, colour, table, count, model = small_state(kind, height=18, width=24, requested=10)
    spoil(labels, model.pad, steps=100)
    gather(labels, colour, table, count, model)
    random = np.random.default_rng(3)
    moved = 0
    for _ in range(250):
        y, x = (random.integers(model.pad - 1, size - model.pad + 1) for size in labels.shape)
        active = np.zeros(labels.shape, np.uint8)
        active[y, x] = 1
        choices = {}
        inside = model.pad <= y < labels.shape[0] - model.pad and model.pad <= x < labels.shape[1] - model.pad
        around = {int(labels[y + dy, x + dx]) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))}
        for label in around | {int(labels[y, x])}:
            if label >= 0 or not inside:
                trial = labels.copy()
                trial[y, x] = label
                if oracle.whole(trial, model.pad):
                    choices[label] = oracle.energy(trial, colour, table, model)
        before = int(labels[y, x])
        free = closes_no_ring(labels, y, x, around)
        sweep(labels, colour, table, active, model, False)
        after = int(labels[y, x])
        moved += before != after
        assert after in choices
        if free:
            assert choices[after] >= max(choices.values()) - 1e-6
        else:
            assert after == before
    assert moved > 10


def closes_no_ring(labels, y, x, around):
    """Whether each label beside a pixel touches it in one place only, counted piece by piece in the 3 x 3 window."""
    for label in around - {-1}:
        window = labels[y - 1 : y + 2, x - 1 : x + 2] == label
        window[1, 1] = False
        if sum(bool(piece & _BESIDE) for piece in oracle.pieces(window)) != 1:
            return False
    return True


@pytest.mark.parametrize("enclosed", [False, True])
def test_a_move_closes_no_ring_of_a_third_superpixel(enclosed):
    labels, colour, table, active, model = pocket(enclosed)
    place = np.nonzero(active)
    sweep(labels, colour, table, active, model, True)
    assert labels[place] == (0 if enclosed else 1)


def test_a_superpixel_of_one_pixel_that_is_not_worth_its_price_dies():
    labels, colour, table, active, model, label = one_pixel_superpixel()
    sweep(labels, colour, table, active, model, False)
    assert table.stats[label, COUNT] == 0
    assert not (labels == label).any()


def test_superpixels_grow_into_the_margin_and_no_farther_than_it_pays():
    labels, colour, table, count, model = small_state("new")
    settle(labels, colour, table, np.ones(labels.shape, np.uint8), model, 30)
    outside = table.stats[:count, COUNT] - table.stats[:count, INSIDE]
    assert outside.sum() > 20
    assert (labels[1] < 0).all()
    assert (labels[:, 1] < 0).all()


def test_only_active_pixels_are_tested():
    labels, colour, table, _, model = small_state()
    assert sweep(labels, colour, table, np.zeros(labels.shape, np.uint8), model, False) == (0, 0)
