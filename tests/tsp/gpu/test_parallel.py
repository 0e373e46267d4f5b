"""The moves for many pixels at once: the same code on torch's CPU device and on a GPU."""

import math
import os

import numpy as np
import oracle
import pytest
import torch
from helpers import moving_picture
from states import check_rules, one_pixel_superpixel, panning, pocket, small_state, spoil

from tsp import Evaluator, Settings, local, segment
from tsp.gpu import fused, kernel_pixels, parallel
from tsp.gpu.fused import Workspace, joined_pieces, workspace
from tsp.gpu.grid import Grid, draw, least, noise, pieces, spread
from tsp.gpu.kernel_pixels import KernelPixels
from tsp.gpu.parallel import DevicePixels
from tsp.gpu.sweeps import Sweeps
from tsp.model import derive, gather, squares, superpixels, with_room
from tsp.pixels import HostPixels
from tsp.stream import Stream
from tsp.topology import UNASSIGNED, connected_pieces
from tsp.transport import mean_flow

DEVICES = ["cpu", "cuda"]


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        if os.environ.get("VFXSTYLE_REQUIRE_CUDA") == "1":
            pytest.fail("VFXSTYLE_REQUIRE_CUDA is 1 and torch sees no CUDA device")
        pytest.skip("needs a CUDA device")
    return request.param


@pytest.fixture
def kernels():
    """Where the kernels of a GPU are tried: on one, or else in Triton's interpreter."""
    if torch.cuda.is_available():
        return "cuda"
    if os.environ.get("VFXSTYLE_REQUIRE_CUDA") == "1":
        pytest.fail("VFXSTYLE_REQUIRE_CUDA is 1 and torch sees no CUDA device")
    return "cpu"


def both(device, labels, colour, model):
    """The same pixels, moved by the kernels of a GPU and by operations of torch."""
    grid = Grid(*labels.shape, model, torch.device(device))
    own = torch.from_numpy(labels).to(device).long()
    return KernelPixels(own, colour, grid), DevicePixels(own.clone(), colour, grid)


def places(device, labels, colour, model):
    """The same pixels on the device and on the host."""
    return parallel.pixels_on(device)(labels, colour, model), HostPixels(labels.copy(), colour, model)


def map_of(pixels):
    """A padded label map on the host."""
    snapshot = pixels.snapshot()
    return snapshot if isinstance(snapshot, np.ndarray) else snapshot.int().cpu().numpy()


def copy_of(table):
    return type(table)(*(column.copy() for column in table))


def assert_same_table(one, other, count, atol=1e-3):
    np.testing.assert_array_equal(one.ids[:count], other.ids[:count])
    np.testing.assert_array_equal(one.old[:count], other.old[:count])
    np.testing.assert_allclose(one.stats[:count], other.stats[:count], atol=atol)
    np.testing.assert_allclose(one.scores[:count], other.scores[:count], atol=atol)


