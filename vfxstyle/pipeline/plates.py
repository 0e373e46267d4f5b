"""A plate as the analysis sees it: display range, sRGB-encoded, at analysis resolution."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from vfxstyle.color import Encoding, decode, encode, linear_to_lab, to_grading
from vfxstyle.shots import Frame

FloatArray = npt.NDArray[np.float32]


def analysis_size(width: int, height: int, analysis_width: int) -> tuple[int, int]:
    """Columns and rows of the analysis picture; a plate narrower than asked for is not enlarged."""
    columns = min(width, analysis_width)
    return columns, max(1, round(height * columns / width))


def straight_light(frame: Frame, encoding: Encoding) -> FloatArray:
    """Linear light of a frame, alpha not multiplied in. Returns float32 (H, W, 3); NaN and infinity stay."""
    light = decode(frame.rgb, encoding)
    if frame.alpha is None or not frame.premultiplied:
        return light
    partly = (frame.alpha > 0) & (frame.alpha < 1)
    return np.asarray(light / np.where(partly, frame.alpha, 1)[..., None], np.float32)


def analysis_picture(frame: Frame, encoding: Encoding, analysis_width: int) -> FloatArray:
    """The frame's display window for flow, superpixels and features.

    Highlights are brought to the display's white with their hue kept (the grading encoding, then a clip);
    pixels that are not finite count as black. Returns float32 (h, w, 3), sRGB, 0..1.
    """
    shown = frame.on_display()
    light = straight_light(shown, encoding)
    light = np.where(np.isfinite(light).all(axis=-1, keepdims=True), light, np.float32(0))
    display, _, _ = to_grading(light)
    columns, rows = analysis_size(shown.rgb.shape[1], shown.rgb.shape[0], analysis_width)
    small = cv2.resize(np.clip(display, 0, 1), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.clip(encode(np.asarray(small, np.float32), Encoding.SRGB), 0, 1)


def lab_of_picture(picture: FloatArray) -> FloatArray:
    """CIELab of an analysis picture. Returns float32 (h, w, 3)."""
    return linear_to_lab(decode(picture, Encoding.SRGB))
