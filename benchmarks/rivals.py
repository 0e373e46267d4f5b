"""What a user would pick instead of vfxstyle: one learnt quadratic, one learnt LUT, and a small network per shot.

Pictures are float32 (H, W, 3), sRGB-encoded, 0..1, both in and out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vfxstyle.arrays import FloatArray
from vfxstyle.looks.lut import apply_cube, fit_cube

Grading = Callable[[FloatArray], FloatArray]
"""Returns a graded picture."""
Pair = tuple[FloatArray, FloatArray]
"""A picture before and after a look."""

MAX_PIXELS = 2_000_000
"""Pixels that a LUT is fitted to at most; more change nothing."""
CROP, BATCH = 192, 4
"""Side of a training crop in px, and crops in a step."""
STRIDE = 6
"""Px between those that a network of pixels sees in a step, along rows and columns."""


def learnt_cube(pairs: Sequence[Pair]) -> Grading:
    """Return one smooth 33-cube LUT, fitted to the pixels of some pairs."""
    before = np.concatenate([one.reshape(-1, 3) for one, _ in pairs])
    after = np.concatenate([other.reshape(-1, 3) for _, other in pairs])
    step = -(-len(before) // MAX_PIXELS)
    cube = fit_cube(before[::step], after[::step])
    return lambda picture: np.clip(apply_cube(cube, picture.reshape(-1, 3)), 0, 1).reshape(picture.shape)


def learnt_unet(pairs: Sequence[Pair], seconds: float, seed: int = 0) -> tuple[Grading, int]:
    """Train a small U-Net on random crops for a number of CPU seconds; return it, and the steps that it made.

    The learning rate falls to zero along a cosine over that time.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = _UNet()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    start, steps = time.process_time(), 0
    while (spent := time.process_time() - start) < seconds:
        optimiser.param_groups[0]["lr"] = 1e-3 * (1 + np.cos(np.pi * spent / seconds))
        crops = [_crop(pairs, random) for _ in range(BATCH)]
        before, after = (_batched(pictures) for pictures in zip(*crops, strict=True))
        loss = functional.l1_loss(network(before), after)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        steps += 1
    network.eval()

    def graded(picture: FloatArray) -> FloatArray:
        with torch.inference_mode():
            out = network(_batched([picture]))
        return np.ascontiguousarray(out[0].permute(1, 2, 0).clamp(0, 1).numpy())

    return graded, steps


def learnt_grid(pairs: Sequence[Pair], seconds: float, seed: int = 0) -> Grading:
    """Fit a bilateral grid of affine transforms to whole frames for a number of CPU seconds.

    In the manner of Gharbi et al., Deep Bilateral Learning (2017), without the network that predicts the grid: it is
    learnt itself, with a learnt guide, and total variation holds it together.
    """
    return _learnt_by_pixels(_Grid(seed), pairs, seconds)


def learnt_retouch(pairs: Sequence[Pair], seconds: float, seed: int = 0) -> Grading:
    """Train a network of some 11 000 numbers on colour, place and surround, for a number of CPU seconds.

    As INRetouch describes it (Elezabi et al., 2024): an implicit function of the pixel, learnt from one picture or few.
    """
    return _learnt_by_pixels(_Retouch(seed), pairs, seconds)