def settled(device, kind, seed=0):
    """Local moves to the end, on the device and on the host; (start, device energy, host energy, the rest)."""
    labels, colour, table, count, model = small_state(kind, height=48, width=60, requested=60, seed=seed)
    spoil(labels, model.pad)
    gather(labels, colour, table, count, model)
    table.changed[:] = False
    start = oracle.energy(labels, colour, table, model)
    energies = []
    for pixels in places(device, labels, colour, model)[::-1]:
        own = copy_of(table)
        pixels.activate_all()
        pixels.settle(own, count, model, 40)
        energies.append(oracle.energy(map_of(pixels), colour, own, model))
    return start, energies[1], energies[0], pixels, own, colour, count, model, labels


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_local_moves_raise_the_energy_as_far_as_one_pixel_at_a_time(device, kind):
    start, ours, theirs, pixels, *_, model, _ = settled(device, kind)
    assert ours > start
    assert abs(ours - theirs) < 0.001 * abs(theirs)
    assert ours - start > 0.9 * (theirs - start)
    assert oracle.whole(map_of(pixels), model.pad)


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_one_pixel_alone_goes_where_the_host_sends_it(device, kind):
    labels, colour, table, count, model = small_state(kind, height=18, width=24, requested=10)
    spoil(labels, model.pad, steps=100)
    gather(labels, colour, table, count, model)
    random = np.random.default_rng(3)
    moved = 0
    for _ in range(200):
        y, x = (random.integers(model.pad - 1, size - model.pad + 1) for size in labels.shape)
        ours, _ = places(device, labels, colour, model)
        ours.waiting = torch.zeros_like(ours.grid.inside)
        ours.waiting[y, x] = True
        ours.settle(copy_of(table), count, model, 1)
        active = np.zeros(labels.shape, np.uint8)
        active[y, x] = 1
        before = labels.copy()
        local.sweep(labels, colour, table, active, model, False)
        moved += before[y, x] != labels[y, x]
        before[y, x] = labels[y, x]  # the host goes on to the pixels that follow
        np.testing.assert_array_equal(map_of(ours), before)
    assert moved > 5


@pytest.mark.parametrize("enclosed", [False, True])
def test_a_move_closes_no_ring_of_a_third_superpixel(device, enclosed):
    labels, colour, table, active, model = pocket(enclosed)
    pixels, _ = places(device, labels, colour, model)
    pixels.waiting = torch.from_numpy(active > 0).to(device)
    pixels.settle(table, 3, model, 1)
    assert map_of(pixels)[np.nonzero(active)] == (0 if enclosed else 1)


def test_the_table_comes_back_with_the_labels(device):
    *_, pixels, table, colour, count, model, before = settled(device, "mixed")
    fresh = copy_of(table)
    gather(map_of(pixels), colour, fresh, count, model)
    assert_same_table(table, fresh, count)
    different = before != map_of(pixels)
    touched = set(before[different].tolist()) | set(map_of(pixels)[different].tolist())
    assert set(np.flatnonzero(table.changed[:count]).tolist()) == touched - {UNASSIGNED}
    assert touched


def test_only_active_pixels_move(device):
    labels, colour, table, count, model = small_state("new")
    spoil(labels, model.pad)
    gather(labels, colour, table, count, model)
    pixels, _ = places(device, labels, colour, model)
    pixels.settle(table, count, model, 5)
    np.testing.assert_array_equal(map_of(pixels), labels)
    table.changed[:] = False
    table.changed[3] = True
    pixels.activate(table, count)
    pixels.settle(table, count, model, 1)
    moved = map_of(pixels) != labels
    near = labels == 3
    for axis in (0, 1):
        for step in (-1, 1):
            near |= np.roll(labels == 3, step, axis)
    assert moved.any()
    assert not (moved & ~near).any()


def test_a_superpixel_that_dies_leaves_no_ghost(device):
    labels, colour, table, active, model, label = one_pixel_superpixel()
    pixels, _ = places(device, labels, colour, model)
    pixels.waiting = torch.from_numpy(active > 0).to(device)
    pixels.settle(table, label + 1, model, 3)
    assert not (map_of(pixels) == label).any()
    assert table.stats[label].tolist() == [0] * 7


def test_the_energy_on_the_device_is_the_oracles(device):
    labels, colour, table, count, model = small_state()
    constant = None
    for _ in range(3):
        pixels, _ = places(device, labels, colour, model)
        energy = Sweeps(pixels, table, count, model, ~pixels.grid.edge).energy()
        left = oracle.energy(labels, colour, table, model) - energy
        constant = left if constant is None else constant
        assert left == pytest.approx(constant, abs=0.05)
        spoil(labels, model.pad, steps=50)
        columns = slice(model.pad, model.pad + 8)
        labels[model.pad - 2 : model.pad, columns] = labels[model.pad, columns]  # and some of the margin is somebody's
        gather(labels, colour, table, count, model)


