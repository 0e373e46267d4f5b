"""Stencils that lie over a picture: uint8 (H, W, 4), sRGB with alpha."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import tsp
from vfxstyle.arrays import BoolArray, ByteArray, LabelArray
from vfxstyle.review.groups import group_colour

_BORDER, _SELECTED, _COVER = (255, 217, 0, 150), (64, 160, 255, 120), 140  # RGBA and alpha, 0..255


def border_stencil(labels: LabelArray) -> ByteArray:
    """The borders between superpixels. labels: int32 (H, W)."""
    return _stencil(tsp.overlay.edges(labels), _BORDER)


def group_stencil(groups: LabelArray, count: int) -> ByteArray:
    """Groups in their colours. groups: int32 (H, W), below ``count``."""
    paint = np.array([(*group_colour(index), _COVER) for index in range(count)], np.uint8)
    return np.asarray(paint[groups], np.uint8)


def selection_stencil(labels: LabelArray, superpixels: Sequence[int]) -> ByteArray:
    """Some superpixels. labels: int32 (H, W)."""
    return _stencil(np.isin(labels, np.array(superpixels, np.int64)), _SELECTED)


def _stencil(mask: BoolArray, colour: tuple[int, int, int, int]) -> ByteArray:
    out = np.zeros((*mask.shape, 4), np.uint8)
    out[mask] = colour
    return out
