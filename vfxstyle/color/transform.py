"""Conversions between colour spaces, as OpenColorIO makes them."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import FloatArray
from vfxstyle.color.curves import Curve, is_per_channel

_ROW = 512
"""Colours that OpenColorIO is given as a row: what it works on then stays in the processor's cache, and curves take
half, logarithms a third, and matrices a seventh of the time of a whole picture in one row, or of ``applyRGB``."""


class Transform:
    """A conversion from one colour space to another, in one step or several."""

    def __init__(self, *processors: ocio.Processor) -> None:
        self._processors = [processor for processor in processors if not processor.isNoOp()]
        # the default optimisation is a fifth faster, but one 16-bit code off at white
        self._steps = [step.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS) for step in self._processors]
        self.is_identity: bool = not self._steps
        """Whether nothing changes."""
        self.cache_id: str = " ".join(processor.getCacheID() for processor in processors)
        """OpenColorIO's hash of everything that determines the result."""

    def apply(self, rgb: FloatArray) -> FloatArray:
        """Convert colours. rgb: float32 (..., 3), source space, any real value. Returns a new float32 (..., 3)."""
        out = np.array(rgb, np.float32, order="C")
        for step in self._steps:
            _convert(out.reshape(-1, 3), step)
        return out

    def apply_to_picture(self, rgb: FloatArray) -> FloatArray:
        """As :meth:`apply`, of a picture or a part of one: curves come out of tables, which takes a third of the time.

        See :mod:`vfxstyle.color.curves`, also for how far that may be off.
        """
        out, is_given = np.ascontiguousarray(rgb, np.float32), True
        for step in self._steps_of_pictures:
            if isinstance(step, Curve):
                out = step.apply(out)
            else:
                out = out.copy() if is_given else out
                _convert(out.reshape(-1, 3), step)
            is_given = False
        return out.copy() if is_given else out

    @cached_property
    def _steps_of_pictures(self) -> list[Any]:
        """The steps, each a curve or a processor of OpenColorIO's."""
        raw = ocio.Config.CreateRaw()
        found = list[Any]()
        try:
            for processor in self._processors:
                for one in processor.getOptimizedProcessor(ocio.OPTIMIZATION_LOSSLESS).createGroupTransform():
                    step = raw.getProcessor(one).getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
                    if is_per_channel(one):
                        with suppress(ValueError):
                            step = Curve(partial(_converted, step=step))
                    found.append(step)
        except ocio.Exception:  # what cannot be taken apart is converted as a whole
            return self._steps
        return found if any(isinstance(step, Curve) for step in found) else self._steps

    @cached_property
    def matrix(self) -> FloatArray:
        """float32 (3, 3), the same conversion as a matrix on columns of RGB; valid between linear spaces only."""
        if self.is_identity:
            return np.eye(3, dtype=np.float32)
        return np.ascontiguousarray(self.apply(np.eye(3, dtype=np.float32)).T)


def _convert(colours: FloatArray, step: ocio.CPUProcessor) -> None:
    """Convert colours, float32 (N, 3), in place."""
    whole = len(colours) - len(colours) % _ROW
    for part, width in ((colours[:whole], _ROW), (colours[whole:], len(colours) - whole)):
        if len(part):
            step.apply(ocio.PackedImageDesc(part, width, len(part) // width, 3))


def _converted(colours: FloatArray, step: ocio.CPUProcessor) -> FloatArray:
    out = colours.copy()
    _convert(out, step)
    return out
