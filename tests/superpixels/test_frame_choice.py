import itertools

import numpy as np
import pytest

from vfxstyle.superpixels.frame_choice import choose_frames


def frames(*sets):
    return [np.array(sorted(s), np.int32) for s in sets]


def test_the_frame_with_most_unlabelled_superpixels_comes_first():
    choice = choose_frames(frames({1, 2}, {2, 3, 4}, {1, 5}))
    assert choice.chosen == (1, 2)
    assert [labels.tolist() for labels in choice.labelled] == [[2, 3, 4], [1, 5]]


def test_of_equals_the_earliest_is_taken():
    assert choose_frames(frames({1, 2}, {3, 4}, {1, 2})).chosen == (0, 1)


def test_one_frame_that_shows_all_is_enough():
    assert choose_frames(frames({1}, {1, 2, 3}, {3})).chosen == (1,)


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_definition_and_labels_each_superpixel_once(seed):
    random = np.random.default_rng(seed)
    present = [set(random.choice(30, random.integers(1, 12), replace=False).tolist()) for _ in range(12)]
    choice = choose_frames(frames(*present))
    unlabelled, expected = set().union(*present), []
    while unlabelled:
        gains = [len(s & unlabelled) for s in present]
        best = gains.index(max(gains))
        expected.append((best, sorted(present[best] & unlabelled)))
        unlabelled -= present[best]
    assert [(i, labels.tolist()) for i, labels in zip(choice.chosen, choice.labelled, strict=True)] == expected
    labels = list(itertools.chain.from_iterable(choice.labelled))
    assert sorted(labels) == sorted(set().union(*present))
