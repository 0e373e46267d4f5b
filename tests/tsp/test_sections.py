from itertools import pairwise

import numpy as np
import pytest
from helpers import moving_picture

from tsp import segment
from tsp.sections import COMPARED, SHARED, Joiner, same_superpixels


def halves(height=4, width=8):
    """A map of two superpixels, left and right."""
    labels = np.zeros((height, width), np.int32)
    labels[:, width // 2 :] = 1
    return labels


def test_superpixels_are_the_same_where_they_share_their_pixels():
    before = halves() + 10
    after = 1 - halves()  # the same two, by the other names
    own, joined = same_superpixels([before, before], [after, after])
    assert dict(zip(own.tolist(), joined.tolist(), strict=True)) == {0: 11, 1: 10}


def test_of_two_that_claim_one_superpixel_the_larger_share_has_it():
    before = np.zeros((4, 8), np.int32)
    after = np.zeros((4, 8), np.int32)
    after[:, 6:] = 1  # a quarter of it
    own, joined = same_superpixels([before], [after])
    assert (own.tolist(), joined.tolist()) == ([0], [0])


def test_a_small_share_is_another_superpixel():
    before, after = np.zeros((4, 8), np.int32), np.ones((4, 8), np.int32)
    before[:, 1:] = 1
    after[:, 0] = 0
    after[:, 1:] = np.arange(1, 8)  # each a seventh of what was one
    own, joined = same_superpixels([before], [after])
    assert (own.tolist(), joined.tolist()) == ([0], [0])


def test_labels_are_compared_on_as_many_frames():
    with pytest.raises(ValueError, match="shorter"):
        same_superpixels([halves(), halves()], [halves()])


def test_no_label_is_ever_used_for_another_superpixel():
    joiner = Joiner()
    joiner.begin([], [])
    first = joiner.join(halves())
    joiner.begin([first], [halves()])
    second = joiner.join(np.maximum(halves(), 2 * halves()))  # 0 goes on, 2 is new
    joiner.begin([], [])
    third = joiner.join(halves())
    assert np.unique(second).tolist() == [0, 4]
    assert not set(np.unique(third)) & {0, 1, 4}


def test_a_clip_in_sections_is_followed_across_the_joint():
    frames = [moving_picture(index) for index in range(28)]
    first, second = list(segment(frames[:14], 60)), list(segment(frames[14 - SHARED :], 60))
    joiner = Joiner()
    joiner.begin([], [])
    maps = [joiner.join(labels) for labels in first]
    joiner.begin(maps[-COMPARED:], second[SHARED - COMPARED : SHARED])
    maps += [joiner.join(labels) for labels in second[SHARED:]]
    whole = list(segment(frames, 60))

    def kept(before, after):
        return len(np.intersect1d(before, after)) / len(np.unique(before))

    steps = [kept(before, after) for before, after in pairwise(maps)]
    assert steps[13] > 0.6  # across the joint
    assert kept(maps[12], maps[15]) > 0.8 * kept(whole[12], whole[15])
    assert len(np.unique(maps)) < 1.3 * len(np.unique(whole))
