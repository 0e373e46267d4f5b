"""Conversions between colour spaces, as OpenColorIO makes them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import FloatArray


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
        for step in self._steps if out.size else ():
            # one 2-D picture is converted two to four times as fast as applyRGB on the same array
            step.apply(ocio.PackedImageDesc(flat, len(flat), 1, 3))
        return out

    @cached_property
    def matrix(self) -> FloatArray:
        """float32 (3, 3), the same conversion as a matrix on columns of RGB; valid between linear spaces only."""
        if self.is_identity:
            return np.eye(3, dtype=np.float32)
        return np.ascontiguousarray(self.apply(np.eye(3, dtype=np.float32)).T)
