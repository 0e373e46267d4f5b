"""The decorator of this package's compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path

from tsp import compiled
from vfxstyle.cores import cores

if "NUMBA_NUM_THREADS" not in os.environ:  # else the user has said it
    compiled.config.NUMBA_NUM_THREADS = min(compiled.config.NUMBA_NUM_THREADS, cores())
_PACKAGES = Path(__file__).parent, Path(compiled.__file__).parent
kernel = compiled.compiler(*_PACKAGES)
"""See :func:`tsp.compiled.compiler`."""


def kept_kernels() -> list[compiled.KernelFolders]:
    """The folders of compiled kernels that are there: those of this package, and those of ``tsp`` alone."""
    found = [compiled.kernel_folders(packages) for packages in (_PACKAGES, _PACKAGES[1:])]
    return [own for own in found if own is not None and own.readable]
