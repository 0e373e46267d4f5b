"""Edits as an artist makes them on a shot, each with a truth for every frame: what ``benchmarks/look.py`` measures.

Every edit takes a frame and the mask of its subject, so it follows the subject through the shot as a rotoscope would.
Pictures are float32 (H, W, 3), sRGB-encoded, 0..1; masks float32 (H, W), 0..1.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.styles import channel_curves, local_laplacian, luma, saturation
from vfxstyle.arrays import FloatArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear

FEATHER = 4.0
"""Standard deviation of a matte's feather, in px."""

Edit = Callable[[FloatArray, FloatArray], FloatArray]
"""A frame and the mask of its subject; returns the graded frame."""


def film(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """A film print for the whole frame: a curve for each channel, toe and shoulder, and less saturation."""
    del mask
    print_ = channel_curves(
        picture,
        [[0.02, 0.20, 0.53, 0.83, 0.97], [0.03, 0.22, 0.51, 0.79, 0.95], [0.07, 0.26, 0.48, 0.71, 0.88]],
    )
    return saturation(print_, 0.85)


def subject(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """The subject warm and lifted, the background a stop darker, cool and pale, through a feathered matte."""
    matte = _feathered(mask)
    light = srgb_to_linear(picture)
    near = saturation(linear_to_srgb(light * np.array([1.75, 1.35, 0.9], np.float32)), 1.1)
    far = saturation(linear_to_srgb(light * np.array([0.36, 0.47, 0.66], np.float32)), 0.7)
    return far + matte * (near - far)


def vignette(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """A third of a stop more exposure, and corners two stops darker, round, in light."""
    del mask
    x, y = _place(picture)
    gain = 1.26 * np.exp(-1.4 * (x * x + y * y) / 2)
    return np.asarray(linear_to_srgb(srgb_to_linear(picture) * gain[..., None].astype(np.float32)))


def gradient(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """Warm on the left, cool and darker on the right, in light."""
    del mask
    x, _ = _place(picture)
    gain = np.exp(x[..., None] * np.array([-0.45, -0.12, 0.30], np.float32))
    return np.asarray(linear_to_srgb(srgb_to_linear(picture) * gain.astype(np.float32)))


def hue(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """The hue of the subject alone turned by 70 degrees, whatever shares its colours."""
    turn = np.radians(70.0)
    grey = luma(picture)[..., None]
    chroma = picture - grey
    # a rotation about the grey axis of RGB (Rodrigues)
    axis = np.full(3, 1 / np.sqrt(3), np.float32)
    across = np.cross(np.broadcast_to(axis, chroma.shape), chroma)
    along = axis * (chroma @ axis)[..., None]
    turned = chroma * np.cos(turn) + across * np.sin(turn) + along * (1 - np.cos(turn))
    return np.asarray(picture + _feathered(mask, 1.5) * (turned - chroma), np.float32)


def window(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """A soft oval of light that follows the subject, four fifths of a stop, a little warm."""
    rows, columns = np.nonzero(mask > 0.5)
    if len(rows) == 0:
        return picture
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    tall, wide = 1.6 * rows.std() + 20, 1.6 * columns.std() + 20
    oval = np.exp(-(((x - columns.mean()) / wide) ** 2 + ((y - rows.mean()) / tall) ** 2) / 2)
    gain = np.exp(oval[..., None] * np.array([0.62, 0.55, 0.40]))
    return np.asarray(linear_to_srgb(srgb_to_linear(picture) * gain.astype(np.float32)))


def contrast(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """Twice the local contrast, edges left alone."""
    del mask
    grey = np.clip(luma(picture), 0, 1)
    return np.asarray(picture + (local_laplacian(grey, 2.0) - grey)[..., None])


def everything(picture: FloatArray, mask: FloatArray) -> FloatArray:
    """All of it: local contrast, the subject apart, a film print, a gradient and a vignette."""
    out = picture
    for edit in (contrast, subject, film, gradient, vignette):
        out = np.clip(edit(out, mask), 0, 1)
    return out


EDITS: dict[str, Edit] = {
    "film": film,
    "subject": subject,
    "vignette": vignette,
    "gradient": gradient,
    "hue": hue,
    "window": window,
    "contrast": contrast,
    "everything": everything,
}
"""Every edit by its name."""


def unrounded(name: str, picture: FloatArray, mask: FloatArray) -> FloatArray:
    """Return a frame after an edit, float32 0..1."""
    return np.asarray(np.clip(EDITS[name](picture, mask), 0, 1), np.float32)


def edited(name: str, picture: FloatArray, mask: FloatArray) -> FloatArray:
    """Return a frame after an edit, in 8 bits as an artist would deliver it, float32 0..1."""
    return np.asarray(np.rint(unrounded(name, picture, mask) * 255) / 255, np.float32)


def _feathered(mask: FloatArray, sigma: float = FEATHER) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32)[..., None]


def _place(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x and y of each pixel, -1 to 1 over the longer side's half, from the middle of the frame."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    half = max(height, width) / 2
    return (x + 0.5 - width / 2) / half, (y + 0.5 - height / 2) / half
