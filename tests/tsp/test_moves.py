import numpy as np
import oracle
import pytest
from states import small_state, spoil

from tsp.local import sweep
from tsp.model import COUNT, derive, gather, log_posterior, refresh_rows, superpixels, with_room
from tsp.moves import activate, merge, neighbours, switch
from tsp.settings import Settings
from tsp.split import split


def test_neighbours_are_those_that_touch_inside_the_frame():
    labels, _, _, count, model = small_state()
    spoil(labels, model.pad)
    first, following, other = neighbours(labels, count, model.pad)
    frame = labels[model.pad : -model.pad, model.pad : -model.pad]
    expected = {k: set() for k in range(count)}
    for one, two in ((frame[1:], frame[:-1]), (frame[:, 1:], frame[:, :-1])):
        for j, k in zip(one[one != two].tolist(), two[one != two].tolist(), strict=True):
            expected[j].add(k)
            expected[k].add(j)
    for k in range(count):
        found, at = [], first[k]
        while at >= 0:
            found.append(int(other[at]))
            at = following[at]
        assert sorted(found) == sorted(expected[k])


def test_neighbour_lists_have_room_for_a_crowd():
    """One superpixel among hundreds touches them all."""
    labels = np.zeros((43, 43), np.int32)
    labels[1:-1, 1:-1][1::2, 1::2] = np.arange(1, 401).reshape(20, 20)
    first, following, other = neighbours(labels, 401, 1)
    found, at = [], first[0]
    while at >= 0:
        found.append(int(other[at]))
        at = following[at]
    assert sorted(found) == list(range(1, 401))


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_merges_raise_the_energy_by_what_the_oracle_says(kind):
    """Superpixels far too small for the model: merging must be worth it, and each merge must be a gain."""
    labels, colour, table, count, model = small_state(kind, requested=150)
    model = derive(Settings(num_superpixels=15), 30, 42)._replace(pad=model.pad)
    gather(labels, colour, table, count, model)
    before = oracle.energy(labels, colour, table, model)
    merged = merge(labels, table, count, model)
    assert merged > 10
    assert len(np.unique(labels[labels >= 0])) == count - merged
    assert oracle.energy(labels, colour, table, model) > before
    assert oracle.whole(labels, model.pad)
    fresh = table.stats[:count].copy()
    gather(labels, colour, table, count, model)
    np.testing.assert_allclose(table.stats[:count], fresh, atol=1e-6)


def test_the_best_pair_merges_first_and_by_brute_force():
    labels, colour, table, count, model = small_state("mixed", height=16, width=20, requested=40)
    model = derive(Settings(num_superpixels=4), 16, 20)._replace(pad=model.pad)
    gather(labels, colour, table, count, model)
    base = oracle.energy(labels, colour, table, model)
    best = -np.inf
    first, following, other = neighbours(labels, count, model.pad)
    for k in range(count):
        at = first[k]
        while at >= 0:
            trial = np.where(labels == other[at], k, labels)
            gain = oracle.energy(trial, colour, table, model) - base
            if gain > best:
                best, pair = gain, (k, int(other[at]))
            at = following[at]
    merge(labels, table, count, model)
    kept, gone = pair
    assert table.stats[gone, COUNT] == 0
    assert table.stats[kept, COUNT] > 0


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_splits_raise_the_energy_and_old_superpixels_split_too(kind):
    labels, colour, table, count, model = small_state(kind, requested=6)
    model = derive(Settings(num_superpixels=60), 30, 42)._replace(pad=model.pad)
    gather(labels, colour, table, count, model)
    before = oracle.energy(labels, colour, table, model)
    done, rows = split(labels, colour, table, count, model, np.zeros(1, np.uint64))
    assert done >= 3
    assert rows == count + done
    assert oracle.energy(labels, colour, table, model) > before
    assert oracle.whole(labels, model.pad)
    assert (table.ids[count:rows] == -1).all()
    assert not table.old[count:rows].any()
    kept = table.stats[:rows].copy()
    gather(labels, colour, table, rows, model)
    np.testing.assert_allclose(kept, table.stats[:rows], atol=1e-6)


def test_a_split_with_a_margin_keeps_both_parts_whole():
    labels, colour, table, count, model = small_state("mixed", requested=6)
    labels[model.pad - 3 : model.pad] = labels[model.pad]  # three rows of the margin
    fine = derive(Settings(num_superpixels=60), 30, 42)._replace(pad=model.pad, place_scale=model.place_scale)
    gather(labels, colour, table, count, fine)
    table.changed[:] = True
    before = oracle.energy(labels, colour, table, fine)
    done, _ = split(labels, colour, table, count, fine, np.zeros(1, np.uint64))
    assert done >= 1
    assert oracle.energy(labels, colour, table, fine) > before
    assert oracle.whole(labels, model.pad)


def test_unchanged_superpixels_are_not_split():
    labels, colour, table, count, model = small_state("new", requested=6)
    model = derive(Settings(num_superpixels=60), 30, 42)._replace(pad=model.pad)
    gather(labels, colour, table, count, model)
    table.changed[:] = False
    assert split(labels, colour, table, count, model, np.zeros(1, np.uint64)) == (0, count)