def test_the_kernels_of_a_gpu_move_what_operations_of_torch_move(kernels):
    """Where there is no GPU, Triton's interpreter runs the kernels."""
    labels, colour, table, count, model = small_state("mixed", height=24, width=30, requested=20)
    spoil(labels, model.pad)
    columns = slice(model.pad, model.pad + 8)
    labels[model.pad - 2 : model.pad, columns] = labels[model.pad, columns]
    gather(labels, colour, table, count, model)
    pixels, _ = both(kernels, labels, colour, model)
    work = workspace(pixels.grid, model, count)
    work.load(pixels, table, count, model, ~pixels.grid.edge)
    plain = Sweeps(pixels, table, count, model, ~pixels.grid.edge)
    assert work.energy() == pytest.approx(plain.energy(), abs=0.1)
    for thin in (-1, 3):
        ours, theirs = work.sweep(thin), plain.sweep(thin)
        assert torch.equal(work.labels, plain.labels)
        assert torch.equal(work.waiting, plain.waiting)
        assert torch.equal(work.sums[:count], plain.sums)
        assert (ours.moved, ours.tested) == (theirs.moved, theirs.tested)
        assert ours.moved > 0
        assert ours.energy == pytest.approx(theirs.energy, abs=0.1)
    for moves in (work, plain):
        moves.restore()
    assert torch.equal(work.labels, plain.labels)
    assert work.energy() == pytest.approx(plain.energy(), abs=0.1)


def test_the_kernels_of_a_gpu_count_fill_and_spread_as_operations_of_torch(kernels):
    labels, colour, table, count, model = small_state("mixed", height=24, width=30, requested=20)
    spoil(labels, model.pad)
    gather(labels, colour, table, count, model)
    one, other = both(kernels, labels, colour, model)
    assert torch.equal(one.sums(count), other.sums(count))
    np.testing.assert_array_equal(one.squares(count), other.squares(count))
    holes = np.random.default_rng(2).random(labels.shape) < 0.7
    labels[holes & one.grid.inside.cpu().numpy()] = UNASSIGNED
    one, other = both(kernels, labels, colour, model)
    tables = copy_of(table), copy_of(table)
    for pixels, own in zip((one, other), tables, strict=True):
        pixels.fill_uncovered(own, count, model)
    assert torch.equal(one.labels, other.labels)
    np.testing.assert_array_equal(tables[0].stats, tables[1].stats)
    filled = one.labels
    values = torch.where(filled % 3 == 0, filled, -1)
    key, into = filled % 3, torch.from_numpy(np.random.default_rng(3).random(labels.shape) < 0.8).to(kernels)
    values[:, ::2] = -1
    expected = spread(values, key, into)
    assert torch.equal(fused.spread_over(values, key, into), expected)
    assert (expected >= 0).sum() > (values >= 0).sum()


@pytest.mark.parametrize("far", [0.7, 1e9])
def test_the_kernels_of_a_gpu_carry_superpixels_as_operations_of_torch(kernels, far):
    labels, colour, table, count, model = small_state("mixed", height=24, width=30, requested=20)
    random = np.random.default_rng(2)
    flow = np.full((24, 30, 2), far, np.float32)
    flow[4:18, 5:25] = random.normal(3, 2, (14, 20, 2))
    one, other = both(kernels, labels, colour, model)
    flows = one.mean_flow(flow, count)
    np.testing.assert_array_equal(flows, other.mean_flow(flow, count))
    assert np.abs(flows).max() > 0.5
    expected = table.scores[:count, :5] + random.normal(0, 0.2, (count, 5))
    for smallest in (1e9, 4.5):
        carried = [pixels.carried(flows, expected, colour, model) for pixels in (one, other)]
        assert torch.equal(carried[0].labels, carried[1].labels)
        rows = [pixels.keep_largest_pieces(count, smallest) for pixels in carried]
        assert rows[0] == rows[1]
        assert torch.equal(carried[0].labels, carried[1].labels)
        assert (carried[0].labels >= 0).sum() > 50


