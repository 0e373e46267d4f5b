"""Colours round superpixels, blurred on a GPU: what OpenCV's GaussianBlur makes of them, as products of matrices."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from vfxstyle.arrays import FloatArray, IntArray


@lru_cache(maxsize=32)
def _blur(size: int, sigma: float, device: str) -> Tensor:
    """The blur along an axis, mirrored at its ends, as a matrix (size, size) on a device."""
    width = round(sigma * 8 + 1) | 1  # as OpenCV chooses it for floats
    kernel = cv2.getGaussianKernel(width, sigma)[:, 0]
    at = (np.arange(size)[:, None] + np.arange(width) - width // 2) % (2 * size)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], np.minimum(at, 2 * size - 1 - at)), kernel)
    return torch.from_numpy(matrix.astype(np.float32)).to(device)


def blurred_at(picture: Tensor, sigma: float, y: IntArray, x: IntArray) -> FloatArray:
    """Colours of a blurred picture at some of its pixels, float32 (N, 3).

    picture: float32 (H, W, 3), on a device. sigma: standard deviation of the blur, in px. y, x: int64 (N,).
    """
    height, width, _ = picture.shape
    device = str(picture.device)
    blurred = _blur(height, sigma, device) @ picture.permute(2, 0, 1) @ _blur(width, sigma, device).T
    rows, columns = (torch.from_numpy(own).to(device) for own in (y, x))
    return np.asarray(blurred[:, rows, columns].T.cpu().numpy(), np.float32)
