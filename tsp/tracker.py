"""One label map a frame: carry the superpixels over, then improve the map until little is left to gain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tsp.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LabelArray
from tsp.energy import flow_at
from tsp.flow_process import reestimate
from tsp.model import INSIDE, MEAN_Y, Model, Superpixels, derive, superpixels, with_room
from tsp.moves import switch
from tsp.pixels import HostPixels, MakePixels, Pixels
from tsp.settings import Settings
from tsp.topology import UNASSIGNED
from tsp.transport import hexagons

_MOST_LABELS = 2**31 - 1
_MOST_SPLITS = 10  # passes a round
_FEW_SPLITS = 0.1  # share of the superpixels; fewer splits than that are left to the next round


@dataclass(slots=True)
class Tracked:
    """One frame's superpixels."""

    pixels: Pixels
    """Their map, of rows of the table."""
    table: Superpixels
    count: int
    """Rows of the table in use; some may be without pixels."""

    def label_map(self) -> LabelArray:
        """Lasting labels, int32 (H, W)."""
        return self.pixels.label_map(self.table.ids[: self.count])


@dataclass(slots=True)
class _Lost:
    """Labels that have died, kept for a while: their last expected means and for how many frames they are gone."""

    ids: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    means: DoubleArray = field(default_factory=lambda: np.zeros((0, 5)))
    gone: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    def where(self, kept: BoolArray) -> _Lost:
        return _Lost(self.ids[kept], self.means[kept], self.gone[kept])


