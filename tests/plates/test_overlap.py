import threading
import time

import pytest

from vfxstyle.errors import FrameError, OutputError
from vfxstyle.plates import overlap as overlapping
from vfxstyle.plates.overlap import AHEAD, in_order, reading_ahead, storing


@pytest.fixture(params=[True, False], ids=["threads", "plain"])
def overlap(request, monkeypatch):
    monkeypatch.setattr(overlapping, "can_overlap", lambda: request.param)
    return request.param


def test_frames_come_in_order_and_not_too_far_ahead(overlap):
    begun, far = [], []

    def read(number):
        begun.append(number)
        return f"frame {number}"

    with reading_ahead(read, range(20)) as frames:
        for number, frame in frames:
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

    with reading_ahead(read, range(5)) as frames:
        found = dict(frames)
    assert isinstance(found.pop(2), FrameError)
    assert found == {0: 0, 1: 1, 3: 3, 4: 4}


def test_any_other_error_is_raised(overlap):
    with pytest.raises(ZeroDivisionError), reading_ahead(lambda number: 1 // number, range(-1, 2)) as frames:
        list(frames)


def test_nothing_is_read_any_more_once_the_block_has_ended(monkeypatch):
    """Also when what it raised still holds the frames: a movie that is closed under a read ends the program."""
    monkeypatch.setattr(overlapping, "can_overlap", lambda: True)
    closed, late = [], []

    def read(number):
        time.sleep(0.02)
        late.extend(closed)
        return number

    kept = []

    def faulty():
        with reading_ahead(read, range(9)) as frames:
            kept.append(frames)
            next(frames)
            raise MemoryError

    with pytest.raises(MemoryError):
        faulty()
    closed.append("closed")
    time.sleep(0.1)
    assert late == []


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
    assert max(waiting) <= AHEAD + 1


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


@pytest.mark.parametrize("threads", [2, 5])
def test_results_of_several_threads_come_in_order_and_few_are_in_memory(threads):
    under_way, most, guard = [], [], threading.Lock()

    def work(number):
        with guard:
            under_way.append(number)
            most.append(len(under_way))
        time.sleep(0.004 * (number % 3))
        return number

    found = []
    with in_order(work, range(30), threads=threads, ahead=0) as results:
        for number in results:
            found.append(number)
            with guard:
                under_way.remove(number)
    assert found == list(range(30))
    assert 1 < max(most) <= threads


def test_an_error_comes_in_its_turn_and_what_was_begun_is_ended():
    ended = []

    def work(number):
        time.sleep(0.01)
        if number == 3:
            raise OutputError("disk full")
        ended.append(number)
        return number

    found = []
    with pytest.raises(OutputError), in_order(work, range(40), threads=4) as results:
        found.extend(results)
    assert found == [0, 1, 2]
    assert max(ended) < 20
    count = len(ended)
    time.sleep(0.05)
    assert len(ended) == count


def test_an_error_of_the_items_comes_after_the_results_before_it():
    def items():
        yield from range(5)
        raise OutputError("gone")

    found = []
    with pytest.raises(OutputError, match="gone"), in_order(lambda number: number, items(), threads=3) as results:
        found.extend(results)
    assert found == [0, 1, 2, 3, 4]
