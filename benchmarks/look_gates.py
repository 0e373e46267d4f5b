"""The shipped looks under other light, on skin and on graphics: ``python -m benchmarks.look_gates DAVIS PHOTOGRAPHS``.

DAVIS: the folder of DAVIS 2016, whose pictures no look was learnt from. PHOTOGRAPHS: the collection that
``presets.make_presets`` learns from, for its masks of people; most of its pictures were learnt from.

* light: the middle frame of each clip, two stops darker and brighter, and as tungsten (3200 K) and shade (9000 K) would
  light it, in scene-linear EXR. The change of the grade is measured after the light is taken out again, over the
  subject: how far its mean differs from that of the grade of the frame as it is, over that change's length.
* skin: where a person's mask and the hue and chroma of skin agree, by how much the grade turns the hue, in degrees, and
  how much farther from their own mean the colours of one picture's skin spread (95th percentile, a and b).
* graphics: colour bars, a ramp and the bundled example. In flat areas, the 95th percentile of how far the change of a
  pixel is from the median change of its own colour, Lab.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from benchmarks.looks import LOOKS, put_into_page, shipped
from presets.photographs import photographs
from presets.recipes import skin_share
from vfxstyle import grade, open_shot
from vfxstyle.arrays import BoolArray, FloatArray
from vfxstyle.color import linear_to_lab, srgb_to_linear

LIGHTS: Mapping[str, FloatArray] = {
    "-2 stops": np.full(3, 0.25, np.float32),
    "+2 stops": np.full(3, 4, np.float32),
    "3200 K": np.array([1.680, 0.866, 0.326], np.float32),  # a black body's light in linear Rec. 709, of luminance 1
    "9000 K": np.array([0.823, 1.008, 1.466], np.float32),  # daylight's, CIE D series
}
"""Gains of the channels of linear Rec. 709 under each light."""
NEAR = 0.25
"""Difference of the subject's change, over its length, up to which a look holds under another light."""
PEOPLE, LEAST_SKIN = 16, 1000
"""Photographs with the most skin that it is measured on, and px of it that one has at least."""
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "big_buck_bunny"
BEGIN, END = "<!-- The gates begin: made by benchmarks/look_gates.py. -->", "<!-- The gates end. -->"
_SKIN = 0.5  # weight of skin from which on a pixel counts
_FLAT = 0.3  # standard deviation of lightness in 5x5 px up to which an area is flat


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture and where its subject is."""

    name: str
    """What it is called."""
    light: FloatArray
    """float32 (H, W, 3), linear Rec. 709."""
    inside: BoolArray
    """bool (H, W)."""


def graded(light: FloatArray, place: Path) -> dict[str, FloatArray]:
    """Put every look on a picture, float32 (H, W, 3), linear Rec. 709; ``place`` is an empty folder."""
    plate = place / "plate.exr"
    spec = oiio.ImageSpec(light.shape[1], light.shape[0], 3, oiio.FLOAT)
    spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    output = oiio.ImageOutput.create(str(plate))
    if output is None or not (output.open(str(plate), spec) and output.write_image(light) and output.close()):
        raise OSError(f"{plate} cannot be written")
    found = {}
    for look in LOOKS:
        made = grade(plate, shipped(look), place / look, analysis=place / "analysis", input_space="lin_rec709_scene")
        with open_shot(made.output) as shot:
            found[look] = shot.read(shot.frames[0]).rgb
    return found


def middle_frames(davis: Path) -> list[Subject]:
    """The middle frame of every clip, with its mask."""
    found = []
    for folder in sorted((davis / "JPEGImages" / "480p").iterdir()):
        files = sorted(folder.glob("*.jpg"))
        file = files[len(files) // 2]
        codes = cv2.imread(str(file), cv2.IMREAD_COLOR)
        mask = cv2.imread(str(davis / "Annotations" / "480p" / folder.name / f"{file.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if codes is None or mask is None:
            raise OSError(f"{file} or its mask cannot be read")
        pixels = np.asarray(codes[..., ::-1] / 255, np.float32)
        found.append(Subject(folder.name, srgb_to_linear(np.ascontiguousarray(pixels)), np.asarray(mask) > 127))
    return found


def under_lights(subjects: list[Subject]) -> dict[str, dict[str, list[float]]]:
    """For each look and light, by picture: difference of the subject's change over its length, 2 where it inverts."""
    found: dict[str, dict[str, list[float]]] = {look: {name: [] for name in LIGHTS} for look in LOOKS}
    for subject in subjects:
        before = linear_to_lab(subject.light)[subject.inside]
        changes: dict[str, dict[str, FloatArray]] = {}
        for name, gains in {"as it is": np.ones(3, np.float32), **LIGHTS}.items():
            with tempfile.TemporaryDirectory() as place:
                grades = graded(subject.light * gains, Path(place))
            changes[name] = {
                look: (linear_to_lab(grades[look] / gains)[subject.inside] - before).mean(axis=0) for look in LOOKS
            }
        for look in LOOKS:
            own = changes["as it is"][look]
            for name in LIGHTS:
                other = changes[name][look]
                difference = float(np.linalg.norm(other - own) / np.linalg.norm(own))
                found[look][name].append(2.0 if float(other @ own) < 0 else difference)
        print(f"light: {subject.name}", file=sys.stderr, flush=True)
    return found


