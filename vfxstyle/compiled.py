"""The decorator of this package's compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path

from tsp import compiled
from vfxstyle.cores import cores

if "NUMBA_NUM_THREADS" not in os.environ:  # else the user has said it
    compiled.config.NUMBA_NUM_THREADS = min(compiled.config.NUMBA_NUM_THREADS, cores())
kernel = compiled.compiler(Path(__file__).parent, Path(compiled.__file__).parent)
"""See :func:`tsp.compiled.compiler`."""


def kernel_folders() -> list[compiled.KernelFolders]:
    """Where compiled kernels are kept, those of this package first and then those of ``tsp`` alone."""
    package, library = Path(__file__).parent, Path(compiled.__file__).parent
    found = [compiled.kernel_folders(packages) for packages in ((package, library), (library,))]
    return [own for own in found if own is not None and own.readable]
