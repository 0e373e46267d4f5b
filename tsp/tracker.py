"""Temporal superpixels of a stream of frames: one frame in, one label map out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from tsp import moves
from tsp.flow import DISFlow
from tsp.settings import Settings
from tsp.topology import LabelArray, keep_largest_pieces
from tsp.transport import mean_flow, shift_labels

FloatArray = npt.NDArray[np.float32]
StatArray = npt.NDArray[np.float64]
FrameArray = npt.NDArray[np.uint8] | npt.NDArray[np.float32] | npt.NDArray[np.float64]

# Spatial cost of a compact superpixel of area A is A^2 / (c S); c lies between a square's 12 and a disc's 12.57.
_COMPACT = 12.5123
_LOG_WEIGHT = 15.0
_L_CODES = 2.55  # code values per unit of L; a and b have one
_SETTLED = 0.001  # share of border pixels that still move when a frame counts as settled


def segment(
    frames: Iterable[FrameArray],
    num_superpixels: int = 1000,
    flow: Iterable[FloatArray] | None = None,
    seed: int = 0,
) -> Iterator[LabelArray]:
    """Temporal superpixels of a clip, streamed.

    frames: uint8 or float (H, W, 3), sRGB-encoded RGB, float is 0..1, all of one size.
    num_superpixels: wished superpixels in a frame, at least 1.
    flow: float32 (H, W, 2), (dx, dy) in px from frame t to t + 1; None estimates it (DIS).
    seed: of everything random; the result is the same for the same seed.
    Yields one int32 (H, W) label map a frame: labels >= 0, one 4-connected region a label and frame; the
    same label in two frames is the same superpixel, and no label is ever used for another.
    Raises ValueError naming the frame for a wrong shape or type, a changed size, NaN or infinity, or flow
    that ends early. Memory does not grow with the length of the clip.
    """
    settings = Settings(num_superpixels=num_superpixels, seed=seed)
    return _segment(frames, None if flow is None else iter(flow), settings)


def _segment(
    frames: Iterable[FrameArray], flow: Iterator[FloatArray] | None, settings: Settings
) -> Iterator[LabelArray]:
    tracker: Tracker | None = None
    estimate = DISFlow()
    before: FloatArray | None = None
    for index, frame in enumerate(frames):
        rgb = _checked(frame, index, before)
        if tracker is None or before is None:
            tracker = Tracker(rgb.shape[0], rgb.shape[1], settings)
            yield tracker.first(rgb)
        else:
            step = estimate(before, rgb) if flow is None else _checked_flow(flow, rgb, index)
            yield tracker.advance(rgb, step)
        before = rgb


def _checked(frame: FrameArray, index: int, before: FloatArray | None) -> FloatArray:
    array = np.asarray(frame)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"frame {index} has shape {array.shape}; it must be (H, W, 3).")
    if before is not None and array.shape != before.shape:
        raise ValueError(f"frame {index} has shape {array.shape}, the frames before it {before.shape}.")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"frame {index} is {array.dtype}; it must be uint8 or float.")
    if not np.isfinite(array).all():
        raise ValueError(f"frame {index} has NaN or infinite values; replace them first.")
    return np.ascontiguousarray(np.clip(array, 0, 1), np.float32)


def _checked_flow(flow: Iterator[FloatArray], rgb: FloatArray, index: int) -> FloatArray:
    step = next(flow, None)
    if step is None:
        raise ValueError(f"flow ends before frame {index}; one field is needed for each pair of frames.")
    array = np.asarray(step, np.float32)
    if array.shape != (*rgb.shape[:2], 2):
        raise ValueError(f"flow to frame {index} has shape {array.shape}; it must be {(*rgb.shape[:2], 2)}.")
    if not np.isfinite(array).all():
        raise ValueError(f"flow to frame {index} has NaN or infinite values; replace them first.")
    return array


class Tracker:
    """State between two frames: the last label map and the means that the next frame is expected to have.

    Inside, superpixels are numbered 0..n-1 anew for each frame; ``_ids`` holds their lasting labels.
    """

    def __init__(self, height: int, width: int, settings: Settings) -> None:
        self._settings = settings
        self._area = height * width / settings.num_superpixels
        place_var = self._area / (_COMPACT * _LOG_WEIGHT)
        colour_var = height * width / (_COMPACT * _LOG_WEIGHT * 100)
        self._scale = np.array([1.0, 1.0, _L_CODES, 1.0, 1.0])  # px, px, and Lab in code values
        self._scale /= np.sqrt([place_var, place_var, 2 * colour_var, colour_var, colour_var])
        self._variance = np.array(
            [2 * settings.deltap_scale] * 2 + [1000 / (settings.deltaa_scale * settings.num_superpixels)] * 3
        )
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        self._places = np.stack([columns, rows], axis=-1)
        self._labels: LabelArray = np.zeros((height, width), np.int32)
        self._ids: LabelArray = np.zeros(0, np.int32)
        self._means: StatArray = np.zeros((0, 5))
        self._next_id = 0

    def first(self, rgb: FloatArray) -> LabelArray:
        """Label map of the first frame, grown from a hexagonal grid."""
        labels = _hexagons(rgb.shape[0], rgb.shape[1], self._area)
        count = keep_largest_pieces(labels, int(labels.max()) + 1, 1)
        tracked = np.zeros(count, np.bool_)
        return self._refine(labels, self._features(rgb), np.zeros((count, 5)), tracked, np.full(count, -1, np.int32))

    def advance(self, rgb: FloatArray, flow: FloatArray) -> LabelArray:
        """Label map of the next frame. flow: float32 (H, W, 2), px, from the last frame to this one."""
        alive = len(self._ids)
        flows, centres = mean_flow(self._labels, flow, alive)
        labels = shift_labels(self._labels, flows, centres)
        count = keep_largest_pieces(labels, alive, self._settings.birth_share * self._area)
        prior = np.zeros((count, 5))
        prior[:alive] = self._means
        prior[:alive, :2] += flows * self._scale[:2]
        tracked = np.arange(count) < alive
        ids = np.full(count, -1, np.int32)
        ids[:alive] = self._ids
        return self._refine(labels, self._features(rgb), prior, tracked, ids)

    def _features(self, rgb: FloatArray) -> FloatArray:
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
        return np.asarray(np.concatenate([self._places, lab], axis=-1) * self._scale, np.float32)

    def _refine(
        self,
        labels: LabelArray,
        features: FloatArray,
        prior: StatArray,
        tracked: moves.BoolArray,
        ids: LabelArray,
    ) -> LabelArray:
        settings = self._settings
        stats = moves.gather_statistics(labels, features, len(ids))
        self._settle(labels, features, stats, prior, tracked)
        moves.merge_crumbs(labels, stats, settings.death_share * self._area)
        total = moves.cut_giants(labels, stats, settings.split_share * self._area, len(ids))
        total = keep_largest_pieces(labels, total, settings.birth_share * self._area)
        if total > len(ids):  # births: give them statistics and let the borders settle once more
            born = total - len(ids)
            prior = np.vstack([prior, np.zeros((born, 5))])
            tracked = np.concatenate([tracked, np.zeros(born, np.bool_)])
            ids = np.concatenate([ids, np.full(born, -1, np.int32)])
            stats = moves.gather_statistics(labels, features, total)
            self._settle(labels, features, stats, prior, tracked)
        return self._remember(labels, features, ids)

    def _settle(
        self,
        labels: LabelArray,
        features: FloatArray,
        stats: StatArray,
        prior: StatArray,
        tracked: moves.BoolArray,
    ) -> None:
        for number in range(self._settings.max_sweeps):
            moved, border = moves.sweep(
                labels,
                features,
                stats,
                prior,
                tracked,
                self._variance,
                self._area,
                self._settings.area_var,
                number % 2 == 1,
            )
            if moved <= _SETTLED * border:
                break

    def _remember(self, labels: LabelArray, features: FloatArray, ids: LabelArray) -> LabelArray:
        """Renumber the living, name the newborn, and keep what the next frame needs."""
        living, compact = np.unique(labels, return_inverse=True)
        ids = ids[living]
        nameless = ids < 0
        ids[nameless] = np.arange(self._next_id, self._next_id + int(nameless.sum()), dtype=np.int32)
        self._next_id += int(nameless.sum())
        self._labels = compact.reshape(labels.shape).astype(np.int32)
        self._ids = ids
        stats = moves.gather_statistics(self._labels, features, len(ids))
        self._means = stats[:, 1:] / stats[:, :1]
        return ids[self._labels]


def _hexagons(height: int, width: int, area: float) -> LabelArray:
    """Label map of hexagonal cells of about ``area`` px: every pixel goes to the nearest cell centre."""
    across = float(np.sqrt(area * 2 / np.sqrt(3)))
    rows = max(1, round(height / (across * np.sqrt(3) / 2)))
    columns = max(1, round(width / across))
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
