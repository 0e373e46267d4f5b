"""Grading frames on a GPU: the plate goes there, the graded light comes back, and all between is done there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.looks import TransformField
from vfxstyle.looks.base import Base
from vfxstyle.looks.field import Placing
from vfxstyle.looks.gpu import DeviceField, apply_on_device, put
from vfxstyle.plates.gpu import Window, guide_on_device, rows_shown
from vfxstyle.plates.picture import analysis_size
from vfxstyle.shots import Frame
from vfxstyle.superpixels.gpu import ShotLook

_MOST_PARTS = 64  # that a frame is graded in where the GPU's memory does not suffice for the whole


class DevicePlate:
    """A frame of light whose pixels are on a device, all of them or, where memory lacks, those that are asked for."""

    def __init__(self, lit: Frame, device: str) -> None:
        self.lit = lit
        """The frame."""
        self._device = device
        self._whole: tuple[Tensor, Tensor | None] | None = None
        try:
            self._whole = self._brought(slice(0, len(lit.rgb)))
        except torch.OutOfMemoryError:
            self.release()

    def rows(self, part: slice) -> tuple[Tensor, Tensor | None]:
        """Some rows: float32 (H, W, 3), and their alpha, float32 (H, W), if the colours are multiplied by one."""
        if self._whole is None:
            return self._brought(part)
        rgb, alpha = self._whole
        return rgb[part], None if alpha is None else alpha[part]

    def in_parts(self, count: int, work: Callable[[slice], Tensor]) -> list[Tensor]:
        """Do something with all of ``count`` rows or, where memory lacks, with one part of them after the other."""
        parts = 1
        while True:
            size = -(-count // parts)
            try:
                return [work(slice(first, min(first + size, count))) for first in range(0, count, size)]
            except torch.OutOfMemoryError:
                if size == 1 or parts >= _MOST_PARTS:
                    raise
            self.release()
            parts *= 2

    def release(self) -> None:
        """Give back the memory of the whole frame, and what a failed attempt has reserved."""
        self._whole = None
        torch.cuda.empty_cache()

    def _brought(self, part: slice) -> tuple[Tensor, Tensor | None]:
        alpha = self.lit.alpha if self.lit.premultiplied else None
        return put(self.lit.rgb[part], self._device), None if alpha is None else put(alpha[part], self._device)


@dataclass
class DeviceGrade:
    """The part of grading a frame that is done on a device."""

    device: str
    """``cuda`` or ``cuda:N``; ``cpu`` is there for tests."""
    look: ShotLook
    """The look, superpixel by superpixel."""
    base: Base
    """What it does by colour alone or by place."""
    analysis_width: int
    """Width of the analysis picture, in px."""
    _here: threading.local = field(default_factory=threading.local, init=False, repr=False)
    _base: dict[tuple[int, int], Tensor] = field(default_factory=dict, init=False, repr=False)

    def plate(self, lit: Frame) -> DevicePlate:
        """Bring a frame of light, or take the one that this thread brought last."""
        last: DevicePlate | None = getattr(self._here, "plate", None)
        if last is None or last.lit is not lit:
            self._here.plate = None  # its memory first
            with self._stream():
                last = self._here.plate = DevicePlate(lit, self.device)
        return last

    def guide_of(self, plate: DevicePlate, matrix: FloatArray) -> Tensor:
        """The analysis picture of a plate, float32 (h, w, 3), CIELab, on the device.

        matrix: float32 (3, 3), from its light to Rec.709.
        """
        data, shown = plate.lit.data_window, plate.lit.display_window
        size = analysis_size(shown.width, shown.height, self.analysis_width)
        left, top = data.x - shown.x, data.y - shown.y

        def of(part: slice) -> Tensor:
            rows = rows_shown(part, shown.height, size[1])
            own = slice(max(rows.start - top, 0), max(rows.stop - top, 0))
            window = Window(*plate.rows(own), (left, top + own.start))
            return guide_on_device(window, to_working, (shown.width, shown.height), size, part)

        with self._stream():
            to_working = put(matrix, self.device)
            return torch.cat(plate.in_parts(size[1], of))

    def on_host(self, guide: Tensor) -> FloatArray:
        """What :meth:`guide_of` gives, on the host."""
        with self._stream():
            return np.asarray(guide.cpu().numpy(), np.float32)

    def plain_field(self, labels: LabelArray, guide: Tensor) -> DeviceField:
        """The look without graded frames, its base included. labels: int32 (h, w). guide: as :meth:`guide_of`."""
        with self._stream():
            coefficients = self.look.coefficients(labels, guide)
            if self.base.has_place:
                coefficients += self._base_on(*labels.shape)
            cubes = put(self.base.cube[None], self.device) if self.base.cube.size else None
            return DeviceField(coefficients, guide, cubes)

    def field_of(self, host: TransformField) -> DeviceField:
        """Bring a field that was made on the host."""
        with self._stream():
            return DeviceField.of(host, self.device)

    def apply(
        self, plate: DevicePlate, over: DeviceField, placing: Placing, share: FloatArray | None
    ) -> tuple[FloatArray, int]:
        """Grade a plate; see :func:`vfxstyle.looks.apply.apply_field`."""
        height, width, _ = plate.lit.rgb.shape
        with self._stream() as wait:
            out = torch.empty((height, width, 3), pin_memory=self.device != "cpu")

            def of(part: slice) -> Tensor:
                rgb, alpha = plate.rows(part)
                own = None if share is None else put(share[part], self.device)
                graded, alone = apply_on_device(rgb, over, placing, alpha=alpha, share=own, first_row=part.start)
                out[part].copy_(graded, non_blocking=True)
                return alone

            alone = torch.cat(plate.in_parts(height, of)).sum()
            wait()
        return out.numpy(), int(alone)

    def _base_on(self, rows: int, columns: int) -> Tensor:
        if (rows, columns) not in self._base:
            self._base[rows, columns] = put(self.base.field(rows, columns), self.device)
        return self._base[rows, columns]

    @contextmanager
    def _stream(self) -> Iterator[Callable[[], None]]:
        """The queue of this thread's work on the device, so that frames do not wait for each other.

        Yields a function that waits for all that is in it.
        """
        if self.device == "cpu":
            yield lambda: None
            return
        if not hasattr(self._here, "stream"):
            self._here.stream = torch.cuda.Stream(self.device)
        with torch.cuda.stream(self._here.stream):
            yield self._here.stream.synchronize
