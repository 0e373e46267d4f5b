"""Names of devices: which are taken, and what is said of the others."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from tsp import segment
from tsp.devices import pixels_for
from tsp.pixels import HostPixels

FRAMES = [np.random.default_rng(i).random((24, 32, 3)).astype(np.float32) for i in range(2)]


def test_the_cpu_by_name_or_by_torch_device_is_the_compiled_path():
    assert pixels_for("cpu") is HostPixels
    assert pixels_for(torch.device("cpu")) is HostPixels
    for one, two in zip(segment(FRAMES, 8), segment(FRAMES, 8, device=torch.device("cpu")), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["gpu", "auto", "cuda:", "cuda:x", "cpu:0", "CUDA", "", None, torch.device("meta")])
def test_other_names_are_refused_before_any_frame_is_read(name):
    with pytest.raises(ValueError, match=r"it must be 'cpu', 'cuda' or 'cuda:N'"):
        segment(iter(()), device=name)


@pytest.mark.parametrize("name", ["cuda:63", "cuda:256", "cuda:99999999999", torch.device("cuda", 63)])
def test_a_gpu_that_is_not_there_is_refused_before_any_frame_is_read(name):
    with pytest.raises(RuntimeError, match=f"{name} is not there: torch sees \\d+ CUDA devices"):
        segment(iter(()), device=name)


def test_the_cpu_path_loads_no_torch():
    code = (
        "import sys, numpy, tsp\n"
        "list(tsp.segment([numpy.zeros((8, 8, 3), numpy.uint8)], 2))\n"
        "print([name for name in ('torch', 'av', 'fileseq', 'OpenImageIO', 'vfxstyle') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
