"""Graph-based superpixels of stills (docs/method.md, section 2)."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray

SMOOTHING = 0.5
"""Standard deviation, in px, of the blur before the graph is built."""
_SMALLEST = 0.3  # share of the requested mean size below which a superpixel is merged into a neighbour
_CLOSE = 0.1  # relative difference from the requested number at which the search ends
_TRIES = 8  # scales tried at most


def graph_superpixels(picture: FloatArray, requested: int) -> LabelArray:
    """Segment a picture into about ``requested`` superpixels.

    The number of superpixels follows from the scale of the method, which is bisected until the number is within a
    tenth of the requested one; after eight tries the nearest is taken.
    Source: P. Felzenszwalb, D. Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 59(2), 2004.

    picture: float32 (H, W, 3), sRGB-encoded, 0..1. requested: superpixels, 1 or more.
    Returns int32 (H, W), labels 0 to N - 1.
    """
    from skimage.segmentation import felzenszwalb  # a second to import, needed for stills and training only

    smallest = max(1, int(_SMALLEST * picture.shape[0] * picture.shape[1] / requested))
    low, high = 1e-2, 1e4  # a larger scale gives fewer superpixels
    best: LabelArray | None = None
    for _ in range(_TRIES):
        scale = float(np.sqrt(low * high))
        labels = felzenszwalb(picture, scale=scale, sigma=SMOOTHING, min_size=smallest).astype(np.int32)
        count = int(labels.max()) + 1
        if best is None or abs(count - requested) < abs(int(best.max()) + 1 - requested):
            best = labels
        if abs(count - requested) <= _CLOSE * requested:
            break
        low, high = (scale, high) if count > requested else (low, scale)
    assert best is not None
    return best
