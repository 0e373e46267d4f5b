import numpy as np
import pytest

from vfxstyle.superpixels.neighbour_fill import fill_from_neighbours


def picture(labels, lightness):
    """A CIELab picture in which every label has one lightness."""
    lab = np.zeros((*labels.shape, 3), np.float32)
    lab[..., 0] = np.vectorize(lightness.get)(labels)
    return lab


def ints(*values):
    return np.array(values, np.int32)


def test_the_source_is_the_neighbour_nearest_in_colour():
    labels = ints([1, 1, 5, 2, 2], [3, 3, 5, 2, 4])
    lab = picture(labels, {1: 10.0, 2: 48.0, 3: 70.0, 4: 50.0, 5: 50.0})
    assert fill_from_neighbours([(labels, lab)], ints(1, 2, 3, 4), ints(5)).tolist() == [2], (
        "4 is nearer but does not touch"
    )


def test_neighbours_of_all_frames_count():
    first, second = ints([1, 5, 5]), ints([2, 5, 5])
    frames = [(first, picture(first, {1: 10.0, 5: 50.0})), (second, picture(second, {2: 45.0, 5: 50.0}))]
    assert fill_from_neighbours(frames, ints(1, 2), ints(5)).tolist() == [2]


def test_the_source_of_a_neighbour_is_taken_where_no_neighbour_has_features():
    labels = ints([1, 5, 6, 7])
    lab = picture(labels, {1: 10.0, 5: 50.0, 6: 50.0, 7: 50.0})
    assert fill_from_neighbours([(labels, lab)], ints(1), ints(5, 6, 7)).tolist() == [1, 1, 1]


def test_a_superpixel_without_such_neighbours_takes_the_nearest_in_colour_on_its_frame():
    labels = ints([9, 9, 8, 8], [9, 9, 8, 8])
    apart = ints([8, 3, 8, 4])
    frames = [
        (labels, picture(labels, {8: 20.0, 9: 60.0})),
        (apart, picture(apart, {8: 20.0, 3: 70.0, 4: 30.0})),
        (ints([6, 6]), np.zeros((1, 2, 3), np.float32)),
    ]
    assert fill_from_neighbours(frames, ints(3, 4), ints(6, 8, 9)).tolist() == [3, 4, 4]


def brute_force(frames, known, unknown):
    """The definition, with adjacency by comparing every pair of neighbouring pixels."""
    mean = [
        {label: lab[labels == label].mean(axis=0) for label in np.unique(labels).tolist()} for labels, lab in frames
    ]
    apart = {label: {} for label in unknown.tolist()}
    for (labels, _), colours in zip(frames, mean, strict=True):
        pairs = {*zip(labels[:, 1:].flat, labels[:, :-1].flat, strict=True)}
        pairs |= {*zip(labels[1:].flat, labels[:-1].flat, strict=True)}
        for one, other in pairs | {(other, one) for one, other in pairs}:
            if one in apart and one != other:
                distance = np.linalg.norm(colours[one] - colours[other])
                apart[one][int(other)] = min(distance, apart[one].get(int(other), np.inf))
    sources = {label: label for label in known.tolist()}
    while len(sources) < len(known) + len(unknown):
        new = {}
        for label in set(apart) - set(sources):
            near = [(distance, other) for other, distance in apart[label].items() if other in sources]
            if near:
                new[label] = sources[min(near)[1]]
        if not new:
            for label in set(apart) - set(sources):
                shown = [colours for colours in mean if label in colours]
                gaps = [(np.linalg.norm(c[label] - c[k]), k) for c in shown for k in known.tolist() if k in c]
                new[label] = min(gaps)[1] if gaps else int(known[0])
        sources |= new
    return [sources[label] for label in unknown.tolist()]


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_the_definition(seed):
    random = np.random.default_rng(seed)
    frames = []
    for _ in range(3):
        labels = np.kron(random.integers(0, 40, (6, 8)), np.ones((3, 3))).astype(np.int32)
        frames.append((labels, (random.random((*labels.shape, 3)) * 80).astype(np.float32)))
    every = np.unique([labels for labels, _ in frames])
    known = np.sort(random.choice(every, max(1, len(every) // (2 + 3 * seed)), replace=False)).astype(np.int32)
    unknown = np.setdiff1d(every, known).astype(np.int32)
    assert fill_from_neighbours(frames, known, unknown).tolist() == brute_force(frames, known, unknown)


def test_a_superpixel_alone_on_its_frame_takes_any_source():
    assert fill_from_neighbours([(ints([9, 9]), np.zeros((1, 2, 3), np.float32))], ints(3, 4), ints(9)).tolist() == [3]
