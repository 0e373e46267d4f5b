"""Nodes of 3D LUTs."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import DoubleArray


def cube_nodes(size: int) -> DoubleArray:
    """The colours at the nodes of a 3D LUT over 0..1, float64 (size, size, size, 3), indexed as the LUT is."""
    along = np.linspace(0, 1, size)
    return np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1)
