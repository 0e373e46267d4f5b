"""Temporal superpixels of a stream of frames: frames in, label maps out, a few frames later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from tsp.arrays import ByteArray, DoubleArray, FloatArray, LabelArray
from tsp.cuts import explained_by_motion
from tsp.devices import pixels_for
from tsp.flow import DISFlow, OpticalFlow
from tsp.lookahead import Lookahead
from tsp.model import colour_scale, derive
from tsp.pixels import MakePixels
from tsp.settings import Settings
from tsp.tracker import Tracker

if TYPE_CHECKING:
    import torch

FrameArray = ByteArray | FloatArray | DoubleArray
"""Frames that are taken: uint8 0..255, or float 0..1."""

_LONGEST = 32766  # px; what the optical flow library can address


def segment(
    frames: Iterable[FrameArray],
    num_superpixels: int = 1000,
    flow: Iterable[FloatArray] | None = None,
    seed: int = 0,
    *,
    device: str | torch.device = "cpu",
    settings: Settings | None = None,
) -> Iterator[LabelArray]:
    """Temporal superpixels of a clip, streamed.

    frames: uint8 or float (H, W, 3), sRGB-encoded RGB, float is 0..1, all of one size.
    num_superpixels: requested superpixels in a frame, at least 1.
    flow: float32 (H, W, 2), (dx, dy) in px from frame t to t + 1; None estimates it (DIS).
    seed: of everything random; the result is the same for the same seed.
    device: "cpu", "cuda" or "cuda:N", or the ``torch.device`` of one of these names. A GPU moves many pixels at
    once, so its label maps differ from those of the CPU; on one device they are the same on every run.
    settings: all numbers of the model, instead of ``num_superpixels`` and ``seed``.
    Yields one int32 (H, W) label map a frame: labels >= 0, one 4-connected region a label and frame; the
    same label in two frames is the same superpixel, and no label is ever used for another. A map comes out
    ``settings.min_life`` frames after its frame went in; memory does not grow with the length of the clip.
    A scene cut starts new labels.
    Raises at once: ValueError for settings or a device name that make no sense, RuntimeError for a GPU that this
    machine does not have. Raises when the frame is reached: ValueError naming the frame for a wrong shape or type,
    a changed size, NaN or infinity, or flow that ends early; RuntimeError if the GPU runs out of memory.
    """
    if settings is None:
        settings = Settings(num_superpixels=num_superpixels, seed=seed)
    elif not isinstance(settings, Settings):
        raise ValueError(f"settings is {settings!r}; it must be a tsp.Settings.")
    elif (num_superpixels, seed) != (1000, 0):
        raise ValueError("num_superpixels and seed belong in settings where settings are given.")
    return Stream(settings, pixels_for(device)).run(frames, flow)


class _Prepared(NamedTuple):
    """A frame in Lab, and whitened, with its flow, ready before it is segmented."""

    lab: FloatArray
    colour: FloatArray
    """Lab, whitened."""
    flow: FloatArray | None
    """The flow from the frame before; None where a scene begins."""


class Stream:
    """Segments one clip after another with the same settings; :func:`segment` is the way in.

    make_pixels: where pixels are worked on, as :func:`tsp.devices.pixels_for` gives it.
    """

    def __init__(self, settings: Settings, make_pixels: MakePixels) -> None:
        self._settings = settings
        self._make_pixels = make_pixels
        self._estimate: OpticalFlow = DISFlow()

    def run(self, frames: Iterable[FrameArray], flow: Iterable[FloatArray] | None) -> Iterator[LabelArray]:
        """Label maps in the order of the frames; arguments as for :func:`segment`."""
        tracker: Tracker | None = None
        held: Lookahead | None = None
        for frame in self._prepared(frames, None if flow is None else iter(flow)):
            if frame.flow is None or tracker is None or held is None:
                if held is not None:
                    yield from _rest(held)
                next_label = 0 if tracker is None else tracker.next_label
                height, width = frame.lab.shape[:2]
                tracker = Tracker(height, width, self._settings, next_label=next_label, make_pixels=self._make_pixels)
                held = Lookahead(self._settings, tracker.model)
                tracked = tracker.first(frame.colour)
            else:
                tracked = tracker.advance(frame.colour, frame.flow)
            ready, taken_back = held.push(tracked)
            tracker.forget(taken_back)
            if ready is not None:
                yield ready.label_map()
        if held is not None:
            yield from _rest(held)

    def _prepared(self, frames: Iterable[FrameArray], flow: Iterator[FloatArray] | None) -> Iterator[_Prepared]:
        """Frames in Lab with their flow, made on a second thread while the frame before is being refined.

        The caller's iterables are read on the caller's own thread.
        """
        with ThreadPoolExecutor(1, "tsp") as pool:
            waiting: Future[_Prepared] | None = None
            before: FloatArray | None = None
            for index, frame in enumerate(frames):
                rgb = checked_frame(frame, index, before)
                given = None if flow is None or before is None else checked_flow(flow, rgb, index)
                after = pool.submit(self._prepare, before, rgb, given, waiting)
                if waiting is not None:
                    yield waiting.result()
                waiting, before = after, rgb
            if waiting is not None:
                yield waiting.result()

    def _prepare(
        self, before: FloatArray | None, rgb: FloatArray, given: FloatArray | None, last: Future[_Prepared] | None
    ) -> _Prepared:
        lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab), np.float32)
        colour = lab * colour_scale(derive(self._settings, *lab.shape[:2]))
        if before is None or last is None:
            return _Prepared(lab, colour, None)
        flow = self._estimate(before, rgb) if given is None else given
        threshold = self._settings.cut_below
        cut = threshold > 0 and explained_by_motion(last.result().lab, lab, flow) < threshold
        return _Prepared(lab, colour, None if cut else flow)


def _rest(held: Lookahead) -> Iterator[LabelArray]:
    """Label maps of the frames that are held back when a scene ends."""
    for frame in held.flush():
        yield frame.label_map()


def checked_frame(frame: FrameArray, index: int, before: FloatArray | None) -> FloatArray:
    """A frame as contiguous float32 (H, W, 3), 0..1. Raises ValueError naming the frame if it is not one."""
    array = np.asarray(frame)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"frame {index} has shape {array.shape}; it must be (H, W, 3), and not empty.")
    if max(array.shape[:2]) > _LONGEST:
        raise ValueError(
            f"frame {index} has {array.shape[0]} x {array.shape[1]} px; {_LONGEST} px a side are the most."
        )
    if before is not None and array.shape != before.shape:
        raise ValueError(f"frame {index} has shape {array.shape}, the frames before it {before.shape}.")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"frame {index} is {array.dtype}; it must be uint8 or float.")
    if not np.isfinite(array).all():
        raise ValueError(f"frame {index} has NaN or infinite values; replace them first.")
    return np.ascontiguousarray(np.clip(array, 0, 1), np.float32)


def checked_flow(flow: Iterator[FloatArray], rgb: FloatArray, index: int) -> FloatArray:
    """The flow to a frame as float32 (H, W, 2). Raises ValueError naming the frame if it is missing or unusable."""
    step = next(flow, None)
    if step is None:
        raise ValueError(f"flow ends before frame {index}; one field is needed for each pair of frames.")
    array = np.array(step, np.float32, order="C")  # a copy: the caller may reuse the buffer before it is read
    if array.shape != (*rgb.shape[:2], 2):
        raise ValueError(f"flow to frame {index} has shape {array.shape}; it must be {(*rgb.shape[:2], 2)}.")
    if not np.isfinite(array).all():
        raise ValueError(f"flow to frame {index} has NaN or infinite values; replace them first.")
    return array
