"""Graph-based superpixels, the paper's for stills (METHOD, section 2)."""

from __future__ import annotations

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray

SMOOTHING = 0.5
"""Standard deviation, in px, of the blur before the graph is built."""
_SMALLEST = 0.3  # of the mean size requested: smaller ones join a neighbour
_CLOSE = 0.1  # relative miss of the requested number that will do
_TRIES = 8


def graph_superpixels(picture: FloatArray, requested: int) -> LabelArray:
    """About ``requested`` superpixels of a picture, by the method of Felzenszwalb and Huttenlocher (2004).

    The method's scale decides how many there are; it is searched by halving until the number is within a tenth.
    picture: float32 (H, W, 3), sRGB, 0..1. Returns int32 (H, W), 0 to N - 1.
    """
    from skimage.segmentation import felzenszwalb  # a second to import, needed for stills and training only

    smallest = max(1, int(_SMALLEST * picture.shape[0] * picture.shape[1] / requested))
    low, high = 1e-2, 1e4  # few superpixels come of a large scale
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