def test_the_kernels_of_a_gpu_keep_pieces_as_operations_of_torch(kernels):
    _, colour, _, _, model = small_state("mixed", height=24, width=30, requested=20)
    shape = (24 + 2 * model.pad, 30 + 2 * model.pad)
    scattered = np.full(shape, UNASSIGNED, np.int32)
    scattered[1:-1, 1:-1] = np.random.default_rng(1).integers(-1, 4, np.subtract(shape, 2))
    for labels in (scattered, np.full(shape, UNASSIGNED, np.int32)):
        for smallest in (1, 6, 10**6):
            one, other = both(kernels, labels, colour, model)
            assert one.keep_largest_pieces(4, smallest) == other.keep_largest_pieces(4, smallest)
            assert torch.equal(one.labels, other.labels)


def test_the_kernels_of_a_gpu_keep_books_as_operations_of_torch(kernels, monkeypatch):
    labels, colour, table, count, model = small_state("mixed", height=24, width=30, requested=20)
    spoil(labels, model.pad)
    one, other = both(kernels, labels, colour, model)
    np.testing.assert_array_equal(one.touching(count), other.touching(count))
    assert len(one.touching(count)) > count
    monkeypatch.setattr(kernel_pixels, "_MOST_MARKS", 7 * count)  # seven rows at a time, of which the last has fewer
    np.testing.assert_array_equal(one.touching(count), other.touching(count))
    table.changed[:] = False
    table.changed[3:6] = True
    for pixels in (one, other):
        pixels.waiting[5:9, 5:9] = True
        pixels.activate(table, count)
    assert torch.equal(one.waiting, other.waiting)
    assert one.waiting[model.pad : -model.pad].any()
    before = one.labels.clone()
    spoil(labels, model.pad, steps=50)
    one, other = both(kernels, labels, colour, model)
    np.testing.assert_array_equal(one.touched(before, count), other.touched(before, count))
    assert 0 < one.touched(before, count).sum() < count
    origin = np.roll(np.arange(count, dtype=np.int32), 1)
    origin[::4] = UNASSIGNED
    for ours, theirs in zip(one.count_kept(before, origin), other.count_kept(before, origin), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("height", "width", "count"), [(1, 1, 1), (1, 7, 1), (2, 3, 2), (9, 13, 3)])
def test_the_kernels_of_a_gpu_take_frames_of_any_size(kernels, height, width, count):
    model = derive(Settings(num_superpixels=2 * count), height, width)._replace(pad=2)
    random = np.random.default_rng(height)
    colour = random.normal(0, 3, (height, width, 3)).astype(np.float32)
    labels = np.full((height + 4, width + 4), UNASSIGNED, np.int32)
    labels[2:-2, 2:-2] = np.sort(random.integers(0, count, (height, width)), axis=1)
    one, other = both(kernels, labels, colour, model)
    states, tables = (np.array([7], np.uint64), np.array([7], np.uint64)), (superpixels(64), superpixels(64))
    found = []
    for pixels, table, state in zip((one, other), tables, states, strict=True):
        rows = pixels.keep_largest_pieces(count, 2)
        pixels.gather(table, rows, model)
        table.changed[:rows] = True
        pixels.fill_uncovered(table, rows, model)
        done, rows = pixels.split(table, rows, model, state)
        found.append((done, rows, pixels.touching(rows).tolist(), table.stats.tolist()))
    assert found[0] == found[1]
    assert torch.equal(one.labels, other.labels)


