"""A soft window moves as a whole: evenly between two graded frames, with what lies in it, over a ground that stays."""

import numpy as np
import pytest

from vfxstyle.superpixels.carrying import Source
from vfxstyle.superpixels.tracks import Track
from vfxstyle.superpixels.windows import carried_window, is_window

SIZE = (90, 160)
Y, X = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
NOTHING = np.zeros((*SIZE, 3), np.float32)


def oval(x, y, wide=14, tall=9):
    return np.exp(-(((X - x) / wide) ** 2 + ((Y - y) / tall) ** 2) / 2).astype(np.float32)


def source(gate, distance, motion=(0, 0), confidence=1.0):
    """A graded frame whose content has moved by some px until the other frame; motion: (2,), or (h, w, 2)."""
    place = np.stack([X, Y], axis=-1) - np.asarray(motion, np.float32)
    track = Track(place.astype(np.float32), np.broadcast_to(np.float32(confidence), SIZE).copy())
    return Source(track, distance, gate, np.zeros(SIZE, np.int32), NOTHING)


def moved(*sources):
    """The window that is carried, which is certain."""
    gate, certainty = carried_window(sources, reach=240)
    assert certainty.min() == 1
    assert 0 <= gate.min() <= gate.max() <= 1
    return gate


def test_between_two_frames_it_goes_evenly_over_a_ground_that_stays():
    sources = [source(oval(50, 40), 3), source(oval(90, 50, 20, 12), 9)]
    np.testing.assert_allclose(moved(*sources), oval(60, 42.5, 15.5, 9.75), atol=0.08)


def test_what_lies_in_it_says_how_it_gets_from_one_frame_to_the_other():
    sources = [source(oval(50, 40), 5, (23, 0)), source(oval(90, 40), 5, (-17, 0))]
    np.testing.assert_allclose(moved(*sources), oval(73, 40), atol=0.03)


def test_a_ground_that_moves_otherwise_says_nothing():
    subject = (np.hypot(X - 70, Y - 40) < 8)[..., None]  # where it lies on this frame
    sources = [
        source(oval(50, 40), 5, np.where(subject, (20, 0), (-30, 0))),
        source(oval(90, 40), 5, np.where(subject, (-20, 0), (30, 0))),
    ]
    np.testing.assert_allclose(moved(*sources), oval(70, 40), atol=0.03)


def test_beside_the_graded_frames_it_follows_what_moves_apart_in_its_middle():
    subject, was = np.hypot(X - 62, Y - 44) < 9, np.hypot(X - 50, Y - 40) < 9
    motion = np.where(subject[..., None], (12, 4), (0, 0))
    seen = np.where(was & ~subject, 0, 1)  # of the ground that it has left nothing is found on the graded frame
    np.testing.assert_allclose(moved(source(oval(50, 40), 8, motion, seen)), oval(62, 44), atol=0.05)
    pan = moved(source(oval(50, 40), 8, (6, 0)))
    np.testing.assert_allclose(pan, oval(56, 40), atol=0.01)


def test_what_is_found_less_and_less_stays_and_fades():
    confidences = [1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 0]
    places, sure = [], []
    for confidence in confidences:
        gate, certainty = carried_window([source(oval(50, 40), 8, (60, 0), confidence)], reach=240)
        places.append((gate[40] * X[40]).sum() / gate[40].sum())
        sure.append(certainty.max())
    assert sure == sorted(sure, reverse=True)
    assert (sure[0], sure[-1]) == (1, 0)
    assert abs(places[0] - 110) < 2
    assert all(abs(place - 110) < 6 for place, own in zip(places, sure, strict=True) if own > 0.2)
    pixel = np.zeros(SIZE)
    pixel[40, 90] = 1e-5
    gate, certainty = carried_window([source(oval(50, 40), 8, (40, 0), pixel)], reach=240)
    assert certainty.max() < 1e-3
    np.testing.assert_allclose(gate, oval(50, 40), atol=0.01)


def test_a_graded_frame_comes_into_reach_without_a_jump():
    def at(number):
        pair = [source(oval(40, 40), number), source(oval(100, 40), 300 - number)]
        return carried_window([one for one in pair if one.distance <= 240], reach=240)[0]

    for number in (*range(50, 90), *range(220, 260)):
        assert np.abs(at(number + 1) - at(number)).max() < 0.06
    ends = [carried_window([source(oval(40, 40), number)], reach=240)[1].max() for number in (200, 238, 240)]
    assert ends[0] == 1 > ends[1] > ends[2] > 0


def test_several_windows_and_those_that_the_frame_cuts_are_not_moved_as_one():
    assert is_window(oval(80, 45))
    assert is_window(np.zeros(SIZE, np.float32))
    assert not is_window(np.maximum(oval(40, 45), oval(110, 45)))
    assert not is_window(oval(2, 45))
    assert not is_window(np.clip(Y / SIZE[0], 0, 1))


@pytest.mark.parametrize("away", [3, 9])
def test_where_one_frame_has_none_it_comes_or_goes(away):
    empty = np.full(SIZE, 0.05, np.float32)
    found = moved(source(oval(50, 40), 12 - away), source(empty, away))
    share = away / 12
    np.testing.assert_allclose(found, share * oval(50, 40) + (1 - share) * empty, atol=1e-3)
    np.testing.assert_array_equal(moved(source(empty, 4)), empty)
