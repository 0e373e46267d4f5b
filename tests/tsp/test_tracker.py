import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from helpers import moving_picture

import tsp
from tsp.settings import Settings
from tsp.topology import connected_pieces
from tsp.tracker import segment


def check_rules(maps):
    """The rules of the public interface: int32, no holes, one region a label and frame, no label reused."""
    alive, dead = set(), set()
    for labels in maps:
        assert labels.dtype == np.int32
        assert labels.min() >= 0
        owners = connected_pieces(labels)[2]
        now = set(owners.tolist())
        assert len(owners) == len(now), "a label is in several pieces"
        assert not now & dead, "a label came back after it had died"
        dead |= alive - now
        alive = now


def clip(frames=6, height=72, width=128):
    return [moving_picture(i, height, width) for i in range(frames)]


def test_the_rules_hold_on_a_moving_texture():
    maps = list(segment(clip(), 60))
    assert len(maps) == 6
    check_rules(maps)


def test_about_as_many_superpixels_as_wished():
    flat = np.full((120, 200, 3), 0.5, np.float32)
    for wished in (20, 200):
        count = len(np.unique(next(iter(segment([flat], wished)))))
        assert abs(count - wished) <= 0.2 * wished


def test_labels_follow_an_exact_translation():
    frames = clip(5)
    flow = [np.full((72, 128, 2), (-2.0, 0.0), np.float32)] * 4
    maps = list(segment(frames, 60, flow=flow))
    check_rules(maps)
    for before, after in pairwise(maps):
        same = before[:, 12:] == after[:, 10:-2]
        assert same.mean() > 0.95


def test_borders_follow_edges():
    picture = np.zeros((60, 60, 3), np.float32)
    picture[:, 25:] = (0.9, 0.4, 0.1)
    labels = next(iter(segment([picture], 30)))
    assert len(np.intersect1d(labels[:, :25], labels[:, 25:])) == 0


def test_still_frames_keep_every_label():
    frame = moving_picture(0)
    maps = list(segment([frame] * 4, 60))
    names = [set(np.unique(m)) for m in maps]
    assert len(names[1] & names[3]) / len(names[3]) > 0.95


def test_the_same_seed_gives_the_same_labels():
    for one, two in zip(segment(clip(), 60, seed=3), segment(clip(), 60, seed=3), strict=True):
        np.testing.assert_array_equal(one, two)


def test_uint8_and_float_give_the_same_labels():
    codes = [(frame * 255 + 0.5).astype(np.uint8) for frame in clip(3)]
    floats = [code.astype(np.float32) / 255 for code in codes]
    for one, two in zip(segment(codes, 60), segment(floats, 60), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (17, 19)])
@pytest.mark.parametrize("wished", [1, 7, 10_000])
def test_tiny_frames_and_extreme_wishes(size, wished):
    frames = [np.random.default_rng(i).random((*size, 3)).astype(np.float32) for i in range(3)]
    check_rules(segment(frames, wished))


def test_noise_does_not_break_the_rules():
    frames = [np.random.default_rng(i).random((48, 64, 3)).astype(np.float32) for i in range(6)]
    check_rules(segment(frames, 50))


def test_flow_that_points_out_of_the_frame_everywhere():
    flow = [np.full((72, 128, 2), 1e4, np.float32)] * 2
    maps = list(segment(clip(3), 60, flow=flow))
    check_rules(maps)
    assert not set(np.unique(maps[0])) & set(np.unique(maps[1]))


def test_frames_stream_through():
    """A label map comes before the frame after the next is asked for, and memory does not grow."""
    asked = 0

    def frames():
        nonlocal asked
        for index in range(40):
            asked += 1
            yield moving_picture(index)

    stream = segment(frames(), 60)
    next(stream)
    assert asked <= 2
    for _ in range(5):
        next(stream)
    tracemalloc.start()
    for _ in range(3):
        next(stream)
    early = tracemalloc.get_traced_memory()[0]
    for _ in stream:
        pass
    assert tracemalloc.get_traced_memory()[0] <= early + 200_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([np.zeros((4, 4))], r"frame 0 has shape \(4, 4\)"),
        ([np.zeros((4, 4, 4), np.float32)], "frame 0 has shape"),
        ([np.zeros((0, 4, 3), np.float32)], "frame 0 has shape"),
        ([np.zeros((4, 4, 3), np.int32)], "frame 0 is int32"),
        ([np.zeros((4, 4, 3), np.float32), np.full((4, 4, 3), np.nan, np.float32)], "frame 1 has NaN"),
        ([np.zeros((4, 4, 3), np.float32), np.zeros((4, 5, 3), np.float32)], "frame 1 has shape"),
    ],
)
def test_bad_frames_are_named(frames, message):
    with pytest.raises(ValueError, match=message):
        list(segment(frames, 4))


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ([], "flow ends before frame 1"),
        ([np.zeros((4, 5, 2), np.float32)], "flow to frame 1 has shape"),
        ([np.full((8, 8, 2), np.inf, np.float32)], "flow to frame 1 has NaN or infinite"),
    ],
)
def test_bad_flow_is_named(flow, message):
    with pytest.raises(ValueError, match=message):
        list(segment([np.zeros((8, 8, 3), np.float32)] * 2, 4, flow=flow))


def test_bad_settings_are_named_at_once():
    with pytest.raises(ValueError, match="num_superpixels is 0"):
        segment([], 0)
    with pytest.raises(ValueError, match="split_share is -1"):
        Settings(split_share=-1)
    with pytest.raises(ValueError, match="max_sweeps is 0"):
        Settings(max_sweeps=0)


def test_public_names():
    assert tsp.__all__ == sorted(tsp.__all__)
    assert set(tsp.__all__) == {"DISFlow", "OpticalFlow", "segment"}


def test_a_real_clip(real_data):
    import cv2

    from vfxstyle.shots import open_shot

    shot = open_shot(real_data / "davis2016" / "JPEGImages" / "480p" / "blackswan")
    frames = [cv2.resize(shot.read(n).rgb, (320, 180), interpolation=cv2.INTER_AREA) for n in shot.frames[:10]]
    maps = list(segment(frames, 300))
    check_rules(maps)
    seen = [np.unique(labels) for labels in maps]
    life = sum(map(len, seen)) / len(np.unique(np.concatenate(seen)))
    assert life > 6
