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
HalfArray = npt.NDArray[np.float16]
"""Features as they are stored: float16."""
BoolArray = npt.NDArray[np.bool_]
"""Masks."""
ByteArray = npt.NDArray[np.uint8]
"""8-bit pictures and raw bytes: uint8."""
DoubleArray = npt.NDArray[np.float64]
"""Sums and systems of equations: float64."""
CodeArray = npt.NDArray[np.uint16]
"""Integer code values of pictures: uint16."""
AnyIntegers = npt.NDArray[np.integer]
"""Indices of any integer type."""
AnyArray = npt.NDArray[Any]
"""Channels and planes of whatever type a file has."""
