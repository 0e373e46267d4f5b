import numpy as np
import torch

from vfxstyle.features.backbones import CellGrid, CellMaps
from vfxstyle.features.pooling import pooled
from vfxstyle.features.torch_pooling import DevicePooling


def plain(layer, grid, upsample, rows, wanted):
    """Mean over pixels of bilinear lookups, one pixel after the other."""
    _, height, width = layer.shape
    means = []
    for superpixel in wanted:
        found = []
        for y, x in zip(*np.nonzero(rows == superpixel), strict=True):
            place = [((p + 0.5) * upsample - 0.5 - grid.origin) / grid.stride for p in (y, x)]
            fy, fx = np.clip(place[0], 0, height - 1), np.clip(place[1], 0, width - 1)
            y0, x0 = min(int(fy), height - 2), min(int(fx), width - 2)
            ty, tx = fy - y0, fx - x0
            upper = (1 - tx) * layer[:, y0, x0] + tx * layer[:, y0, x0 + 1]
            lower = (1 - tx) * layer[:, y0 + 1, x0] + tx * layer[:, y0 + 1, x0 + 1]
            found.append((1 - ty) * upper + ty * lower)
        means.append(np.mean(found, axis=0))
    return np.array(means)


def test_pooling_is_the_mean_of_what_every_pixel_sees():
    random = np.random.default_rng(0)
    rows = random.integers(0, 9, (30, 44)).astype(np.int32)
    wanted = np.int32([1, 4, 8])
    layers = {"a": torch.from_numpy(random.random((2, 5, 9, 12))).float(), "b": torch.rand(2, 3, 9, 12)}
    near, far = {"a": CellGrid(-5.0, 8), "b": CellGrid(3.5, 8)}, {"a": CellGrid(-109.0, 16), "b": CellGrid(-108.5, 8)}
    for upsample, grids in ((1, near), (2, far)):
        maps = CellMaps(layers, upsample, grids)
        found = pooled(maps, 1, rows, wanted)
        for name, layer in layers.items():
            np.testing.assert_allclose(
                found[name], plain(layer[1].numpy(), grids[name], upsample, rows, wanted), rtol=1e-4
            )


def test_arrays_and_tensors_are_pooled_alike_and_what_nobody_sees_is_zero():
    random = np.random.default_rng(1)
    rows = random.integers(0, 4, (16, 24)).astype(np.int32)
    layer = random.random((1, 37, 5, 6)).astype(np.float32)
    arrays = CellMaps({"a": layer}, 1, {"a": CellGrid(0.5, 8)})
    tensors = CellMaps({"a": torch.from_numpy(layer).half()}, 1, {"a": CellGrid(0.5, 8)})
    found = pooled(arrays, 0, rows, np.int32([0, 1, 3]))["a"]
    np.testing.assert_allclose(pooled(tensors, 0, rows, np.int32([0, 1, 3]))["a"], found, atol=1e-3)
    assert found.shape == (3, 37)
    hidden = pooled(arrays, 0, np.where(rows == 1, 3, rows), np.int32([0, 1, 3]))
    assert not hidden["a"][1].any()


class OnAGpu:
    """A layer that claims to lie on a GPU whose memory is full."""

    def __init__(self, tensor):
        self.tensor, self.shape, self.device = tensor, tensor.shape, torch.device("cuda")
        self.dtype = tensor.dtype
        self.tries = 0

    def flatten(self, _):
        self.tries += 1
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def float(self):
        return self.tensor


def test_a_device_pools_as_the_processor_does():
    random = np.random.default_rng(3)
    rows = random.integers(0, 5, (18, 27)).astype(np.int32)
    layer = random.random((1, 9, 6, 8)).astype(np.float32)
    maps = CellMaps({"a": layer}, 2, {"a": CellGrid(-3.5, 8)})
    wanted = np.int32([0, 2, 4])
    own = DevicePooling(maps, rows, wanted)
    np.testing.assert_allclose(
        own.means(torch.from_numpy(layer[0]), maps.grids["a"]), pooled(maps, 0, rows, wanted)["a"], atol=1e-5
    )


def test_pooling_that_a_gpu_has_no_room_for_is_done_on_the_cpu(monkeypatch):
    rows = np.arange(12, dtype=np.int32).reshape(3, 4) // 6
    layers = {"a": torch.rand(1, 5, 4, 4), "b": torch.rand(1, 2, 4, 4)}
    expected = pooled(CellMaps(layers, 1, dict.fromkeys("ab", CellGrid(0.0, 8))), 0, rows, np.int32([0, 1]))
    scarce = {name: OnAGpu(layer[0]) for name, layer in layers.items()}
    maps = CellMaps({name: [layer] for name, layer in scarce.items()}, 1, dict.fromkeys("ab", CellGrid(0.0, 8)))
    monkeypatch.setattr(DevicePooling, "_weights_of", lambda *_: torch.ones(2, 2))
    found = pooled(maps, 0, rows, np.int32([0, 1]))
    for name, layer in scarce.items():
        assert layer.tries == 1
        np.testing.assert_array_equal(found[name], expected[name])