def test_a_split_takes_up_the_label_that_died_there():
    labels, colour, table, count, model = small_state("old", requested=12)
    settings_model = derive(Settings(num_superpixels=12), 30, 42)._replace(pad=model.pad)
    gone, taker = 5, int(neighbours(labels, count, model.pad)[2][0])
    first, following, other = neighbours(labels, count, model.pad)
    taker = int(other[first[gone]])
    table.priors[:count] = table.stats[:count, 2:] / table.stats[:count, :1]  # all expected where they are
    labels[labels == gone] = taker
    gather(labels, colour, table, count, settings_model)
    done, rows = split(labels, colour, table, count, settings_model, np.zeros(1, np.uint64))
    assert done >= 1
    assert rows == count, "no new label was needed"
    assert table.stats[gone, COUNT] > 0
    assert table.ids[gone] == gone


def switching(table, labels, colour, count, model):
    before = oracle.energy(labels, colour, table, model)
    switched, rows = switch(table, count, model)
    return switched, rows, oracle.energy(labels, colour, table, model) - before


def test_an_old_superpixel_far_from_where_it_was_expected_becomes_new():
    labels, colour, table, count, model = small_state("old")
    table.priors[:count] = table.scores[:count, :5]
    table.priors[4, :2] += 40
    gather(labels, colour, table, count, model)
    switched, rows, gain = switching(table, labels, colour, count, model)
    assert (switched, rows) == (1, count + 1)
    assert gain > 0
    assert not table.old[4]
    assert table.ids[4] == -1
    assert table.ids[count] == 4, "the identity given up can be taken up by another"


def test_a_new_superpixel_takes_up_a_label_that_died_in_its_place():
    labels, colour, table, count, model = small_state("new")
    table.old[count], table.ids[count] = True, 77
    table.priors[count] = table.scores[3, :5]
    gather(labels, colour, table, count + 1, model)
    switched, rows, gain = switching(table, labels, colour, count + 1, model)
    assert (switched, rows) == (1, count + 1)
    assert gain > 0
    assert table.ids[3] == 77
    assert table.old[3]


def test_a_label_expected_elsewhere_is_not_taken_up():
    labels, colour, table, count, model = small_state("new")
    table.old[count], table.ids[count] = True, 77
    table.priors[count] = table.scores[3, :5]
    table.priors[count, :2] += 60
    gather(labels, colour, table, count + 1, model)
    assert switching(table, labels, colour, count + 1, model)[0] == 0


def test_changed_superpixels_and_their_rim_become_active():
    labels, _, table, count, _ = small_state()
    table.changed[:] = False
    table.changed[7] = True
    active = np.zeros(labels.shape, np.uint8)
    activate(labels, table, active)
    mine = labels == 7
    expected = mine.copy()
    for axis in (0, 1):
        expected |= np.roll(mine, 1, axis) | np.roll(mine, -1, axis)
    np.testing.assert_array_equal(active.astype(bool), expected)


def test_tables_without_superpixels_are_left_alone():
    labels = np.full((9, 9), -1, np.int32)
    model = derive(Settings(num_superpixels=2), 5, 5)._replace(pad=2)
    assert merge(labels, superpixels(2), 0, model) == 0
    assert switch(superpixels(2), 0, model) == (0, 0)


def test_statistics_hold_over_a_hundred_thousand_mixed_moves():
    """Two models in turn, of small and of large superpixels, keep a frame in motion; nothing is counted anew."""
    labels, colour, table, count, large = small_state("mixed", height=96, width=128, requested=40)
    small = large._replace(area=large.area / 6, log_new=large.log_new / 6, log_old=large.log_old / 6)
    random = np.random.default_rng(5)
    state, active = np.zeros(1, np.uint64), np.ones(labels.shape, np.uint8)
    totals = dict.fromkeys(("moves", "merges", "splits", "switches"), 0)
    while totals["moves"] < 100_000:
        for model in (small, large):
            table = with_room(table, 3 * count)
            table.priors[:count] += random.normal(0, 0.5, (count, 5))  # what is expected moves on, too,
            table.priors[random.integers(0, count, 40)] += 30  # and of some it is far off
            table.changed[:count] = table.stats[:count, COUNT] > 0
            refresh_rows(model, count, table)
            done, count = switch(table, count, model)
            totals["switches"] += done
            table = with_room(table, 2 * count)
            active[1:-1, 1:-1] = 1
            for _ in range(10):
                totals["moves"] += sweep(labels, colour, table, active, model, False)[0]
            totals["merges"] += merge(labels, table, count, model)
            done, count = split(labels, colour, table, count, model, state)
            totals["splits"] += done
    assert min(totals.values()) > 15, totals
    fresh = type(table)(*(column.copy() for column in table))
    gather(labels, colour, fresh, count, model)
    np.testing.assert_allclose(table.stats[:count], fresh.stats[:count], atol=1e-6)
    kept, anew = (
        sum(log_posterior(model, t.stats[k], t.priors[k], t.old[k]) for k in range(count)) for t in (table, fresh)
    )
    assert kept == pytest.approx(anew, abs=1e-4)
    assert oracle.whole(labels, model.pad)
