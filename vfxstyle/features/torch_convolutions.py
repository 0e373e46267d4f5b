"""Convolutions of the network on a GPU: depthwise ones, dilated too, with what follows them, and those of one pixel.

torch has no fast way for a dilated depthwise convolution in half precision: it reorders the picture and convolves one
channel after the other, which was four fifths of the time of the network.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

_PIXELS, _CHANNELS = tl.constexpr(32), tl.constexpr(64)  # of a program


@triton.jit(
    do_not_specialize=["height", "width", "out_height", "out_width", "top", "left", "pixels", "stride", "dilation"]
)
def _convolve(
    maps: tl.tensor, weights: tl.tensor, bias: tl.tensor, out: tl.tensor,
    height: tl.tensor, width: tl.tensor, out_height: tl.tensor, out_width: tl.tensor, top: tl.tensor, left: tl.tensor,
    pixels: tl.tensor, channels: tl.tensor, stride: tl.tensor, dilation: tl.tensor, side: tl.constexpr,
) -> None:  # fmt: skip
    """Convolve a block of pixels and channels, add the bias, and limit the result to 0..6.

    maps, out: (B, H, W, C). weights: (side, side, C). top, left: px of zeros before the picture. Compiled once for each
    side, and not for each of the network's 18 kinds of layers, which takes minutes.
    """
    i = tl.program_id(0) * _PIXELS + tl.arange(0, _PIXELS)
    channel = tl.program_id(1) * _CHANNELS + tl.arange(0, _CHANNELS)
    here, own = i < pixels, channel < channels
    x, rest = i % out_width, i // out_width
    y, picture = rest % out_height, rest // out_height
    total = tl.zeros((_PIXELS, _CHANNELS), tl.float32) + tl.load(bias + channel, own, 0.0).to(tl.float32)[None, :]
    for v in range(side):
        from_y = y * stride + v * dilation - top
        for u in tl.static_range(side):
            from_x = x * stride + u * dilation - left
            valid = here & (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
            at = ((picture.to(tl.int64) * height + from_y) * width + from_x) * channels
            value = tl.load(maps + at[:, None] + channel[None, :], valid[:, None] & own[None, :], 0.0)
            weight = tl.load(weights + (v * side + u) * channels + channel, own, 0.0)
            total += value.to(tl.float32) * weight.to(tl.float32)[None, :]
    total = tl.minimum(tl.maximum(total, 0.0), 6.0)
    to = i.to(tl.int64)[:, None] * channels + channel[None, :]
    tl.store(out + to, total.to(out.dtype.element_ty), here[:, None] & own[None, :])


class Depthwise(nn.Module):
    """A depthwise convolution with its bias and the ReLU6 after it, on maps whose channels lie side by side.

    convolution: as many groups as channels, padded as it says, or, where it says nothing, as TensorFlow's SAME.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        assert convolution.bias is not None
        self._side, self._stride = convolution.kernel_size[0], convolution.stride[0]
        self._dilation, self._channels = convolution.dilation[0], convolution.out_channels
        self._padding = convolution.padding[0] if self._stride == 1 else None
        self._weights = convolution.weight.detach()[:, 0].permute(1, 2, 0).contiguous()
        self._bias = convolution.bias.detach()

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve. maps: (B, C, H, W). Returns the same in its number format, with channels side by side."""
        maps = maps.contiguous(memory_format=torch.channels_last)
        count, channels, height, width = maps.shape
        reach = (self._side - 1) * self._dilation
        out_height, out_width = (-(-size // self._stride) for size in (height, width))
        top, left = (
            max((of - 1) * self._stride + reach + 1 - size, 0) // 2 if self._padding is None else self._padding
            for of, size in ((out_height, height), (out_width, width))
        )
        size = (count, channels, out_height, out_width)
        out = torch.empty(size, dtype=maps.dtype, device=maps.device, memory_format=torch.channels_last)
        pixels = count * out_height * out_width
        _convolve[(triton.cdiv(pixels, _PIXELS.value), triton.cdiv(channels, _CHANNELS.value))](
            maps,
            self._weights,
            self._bias,
            out,
            height,
            width,
            out_height,
            out_width,
            top,
            left,
            pixels,
            channels,
            self._stride,
            self._dilation,
            side=self._side,
        )
        return out


class Pointwise(nn.Module):
    """A convolution of single pixels as a matrix product, which adds its bias on the way."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        assert convolution.bias is not None
        self._weights, self._bias = convolution.weight.detach()[:, :, 0, 0].contiguous(), convolution.bias.detach()

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve. maps: (B, C, H, W), whose channels lie side by side, as those of the result do."""
        return nn.functional.linear(maps.permute(0, 2, 3, 1), self._weights, self._bias).permute(0, 3, 1, 2)
