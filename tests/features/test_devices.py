import pytest
import torch

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.features import check_device, pick_device


def test_devices():
    assert pick_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="not a device"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ResourceError, match="not present") as caught:
            pick_device("cuda:3")
        assert caught.value.retryable


@pytest.mark.parametrize("wrong", ["tpu", "cuda:", "cuda:x", "cpu:0", ""])
def test_only_these_are_devices(wrong):
    with pytest.raises(UsageError, match="choose auto, cpu, cuda or cuda:N"):
        check_device(wrong)
    check_device("auto")
    check_device("cpu")