def on_skin(folder: Path) -> dict[str, tuple[list[float], list[float]]]:
    """For each look, by picture: degrees that the hue of skin turns, and Lab that its colours spread more."""
    people = []
    for photograph in photographs(folder):
        picture, masks, _ = photograph.read()
        light = srgb_to_linear(picture)
        lab = linear_to_lab(light)
        inside = skin_share(lab, masks)[..., 0] > _SKIN
        if inside.sum() >= LEAST_SKIN:
            people.append((int(inside.sum()), photograph.name, light, lab, inside))
    found: dict[str, tuple[list[float], list[float]]] = {look: ([], []) for look in LOOKS}
    for _, name, light, lab, inside in sorted(people, key=lambda one: -one[0])[:PEOPLE]:
        with tempfile.TemporaryDirectory() as place:
            grades = graded(light, Path(place))
        before = lab[inside]
        for look in LOOKS:
            after = linear_to_lab(grades[look])[inside]
            turned = [np.degrees(np.arctan2(*colours[:, 1:].mean(axis=0)[::-1])) for colours in (before, after)]
            found[look][0].append(float(abs((turned[1] - turned[0] + 180) % 360 - 180)))
            spread = [np.linalg.norm((c - c.mean(axis=0))[:, 1:], axis=1) for c in (before, after)]
            found[look][1].append(float(np.percentile(spread[1], 95) - np.percentile(spread[0], 95)))
        print(f"skin: {name}", file=sys.stderr, flush=True)
    return found


def graphics() -> dict[str, FloatArray]:
    """Colour bars, a ramp from black to white, and a frame of the bundled example; float32 (H, W, 3), linear."""
    bars = np.zeros((360, 640, 3), np.float32)
    for index in range(8):
        codes = [0.75 * (not index >> bit & 1) for bit in (1, 2, 0)]
        bars[:, index * 80 : (index + 1) * 80] = srgb_to_linear(np.array([[codes]], np.float32))
    ramp = np.repeat(srgb_to_linear(np.linspace(0, 1, 640, dtype=np.float32)[None, :, None].repeat(3, 2)), 360, 0)
    with open_shot(EXAMPLE) as shot:
        return {"bars": bars, "ramp": np.ascontiguousarray(ramp), "bunny": shot.read(1012).rgb[..., :3].copy()}


def clouds(before: FloatArray, after: FloatArray) -> float:
    """How unevenly flat areas of one colour change, Lab, 95th percentile. before, after: float32 (H, W, 3), CIELab."""
    lightness = before[..., 0].astype(np.float64)
    spread = cv2.boxFilter(lightness**2, -1, (5, 5)) - cv2.boxFilter(lightness, -1, (5, 5)) ** 2
    flat = np.sqrt(np.maximum(spread, 0)) <= _FLAT
    codes = np.rint(before[flat]).astype(np.int64) + 200
    change = (after - before)[flat]
    _, groups = np.unique(codes @ np.array([1 << 20, 1 << 10, 1]), return_inverse=True)
    order = np.argsort(groups, kind="stable")
    uneven = []
    for own in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(own) >= 200:  # px
            uneven.append(np.linalg.norm(change[own] - np.median(change[own], axis=0), axis=1))
    return float(np.percentile(np.concatenate(uneven), 95))


def main() -> None:
    """Print a table, and put it into docs/looks.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("davis", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--write", action="store_true", help="put the table into docs/looks.md")
    arguments = parser.parse_args()
    uneven: dict[str, dict[str, float]] = {look: {} for look in LOOKS}
    for name, light in graphics().items():
        with tempfile.TemporaryDirectory() as place:
            grades = graded(light, Path(place))
        for look in LOOKS:
            uneven[look][name] = clouds(linear_to_lab(light), linear_to_lab(grades[look]))
    lit, people = under_lights(middle_frames(arguments.davis)), on_skin(arguments.photographs)
    lines = [
        f"| look | {' | '.join(LIGHTS)} | within a quarter | inverted | skin: hue, worst | skin: spread, worst | "
        "bars | ramp | example |",
        "|---|" + "---|" * (len(LIGHTS) + 7),
    ]
    for look in LOOKS:
        every = np.concatenate([lit[look][name] for name in LIGHTS])
        medians = " | ".join(f"{np.median(lit[look][name]):.2f}" for name in LIGHTS)
        turned, spread = people[look]
        lines.append(
            f"| {look} | {medians} | {(every <= NEAR).mean():.0%} | {(every == 2).mean():.0%} | "
            f"{np.median(turned):.1f}, {max(turned):.1f} | {np.median(spread):+.1f}, {max(spread):+.1f} | "
            f"{' | '.join(f'{value:.1f}' for value in uneven[look].values())} |"
        )
    print("\n".join(lines))
    if arguments.write:
        put_into_page(lines, BEGIN, END)


if __name__ == "__main__":
    main()
