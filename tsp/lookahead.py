"""Births on probation: a superpixel that does not last is given to its neighbours before anyone sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from tsp.arrays import IntArray
from tsp.model import INSIDE, Model
from tsp.settings import Settings
from tsp.tracker import Tracked


class Lookahead:
    """The last frames of a shot, held back until it is known which of their superpixels last."""

    def __init__(self, settings: Settings, model: Model) -> None:
        self._settings = settings
        self._model = model
        self._held: deque[Tracked] = deque()
        self._before: set[int] = set()  # the labels on the frame handed out last

    def push(self, frame: Tracked) -> tuple[Tracked | None, list[int]]:
        """Take in the next frame; returns the one that is ready, if any, and the labels taken back for good."""
        self._held.append(frame)
        if len(self._held) < self._settings.min_life:
            return None, []
        return self._release()

    def flush(self) -> Iterator[Tracked]:
        """Hand out the frames still held when the shot ends; superpixels on the last frame may have lasted and stay."""
        while self._held:
            ready, _ = self._release()
            yield ready

    def _release(self) -> tuple[Tracked, list[int]]:
        """Hand out the oldest frame. A superpixel that is new on it must be on every frame that is still held."""
        runs = [set(_present(frame).tolist()) for frame in self._held]
        passing = sorted(runs[0] - self._before - set.intersection(*runs))
        if passing:
            for frame in self._held:
                self._take_back(frame, np.array(passing))
        self._before = runs[0].difference(passing)
        return self._held.popleft(), passing

    def _take_back(self, frame: Tracked, passing: IntArray) -> None:
        """Give the pixels of passing superpixels to their neighbours, one by one as the model scores them, in place.

        A frame that would be left without superpixels keeps them, however short they live.
        """
        table, pixels, model = frame.table, frame.pixels, self._model
        staying = np.setdiff1d(_present(frame), passing)
        gone = np.isin(table.ids[: frame.count], passing)
        if len(staying) == 0 or not gone.any():
            return
        pixels.free(gone)
        table.stats[: frame.count][gone] = 0.0
        pixels.fill_uncovered(table, frame.count, model)
        filled = pixels.snapshot()
        pixels.settle(table, frame.count, model, self._settings.max_sweeps)
        if len(_present(frame)) < len(staying):  # a superpixel that had to last has died of it
            pixels.restore(filled)
            pixels.gather(table, frame.count, model)


def _present(frame: Tracked) -> IntArray:
    """Labels that have pixels inside the frame."""
    return frame.table.ids[: frame.count][frame.table.stats[: frame.count, INSIDE] > 0]
