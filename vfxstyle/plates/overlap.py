"""Frames in threads: read before they are needed, computed side by side, stored while the next ones are computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numba
import numpy as np
from numba import prange, threading_layer  # type: ignore[attr-defined]

from vfxstyle.arrays import FloatArray
from vfxstyle.compiled import kernel
from vfxstyle.cores import cores
from vfxstyle.errors import FrameError

AHEAD = 2
"""Results that may wait beside those under way; more than two cost memory, and save no waiting."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@kernel(parallel=True)
def _fill(values: FloatArray) -> None:
    for i in prange(len(values)):
        values[i] = 0


def can_overlap() -> bool:
    """Whether compiled kernels may run in two threads at once; numba's plain thread pool would stop the program."""
    try:
        layer = threading_layer()
    except ValueError:  # nothing has run in parallel yet
        _fill(np.empty(1, np.float32))
        layer = threading_layer()
    return bool(layer != "workqueue")


@contextmanager
def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int = 1, ahead: int = AHEAD
) -> Iterator[Iterator[Result]]:
    """Results of ``work`` in the order of the items, found by threads of their own.

    threads: how many; with more than one, compiled kernels in each of them share the cores. ahead: results that may
    wait beside those under way, so that at most ``threads`` + ``ahead`` are in memory. An error of ``work`` is raised
    in the place of its result. When the block ends, however it ends, nothing is under way any more, so that a shot can
    be closed.
    """

    def started() -> None:
        if threads > 1:
            numba.set_num_threads(max(1, min(numba.get_num_threads(), cores() // threads)))

    pool = ThreadPoolExecutor(threads, "vfxstyle", started)

    def results() -> Iterator[Result]:
        if not can_overlap():
            yield from map(work, items)
            return
        waiting: deque[Future[Result]] = deque()
        coming, failure = iter(items), None
        while True:
            try:
                item = next(coming)
            except StopIteration:
                break
            except Exception as error:  # raised in its turn, after the results of the items before it
                failure = error
                break
            waiting.append(pool.submit(work, item))
            if len(waiting) >= threads + ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure

    try:
        yield results()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def reading_ahead(
    read: Callable[[int], Result], numbers: Iterable[int], threads: int = 1, ahead: int = AHEAD
) -> Iterator[Iterator[tuple[int, Result | FrameError]]]:
    """Frames in order, read in threads of their own; in place of one that cannot be read, its error.

    A movie, which is decoded in order, takes one thread. For the rest see :func:`in_order`.
    """

    def attempt(number: int) -> tuple[int, Result | FrameError]:
        try:
            return number, read(number)
        except FrameError as error:
            return number, error

    with in_order(attempt, numbers, threads=threads, ahead=ahead) as frames:
        yield frames


class StoreQueue:
    """Stores prepared frames in order, in a thread of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._waiting: deque[Future[object]] = deque()

    def put(self, store: Callable[[], object]) -> None:
        """Store a frame soon; waits while too many are waiting. Raises what storing an earlier one raised."""
        self._waiting.append(self._pool.submit(store))
        while len(self._waiting) > AHEAD or (self._waiting and self._waiting[0].done()):
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
