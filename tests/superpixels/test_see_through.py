"""Parts of a subject that are seen through: a box with a pane of glass in it that moves over ground that does not."""

import numpy as np
import pytest

from vfxstyle.superpixels.carrying import Source
from vfxstyle.superpixels.see_through import see_through, with_see_through
from vfxstyle.superpixels.tracks import Track

ROWS, COLUMNS = 96, 160
Y, X = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
BOX = (X >= 40) & (X < 88) & (Y >= 24) & (Y < 72)
PANE = (X >= 42) & (X < 62) & (Y >= 26) & (Y < 50)
STEP = 2.0  # px that the box moves from frame to frame
GATE = BOX.astype(np.float32)


def moved(mask, frames):
    return np.roll(mask, int(STEP * frames), axis=1)


def track(frames, still):
    """A frame's track to the graded one; what is ``still`` on the box shows the ground."""
    solid = moved(BOX & ~still, frames)
    away = np.where(solid, np.float32(-STEP * frames), np.float32(0))
    hidden = ~solid & BOX & ~still  # ground that the box hides on the graded frame
    return Track(np.stack([X + away, Y], axis=-1), np.where(hidden, 0, 0.8).astype(np.float32))


def colours(own):
    """Logits of colours, of which those of the pane are the box's own or common."""
    return np.where(BOX & (~PANE | own), np.float32(3), np.float32(-1))


NEARBY = [track(frames, PANE) for frames in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)]


def test_a_pane_is_what_moves_as_the_ground_in_common_colours():
    found = see_through(NEARBY, GATE, colours(own=False))
    middle = (X >= 46) & (X < 58) & (Y >= 30) & (Y < 46)
    assert found[middle].min() > 0.5
    assert found[BOX & ((X > 70) | (Y > 58))].max() < 0.05


@pytest.mark.parametrize(
    ("near", "own"),
    [(NEARBY, True), ([track(frames, np.zeros_like(PANE)) for frames in (-1, 1)], False), ([], False)],
    ids=["a colour of its own", "it moves with the box", "no frame beside it"],
)
def test_nothing_is_found(near, own):
    assert see_through(near, GATE, colours(own)).max() < 0.05


def source(frames, confidence=1.0):
    own = track(frames, PANE)
    sure = Track(own.place, own.confidence * np.float32(confidence))
    return Source(sure, abs(frames), GATE, np.zeros(GATE.shape, np.int32), np.zeros((*GATE.shape, 3), np.float32))


def carried(frames, gate, known):
    unsure = np.full(GATE.shape, 0.1, np.float32)
    return with_see_through(gate.astype(np.float32), unsure, [source(frames)], [known])


def test_a_graded_frame_that_says_nothing_hides_no_pane_that_another_shows():
    known, lacking = see_through(NEARBY, GATE, colours(own=False)), moved(BOX & ~PANE, 8).astype(np.float32)
    unsure, nothing = np.full(GATE.shape, 0.1, np.float32), np.zeros(GATE.shape, np.float32)
    lost = [source(8), source(8, confidence=0.0)]
    for sources, maps in ((lost, [known, nothing]), ([source(8), source(8)], [nothing, known])):
        gate, _ = with_see_through(lacking, unsure, sources, maps)
        assert (gate > 0.5)[moved(BOX, 8)].mean() > 0.98


def test_a_picture_smaller_than_a_cell_is_no_error():
    small = np.ones((3, 2), np.float32)
    near = Track(np.zeros((3, 2, 2), np.float32), small)
    assert see_through([near], small, -small).max() < 0.05


def test_a_pane_that_tracks_lose_comes_along_with_its_box():
    known = see_through(NEARBY, GATE, colours(own=False))
    whole, lacking = moved(BOX, 8), moved(BOX & ~PANE, 8)
    gate, certainty = carried(8, lacking, known)
    assert (gate > 0.5)[whole].mean() > 0.98
    assert (gate > 0.5)[~whole].sum() < 0.005 * BOX.sum()  # its edges, to a pixel
    assert certainty[moved(PANE, 8) & (gate > 0.5)].min() == 1
    np.testing.assert_allclose(certainty[gate <= 0.5], 0.1)


def test_what_lies_apart_from_the_gate_is_not_taken_in():
    known = see_through(NEARBY, GATE, colours(own=False))
    gate, _ = carried(8, np.zeros_like(BOX), known)
    assert gate.max() == 0


def test_a_gate_stays_as_it_is_where_nothing_is_seen_through():
    lacking = moved(BOX & ~PANE, 8).astype(np.float32)
    gate, certainty = carried(8, lacking, np.zeros(GATE.shape, np.float32))
    np.testing.assert_array_equal(gate, lacking)
    np.testing.assert_allclose(certainty, 0.1)
