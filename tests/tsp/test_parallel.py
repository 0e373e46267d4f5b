"""The local moves for a quarter of all pixels at once: the same code on torch's CPU device and on a GPU."""

import os

import numpy as np
import oracle
import pytest
import torch
from helpers import moving_picture
from states import one_pixel_superpixel, panning, small_state, spoil
from test_stream import check_rules

from tsp import Evaluator, Settings, local, parallel, segment
from tsp.model import gather
from tsp.stream import _Stream

DEVICES = ["cpu", "cuda"]


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        if os.environ.get("VFXSTYLE_REQUIRE_CUDA") == "1":
            pytest.fail("VFXSTYLE_REQUIRE_CUDA is 1 and torch sees no CUDA device")
        pytest.skip("needs a CUDA device")
    return request.param


def settled(settle, kind, seed=0):
    labels, colour, table, count, model = small_state(kind, height=48, width=60, wished=60, seed=seed)
    spoil(labels, model.pad)
    gather(labels, colour, table, count, model)
    start = oracle.energy(labels, colour, table, model)
    settle(labels, colour, table, np.ones(labels.shape, np.uint8), model, 40)
    return start, labels, colour, table, count, model


@pytest.mark.parametrize("kind", ["new", "old", "mixed"])
def test_it_raises_the_energy_as_far_as_one_pixel_at_a_time(device, kind):
    start, labels, colour, table, _, model = settled(parallel.settle_on(device), kind)
    _, others, _, other_table, _, _ = settled(local.settle, kind)
    ours = oracle.energy(labels, colour, table, model)
    theirs = oracle.energy(others, colour, other_table, model)
    assert ours > start
    assert abs(ours - theirs) < 0.001 * abs(theirs)
    assert ours - start > 0.9 * (theirs - start)
    assert oracle.whole(labels, model.pad)


def test_statistics_come_back_with_the_labels(device):
    _, labels, colour, table, count, model = settled(parallel.settle_on(device), "mixed")
    kept = table.stats.copy()
    gather(labels, colour, table, count, model)
    np.testing.assert_allclose(kept, table.stats)


def test_a_superpixel_that_dies_leaves_no_ghost(device):
    labels, colour, table, active, model, label = one_pixel_superpixel()
    parallel.settle_on(device)(labels, colour, table, active, model, 3)
    assert not (labels == label).any()
    assert table.stats[label].tolist() == [0] * 7


def test_the_energy_on_the_device_is_the_oracles(device):
    labels, colour, table, count, model = small_state()
    local.settle(labels, colour, table, np.ones(labels.shape, np.uint8), model, 3)
    constant = None
    for _ in range(3):
        state = parallel._State(labels, colour, table, model, torch.device(device))
        left = oracle.energy(labels, colour, table, model) - state.energy()
        constant = left if constant is None else constant
        assert left == pytest.approx(constant, abs=0.05)
        spoil(labels, model.pad, steps=50)
        labels[labels.shape[0] // 2, model.pad - 3 : model.pad] = -1
        gather(labels, colour, table, count, model)


def clip(frames=5):
    return [moving_picture(i) for i in range(frames)]


def stream(device, frames, settings):
    return list(_Stream(settings, parallel.settle_on(device)).run(frames, None))


def test_a_clip_keeps_the_rules_and_is_the_same_on_every_run(device):
    settings = Settings(num_superpixels=60)
    one, two = (stream(device, clip(), settings) for _ in range(2))
    check_rules(one)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


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


def test_the_device_is_chosen_by_name(device):
    if device == "cuda":
        maps = list(segment(clip(), 60, device="cuda"))
        for one, two in zip(maps, stream("cuda", clip(), Settings(num_superpixels=60)), strict=True):
            np.testing.assert_array_equal(one, two)
    else:
        with pytest.raises(RuntimeError, match="cuda:7 is not there"):
            segment(clip(), 60, device="cuda:7")
