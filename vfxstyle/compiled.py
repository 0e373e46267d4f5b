"""The decorator of this package's compiled kernels."""

from __future__ import annotations

from pathlib import Path

from tsp import compiled

kernel = compiled.compiler(Path(__file__).parent, Path(compiled.__file__).parent)
"""See :func:`tsp.compiled.compiler`."""
