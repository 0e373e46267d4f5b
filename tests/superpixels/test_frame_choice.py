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


def plain_greedy(present, areas, coverage):
    """The definition: the gains of all frames are counted anew for every choice."""
    volumes = {}
    for frame, sizes in zip(present, areas, strict=True):
        for label, size in zip(frame.tolist(), sizes.tolist(), strict=True):
            volumes[label] = volumes.get(label, 0) + size
    unlabelled, choices = set(volumes), []
    while unlabelled and sum(volumes[label] for label in set(volumes) - unlabelled) < coverage * sum(volumes.values()):
        gains = [len(unlabelled.intersection(frame.tolist())) for frame in present]
        best = gains.index(max(gains))
        new = unlabelled.intersection(present[best].tolist())
        choices.append((best, sorted(new)))
        unlabelled -= new
    return choices


@pytest.mark.parametrize("coverage", [1.0, 0.9, 0.5])
@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_plain_greedy_choice(seed, coverage):
    random = np.random.default_rng(seed)
    superpixels = random.integers(5, 60)  # few superpixels make many frames equal, of which the earliest counts
    present = [random.choice(superpixels, random.integers(0, 6), replace=False).astype(np.int32) for _ in range(40)]
    areas = [random.integers(1, 50, len(frame)) for frame in present]
    choice = choose_frames(present, areas, coverage=coverage)
    choices = [(i, labels.tolist()) for i, labels in zip(choice.chosen, choice.labelled, strict=True)]
    assert choices == plain_greedy(present, areas, coverage)
    assert all(labels.dtype == np.int32 for labels in choice.labelled)


def test_without_areas_every_superpixel_is_labelled_once():
    random = np.random.default_rng(0)
    present = [random.choice(300, 30, replace=False).astype(np.int32) for _ in range(50)]
    labels = np.concatenate(choose_frames(present).labelled)
    assert sorted(labels.tolist()) == np.unique(present).tolist()


def test_no_frames_give_no_choice():
    assert choose_frames([]).chosen == ()
    assert choose_frames([np.zeros(0, np.int32)] * 3, [np.zeros(0, np.int64)] * 3).chosen == ()


@pytest.mark.parametrize("coverage", [1.0, 0.9, 0.5])
def test_frames_are_chosen_until_the_volume_is_covered(coverage):
    random = np.random.default_rng(0)
    maps = [np.sort(random.choice(40, 10, replace=False)).astype(np.int32) for _ in range(12)]
    areas = [random.integers(1, 50, 10) for _ in maps]
    choice = choose_frames(maps, areas, coverage=coverage)
    labelled = np.concatenate([*choice.labelled, np.zeros(0, np.int32)])
    share = sum(a[np.isin(m, labelled)].sum() for m, a in zip(maps, areas, strict=True)) / sum(a.sum() for a in areas)
    assert share >= coverage
    if choice.labelled:
        before = np.concatenate([*choice.labelled[:-1], np.zeros(0, np.int32)])
        less = sum(a[np.isin(m, before)].sum() for m, a in zip(maps, areas, strict=True)) / sum(a.sum() for a in areas)
        assert less < coverage, "no frame more than needed"
    full = choose_frames(maps)
    assert choice.chosen == full.chosen[: len(choice.chosen)]


def test_a_coverage_needs_areas_and_a_share():
    with pytest.raises(ValueError, match="areas are needed"):
        choose_frames([np.int32([1])], coverage=0.5)
    for coverage in (0.0, -0.1, 1.5):
        with pytest.raises(ValueError, match="above 0, and at most 1"):
            choose_frames([], [], coverage=coverage)