def test_the_kernels_of_a_gpu_split_as_operations_of_torch(kernels):
    labels, colour, table, count, model = small_state("mixed", height=24, width=30, requested=6)
    labels[model.pad - 3 : model.pad] = labels[model.pad]  # three rows of the margin
    rest = slice(model.pad - 5, 5 - model.pad)  # a narrower one is enough
    labels = np.ascontiguousarray(labels[rest, rest])
    model = derive(Settings(num_superpixels=50), 24, 30)._replace(pad=5, place_scale=model.place_scale)
    gather(labels, colour, table, count, model)
    table.changed[:] = True
    ours, theirs = both(kernels, labels, colour, model)
    tables, states = (copy_of(table), copy_of(table)), (np.array([7], np.uint64), np.array([7], np.uint64))
    rows = count
    for _ in range(2):
        found = [
            pixels.split(own, rows, model, state)
            for pixels, own, state in zip((ours, theirs), tables, states, strict=True)
        ]
        assert found[0] == found[1]
        assert torch.equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(tables[0].stats, tables[1].stats)
        assert found[0][0] > 2
        rows = found[0][1]
    assert states[0] == states[1]


def test_kernels_of_a_gpu_find_pieces(kernels):
    values = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (21, 33))).to(kernels)
    padded = torch.nn.functional.pad(values, (2, 2, 2, 2), value=7)
    for key, among in ((values, None), (values, values == 1), (padded[2:-2, 2:-2], None)):
        assert torch.equal(joined_pieces(key, among), pieces(key, among))


def test_pieces_are_found_as_on_the_host(device):
    random = np.random.default_rng(0)
    for values in (random.integers(-1, 3, (40, 33)), random.integers(0, 2, (1, 50)), np.zeros((30, 30), int)):
        key = torch.from_numpy(values).to(device)
        _, found = np.unique(pieces(key).cpu().numpy(), return_inverse=True)
        expected, _, _ = connected_pieces(values.astype(np.int32))
        np.testing.assert_array_equal(found.reshape(values.shape), expected)  # both count them from the top left
        among = torch.from_numpy(values == 1).to(device)
        some = pieces(key, among).view(key.shape).cpu().numpy()
        all_of_them = pieces(key).view(key.shape).cpu().numpy()
        np.testing.assert_array_equal(some[values == 1], all_of_them[values == 1])
        np.testing.assert_array_equal(some[values != 1], np.arange(values.size).reshape(values.shape)[values != 1])


def test_of_equal_costs_the_first_wins(device):
    cost = torch.tensor([2.0, 1.0, 1.0, math.inf, 0.0], device=device)
    value = torch.tensor([9, 8, 7, 6, 5], device=device)
    group = torch.tensor([0, 0, 0, 1, 3], device=device)
    found = least(cost, value, group, 4).tolist()
    assert (found[0], found[1], found[3]) == (7, 6, 5)
    assert found[2] == 2**63 - 1


@pytest.mark.parametrize("far", [0.7, 1e9, -3e38])
def test_transport_is_the_hosts(device, far):
    labels, colour, table, count, model = small_state(requested=60)
    random = np.random.default_rng(2)
    flow = np.full((30, 42, 2), far, np.float32)
    flow[8:20, 5:25] = random.normal(3, 2, (12, 20, 2))
    ours, theirs = places(device, labels, colour, model)
    flows = mean_flow(labels, flow, model.pad, count)
    near = np.abs(flows).max(axis=1) < 1e3
    np.testing.assert_allclose(ours.mean_flow(flow, count)[near], flows[near], atol=1e-4)
    expected = table.scores[:count, :5] + random.normal(0, 0.2, (count, 5))
    for smallest in (1e9, 4.0):
        one, other = (pixels.carried(flows, expected, colour, model) for pixels in (ours, theirs))
        np.testing.assert_array_equal(map_of(one), map_of(other))
        assert one.keep_largest_pieces(count, smallest) == other.keep_largest_pieces(count, smallest)
        np.testing.assert_array_equal(map_of(one), map_of(other))


