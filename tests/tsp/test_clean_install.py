"""The library needs what the project depends on, and nothing that tests or benchmarks bring along."""

import os
import subprocess
import sys

from helpers import REPOSITORY

PROGRAM = """
import sys
sys.modules["scipy"] = None  # an import of it fails, as where it is not installed
import numpy as np
import tsp
frames = [np.random.default_rng(i).random((24, 32, 3)) for i in range(3)]
settings = tsp.Settings(num_superpixels=8, reestimate_flow=True, cut_below=0)
print(len(list(tsp.segment(frames, settings=settings))))
"""


def test_every_kernel_compiles_without_scipy(tmp_path):
    """numba asks for SciPy when it compiles some of NumPy's functions; an empty cache makes it compile."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "3\n"
