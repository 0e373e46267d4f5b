"""Small states of the model for the tests: a frame in the middle of being segmented."""

import cv2
import numpy as np

from tsp.model import derive, gather, superpixels
from tsp.settings import Settings
from tsp.topology import UNASSIGNED, connected_pieces
from tsp.transport import hexagons

MEMORY = Settings().memory


def small_state(kind="mixed", *, height=30, width=42, requested=30, seed=0, settings=None):
    """labels (padded), colour, table, count, model of a frame whose left and right half differ in colour.

    kind: whether superpixels are "new", "old", or every second one is.
    """
    random = np.random.default_rng(seed)
    model = derive(settings or Settings(num_superpixels=requested), height, width)
    colour = random.normal(0, 1, (height, width, 3))
    colour[:, width * 2 // 5 :] += 4
    colour = colour.astype(np.float32)
    labels = np.full((height + 2 * model.pad, width + 2 * model.pad), UNASSIGNED, np.int32)
    labels[model.pad : -model.pad, model.pad : -model.pad] = hexagons(height, width, model.area)
    count = int(labels.max()) + 1
    table = superpixels(4 * count)
    gather(labels, colour, table, count, model)
    table.priors[:count] = table.scores[:count, :5] + random.normal(0, 0.3, (count, 5))
    table.old[:count] = {"new": False, "old": True, "mixed": np.arange(count) % 2 == 0}[kind]
    table.ids[:count] = np.arange(count)
    table.changed[:count] = True
    gather(labels, colour, table, count, model)
    return labels, colour, table, count, model


def spoil(labels, pad, seed=1, steps=400):
    """Move random simple pixels about, so that superpixels are ragged but whole; in place."""
    from tsp.topology import TOPOLOGICAL_NUMBER

    random = np.random.default_rng(seed)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    height, width = labels.shape
    for _ in range(steps):
        y, x = random.integers(pad + 1, height - pad - 1), random.integers(pad + 1, width - pad - 1)
        dy, dx = ((-1, 0), (1, 0), (0, -1), (0, 1))[random.integers(4)]
        here, there = labels[y, x], labels[y + dy, x + dx]
        numbers = [
            TOPOLOGICAL_NUMBER[sum(int(labels[y + oy, x + ox] == k) << i for i, (oy, ox) in enumerate(ring))]
            for k in (here, there)
        ]
        if here != there and numbers == [1, 1]:
            labels[y, x] = there


def one_pixel_superpixel():
    """The state of new superpixels with one more, of a single pixel, the only active one; and its label."""
    labels, colour, table, label, model = small_state("new")
    middle = labels.shape[0] // 2, labels.shape[1] // 2
    labels[middle] = label
    gather(labels, colour, table, label + 1, model)
    active = np.zeros(labels.shape, np.uint8)
    active[middle] = 1
    return labels, colour, table, active, model, label


def pocket(enclosed):
    """A pixel of superpixel 0 that would gain by going to 1 and may: and superpixel 2, which touches it.

    enclosed: whether 2 touches it from two sides, so that the move would close it in between them.
    Returns labels, colour, table, the active pixels and the model; the pixel's place is the only active one.
    """
    model = derive(Settings(num_superpixels=3), 12, 12)
    frame = np.full((12, 12), 2, np.int32)
    frame[:, 6:] = 1
    if not enclosed:
        frame[7:] = 1
    frame[6, 3:6] = 0
    colour = np.zeros((12, 12, 3), np.float32)
    colour[frame == 0] = 20
    colour[6, 5] = 0
    labels = np.full((12 + 2 * model.pad, 12 + 2 * model.pad), UNASSIGNED, np.int32)
    labels[model.pad : -model.pad, model.pad : -model.pad] = frame
    table = superpixels(3)
    gather(labels, colour, table, 3, model)
    active = np.zeros(labels.shape, np.uint8)
    active[model.pad + 6, model.pad + 5] = 1
    return labels, colour, table, active, model


def panning(frames, step=2, height=72, width=128, seed=0):
    """Frames of an exact pan over a soft texture, float32 (H, W, 3), 0..1, and the flow between them."""
    random = np.random.default_rng(seed)
    wide = random.random((height, width + step * frames, 3)).astype(np.float32)
    wide = cv2.GaussianBlur(wide, (0, 0), 6)
    wide = (wide - wide.min()) / (wide.max() - wide.min())
    flow = np.full((height, width, 2), (-float(step), 0.0), np.float32)
    return [wide[:, step * i : step * i + width] for i in range(frames)], [flow] * (frames - 1)


def check_rules(maps, memory=MEMORY):
    """The rules of the public interface: int32, no holes, one region a label and frame, no label reused."""
    last_seen = {}
    for index, labels in enumerate(maps):
        assert labels.dtype == np.int32
        assert labels.min() >= 0
        owners = connected_pieces(labels)[2]
        now = set(owners.tolist())
        assert len(owners) == len(now), "a label is in several pieces"
        for label in now:
            assert index - last_seen.get(label, index) <= memory + 1, "a label came back after it was forgotten"
            last_seen[label] = index