@pytest.mark.parametrize("smallest", [1, 6, 10**6])
def test_the_largest_pieces_are_the_hosts(device, smallest):
    model = derive(Settings(num_superpixels=40), 24, 24)
    labels = np.full((24 + 2 * model.pad, 24 + 2 * model.pad), UNASSIGNED, np.int32)
    labels[1:-1, 1:-1] = np.random.default_rng(1).integers(-1, 4, np.subtract(labels.shape, 2))
    ours, theirs = places(device, labels, np.zeros((24, 24, 3), np.float32), model)
    assert ours.keep_largest_pieces(4, smallest) == theirs.keep_largest_pieces(4, smallest)
    np.testing.assert_array_equal(map_of(ours), map_of(theirs))
    empty = np.full_like(labels, UNASSIGNED)
    ours, theirs = places(device, empty, np.zeros((24, 24, 3), np.float32), model)
    assert ours.keep_largest_pieces(9, 10**4) == theirs.keep_largest_pieces(9, 10**4) == 10
    np.testing.assert_array_equal(map_of(ours), map_of(theirs))


def test_uncovered_pixels_go_to_likely_neighbours_and_cut_nothing(device):
    labels, colour, table, count, model = small_state("new")
    colour[:] = 0
    colour[:, 21:] = 8
    pad = model.pad
    labels[pad + 5 : pad + 15, pad + 14 : pad + 28] = UNASSIGNED
    pixels, _ = places(device, labels, colour, model)
    pixels.keep_largest_pieces(count, 1e9)
    pixels.gather(table, count, model)
    pixels.fill_uncovered(table, count, model)
    after = map_of(pixels)
    frame = after[pad:-pad, pad:-pad]
    assert frame.min() >= 0
    assert oracle.whole(after, pad)
    assert (np.abs(table.scores[:count, 2][frame] - colour[..., 0])[5:15, 14:28] < 4).mean() > 0.9
    fresh = copy_of(table)
    gather(after, colour, fresh, count, model)
    assert_same_table(table, fresh, count)


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_merges_are_the_hosts(device, kind):
    labels, colour, table, count, model = small_state(kind, requested=150)
    model = derive(Settings(num_superpixels=15), 30, 42)._replace(pad=model.pad)
    gather(labels, colour, table, count, model)
    ours, theirs = places(device, labels, colour, model)
    other = copy_of(table)
    assert ours.merge(table, count, model) == theirs.merge(other, count, model) > 10
    np.testing.assert_array_equal(map_of(ours), map_of(theirs))
    assert_same_table(table, other, count)


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_splits_raise_the_energy_as_the_hosts_do(device, kind):
    labels, colour, table, count, model = small_state(kind, requested=6)
    labels[model.pad - 3 : model.pad] = labels[model.pad]  # three rows of the margin
    model = derive(Settings(num_superpixels=60), 30, 42)._replace(pad=model.pad, place_scale=model.place_scale)
    gather(labels, colour, table, count, model)
    table.changed[:] = True
    before = oracle.energy(labels, colour, table, model)
    energies = []
    for pixels in places(device, labels, colour, model):
        own = copy_of(table)
        state = np.zeros(1, np.uint64)
        rows, total = count, 0
        for _ in range(2):  # those that were split once are split again
            done, rows = pixels.split(own, rows, model, state)
            total += done
        after = map_of(pixels)
        assert total >= 6
        assert rows == count + total
        assert oracle.whole(after, model.pad)
        assert (own.ids[count:rows] == -1).all()
        kept = copy_of(own)
        gather(after, colour, own, rows, model)
        assert_same_table(kept, own, rows)
        energies.append(oracle.energy(after, colour, own, model) - before)
    assert energies[1] > 0
    assert energies[0] > 0.8 * energies[1]


