import ctypes

import pytest
import torch

from vfxstyle.errors import DeviceError, UsageError
from vfxstyle.features import check_device, devices, gpu_fault, pick_device, shot_device


def test_devices():
    assert pick_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="not a device"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="not present") as caught:
            pick_device("cuda:3")
        assert caught.value.retryable


@pytest.mark.parametrize("wrong", ["tpu", "cuda:", "cuda:x", "cpu:0", ""])
def test_only_these_are_devices(wrong):
    with pytest.raises(UsageError, match="choose auto, cpu, cuda or cuda:N"):
        check_device(wrong)
    check_device("auto")
    check_device("cpu")


class Driver:
    """A driver that finds so many GPUs."""

    def __init__(self, starts=0, gpus=1):
        self.starts, self.gpus = starts, gpus

    def cuInit(self, _):
        return self.starts

    def cuDeviceGetCount(self, count):
        count._obj.value = self.gpus
        return 0


def test_why_there_is_no_gpu_is_said(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: (_ for _ in ()).throw(OSError("not there")))
    assert gpu_fault() == "no driver, libcuda.so.1"
    assert (pick_device("auto"), shot_device("auto")) == ("cpu", "cpu")
    for driver, fault in (
        (Driver(starts=999), "the driver cannot be started"),
        (Driver(gpus=0), "the driver finds no GPU"),
    ):
        monkeypatch.setattr(ctypes, "CDLL", lambda _, driver=driver: driver)
        assert gpu_fault() == fault
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert gpu_fault().endswith("for CUDA 13.0 cannot use the driver")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert gpu_fault().endswith("is built without CUDA")


def test_a_gpu_is_used_where_it_is_there_and_asked_for(monkeypatch):
    monkeypatch.setattr(devices, "gpu_fault", lambda: "")
    monkeypatch.setattr(devices, "gpu_names", lambda: ["one", "two"])
    assert (pick_device("auto"), pick_device("cuda:1")) == ("cuda", "cuda:1")
    assert (shot_device("auto"), shot_device("cuda:1")) == ("cpu", "cuda:1")
    with pytest.raises(DeviceError, match=r"cuda:2 is not present on this machine \(it has 2\)"):
        check_device("cuda:2")
