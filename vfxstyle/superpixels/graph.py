"""Graph-based superpixels of stills (docs/method.md, section 2)."""

from __future__ import annotations

import cv2
import numpy as np

from vfxstyle.arrays import DoubleArray, FloatArray, IntArray, LabelArray
from vfxstyle.compiled import kernel

SMOOTHING = 0.5
"""Standard deviation, in px, of the blur before the graph is built."""
_BLURRED = (5, 5)  # px of the blur's window
_SMALLEST = 0.3  # share of the requested mean size below which a superpixel is merged into a neighbour
_CLOSE = 0.1  # relative difference from the requested number at which the search ends
_TRIES = 8  # scales tried at most
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # rows and columns from a pixel to those that it is joined to


def graph_superpixels(picture: FloatArray, requested: int) -> LabelArray:
    """Segment a picture into about ``requested`` superpixels.

    The number of superpixels follows from the scale of the method, which is bisected until the number is within a
    tenth of the requested one; after eight tries the nearest is taken.
    Source: P. Felzenszwalb, D. Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 59(2), 2004; its edges
    are the distances in RGB, 0..1, to the eight neighbours, and its scale is counted in 255ths.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1. requested: superpixels, 1 or more.
    Returns int32 (H, W), labels 0 to N - 1.
    """
    pixels = picture.shape[0] * picture.shape[1]
    edges, costs = _edges(picture)
    smallest = max(1, int(_SMALLEST * pixels / requested))
    low, high = 1e-2, 1e4  # a larger scale gives fewer superpixels
    best: LabelArray | None = None
    for _ in range(_TRIES):
        scale = float(np.sqrt(low * high))
        labels = _merged(edges, costs, pixels, scale / 255, smallest).reshape(picture.shape[:2])
        count = int(labels.max()) + 1
        if best is None or abs(count - requested) < abs(int(best.max()) + 1 - requested):
            best = labels
        if abs(count - requested) <= _CLOSE * requested:
            break
        low, high = (scale, high) if count > requested else (low, scale)
    assert best is not None
    return best


def _edges(picture: FloatArray) -> tuple[IntArray, DoubleArray]:
    """Pairs of neighbours, int64 (E, 2), and their distances in colour, float64 (E,), the smallest first."""
    smooth = cv2.GaussianBlur(picture.astype(np.float64), _BLURRED, SMOOTHING, borderType=cv2.BORDER_REFLECT)
    height, width = picture.shape[:2]
    places = np.arange(height * width).reshape(height, width)
    pairs, costs = [], []
    for down, right in _NEIGHBOURS:
        here = slice(max(-down, 0), height - max(down, 0)), slice(0, width - right)
        there = slice(max(down, 0), height - max(-down, 0)), slice(right, width)
        pairs.append(np.stack([places[here].reshape(-1), places[there].reshape(-1)], axis=1))
        costs.append(np.linalg.norm(smooth[here] - smooth[there], axis=-1).reshape(-1))
    order = np.argsort(np.concatenate(costs), kind="stable")
    return np.concatenate(pairs)[order], np.concatenate(costs)[order]


@kernel()
def _root(parents: IntArray, pixel: int) -> int:
    """The pixel that stands for the part which a pixel belongs to; the way there is shortened."""
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel


@kernel()
def _merged(edges: IntArray, costs: DoubleArray, pixels: int, scale: float, smallest: int) -> LabelArray:
    """Merge pixels over edges in ascending order of their costs; int32 (pixels,), labels from 0 in order of place.

    Two parts are merged where the edge between them costs less than the costliest edge inside either, plus ``scale``
    over its size; then those that are smaller than ``smallest`` px go to their nearest neighbour.
    """
    parents, sizes, inner = np.arange(pixels), np.ones(pixels, np.int64), np.zeros(pixels)
    for small_ones in (False, True):
        for edge in range(len(costs)):
            one, other = _root(parents, edges[edge, 0]), _root(parents, edges[edge, 1])
            if one == other:
                continue
            if small_ones:
                joins = sizes[one] < smallest or sizes[other] < smallest
            else:
                joins = costs[edge] < min(inner[one] + scale / sizes[one], inner[other] + scale / sizes[other])
            if joins:
                kept, gone = min(one, other), max(one, other)
                parents[gone] = kept
                sizes[kept] += sizes[gone]
                inner[kept] = costs[edge]
    labels, numbers, count = np.empty(pixels, np.int32), np.empty(pixels, np.int32), 0
    for pixel in range(pixels):
        root = _root(parents, pixel)
        if root == pixel:
            numbers[root] = count
            count += 1
        labels[pixel] = numbers[root]
    return labels
