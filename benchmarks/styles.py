"""The paper's styles as recipes on labelled pictures: ``python -m benchmarks.styles FOLDER -o SHEETS``.

The photographer's edits behind the paper's figures are not public. These recipes are written after the paper's
descriptions (Zhu, Yan, Bu, Yu, section V): figures measured with them compare methods with each other, not with the
paper. Every recipe takes a picture and the feathered masks of five groups of things, so one recipe serves street
photographs, driving frames and clips with an object mask.

All pictures are float32 (H, W, 3), sRGB-encoded, 0..1. Run as a command this draws a before/after sheet of each style.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.labelled import Groups, Labelled, labelled_pictures
from vfxstyle.arrays import FloatArray


def channel_mixer(picture: FloatArray, matrix: list[list[float]]) -> FloatArray:
    """Make each output channel a weighted sum of the three input channels."""
    return picture @ np.array(matrix, np.float32).T


def curve(picture: FloatArray, amount: float) -> FloatArray:
    """Apply an S-curve about middle grey; ``amount`` 0 does nothing, 1 is a full smoothstep."""
    clipped = np.clip(picture, 0, 1)
    return picture + amount * (clipped * clipped * (3 - 2 * clipped) - clipped)


def luma(picture: FloatArray) -> FloatArray:
    """Return the Rec.709 weighted mean of the encoded channels, float32 (H, W)."""
    return picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def gradient_map(picture: FloatArray, stops: list[tuple[float, tuple[float, float, float]]]) -> FloatArray:
    """Look luma up in a gradient of colours. stops: (place 0..1, colour), ascending."""
    places = [place for place, _ in stops]
    value = luma(picture)
    return np.stack([np.interp(value, places, [c[i] for _, c in stops]) for i in range(3)], -1).astype(np.float32)


def mix(one: FloatArray, other: FloatArray, share: float) -> FloatArray:
    """Mix ``share``, 0..1, of the other picture into the one."""
    return one + share * (other - one)


def saturation(picture: FloatArray, factor: float) -> FloatArray:
    """Multiply the distance of each colour from its luma."""
    grey = luma(picture)[..., None]
    return grey + factor * (picture - grey)


def channel_curves(picture: FloatArray, points: list[list[float]]) -> FloatArray:
    """Apply a curve to each channel, through values at 0, .25, .5, .75 and 1: the profile of cross processing."""
    places = np.linspace(0, 1, len(points[0]))
    fine = np.linspace(0, 1, 257)
    out = np.empty_like(picture)
    for c in range(3):
        smooth = np.polynomial.Polynomial.fit(places, points[c], 4)(fine)
        out[..., c] = np.interp(picture[..., c], fine, smooth)
    return out


def pop_out(picture: FloatArray, groups: Groups) -> FloatArray:
    """Foreground Pop-out: buildings and things gain contrast and saturation, the rest loses saturation."""
    front = groups["building"] + groups["thing"]
    near = saturation(curve(picture, 0.45), 1.45)
    far = saturation(picture, 0.35) * 0.97
    return near * front + far * (1 - front)


_PROFILES = {
    "sky": [[0.02, 0.20, 0.46, 0.74, 0.94], [0.03, 0.28, 0.56, 0.82, 0.99], [0.14, 0.38, 0.62, 0.84, 1.00]],
    "nature": [[0.00, 0.17, 0.50, 0.82, 0.98], [0.02, 0.28, 0.60, 0.86, 1.00], [0.10, 0.24, 0.42, 0.62, 0.80]],
    "building": [[0.00, 0.26, 0.62, 0.88, 1.00], [0.00, 0.20, 0.51, 0.80, 0.97], [0.12, 0.30, 0.47, 0.66, 0.84]],
    "ground": [[0.00, 0.18, 0.44, 0.72, 0.93], [0.00, 0.22, 0.50, 0.78, 0.96], [0.16, 0.35, 0.54, 0.72, 0.90]],
    "thing": [[0.00, 0.24, 0.64, 0.92, 1.00], [0.00, 0.16, 0.46, 0.80, 0.98], [0.06, 0.22, 0.44, 0.68, 0.88]],
}


def local_xpro(picture: FloatArray, groups: Groups) -> FloatArray:
    """Local Xpro: one series of operations, curves for each channel, with a profile for each group."""
    return sum((groups[name] * channel_curves(picture, points) for name, points in _PROFILES.items()), 0 * picture)


STROKES = 1200
"""Brush strokes in a picture."""


def watercolor(picture: FloatArray, groups: Groups) -> FloatArray:
    """Watercolor: brush strokes of one colour each, thin washes in the sky, fuller paint elsewhere."""
    from skimage.segmentation import slic

    wet = cv2.bilateralFilter(np.ascontiguousarray(picture), 0, 0.08, picture.shape[1] / 160)
    strokes = slic(wet, STROKES, compactness=6, sigma=1, start_label=0, channel_axis=-1)
    flat = strokes.reshape(-1)
    areas = np.bincount(flat)
    means = np.stack([np.bincount(flat, wet[..., c].reshape(-1)) / areas for c in range(3)], axis=-1)
    paint = means[strokes].astype(np.float32)
    wash = mix(saturation(paint, 0.9), np.array([0.97, 0.97, 0.99], np.float32), 0.35)
    green = saturation(channel_mixer(paint, [[0.95, 0.12, 0], [0.05, 1.0, 0.02], [0, 0.12, 0.86]]) * 1.08, 1.35)
    stone = saturation(curve(paint, 0.2) * 1.1 + 0.02, 1.3)
    ground = mix(saturation(paint, 0.7), np.array([0.90, 0.88, 0.92], np.float32), 0.22)
    thing = saturation(curve(paint, 0.3) * 1.06, 1.5)
    parts = {"sky": wash, "nature": green, "building": stone, "ground": ground, "thing": thing}
    return sum((groups[name] * part for name, part in parts.items()), 0 * picture)


def golden(picture: FloatArray, groups: Groups) -> FloatArray:
    """Golden, late sun: nature by channel mixer and curve, man-made things by gradient map, the sky by another."""
    nature = channel_mixer(picture, [[0.92, 0.26, -0.06], [0.10, 0.86, 0.00], [0.06, 0.06, 0.66]])
    nature = curve(nature, 0.25)
    stone = gradient_map(
        picture,
        [
            (0, (0.03, 0.02, 0.05)),
            (0.3, (0.36, 0.23, 0.17)),
            (0.65, (0.83, 0.62, 0.42)),
            (1, (1.0, 0.95, 0.84)),
        ],
    )
    made = curve(mix(picture, stone, 0.5), 0.35) * 1.02
    peach = gradient_map(
        picture,
        [
            (0, (0.10, 0.08, 0.14)),
            (0.45, (0.50, 0.46, 0.50)),
            (0.75, (0.88, 0.73, 0.62)),
            (1, (1.0, 0.93, 0.80)),
        ],
    )
    sky = saturation(mix(picture, peach, 0.62), 1.08)
    man_made = groups["building"] + groups["ground"] + groups["thing"]
    return groups["nature"] * nature + man_made * made + groups["sky"] * sky


def cold(picture: FloatArray, groups: Groups) -> FloatArray:
    """Cold, a winter morning: less red, blue shadows, pale colours, firmer contrast. Global: the masks are not used."""
    del groups
    mixed = channel_mixer(picture, [[0.84, 0.06, 0.02], [0.02, 0.93, 0.05], [0.00, 0.10, 0.98]])
    lifted = mixed + np.array([0.0, 0.008, 0.03], np.float32) * (1 - mixed)
    return curve(saturation(lifted, 0.78), 0.3)


def spring(picture: FloatArray, groups: Groups) -> FloatArray:
    """Spring: lifted, fresh greens, a touch of rose in the highlights. Global: the masks are not used."""
    del groups
    mixed = channel_mixer(picture, [[1.00, 0.04, 0.00], [0.03, 1.02, 0.00], [0.00, 0.08, 0.90]])
    lifted = mix(mixed, 1 - (1 - np.clip(mixed, 0, 1)) ** 1.35, 0.6)
    rose = lifted + 0.05 * np.array([1.0, 0.1, 0.45], np.float32) * luma(lifted)[..., None] ** 2
    return saturation(rose, 1.25)


def detail(picture: FloatArray, groups: Groups) -> FloatArray:
    """Crisp: local contrast by a local Laplacian filter, strong on buildings and things, smoothing in the sky."""
    grey = np.clip(luma(picture), 0, 1)
    crisp, soft = local_laplacian(grey, 2.2), local_laplacian(grey, 0.3)
    gain = {"sky": soft, "nature": grey, "building": crisp, "ground": grey, "thing": crisp}
    target = sum((groups[name][..., 0] * part for name, part in gain.items()), 0 * grey)
    return picture + (target - grey)[..., None]


def local_laplacian(grey: FloatArray, gain: float, sigma: float = 0.12, samples: int = 10) -> FloatArray:
    """Multiply local contrast by ``gain`` and leave edges above ``sigma`` alone.

    Source: Paris, Hasinoff, Kautz, Local Laplacian Filters (2011), in the sampled form of Aubry et al. (2014): the
    picture is remapped about a few grey levels, and each band taken from the pyramids of the nearest two.
    grey: float32 (H, W), 0..1.
    """
    levels = 4
    guide = _gaussian_pyramid(grey, levels)
    out = [np.zeros_like(level) for level in guide[:-1]]
    centres = np.linspace(0, 1, samples, dtype=np.float32)
    for centre in centres:
        offset = grey - centre
        remapped = grey + (gain - 1) * offset * np.exp(-(offset**2) / (2 * sigma**2))
        for band, here, like in zip(out, _laplacian_bands(remapped.astype(np.float32), levels), guide, strict=False):
            band += here * np.maximum(0, 1 - np.abs(like - centre) * (samples - 1))
    rebuilt = guide[-1]
    for band in reversed(out):
        rebuilt = cv2.pyrUp(rebuilt, dstsize=band.shape[::-1]) + band
    return rebuilt


def _gaussian_pyramid(grey: FloatArray, levels: int) -> list[FloatArray]:
    pyramid = [grey]
    for _ in range(levels):
        pyramid.append(np.asarray(cv2.pyrDown(pyramid[-1]), np.float32))
    return pyramid


def _laplacian_bands(grey: FloatArray, levels: int) -> Iterator[FloatArray]:
    pyramid = _gaussian_pyramid(grey, levels)
    for fine, coarse in itertools.pairwise(pyramid):
        yield fine - cv2.pyrUp(coarse, dstsize=fine.shape[::-1])


Recipe = Callable[[FloatArray, Groups], FloatArray]

STYLES: dict[str, Recipe] = {
    "pop-out": pop_out,
    "local-xpro": local_xpro,
    "watercolor": watercolor,
    "golden": golden,
    "cold": cold,
    "spring": spring,
    "detail": detail,
}
"""Every recipe by the name of its style."""
LOCAL_STYLES = ("pop-out", "local-xpro", "watercolor", "golden")
"""Styles that treat groups of things differently."""


def graded(style: str, picture: FloatArray, groups: Groups) -> FloatArray:
    """Return a picture after a style, clipped to 0..1."""
    return np.clip(STYLES[style](picture, groups), 0, 1).astype(np.float32)


def main() -> None:
    """Draw before/after sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="labelmefacade or camvid folder")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("-n", "--pictures", type=int, default=3, help="pictures on a sheet")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    every = labelled_pictures(arguments.folder)
    chosen = [every[i] for i in np.linspace(0, len(every) - 1, arguments.pictures).astype(int)]
    for style in STYLES:
        write_jpeg(arguments.output / f"{style}.jpg", np.vstack([_before_and_after(one, style) for one in chosen]))


def _before_and_after(labelled: Labelled, style: str) -> FloatArray:
    picture, groups = labelled.read()
    return resized_to_width(np.hstack([picture, graded(style, picture, groups)]), 1280)


def resized_to_width(picture: FloatArray, width: int) -> FloatArray:
    """Return a picture at another width, px."""
    size = (width, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def write_jpeg(path: Path, picture: FloatArray) -> None:
    """Write a picture for documentation."""
    codes = (picture[..., ::-1] * 255 + 0.5).astype(np.uint8)
    cv2.imwrite(str(path), codes, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
