"""The first label map of a frame: a hexagonal grid, or the map of the last frame shifted by the flow and repaired."""

from __future__ import annotations

import numpy as np

from tsp.arrays import DoubleArray, FloatArray, LabelArray
from tsp.compiled import kernel
from tsp.model import MEAN_L, MEAN_X, MEAN_Y, Model, Superpixels, count_in, refresh
from tsp.topology import AROUND, UNASSIGNED, connected_pieces


@kernel(nogil=True)
def mean_flow(labels: LabelArray, flow: FloatArray, pad: int, count: int) -> DoubleArray:
    """Mean forward flow of each superpixel, float64 (K, 2) as (dy, dx) in px; the margin repeats the edge's.

    labels: padded int32. flow: float32 (H, W, 2), (dx, dy) in px.
    """
    total = np.zeros((count, 3))
    height, width = flow.shape[:2]
    for y in range(1, labels.shape[0] - 1):
        fy = min(max(y - pad, 0), height - 1)
        for x in range(1, labels.shape[1] - 1):
            k = labels[y, x]
            if k >= 0:
                fx = min(max(x - pad, 0), width - 1)
                total[k, 0] += flow[fy, fx, 1]
                total[k, 1] += flow[fy, fx, 0]
                total[k, 2] += 1.0
    for k in range(count):
        if total[k, 2] > 0:
            total[k, :2] /= total[k, 2]
    return total[:, :2].copy()


@kernel(nogil=True)
def shift_labels(
    labels: LabelArray, flows: DoubleArray, expected: DoubleArray, colour: FloatArray, model: Model
) -> LabelArray:
    """Shift every superpixel rigidly by its mean flow, on padded maps.

    Where several land on one pixel, the likeliest keeps it: the one whose expected place and, inside the frame,
    expected colour are nearest, so that what is now occluded gives way. A pixel on which none lands is UNASSIGNED.
    expected: float64 (K, 5), whitened y, x, L, a, b in the new frame. colour: whitened, of the new frame.
    """
    height, width = labels.shape
    pad = model.pad
    out = np.full((height, width), np.int32(UNASSIGNED))
    claim = np.full((height, width), np.float32(np.inf))
    steps = np.empty(flows.shape, np.int32)
    for k in range(flows.shape[0]):
        for d in range(2):  # clamped: a step of more than the map leaves it either way
            steps[k, d] = np.int32(np.floor(min(max(flows[k, d], -height - width), height + width) + 0.5))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            k = labels[y, x]
            if k < 0:
                continue
            ty, tx = y + steps[k, 0], x + steps[k, 1]
            if not (1 <= ty < height - 1 and 1 <= tx < width - 1):
                continue
            iy, ix = ty - pad, tx - pad
            dy, dx = iy * model.place_scale - expected[k, 0], ix * model.place_scale - expected[k, 1]
            distance = dy * dy + dx * dx
            if 0 <= iy < colour.shape[0] and 0 <= ix < colour.shape[1]:
                for d in range(3):
                    off = colour[iy, ix, d] - expected[k, 2 + d]
                    distance += off * off
            if distance < claim[ty, tx]:
                claim[ty, tx] = distance
                out[ty, tx] = k
    return out


@kernel(nogil=True)
def keep_largest_pieces(labels: LabelArray, count: int, smallest_birth: float, pad: int) -> int:
    """Make every label one piece inside the frame, on a padded map, in place.

    The largest piece of a label inside the frame keeps it. Any other piece there, and any piece of UNASSIGNED pixels,
    gets a new label if it has at least ``smallest_birth`` px, and becomes UNASSIGNED if not. In the margin a label
    keeps what is connected with its piece in the frame. Returns the next unused label.
    """
    frame = labels[pad:-pad, pad:-pad]
    pieces, sizes, owners = connected_pieces(frame)
    largest = np.full(count, np.int32(-1))
    for piece in range(len(sizes)):
        label = owners[piece]
        if label >= 0 and (largest[label] < 0 or sizes[piece] > sizes[largest[label]]):
            largest[label] = piece
    target = np.empty(len(sizes), np.int32)
    biggest = 0
    for piece in range(len(sizes)):
        label = owners[piece]
        target[piece] = UNASSIGNED
        if label >= 0 and largest[label] == piece:
            target[piece] = label
        elif sizes[piece] >= smallest_birth:
            target[piece] = count
            count += 1
        if sizes[piece] > sizes[biggest]:
            biggest = piece
    if target.max() < 0:  # all pieces are too small: the biggest is kept, because every pixel needs a label
        target[biggest] = count
        count += 1
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            frame[y, x] = target[pieces[y, x]]
    _trim_margin(labels, pad)
    return count


