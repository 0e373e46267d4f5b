import threading
import time

import pytest

from vfxstyle.errors import FrameError, OutputError
from vfxstyle.pipeline import stream
from vfxstyle.pipeline.stream import AHEAD, BEHIND, read_ahead, storing


@pytest.fixture(params=[True, False], ids=["threads", "plain"])
def overlap(request, monkeypatch):
    monkeypatch.setattr(stream, "can_overlap", lambda: request.param)
    return request.param


def test_frames_come_in_order_and_not_too_far_ahead(overlap):
    begun, far = [], []

    def read(number):
        begun.append(number)
        return f"frame {number}"

    for number, frame in read_ahead(read, range(20)):
        assert frame == f"frame {number}"
        time.sleep(0.002)
        far.append(len(begun) - number)
    assert begun == list(range(20))
    assert max(far) <= AHEAD + 2
    assert (max(far) > 1) is overlap


def test_a_frame_that_cannot_be_read_is_handed_on_and_others_follow(overlap):
    def read(number):
        if number == 2:
            raise FrameError("Frame 2 is empty.", frames=(2,))
        return number

    found = dict(read_ahead(read, range(5)))
    assert isinstance(found.pop(2), FrameError)
    assert found == {0: 0, 1: 1, 3: 3, 4: 4}


def test_any_other_error_is_raised(overlap):
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda number: 1 // number, range(-1, 2)))


def test_stores_run_in_order_beside_the_caller_and_not_too_far_behind():
    stored, waiting = [], []
    main = threading.get_ident()

    def store(number):
        assert threading.get_ident() != main
        time.sleep(0.003)
        stored.append(number)

    with storing() as queue:
        for number in range(12):
            queue.put(lambda number=number: store(number))
            waiting.append(number + 1 - len(stored))
    assert stored == list(range(12))
    assert max(waiting) <= BEHIND + 1


def test_what_storing_raises_reaches_the_caller():
    def broken():
        raise OutputError("disk full")

    with pytest.raises(OutputError, match="disk full"), storing() as queue:
        queue.put(broken)


def test_what_was_computed_before_a_fault_is_stored():
    stored = []

    def faulty():
        with storing() as queue:
            queue.put(lambda: (time.sleep(0.01), stored.append(1)))
            queue.put(lambda: stored.append(2))
            raise MemoryError

    with pytest.raises(MemoryError):
        faulty()
    assert stored == [1, 2]