def test_a_superpixel_of_stripes_is_split_into_whole_parts(device):
    """Stripes of two colours in one superpixel: two means see two halves, of many pieces each."""
    labels, colour, table, _, model = small_state("new", height=24, width=24, requested=1)
    fine = derive(Settings(num_superpixels=9), 24, 24)._replace(pad=model.pad, place_scale=model.place_scale)
    colour[:] = 0
    for row in (2, 9, 17):
        colour[row : row + 3] = 30
    gather(labels, colour, table, 1, fine)
    pixels, _ = places(device, labels, colour, fine)
    rows, state = 1, np.zeros(1, np.uint64)
    before = oracle.energy(labels, colour, table, fine)
    for _ in range(4):
        table = with_room(table, 2 * rows)
        _, rows = pixels.split(table, rows, fine, state)
        after = map_of(pixels)
        assert oracle.whole(after, model.pad)
        energy = oracle.energy(after, colour, table, fine)
        assert energy >= before
        before = energy
    assert rows >= 4


def test_nothing_changed_is_nothing_split(device):
    labels, colour, table, count, model = small_state("new", requested=6)
    table.changed[:] = False
    pixels, _ = places(device, labels, colour, model)
    assert pixels.split(table, count, model, np.zeros(1, np.uint64)) == (0, count)


def test_unexplained_squares_are_the_hosts(device):
    labels, colour, _, count, model = small_state()
    pixels, _ = places(device, labels, colour, model)
    np.testing.assert_allclose(pixels.squares(count), squares(labels, colour, count, model), rtol=1e-4)


def test_bookkeeping_is_the_hosts(device):
    labels, colour, table, count, model = small_state()
    ours, theirs = places(device, labels, colour, model)
    spoil(labels, model.pad)
    carried = labels.copy()
    origin = np.roll(np.arange(count, dtype=np.int32), 1)
    origin[::4] = UNASSIGNED
    snapshot = torch.from_numpy(carried).to(device).long()
    for one, other in zip(ours.count_kept(snapshot, origin), theirs.count_kept(carried, origin), strict=True):
        np.testing.assert_array_equal(one, other)
    target = np.random.default_rng(0).permutation(count).astype(np.int32)
    gone = np.arange(count) % 3 == 0
    for pixels in (ours, theirs):
        before = pixels.snapshot()
        pixels.rename(target)
        pixels.free(gone)
        freed = map_of(pixels)
        pixels.restore(before)
        pixels.rename(target)
        renamed = map_of(pixels)
        np.testing.assert_array_equal(freed, np.where(np.append(gone, False)[renamed], UNASSIGNED, renamed))
    np.testing.assert_array_equal(map_of(ours), map_of(theirs))
    ids = np.arange(count) * 1000
    np.testing.assert_array_equal(ours.label_map(ids), theirs.label_map(ids))
    assert ours.label_map(ids).dtype == np.int32


def test_drawn_pixels_are_spread_evenly(device):
    at = torch.arange(100_000, device=device)
    state = np.zeros(1, np.uint64)
    one, two = (noise(at, state).cpu().numpy() for _ in range(2))
    assert 0 < min(one.min(), two.min()) < max(one.max(), two.max()) < 1
    assert np.histogram(one, 10, (0, 1))[0] == pytest.approx(10_000, rel=0.05)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02


def test_a_pixel_is_drawn_as_often_as_it_has_chances(device):
    """Two groups in turn; in each the chances are 0, 1, 2 and 5 of 8."""
    chance = torch.tensor([0.0, 1.0, 2.0, 5.0] * 2, dtype=torch.double, device=device)
    group = torch.tensor([0] * 4 + [2] * 4, device=device)
    at = torch.arange(100, 108, device=device)
    state, runs = np.zeros(1, np.uint64), 4000
    drawn = np.array([draw(chance, at, group, 3, state).tolist() for _ in range(runs)])
    for column, first in ((0, 0), (2, 4)):
        share = np.bincount(drawn[:, column] - first, minlength=4) / runs
        np.testing.assert_allclose(share, [0, 1 / 8, 2 / 8, 5 / 8], atol=0.03)
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1]) < 0.1
    assert (drawn[:, 1] == 7).all(), "a group without members gets the last of all"