class Tracker:
    """State between two frames of one shot. Labels count up from ``next_label``."""

    def __init__(
        self,
        height: int,
        width: int,
        settings: Settings,
        *,
        next_label: int = 0,
        make_pixels: MakePixels = HostPixels,
    ) -> None:
        self.model = derive(settings, height, width)
        self.next_label = next_label
        self._make_pixels = make_pixels
        self._settings = settings
        self._size = (height, width)
        self._random = np.array([settings.seed % 2**64], np.uint64)
        self._last: Tracked | None = None
        self._lost = _Lost()

    def first(self, colour: FloatArray) -> Tracked:
        """The first frame, grown from a hexagonal grid. colour: float32 (H, W, 3), whitened."""
        height, width = self._size
        pad = self.model.pad
        labels = np.full((height + 2 * pad, width + 2 * pad), UNASSIGNED, np.int32)
        labels[pad:-pad, pad:-pad] = hexagons(height, width, self.model.area)
        pixels = self._make_pixels(labels, colour, self.model)
        count = pixels.keep_largest_pieces(int(labels.max()) + 1, 1.0)
        frame = Tracked(pixels, superpixels(2 * count), count)
        model = self.model._replace(log_new=self.model.log_new * self._settings.first_share)
        pixels.gather(frame.table, count, model)
        self._improve(frame, model, first=True)
        return self._remember(frame)

    def advance(self, colour: FloatArray, flow: FloatArray) -> Tracked:
        """The next frame. colour: as before; flow: float32 (H, W, 2), (dx, dy) px from the last frame to this."""
        last, model = self._last, self.model
        if last is None:
            raise RuntimeError("first() comes before advance().")
        flows = last.pixels.mean_flow(flow, last.count)
        theta = last.table.scores[: last.count, MEAN_Y : MEAN_Y + 5]
        expected = theta.copy()
        expected[:, :2] += flow_at(theta[:, :2], flow, model.place_scale) * model.place_scale
        pixels = last.pixels.carried(flows, expected, colour, model)
        born = pixels.keep_largest_pieces(last.count, self._settings.birth_share * model.area)
        count = born + len(self._lost.ids)
        table = superpixels(2 * count)
        self._lost.means[:, :2] += flow_at(self._lost.means[:, :2], flow, model.place_scale) * model.place_scale
        for rows, ids, means in (
            (slice(0, last.count), last.table.ids[: last.count], expected),
            (slice(born, count), self._lost.ids, self._lost.means),
        ):
            table.ids[rows], table.priors[rows], table.old[rows] = ids, means, ids >= 0
        carried = pixels.snapshot()
        frame = Tracked(pixels, table, count)
        pixels.gather(table, count, model)
        pixels.fill_uncovered(table, count, model)
        if self._settings.reestimate_flow:
            self._reestimate_flow(frame, last, flows)
        self._improve(frame, model, first=False)
        self._release(frame, carried, last)
        return self._remember(frame)

    def forget(self, labels: list[int]) -> None:
        """Never take these labels up again."""
        if labels and self._last is not None:
            self._lost = self._lost.where(~np.isin(self._lost.ids, labels))
            self._last.table.ids[np.isin(self._last.table.ids, labels)] = -1  # for the next frame they are new

    def _reestimate_flow(self, frame: Tracked, last: Tracked, flows: DoubleArray) -> None:
        """Let the borders settle, ask the flow process where superpixels really went, and expect them there."""
        frame.pixels.activate_all()
        frame.pixels.settle(frame.table, frame.count, self.model, self._settings.max_sweeps)
        before = last.table.flows[: last.count]
        before = np.where(before.any(axis=1, keepdims=True), before, flows)
        theta = last.table.scores[: last.count, MEAN_Y : MEAN_Y + 5]
        after = reestimate(theta, frame.table, before, self._settings, self.model)
        frame.table.priors[: last.count, :2] = theta[:, :2] + after * self.model.place_scale
        frame.table.flows[: last.count] = after
        frame.pixels.gather(frame.table, frame.count, self.model)

    def _improve(self, frame: Tracked, model: Model, *, first: bool) -> None:
        """Local moves, then rounds of merge, split, switch and local moves while they change anything."""
        settings, pixels = self._settings, frame.pixels
        pixels.activate_all()
        pixels.settle(frame.table, frame.count, model, settings.max_sweeps)
        frame.table.changed[: frame.count] = True
        for _ in range(settings.max_rounds):
            done = pixels.merge(frame.table, frame.count, model)
            done += self._split(frame, model, most=1 if first else _MOST_SPLITS)
            if not first:
                frame.table = with_room(frame.table, 2 * frame.count)
                switched, frame.count = switch(frame.table, frame.count, model)
                done += switched
            if not done:
                break
            pixels.activate(frame.table, frame.count)
            pixels.settle(frame.table, frame.count, model, settings.max_sweeps)

    def _split(self, frame: Tracked, model: Model, most: int) -> int:
        """Split, and again while many do, so that a large uncovered piece is cut up at once; returns how many."""
        total = 0
        for _ in range(most):
            frame.table = with_room(frame.table, 2 * frame.count)
            done, frame.count = frame.pixels.split(frame.table, frame.count, model, self._random)
            total += done
            if done <= _FEW_SPLITS * frame.count:
                break
        return total

    def _release(self, frame: Tracked, carried: Any, last: Tracked) -> None:
        """Take the label from superpixels that have kept too little of what the flow carried for them.

        carried: snapshot of the map of the last frame's rows, as the flow brought them here.
        """
        table, count = frame.table, frame.count
        order = np.argsort(last.table.ids[: last.count])
        known = last.table.ids[: last.count][order]
        at = np.minimum(np.searchsorted(known, table.ids[:count]), len(known) - 1)
        origin = np.where(known[at] == table.ids[:count], order[at], UNASSIGNED).astype(np.int32)
        kept, was = frame.pixels.count_kept(carried, origin)
        slid = (was > 0) & (kept < self._settings.identity_share * table.stats[:count, INSIDE])
        table.ids[:count][slid] = -1

    def _remember(self, frame: Tracked) -> Tracked:
        """Name the newborn, keep the dead for a while, and leave out rows without pixels."""
        table, count = frame.table, frame.count
        living = table.stats[:count, INSIDE] > 0
        nameless = np.flatnonzero(living & (table.ids[:count] < 0))
        table.ids[nameless] = np.arange(self.next_label, self.next_label + len(nameless))
        self.next_label += len(nameless)
        if self.next_label > _MOST_LABELS:
            raise OverflowError("The clip has more than 2^31 superpixels; labels are int32. Segment it in parts.")
        dead = np.flatnonzero(~living & table.old[:count] & (table.ids[:count] >= 0))
        ages = dict(zip(self._lost.ids.tolist(), self._lost.gone.tolist(), strict=True))
        gone = np.array([ages.get(label, 0) + 1 for label in table.ids[dead].tolist()], np.int64)
        self._lost = _Lost(table.ids[dead], table.priors[dead], gone).where(gone <= self._settings.memory)
        rows = np.flatnonzero(living)
        target = np.full(count, UNASSIGNED, np.int32)
        target[rows] = np.arange(len(rows), dtype=np.int32)
        compact = superpixels(len(rows))
        for column, source in zip(compact, table, strict=True):
            column[:] = source[rows]
        frame.pixels.rename(target)
        self._last = Tracked(frame.pixels, compact, len(rows))
        return self._last
