"""The pixels of one frame on the host or on a device: its label map, its colours, and every move that reads them.

Tables of superpixels, a row each, are always on the host. :class:`HostPixels` works on the CPU, one pixel after the
other; :class:`tsp.gpu.parallel.DevicePixels` works on many at once. The tracker uses both through :class:`Pixels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from tsp import local, moves, transport
from tsp.arrays import BoolArray, ByteArray, DoubleArray, FloatArray, IntArray, LabelArray, WordArray
from tsp.model import Model, Superpixels, gather
from tsp.split import split
from tsp.topology import UNASSIGNED


class Pixels(Protocol):
    """A padded label map of rows of a table, and the whitened colours of its frame.

    ``count`` is the number of rows in use; tables are changed in place. A method that takes a table
    leaves its statistics and scores up to date.
    """

    def mean_flow(self, flow: FloatArray, count: int) -> DoubleArray:
        """See :func:`tsp.transport.mean_flow`."""

    def carried(self, flows: DoubleArray, expected: DoubleArray, colour: FloatArray, model: Model) -> Pixels:
        """The next frame's pixels, with these superpixels shifted; see :func:`tsp.transport.shift_labels`."""

    def keep_largest_pieces(self, count: int, smallest_birth: float) -> int:
        """See :func:`tsp.transport.keep_largest_pieces`."""

    def gather(self, table: Superpixels, count: int, model: Model) -> None:
        """Statistics and scores from scratch; see :func:`tsp.model.gather`."""

    def fill_uncovered(self, table: Superpixels, count: int, model: Model) -> None:
        """See :func:`tsp.transport.fill_uncovered`."""

    def activate_all(self) -> None:
        """Let every pixel be tested in the next local moves."""

    def activate(self, table: Superpixels, count: int) -> None:
        """Let the changed superpixels and their borders be tested; see :func:`tsp.moves.activate`."""

    def settle(self, table: Superpixels, count: int, model: Model, most: int) -> None:
        """Local moves of the active pixels to convergence; see :func:`tsp.local.settle`."""

    def merge(self, table: Superpixels, count: int, model: Model) -> int:
        """See :func:`tsp.moves.merge`."""

    def split(self, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
        """See :func:`tsp.split.split`."""

    def count_kept(self, carried: Any, origin: LabelArray) -> tuple[LabelArray, LabelArray]:
        """See :func:`tsp.transport.count_kept`; ``carried`` is an earlier :meth:`snapshot`."""

    def rename(self, target: LabelArray) -> None:
        """Give each row its new number, int32 (K,); UNASSIGNED pixels stay so."""

    def free(self, rows: BoolArray) -> None:
        """Take all pixels from these rows and let them be tested in the next local moves."""

    def snapshot(self) -> Any:
        """A copy of the label map, on the same device."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""

    def label_map(self, ids: IntArray) -> LabelArray:
        """Lasting labels inside the frame, int32 (H, W), on the host. ids: of the rows."""


MakePixels = Callable[[LabelArray, FloatArray, Model], Pixels]
"""Brings the padded label map and the whitened colours of a first frame to where they are worked on."""


class HostPixels:
    """See :class:`Pixels`. labels: padded int32, taken over; colour: float32 (H, W, 3), whitened."""

    def __init__(self, labels: LabelArray, colour: FloatArray, model: Model) -> None:
        self.labels = labels
        self._colour = colour
        self._pad = model.pad
        self._active: ByteArray = np.zeros(labels.shape, np.uint8)

    def mean_flow(self, flow: FloatArray, count: int) -> DoubleArray:
        """See :class:`Pixels`."""
        return transport.mean_flow(self.labels, flow, self._pad, count)

    def carried(self, flows: DoubleArray, expected: DoubleArray, colour: FloatArray, model: Model) -> HostPixels:
        """See :class:`Pixels`."""
        return HostPixels(transport.shift_labels(self.labels, flows, expected, colour, model), colour, model)

    def keep_largest_pieces(self, count: int, smallest_birth: float) -> int:
        """See :class:`Pixels`."""
        return transport.keep_largest_pieces(self.labels, count, smallest_birth, self._pad)

    def gather(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`Pixels`."""
        gather(self.labels, self._colour, table, count, model)

    def fill_uncovered(self, table: Superpixels, count: int, model: Model) -> None:
        """See :class:`Pixels`."""
        transport.fill_uncovered(self.labels, self._colour, table, model)

    def activate_all(self) -> None:
        """See :class:`Pixels`."""
        self._active[:] = 1

    def activate(self, table: Superpixels, count: int) -> None:
        """See :class:`Pixels`."""
        moves.activate(self.labels, table, self._active)

    def settle(self, table: Superpixels, count: int, model: Model, most: int) -> None:
        """See :class:`Pixels`."""
        local.settle(self.labels, self._colour, table, self._active, model, most)

    def merge(self, table: Superpixels, count: int, model: Model) -> int:
        """See :class:`Pixels`."""
        return moves.merge(self.labels, table, count, model)

    def split(self, table: Superpixels, count: int, model: Model, state: WordArray) -> tuple[int, int]:
        """See :class:`Pixels`."""
        return split(self.labels, self._colour, table, count, model, state)

    def count_kept(self, carried: Any, origin: LabelArray) -> tuple[LabelArray, LabelArray]:
        """See :class:`Pixels`."""
        return transport.count_kept(self.labels, carried, origin, self._pad)

    def rename(self, target: LabelArray) -> None:
        """See :class:`Pixels`."""
        self.labels[...] = np.append(target, np.int32(UNASSIGNED))[self.labels]  # its last entry stands for UNASSIGNED

    def free(self, rows: BoolArray) -> None:
        """See :class:`Pixels`."""
        freed = np.append(rows, False)[self.labels]
        self.labels[freed] = UNASSIGNED
        self._active[...] = freed

    def snapshot(self) -> LabelArray:
        """See :class:`Pixels`."""
        return self.labels.copy()

    def restore(self, snapshot: Any) -> None:
        """See :class:`Pixels`."""
        self.labels[...] = snapshot

    def label_map(self, ids: IntArray) -> LabelArray:
        """See :class:`Pixels`."""
        pad = self._pad
        return np.ascontiguousarray(ids[self.labels[pad:-pad, pad:-pad]], np.int32)