@kernel(nogil=True)
def _trim_margin(labels: LabelArray, pad: int) -> None:
    """Make UNASSIGNED whatever in the margin is not connected with its label inside the frame, in place."""
    height, width = labels.shape
    top, left, bottom, right = pad - 1, pad - 1, height - pad, width - pad
    before = labels.copy()
    for y in range(height):
        for x in range(width):
            if not (top < y < bottom and left < x < right):
                labels[y, x] = UNASSIGNED
    stack = np.empty((height * width, 2), np.int32)
    depth = 0
    for y in range(pad, bottom):
        for x in range(pad, right):
            if y == pad or y == bottom - 1 or x == pad or x == right - 1:
                stack[depth, 0], stack[depth, 1] = y, x
                depth += 1
    while depth:
        depth -= 1
        y, x = stack[depth, 0], stack[depth, 1]
        label = labels[y, x]
        if label < 0:
            continue
        for dy, dx in AROUND:
            ny, nx = y + dy, x + dx
            if 0 < ny < height - 1 and 0 < nx < width - 1 and labels[ny, nx] < 0 and before[ny, nx] == label:
                if top < ny < bottom and left < nx < right:
                    continue
                labels[ny, nx] = label
                stack[depth, 0], stack[depth, 1] = ny, nx
                depth += 1


@kernel(nogil=True)
def fill_uncovered(labels: LabelArray, colour: FloatArray, table: Superpixels, model: Model) -> None:
    """Give every UNASSIGNED pixel in the frame to the likeliest neighbour that reaches it first, in place.

    Each label stays one piece, because a filled pixel touches the label that it takes inside the frame.
    The statistics and scores of the table are kept up to date.
    """
    pad = model.pad
    height, width = colour.shape[:2]
    queue = np.empty((height * width, 2), np.int32)
    queued = np.zeros((height, width), np.bool_)
    tail = 0
    for y in range(height):
        for x in range(width):
            if labels[y + pad, x + pad] < 0 and _touches(labels, y, x, height, width, pad):
                queued[y, x] = True
                queue[tail, 0], queue[tail, 1] = y, x
                tail += 1
    head = 0
    while head < tail:
        y, x = queue[head, 0], queue[head, 1]
        head += 1
        best, nearest = np.int32(UNASSIGNED), np.inf
        for dy, dx in AROUND:
            ny, nx = y + dy, x + dx
            if not (0 <= ny < height and 0 <= nx < width):
                continue
            k = labels[ny + pad, nx + pad]
            if k < 0:
                if not queued[ny, nx]:
                    queued[ny, nx] = True
                    queue[tail, 0], queue[tail, 1] = ny, nx
                    tail += 1
                continue
            oy, ox = y * model.place_scale - table.scores[k, MEAN_Y], x * model.place_scale - table.scores[k, MEAN_X]
            distance = oy * oy + ox * ox
            for d in range(3):
                off = colour[y, x, d] - table.scores[k, MEAN_L + d]
                distance += off * off
            if distance < nearest:
                best, nearest = k, distance
        labels[y + pad, x + pad] = best
        count_in(labels, colour, table.stats, model, y + pad, x + pad)
        refresh(model, int(best), table)


@kernel(nogil=True)
def _touches(labels: LabelArray, y: int, x: int, height: int, width: int, pad: int) -> bool:
    for dy, dx in AROUND:
        ny, nx = y + dy, x + dx
        if 0 <= ny < height and 0 <= nx < width and labels[ny + pad, nx + pad] >= 0:
            return True
    return False


@kernel(nogil=True)
def count_kept(labels: LabelArray, carried: LabelArray, origin: LabelArray, pad: int) -> tuple[LabelArray, LabelArray]:
    """Count the pixels inside the frame that the flow carried for each superpixel.

    Returns how many of them it has kept, and how many were carried for it, int32 (K,) each.

    labels, carried: padded; the latter in the last frame's rows. origin: int32 (K,), each superpixel's row in the
    last frame or UNASSIGNED.
    """
    count = len(origin)
    kept = np.zeros(count, np.int32)
    brought = np.zeros(max(count, carried.max() + 1), np.int32)
    for y in range(pad, labels.shape[0] - pad):
        for x in range(pad, labels.shape[1] - pad):
            from_row = carried[y, x]
            if from_row >= 0:
                brought[from_row] += 1
                if origin[labels[y, x]] == from_row:
                    kept[labels[y, x]] += 1
    were = np.zeros(count, np.int32)
    for k in range(count):
        if origin[k] >= 0:
            were[k] = brought[origin[k]]
    return kept, were


def hexagons(height: int, width: int, area: float) -> LabelArray:
    """Label map of hexagonal cells of about ``area`` px: every pixel goes to the nearest cell centre."""
    across = float(np.sqrt(area * 2 / np.sqrt(3)))
    rows = max(1, min(height, round(height / (across * np.sqrt(3) / 2))))
    columns = max(1, min(width, round(width / across)))
    step_y, step_x = height / rows, width / columns
    y, x = np.mgrid[0:height, 0:width] + 0.5
    best = np.full((height, width), np.inf)
    labels = np.zeros((height, width), np.int32)
    for offset in (-1, 0, 1):
        row = np.clip(np.floor(y / step_y).astype(int) + offset, 0, rows - 1)
        shift = np.where(row % 2 == 1, 0.5, 0.0)
        column = np.clip(np.floor(x / step_x - shift), 0, columns - 1)
        distance = (y - (row + 0.5) * step_y) ** 2 + (x - (column + 0.5 + shift) * step_x) ** 2
        nearer = distance < best
        best[nearer] = distance[nearer]
        labels[nearer] = (row * columns + column)[nearer]
    return labels
