"""What ``vfxstyle warm`` compiles is everything there is to compile."""

import re
import subprocess
import sys

import pytest
from helpers import vfxstyle

from tsp.compiled import KernelFolders
from vfxstyle.cli import machine

EVERY_KERNEL = """
import importlib, pkgutil
import numba
import tsp, vfxstyle
from vfxstyle.rehearsal import rehearse
rehearse()
kernels = {}
for package in (tsp, vfxstyle):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__") and ".gpu" not in module.name:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, numba.core.dispatcher.Dispatcher):
                    kernels[value.__module__, value.__name__] = value
inner = {
    id(kernel.py_func.__globals__.get(name)) for kernel in kernels.values() for name in kernel.py_func.__code__.co_names
}
for (module, name), kernel in kernels.items():
    if not kernel.signatures and id(kernel) not in inner:  # one that others call is compiled into them
        print(f"{module}.{name}")
"""


NO_COMMAND_RUNS = {
    "tsp.flow_process._kernel",  # an option of the library that vfxstyle leaves alone
    "tsp.flow_process._smooth",
    "tsp.split.choose_splits",  # the host's part of the superpixels of a GPU
    "tsp.split.promising",
    "vfxstyle.color.grading._to_grading",  # for benchmarks and tests
}


@pytest.mark.slow
def test_the_rehearsal_reaches_every_kernel():
    ran = subprocess.run([sys.executable, "-c", EVERY_KERNEL], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.split()) == NO_COMMAND_RUNS


def test_a_processor_that_this_machine_has_not_is_refused():
    told = vfxstyle("warm", "--cpu", "power9")
    assert told.returncode == 2
    assert "cannot run what is compiled for 'power9'" in told.stderr


def test_doctor_says_what_a_task_will_find(tmp_path, monkeypatch):
    (found,) = [line for line in vfxstyle("doctor").stdout.splitlines() if line.startswith("kernels")]
    assert re.search(r" \d+ compiled for .+ in /.*/kernels-[0-9a-f]{16}|none yet; compiled on first use", found)
    place = tmp_path / "kernels-0" / "a.module"
    place.mkdir(parents=True)
    (place / "a_kernel.nbc").touch()
    monkeypatch.setattr(
        machine.compiled, "kernel_folders", lambda packages: KernelFolders((tmp_path / "kernels-0",), None)
    )
    monkeypatch.setattr(machine.compiled.config, "CPU_NAME", "x86-64-v3")
    assert machine.kernels().startswith("2 compiled for x86-64-v3 in ")
    monkeypatch.setattr(machine.compiled, "kernel_folders", lambda packages: None)
    assert machine.kernels().startswith("none yet")


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_compiled():
    told = vfxstyle("warm", "--device", "cuda:63")
    assert told.returncode == 4
    assert "code=device retryable=yes" in told.stderr
    assert "'cpu' is not a GPU" in vfxstyle("warm", "--device", "cpu").stderr