def _learnt_by_pixels(network: _Grid | _Retouch, pairs: Sequence[Pair], seconds: float) -> Grading:
    """Train on a part of the pixels of each frame in turn; the learning rate falls to zero along a cosine.

    A part is every :data:`STRIDE`-th pixel of every :data:`STRIDE`-th row from a random one on: with whole frames there
    would be ten steps in ten seconds. What the network takes of the frames is made before the clock starts.
    """
    batches = [(network.inputs(_batched([before])), _batched([after])) for before, after in pairs]
    random = np.random.default_rng(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    start, step = time.process_time(), 0
    while (spent := time.process_time() - start) < seconds:
        optimiser.param_groups[0]["lr"] = network.rate * (1 + np.cos(np.pi * spent / seconds)) / 2
        y, x = random.integers(STRIDE, size=2)
        before, after = (one[:, :, y::STRIDE, x::STRIDE] for one in batches[step % len(batches)])
        loss = functional.l1_loss(network(before), after) + network.penalty()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1

    def graded(picture: FloatArray) -> FloatArray:
        with torch.inference_mode():
            out = network(network.inputs(_batched([picture])))
        return np.ascontiguousarray(out[0].permute(1, 2, 0).clamp(0, 1).numpy())

    return graded


def _placed(picture: Tensor) -> Tensor:
    """Pictures, (1, 3, H, W), with x and y, -1..1, as fourth and fifth channel."""
    height, width = picture.shape[2:]
    y = torch.linspace(-1, 1, height)[None, None, :, None].expand(1, 1, height, width)
    x = torch.linspace(-1, 1, width)[None, None, None].expand(1, 1, height, width)
    return torch.cat([picture, x, y], dim=1)


class _Grid(nn.Module):
    """A grid of 16 x 9 x 8 affine transforms of colour, sliced at a pixel's place and guide."""

    rate = 1e-2

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        identity = torch.eye(3, 4).reshape(1, 12, 1, 1, 1)
        self.grid = nn.Parameter(identity.repeat(1, 1, 8, 9, 16))
        self.guide = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def penalty(self) -> Tensor:
        """Total variation of the grid."""
        return 1e-3 * sum((self.grid.diff(dim=axis).abs().mean() for axis in (2, 3, 4)), torch.zeros(()))

    def inputs(self, picture: Tensor) -> Tensor:
        """What :meth:`forward` takes of pictures, (1, 5, H, W)."""
        return _placed(picture)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return graded pictures, (1, 3, H, W)."""
        picture, (x, y) = inputs[:, :3], inputs[:, 3:].unbind(1)
        height, width = picture.shape[2:]
        weights = torch.tensor([0.2126, 0.7152, 0.0722]).reshape(1, 3, 1, 1)
        luma = (picture * weights).sum(1, keepdim=True)
        z = (luma + 0.2 * torch.tanh(self.guide(picture)))[:, 0] * 2 - 1
        place = torch.stack([x, y, z], dim=-1)[:, None]
        rows = functional.grid_sample(self.grid, place, align_corners=True, padding_mode="border")[:, :, 0]
        rows = rows.reshape(1, 3, 4, height, width)
        out: Tensor = (rows[:, :, :3] * picture[:, None]).sum(2) + rows[:, :, 3]
        return out


class _Retouch(nn.Module):
    """A pixel's colour, its place and the mean colours round it through three hidden layers of 64."""

    rate = 4e-3

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        sizes = (11, 64, 64, 64, 32, 3)
        layers: list[nn.Module] = []
        for one, other in pairwise(sizes):
            layers += [nn.Conv2d(one, other, 1), nn.GELU()]
        self.layers = nn.Sequential(*layers[:-1])
        last = self.layers[-1]
        assert isinstance(last, nn.Conv2d)
        for values in (last.weight, last.bias):  # so that it begins with the picture as it is
            assert values is not None
            nn.init.zeros_(values)

    def penalty(self) -> Tensor:
        """Nothing."""
        return torch.zeros(())

    def inputs(self, picture: Tensor) -> Tensor:
        """What :meth:`forward` takes of pictures, (1, 11, H, W)."""
        near = functional.avg_pool2d(functional.pad(picture, (4, 4, 4, 4), mode="replicate"), 9, 1)
        far = functional.avg_pool2d(functional.pad(picture, (16, 16, 16, 16), mode="replicate"), 33, 1)
        return torch.cat([_placed(picture), near, far], dim=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return graded pictures, (1, 3, H, W)."""
        out: Tensor = inputs[:, :3] + self.layers(inputs)
        return out


def _crop(pairs: Sequence[Pair], random: np.random.Generator) -> Pair:
    before, after = pairs[int(random.integers(len(pairs)))]
    y = int(random.integers(before.shape[0] - CROP + 1))
    x = int(random.integers(before.shape[1] - CROP + 1))
    here = (slice(y, y + CROP), slice(x, x + CROP))
    flip = slice(None, None, -1 if random.random() < 0.5 else 1)
    return before[here][:, flip], after[here][:, flip]


def _batched(pictures: Sequence[FloatArray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


class _UNet(nn.Module):
    """Four levels of 16 to 128 channels, two convolutions each, skip connections, and the change as output."""

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        self.down = nn.ModuleList(_block(a, b) for a, b in zip((3, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in pairwise(widths))
        self.last = nn.Conv2d(widths[0], 3, 1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, picture: Tensor) -> Tensor:
        """Return graded pictures, (B, 3, H, W), of pictures (B, 3, H, W)."""
        height, width = picture.shape[2:]
        x: Tensor = functional.pad(picture, (0, -width % 8, 0, -height % 8), mode="replicate")
        skips = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            wider = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([wider, skip], dim=1))
        change: Tensor = self.last(x)[:, :, :height, :width]
        return picture + change


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1), nn.ReLU()
    )