def test_margin_pixels_far_away_are_given_up(device):
    labels, colour, table, count, model = small_state("new")
    pad = model.pad
    corner = int(labels[pad, pad])
    labels[1:pad, pad] = corner  # a thin arm to the rim of the map
    gather(labels, colour, table, count, model)
    pixels, _ = places(device, labels, colour, model)
    pixels.activate_all()
    pixels.settle(table, count, model, 40)
    after = map_of(pixels)
    assert after[1, pad] == UNASSIGNED
    assert oracle.whole(after, pad)


def test_where_too_many_move_at_once_half_of_them_do(device):
    """A checkerboard of tiny superpixels that all want the same pixels: the energy must not fall."""
    labels, colour, table, count, model = small_state("new", height=40, width=40, requested=100)
    model = model._replace(area_var=0.05)  # what one more pixel is worth changes much with each
    colour[:] = np.random.default_rng(3).normal(0, 0.05, colour.shape)
    spoil(labels, model.pad, steps=4000)
    gather(labels, colour, table, count, model)
    before = oracle.energy(labels, colour, table, model)
    pixels, _ = places(device, labels, colour, model)
    thinned = []
    kind = Workspace if device == "cuda" else Sweeps
    sweep = kind.sweep

    def counted(self, thin=-1):
        thinned.append(thin >= 0)
        return sweep(self, thin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "sweep", counted)
        for _ in range(6):
            pixels.activate_all()
            pixels.settle(table, count, model, 12)
            after = oracle.energy(map_of(pixels), colour, table, model)
            assert after >= before - 1e-3
            before = after
    assert any(thinned)
    assert oracle.whole(map_of(pixels), model.pad)


def clip(frames=5):
    return [moving_picture(i) for i in range(frames)]


def stream(device, frames, settings):
    return list(Stream(settings, parallel.pixels_on(device)).run(frames, None))


@pytest.mark.parametrize("reestimate_flow", [False, True])
def test_a_clip_keeps_the_rules_and_is_the_same_on_every_run(device, reestimate_flow):
    settings = Settings(num_superpixels=60, reestimate_flow=reestimate_flow)
    one, two = (stream(device, clip(), settings) for _ in range(2))
    check_rules(one)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (17, 3), (20, 30)])
@pytest.mark.parametrize("requested", [1, 7, 10_000])
def test_odd_frames_keep_the_rules(device, shape, requested):
    random = np.random.default_rng(0)
    frames = [random.random((*shape, 3), np.float32) for _ in range(3)]
    settings = Settings(num_superpixels=requested, cut_below=0, min_life=2)
    check_rules(stream(device, frames, settings))


def test_flow_out_of_the_frame_everywhere_keeps_the_rules(device):
    frames = clip(3)
    flow = [np.full((*frame.shape[:2], 2), 3e38, np.float32) for frame in frames[1:]]
    settings = Settings(num_superpixels=30, cut_below=0)
    check_rules(list(Stream(settings, parallel.pixels_on(device)).run(frames, iter(flow))))


def test_a_clip_reaches_the_energy_of_the_sequential_moves(device):
    import cv2

    settings = Settings(num_superpixels=60)
    frames, flow = panning(5)
    energies = []
    for maps in (stream(device, frames, settings), list(segment(frames, settings=settings))):
        evaluator = Evaluator(72, 128, settings)
        labs = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2Lab) for frame in frames]
        energies.append(sum(evaluator.add(*step) for step in zip(maps, labs, [None, *flow], strict=True)))
    assert energies[0] == pytest.approx(energies[1], rel=0.03)


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_the_device_is_chosen_by_name(device):
    maps = list(segment(clip(), 60, device=device))
    for one, two in zip(maps, stream(device, clip(), Settings(num_superpixels=60)), strict=True):
        np.testing.assert_array_equal(one, two)
