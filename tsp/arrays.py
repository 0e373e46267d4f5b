"""The array types, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
"""Colours, pictures, coefficients: float32."""
LabelArray = npt.NDArray[np.int32]
"""Labels of superpixels and rows of their tables: int32."""
IntArray = npt.NDArray[np.int64]
"""Counts, indices and keys: int64."""
BoolArray = npt.NDArray[np.bool_]
"""Masks."""
ByteArray = npt.NDArray[np.uint8]
"""8-bit pictures and raw bytes: uint8."""
DoubleArray = npt.NDArray[np.float64]
"""Sums and systems of equations: float64."""
WordArray = npt.NDArray[np.uint64]
"""Bit sets, a word each: uint64."""
SideArray = npt.NDArray[np.int8]
"""Which of two sides a pixel is on: int8."""
AnyLabels = npt.NDArray[np.integer[Any]]
"""Label maps of any integer type."""
AnyMasks = npt.NDArray[np.integer[Any] | np.bool_]
"""Masks, as numbers or truth values."""
PictureArray = ByteArray | FloatArray
"""Pictures, 0..255 or 0..1."""
