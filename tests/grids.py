"""Label maps made on the spot for tests of superpixels."""

import numpy as np

from vfxstyle.superpixels.tables import table_of


def grid(side=8, cells=4):
    """A label map of square cells with random colours, its table, and the picture's Lab."""
    random = np.random.default_rng(0)
    labels = (np.arange(side * cells) // side)[:, None] * cells + (np.arange(side * cells) // side)[None]
    labels = labels.astype(np.int32) * 3 + 5
    colours = (random.random((labels.max() + 1, 3)) * 60 + 20).astype(np.float32)
    lab = colours[labels]
    table, rows = table_of(labels, lab)
    return labels, lab, table, rows
