import numpy as np
import oracle
import pytest
from states import small_state

from tsp.model import gather
from tsp.topology import UNASSIGNED
from tsp.transport import count_kept, fill_uncovered, hexagons, keep_largest_pieces, mean_flow, shift_labels


def padded(frame, pad):
    return np.pad(np.asarray(frame, np.int32), pad, constant_values=UNASSIGNED)


def test_mean_flow_is_the_mean_over_the_pixels_and_the_margin_repeats_the_edge():
    labels = padded([[0, 0, 1], [0, 1, 1]], 2)
    labels[2, 1] = 0  # a margin pixel left of the corner
    flow = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    found = mean_flow(labels, flow, 2, 3)
    zero = np.mean([flow[0, 0], flow[0, 1], flow[1, 0], flow[0, 0]], axis=0)
    one = np.mean([flow[0, 2], flow[1, 1], flow[1, 2]], axis=0)
    np.testing.assert_allclose(found, [zero[::-1], one[::-1], [0, 0]])


def test_an_exact_shift_leaves_a_hole_where_it_came_from():
    labels, colour, _, count, model = small_state()
    expected = np.zeros((count, 5))
    flows = np.tile([0.0, 3.4], (count, 1))
    out = shift_labels(labels, flows, expected, colour, model)
    np.testing.assert_array_equal(out[:, 4:-1], labels[:, 1:-4])
    assert (out[:, 1:4] == UNASSIGNED).all()


def test_steps_round_down_from_minus_a_half_like_everywhere():
    labels, colour, _, count, model = small_state()
    out = shift_labels(labels, np.tile([-2.6, 0.0], (count, 1)), np.zeros((count, 5)), colour, model)
    np.testing.assert_array_equal(out[1:-4], labels[4:-1])


def test_where_two_land_the_one_that_looks_like_the_new_picture_stays():
    _, _, _, _, model = small_state()
    pad = model.pad
    colour = np.zeros((1, 6, 3), np.float32)
    colour[0, 2] = 5.0
    labels = padded([[0, 0, 0, 1, 1, 1]], pad)
    expected = np.zeros((2, 5))
    expected[:, 1] = 2 * model.place_scale
    expected[1, 2:] = 5.0
    out = shift_labels(labels, np.array([[0.0, 0.0], [0.0, -1.0]]), expected, colour, model)
    assert out[pad, pad : pad + 6].tolist() == [0, 0, 1, 1, 1, UNASSIGNED]
    expected[:, 2:] = expected[::-1, 2:].copy()
    out = shift_labels(labels, np.array([[0.0, 0.0], [0.0, -1.0]]), expected, colour, model)
    assert out[pad, pad : pad + 6].tolist() == [0, 0, 0, 1, 1, UNASSIGNED]


@pytest.mark.parametrize("flow", [1e9, -1e9, 1e38])
def test_flow_out_of_the_map_loses_everything(flow):
    labels, colour, _, count, model = small_state()
    out = shift_labels(labels, np.full((count, 2), flow), np.zeros((count, 5)), colour, model)
    assert (out == UNASSIGNED).all()


@pytest.mark.parametrize("smallest", [1, 6, 10**6])
def test_every_label_ends_as_one_piece_and_the_largest_keeps_its_name(smallest):
    pad = 3
    labels = padded(np.random.default_rng(1).integers(-1, 4, (24, 24)), pad)
    labels[1:pad] = labels[-pad:-1] = 2
    before = labels.copy()
    after = keep_largest_pieces(labels, 4, smallest, pad)
    assert labels.max() < after
    assert oracle.whole(labels, pad)
    frame, was = labels[pad:-pad, pad:-pad], before[pad:-pad, pad:-pad]
    for value in range(4):
        largest = max(oracle.pieces(was == value), key=len)
        assert all(frame[pixel] == value for pixel in largest)
    born = [len(piece) for value in range(4, after) for piece in oracle.pieces(frame == value)]
    assert len(born) == after - 4
    assert min(born, default=smallest) >= smallest


def test_two_pieces_that_meet_only_in_the_margin_are_two():
    pad = 4
    labels = padded([[0, 1, 0], [0, 1, 1], [1, 1, 1]], pad)
    labels[pad - 1, pad : pad + 3] = 0
    assert keep_largest_pieces(labels, 2, 1, pad) == 3
    assert labels[pad, pad + 2] == 2
    assert oracle.whole(labels, pad)


def test_a_frame_that_is_all_hole_becomes_one_label():
    labels = padded(np.full((4, 4), UNASSIGNED), 2)
    assert keep_largest_pieces(labels, 9, 1000, 2) == 10
    assert (labels[2:-2, 2:-2] == 9).all()


def test_uncovered_pixels_go_to_the_likeliest_neighbour_and_cut_nothing():
    labels, colour, table, count, model = small_state("new")
    pad = model.pad
    colour[:] = 0
    colour[:, 21:] = 8
    gather(labels, colour, table, count, model)
    hole = (slice(pad + 5, pad + 15), slice(pad + 14, pad + 28))
    labels[hole] = UNASSIGNED
    keep_largest_pieces(labels, count, 1e9, pad)
    gather(labels, colour, table, count, model)
    fill_uncovered(labels, colour, table, model)
    frame = labels[pad:-pad, pad:-pad]
    assert frame.min() >= 0
    assert oracle.whole(labels, pad)
    means = table.scores[:count, 2]
    assert (np.abs(means[frame] - colour[..., 0])[5:15, 14:28] < 4).mean() > 0.9


def test_kept_pixels_are_counted_by_where_the_label_came_from():
    now = padded([[0, 0, 1], [2, 2, 1]], 1)
    carried = padded([[4, 4, 4], [3, UNASSIGNED, 3]], 1)
    kept, were = count_kept(now, carried, np.array([4, 3, UNASSIGNED], np.int32), 1)
    assert kept.tolist() == [2, 1, 0]
    assert were.tolist() == [3, 2, 0]


@pytest.mark.parametrize("requested", [1, 10, 100, 5000])
def test_a_hexagonal_grid_covers_the_frame_evenly(requested):
    labels = hexagons(60, 90, 60 * 90 / requested)
    areas = np.bincount(labels.ravel())
    areas = areas[areas > 0]
    assert abs(len(areas) - min(requested, 5400)) <= max(2, 0.12 * requested)
    if requested == 100:
        inner = np.unique(labels[15:-15, 15:-15])
        assert np.bincount(labels.ravel())[inner].std() < 8
