import numpy as np
import pytest

from vfxstyle.errors import UsageError
from vfxstyle.shots import Shot, open_shot


class Numbers(Shot):
    """A shot of frame numbers alone."""

    is_movie = False
    path = "numbers"

    def __init__(self, frames, missing=()):
        self.frames, self.missing = tuple(frames), tuple(missing)

    def read(self, number):
        raise NotImplementedError

    def file_of(self, number):
        raise NotImplementedError


def test_frames_the_shot_does_not_have(make_shot):
    shot = open_shot(make_shot())
    assert shot.select([1003, 1001]) == (1001, 1003)
    with pytest.raises(UsageError, match="no frame 999, 2000"):
        shot.select([2000, 999, 1001])


def test_iteration_gives_frames_in_order(make_shot):
    frames = list(open_shot(make_shot(extension="png")))
    assert [frame.number for frame in frames] == [1001, 1002, 1003, 1004]
    assert not np.array_equal(frames[0].rgb, frames[1].rgb)


@pytest.mark.parametrize("missing", [(), (3, 4, 9)])
@pytest.mark.parametrize("held", [False, True])
def test_a_limited_shot_is_its_requested_frames_with_their_holes(missing, held):
    random = np.random.default_rng(0)
    frames = [number for number in range(1, 12) if held or number not in missing]
    for _ in range(30):
        shot = Numbers(frames, missing)
        requested = random.choice(np.arange(1, 12), random.integers(1, 11), replace=False).tolist()
        shot.limit(requested)
        assert shot.frames == tuple(number for number in frames if number in requested)
        assert shot.missing == tuple(number for number in missing if number in requested)
        assert shot.whole == tuple(frames)
        shot.limit(shot.frames)
        assert shot.whole == tuple(frames)


def test_a_shot_is_not_limited_to_frames_that_it_neither_has_nor_lacks():
    shot = Numbers([1, 2, 4], missing=[3])
    with pytest.raises(UsageError, match="no frame 5, 6; it runs from 1 to 4") as caught:
        shot.limit([6, 3, 1, 5])
    assert caught.value.frames == (5, 6)
    assert (shot.frames, shot.missing, shot.whole) == ((1, 2, 4), (3,), None)
