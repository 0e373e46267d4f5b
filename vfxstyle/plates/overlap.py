"""Reading the next frame and storing the last one while this one is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from numba import threading_layer  # type: ignore[attr-defined]

from vfxstyle.errors import FrameError

AHEAD = 2
"""Frames that are read before they are needed. More cost memory, and gain nothing once reading is never waited for."""
BEHIND = 2
"""Frames that wait to be stored before the computation waits for them."""


def can_overlap() -> bool:
    """Whether compiled kernels may run in two threads at once; numba's plain thread pool would stop the program."""
    try:
        return bool(threading_layer() != "workqueue")
    except ValueError:  # nothing has run in parallel yet, so nobody knows
        return False


Picture = TypeVar("Picture")


@contextmanager
def reading_ahead(
    read: Callable[[int], Picture], numbers: Sequence[int]
) -> Iterator[Iterator[tuple[int, Picture | FrameError]]]:
    """Frames in order, read in a thread of their own; in place of one that cannot be read, its error.

    When the block ends, however it ends, no read is under way any more, so that the shot can be closed.
    """

    def attempt(number: int) -> Picture | FrameError:
        try:
            return read(number)
        except FrameError as error:
            return error

    pool = ThreadPoolExecutor(1, "vfxstyle-reader")

    def frames() -> Iterator[tuple[int, Picture | FrameError]]:
        waiting: deque[tuple[int, Future[Picture | FrameError]]] = deque()
        for number in numbers:
            if not can_overlap():
                yield number, attempt(number)
                continue
            waiting.append((number, pool.submit(attempt, number)))
            if len(waiting) > AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()

    try:
        yield frames()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class StoreQueue:
    """Stores prepared frames in order, in a thread of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._waiting: deque[Future[object]] = deque()

    def put(self, store: Callable[[], object]) -> None:
        """Store a frame soon; waits while too many are waiting. Raises what storing an earlier one raised."""
        self._waiting.append(self._pool.submit(store))
        while len(self._waiting) > BEHIND or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()

    def flush(self) -> None:
        """Wait until all is stored. Raises what storing one raised."""
        while self._waiting:
            self._waiting.popleft().result()


@contextmanager
def storing() -> Iterator[StoreQueue]:
    """A queue that is empty when the block ends; also if the block raises, what was put in before is stored."""
    pool = ThreadPoolExecutor(1, "vfxstyle-writer")
    queue = StoreQueue(pool)
    try:
        yield queue
        queue.flush()
    finally:
        pool.shutdown(wait=True)
