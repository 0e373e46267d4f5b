"""Conversions between colour spaces, as OpenColorIO makes them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import FloatArray

_ROW = 512
"""Colours that OpenColorIO is given as a row: what it works on then stays in the processor's cache, and curves take
half, logarithms a third, and matrices a seventh of the time of a whole picture in one row, or of ``applyRGB``."""


class Transform:
    """A conversion from one colour space to another, in one step or several."""

    def __init__(self, *processors: ocio.Processor) -> None:
        steps = [processor for processor in processors if not processor.isNoOp()]
        # the default optimisation is a fifth faster, but one 16-bit code off at white
        self._steps = [step.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS) for step in steps]
        self.is_identity: bool = not steps
        """Whether nothing changes."""
        self.cache_id: str = " ".join(processor.getCacheID() for processor in processors)
        """OpenColorIO's hash of everything that determines the result."""

    def apply(self, rgb: FloatArray) -> FloatArray:
        """Convert colours. rgb: float32 (..., 3), source space, any real value. Returns a new float32 (..., 3)."""
        out = np.array(rgb, np.float32, order="C")
        flat = out.reshape(-1, 3)
        whole = len(flat) - len(flat) % _ROW
        for step in self._steps:
            for part, width in ((flat[:whole], _ROW), (flat[whole:], len(flat) - whole)):
                if len(part):
                    step.apply(ocio.PackedImageDesc(part, width, len(part) // width, 3))
        return out

    @cached_property
    def matrix(self) -> FloatArray:
        """float32 (3, 3), the same conversion as a matrix on columns of RGB; valid between linear spaces only."""
        if self.is_identity:
            return np.eye(3, dtype=np.float32)
        return np.ascontiguousarray(self.apply(np.eye(3, dtype=np.float32)).T)
